"""One plugin at run time: joins its lifecycle, its calls and its workers. Obeys, and decides nothing."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, assert_never

from matahari.errors import LocalProtocolError
from matahari.hostproto import Drain as DrainMessage
from matahari.hostproto import Failure, Load, Loaded, LoadFailed, Result

from . import calls, orders
from .binding import prepare
from .calls import Answer, CallTable
from .lifecycle import Lifecycle
from .orders import Content
from .records import CallFailure, Limits, LoadFailure, PluginStatus
from .slots import LoadSlots
from .warmparent import describe_end
from .workerlink import WorkerLink

__all__ = ["PluginRuntime", "RuntimeOwner"]

_log = logging.getLogger(__name__)

#: How long a worker may live on after it closed its socket, in seconds.
_LAST_BREATH: Final = 0.2


class RuntimeOwner(Protocol):
    """What a plugin needs of the service."""

    def spawn(self, runtime: PluginRuntime, link: WorkerLink) -> None:
        """Ask the warm parent for the worker of this link."""

    def kill(self, worker: int, number: int) -> None:
        """Signal a worker's process group."""

    def parent_stuck(self) -> None:
        """The warm parent does not do its work."""

    def plugin_changed(self, status: PluginStatus) -> None:
        """Something but a counter changed."""

    def plugin_gone(self, runtime: PluginRuntime) -> None:
        """The plugin was removed and its last worker has ended."""


class PluginRuntime:
    """One plugin. Used on the event loop.

    Args:
        name: the plugin's name.
        limits: bounds.
        owner: the service.
        slots: bounds the loads at once, of all plugins.
        next_worker: gives worker numbers.
        next_call: gives call numbers.
        generation: last generation of an earlier plugin of this name.
    """

    def __init__(
        self,
        name: str,
        limits: Limits,
        owner: RuntimeOwner,
        slots: LoadSlots,
        *,
        next_worker: Callable[[], int],
        next_call: Callable[[], int],
        generation: int,
    ) -> None:
        self.name = name
        self._limits = limits
        self._owner = owner
        self._slots = slots
        self._loop = asyncio.get_running_loop()
        self._lifecycle = Lifecycle(limits, next_worker, generation=generation)
        self._calls = CallTable(name, limits, next_call)
        self._links: dict[int, WorkerLink] = {}
        self._reasons: dict[int, str] = {}  # worker -> why we signalled it
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._settled: list[asyncio.Future[None]] = []
        self._is_removed = False
        self._is_obeying = False

    # What the service asks and tells

    def reconfigure(self, limits: Limits) -> None:
        """Use other limits from now on; concurrency and result size hold for the next worker."""
        self._limits = limits
        self._lifecycle.reconfigure(limits)
        self._calls.reconfigure(limits)

    @property
    def generation(self) -> int:
        """The last loaded generation."""
        return self._lifecycle.generation

    @property
    def pids(self) -> dict[int, int | None]:
        """Worker -> process id, None while it is not known."""
        return {worker: link.pid for worker, link in self._links.items()}

    def status(self) -> PluginStatus:
        """The plugin now."""
        life, table = self._lifecycle, self._calls
        version, content = life.version, life.content
        return PluginStatus(
            name=self.name,
            path=Path(content.path if content is not None else ""),
            language=content.language if content is not None else "",
            version=version.version if version is not None else "",
            generation=version.generation if version is not None else 0,
            digest=version.digest if version is not None else (content.digest if content is not None else ""),
            state=life.state,
            last_error=life.last_error,
            origin="local",
            methods=version.methods if version is not None else (),
            loaded_ns=version.loaded_ns if version is not None else 0,
            calls=table.calls,
            failures=table.failures,
            timeouts=table.timeouts,
            busy=table.busy,
            active=table.active,
        )

    def content_changed(self, content: Content) -> None:
        """The plugin was saved."""
        self._lifecycle.content_changed(content, self._loop.time())
        self._obey()

    def reload(self) -> None:
        """Load what is on disk as a new generation, unless that is being done."""
        if not self._lifecycle.is_loading_newest:
            self._lifecycle.reload(self._loop.time())
            self._obey()

    def remove(self, *, drain_timeout: float | None = None) -> None:
        """Take the plugin out of service; with a drain timeout, because the service stops."""
        self._is_removed = True
        self._lifecycle.removed(self._loop.time(), drain_timeout=drain_timeout)
        self._calls.without_worker()
        self._calls.fail_waiting(self._not_loaded)
        self._obey()

    async def wait_settled(self) -> None:
        """Wait until nothing is being loaded or about to be."""
        while not self._lifecycle.is_settled:
            future: asyncio.Future[None] = self._loop.create_future()
            self._settled.append(future)
            await future

    def submit(
        self,
        method: str,
        args: Sequence[str],
        kwargs: Mapping[str, str],
        *,
        request: str,
        caller: str,
        timeout: float | None,
        answer: Answer,
    ) -> int:
        """Take a call, and give its number.

        Raises:
            CallFailure: it is refused.
        """
        if self._lifecycle.version is None or self._is_removed or not self._lifecycle.has_prospect:
            raise self._calls.refuse(self._not_loaded())
        now = self._loop.time()
        call, deadline = self._calls.submit(
            method, args, kwargs, request=request, caller=caller, timeout=timeout, now=now, answer=answer
        )
        self._send_calls()
        if deadline < self._timer_at:
            self._arm(deadline)
        return call

    def abandon(self, call: int) -> None:
        """Nobody waits for this call any more."""
        self._calls.abandon(call)
        self._send_calls()

    # What the warm parent tells

    def spawned(self, worker: int, pid: int) -> None:
        """The worker's process exists."""
        if worker in self._links:
            self._links[worker].pid = pid

    def not_spawned(self, worker: int, text: str) -> None:
        """The worker's process could not be made."""
        self._close_link(worker)
        self._lifecycle.not_started(worker, LoadFailure("HostStartError", text), self._loop.time())
        self._obey()

    def exited(self, worker: int, status: int | None, number: int | None) -> None:
        """A worker has ended."""
        how = f"the worker {describe_end(status, number)}"
        reason = self._reasons.pop(worker, None)
        if reason is not None and number in (signal.SIGTERM, signal.SIGKILL):
            how = f"{reason}, and was stopped"
        self._worker_ended(worker, how, is_own_fault=True)

    def parent_lost(self, text: str) -> None:
        """All workers have ended, none by its own fault."""
        for worker in list(self._links):
            self._worker_ended(worker, text, is_own_fault=False)

    # What workers tell

    def worker_loaded(self, worker: int, message: Loaded) -> None:
        """A worker is ready."""
        self._lifecycle.loaded(worker, message, self._loop.time(), time.time_ns())
        self._obey()

    def worker_load_failed(self, worker: int, message: LoadFailed) -> None:
        """A worker could not load the plugin."""
        failure = LoadFailure(message.error_type, message.text, message.file, message.line, message.traceback)
        self._lifecycle.load_failed(worker, failure, self._loop.time())
        self._obey()

    def worker_answered(self, worker: int, message: Result | Failure) -> None:
        """A call has ended."""
        self._calls.answered(worker, message, self._loop.time())
        self._send_calls()
        if worker != self._lifecycle.serving:
            self._obey()

    def worker_faulty(self, worker: int, text: str) -> None:
        """A worker broke the protocol: nothing that it does can be trusted."""
        if worker in self._links:
            self._reasons.setdefault(worker, text)
            self._owner.kill(worker, signal.SIGKILL)

    def worker_silent(self, worker: int) -> None:
        """A worker closed its socket: nearly always because it ends, and the warm parent says so in a moment."""
        text = "the worker closed its socket"
        self._loop.call_later(_LAST_BREATH, self.worker_faulty, worker, text)

    # Obeying

    def _obey(self) -> None:
        if self._is_obeying:
            return  # a command led here; the loop below goes on with what it caused
        self._is_obeying = True
        for worker in self._lifecycle.draining:
            if self._calls.has_only_hung(worker):
                self._lifecycle.only_hung(worker, self._loop.time())
        try:
            while (command := self._lifecycle.next_command()) is not None:
                self._execute(command)
        finally:
            self._is_obeying = False
        self._slots.keep(self, self._lifecycle.starting)
        if not self._lifecycle.has_prospect:
            self._calls.fail_waiting(self._not_loaded)
        self._send_calls()
        self._rearm()
        if self._lifecycle.is_settled:
            settled, self._settled = self._settled, []
            for future in settled:
                if not future.done():
                    future.set_result(None)

    def _execute(self, command: orders.Command) -> None:
        match command:
            case orders.Start():
                self._slots.take(self, command.worker, functools.partial(self._start, command))
            case orders.Switch():
                self._calls.use_worker(command.worker, prepare(self.name, command.version.methods), self._loop.time())
            case orders.Drain():
                self._drain(command.worker)
            case orders.Terminate():
                if command.worker in self._links:
                    self._reasons.setdefault(command.worker, "the worker had no more time")
                    self._owner.kill(command.worker, command.signal)
                else:
                    # It still waited for its turn to start.
                    failure = LoadFailure("HostStartError", "the start was called off")
                    self._lifecycle.not_started(command.worker, failure, self._loop.time())
            case orders.ParentStuck():
                self._owner.parent_stuck()
            case orders.StatusChanged():
                status = self.status()
                if status.last_error is not None:
                    _log.warning("plugin %s is %s: %s", self.name, status.state, status.last_error)
                self._owner.plugin_changed(status)
            case orders.Gone():
                self._owner.plugin_gone(self)
            case _:
                assert_never(command)

    def _start(self, command: orders.Start) -> None:
        """Its turn has come: start the worker, and have it load before it has said a word."""
        content = self._lifecycle.started(command.worker, self._loop.time())
        if content is None:
            return
        try:
            link = WorkerLink(command.worker, self.name, self)
        except OSError as error:
            text = f"no worker can be started: {error.strerror}"
            self._lifecycle.not_started(command.worker, LoadFailure("HostStartError", text), self._loop.time())
            self._obey()
            return
        self._links[command.worker] = link
        self._owner.spawn(self, link)
        link.send(
            Load(
                content.path,
                self.name,
                content.digest,
                command.generation,
                self._limits.concurrency,
                self._limits.result_limit,
                content.files,
            )
        )
        self._rearm()

    def _drain(self, worker: int) -> None:
        if worker in self._links:
            self._links[worker].send(DrainMessage())

    def _worker_ended(self, worker: int, how: str, *, is_own_fault: bool) -> None:
        link = self._links.get(worker)
        if link is None:
            return
        link.read_rest()  # answers that it gave before it died are answers
        self._close_link(worker)
        text = f"{how}; it printed:\n{link.output}" if link.output else how
        self._calls.worker_gone(
            worker, lambda: CallFailure("crashed", "Crashed", text, text=f"plugin {self.name}: {text}")
        )
        failure = LoadFailure("Crashed", text)
        self._lifecycle.exited(worker, failure, self._loop.time(), is_own_fault=is_own_fault)
        self._obey()

    def _close_link(self, worker: int) -> None:
        link = self._links.pop(worker, None)
        if link is not None:
            link.close()

    def _send_calls(self) -> None:
        while (command := self._calls.next_command()) is not None:
            match command:
                case calls.SendTo():
                    self._send_call(command)
                case calls.Hung():
                    self._lifecycle.hung(command.worker, self._loop.time())
                    self._obey()
                case _:
                    assert_never(command)

    def _send_call(self, command: calls.SendTo) -> None:
        link = self._links.get(command.worker)
        if link is None:
            return  # its end is being dealt with, and its calls with it
        try:
            link.send(command.message)
        except LocalProtocolError as error:
            # Escaping made the frame too large, which takes a strange name or text of an argument.
            failure = Failure(command.message.id, "too_large", "TooLarge", str(error))
            self._calls.answered(command.worker, failure, self._loop.time())

    def _not_loaded(self) -> CallFailure:
        life = self._lifecycle
        if self._is_removed:
            text = f"plugin {self.name} was removed"
        elif life.last_error is not None:
            text = f"plugin {self.name} is {life.state}: {life.last_error}"
        else:
            text = f"plugin {self.name} is still being loaded"
        return CallFailure("not_loaded", "NotLoaded", text, text=text)

    # Time

    def _rearm(self) -> None:
        self._arm(min(self._lifecycle.next_deadline(), self._calls.next_deadline()))

    def _arm(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = deadline
        if deadline != math.inf:
            self._timer = self._loop.call_at(deadline, self._time_is_up)

    def _time_is_up(self) -> None:
        now = self._loop.time()
        self._timer = None
        self._calls.handle_timeout(now)
        self._lifecycle.handle_timeout(now)
        self._obey()

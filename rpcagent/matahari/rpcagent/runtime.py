"""One plugin at run time: joins its lifecycle, its calls and its workers. Obeys, and decides nothing."""

from __future__ import annotations

import asyncio
import functools
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, assert_never

from matahari.hostproto import Activation, Failure, Loaded, LoadFailed, PluginEvent, Result
from matahari.hostproto import Drain as DrainMessage

from . import orders
from .alarm import Alarm
from .binding import Action, prepare
from .calls import CallTable
from .lifecycle import Lifecycle
from .limits import Limits, process_bounds
from .orders import Content
from .owner import RuntimeOwner
from .pending import Answer, Exhausted, Hung, Recheck, SendTo
from .records import CallFailure, CallReport, LoadFailure, PluginSaid, PluginStatus, Reporter
from .reporting import crash_text, crashed, how_ended, not_loaded, plugin_status
from .slots import LoadSlots
from .starting import load_message
from .telling import log_hung, tell
from .waiters import Waiters
from .workerlink import WorkerLink
from .workers import Workers

__all__ = ["PluginRuntime"]

#: How long a worker may live on after it closed its socket, in seconds.
_LAST_BREATH: Final = 0.2


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
        self._workers = Workers(name)
        self._calls = CallTable(name, limits, next_call, printed=self._workers.printed)
        self._alarm = Alarm(self._loop, self._time_is_up)
        self._settled = Waiters()
        self._is_removed = False
        self._is_obeying = False

    # What the service asks and tells

    def reconfigure(self, limits: Limits) -> None:
        """Use other limits from now on; concurrency and result size hold for the next worker."""
        self._limits = limits
        self._lifecycle.reconfigure(limits)
        version = self._lifecycle.version
        self._calls.reconfigure(self._lifecycle.limits, is_timeout_set=version is not None and version.is_timeout_set)

    @property
    def generation(self) -> int:
        """The last loaded generation."""
        return self._lifecycle.generation

    @property
    def pids(self) -> dict[int, int | None]:
        """Worker -> process id, None while it is not known."""
        return self._workers.pids

    @property
    def serving_pid(self) -> int | None:
        """Process id of the worker in service."""
        return self._workers.pid(self._lifecycle.serving)

    def status(self) -> PluginStatus:
        """The plugin now."""
        return plugin_status(self.name, self._lifecycle, self._calls)

    def content_changed(self, content: Content) -> None:
        """The plugin was saved."""
        self._lifecycle.content_changed(content, self._loop.time())
        self._obey()

    def reload(self) -> None:
        """Load what is on disk as a new generation, unless that is being done."""
        if not self._lifecycle.is_loading_newest:
            self._lifecycle.reload(self._loop.time())
            self._obey()

    def ask_activation(self) -> None:
        """Ask the plugin once more whether it is for this host."""
        if self._lifecycle.serving is not None:
            self._workers.ask_activation(self._lifecycle.serving)

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
            await self._settled.wait()

    def find(self, method: str) -> Action:
        """See :meth:`CallTable.find`."""
        self._require_service()
        return self._calls.find(method)

    def refuse(self, failure: CallFailure) -> CallFailure:
        """Count a call that is not taken; gives ``failure`` back."""
        return self._calls.refuse(failure)

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
        reporter: Reporter | None = None,
        checked: Action | None = None,
    ) -> int:
        """Take a call, and give its number.

        Raises:
            CallFailure: it is refused.
        """
        self._require_service()
        now = self._loop.time()
        call, deadline = self._calls.submit(
            method, args, kwargs, request=request, caller=caller, timeout=timeout, now=now, answer=answer,
            reporter=reporter, checked=checked,
        )  # fmt: skip
        self._send_calls()
        self._alarm.arm_earlier(deadline)
        return call

    def abandon(self, call: int) -> None:
        """Nobody waits for this call any more."""
        self._calls.abandon(call)
        self._send_calls()

    def rechecked(self, recheck: Recheck, failure: CallFailure | None) -> None:
        """See :meth:`CallTable.rechecked`."""
        self._calls.rechecked(recheck, failure, self._loop.time())
        self._send_calls()

    # What the warm parent tells

    def spawned(self, worker: int, pid: int) -> None:
        """The worker's process exists."""
        self._workers.spawned(worker, pid)

    def not_spawned(self, worker: int, text: str) -> None:
        """The worker's process could not be made."""
        self._workers.close(worker)
        self._lifecycle.not_started(worker, LoadFailure("HostStartError", text), self._loop.time())
        self._obey()

    def exited(self, worker: int, status: int | None, number: int | None) -> None:
        """A worker has ended."""
        reason = self._workers.take_reason(worker)
        self._worker_ended(worker, how_ended(status, number, reason), is_own_fault=True)

    def parent_lost(self, text: str, workers: Iterable[int] | None = None) -> None:
        """These workers have ended (all, when none are named), none by its own fault."""
        for worker in self._workers if workers is None else workers:
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
        if isinstance(message, Result):
            self._lifecycle.succeeded(worker)
        self._calls.answered(worker, message, self._loop.time())
        self._send_calls()
        if worker != self._lifecycle.serving:
            self._obey()

    def worker_reported(self, worker: int, report: CallReport) -> None:
        """A running call tells something."""
        self._workers.hold(worker, self._calls.reported(worker, report))

    def worker_activation(self, worker: int, message: Activation) -> None:
        """The plugin says whether it is for this host; what was not asked is no answer: it could be said all the time."""
        if not self._workers.answered_activation(worker):
            return
        self._lifecycle.activation(worker, message, self._loop.time())
        self._obey()

    def worker_event(self, worker: int, event: PluginEvent) -> None:
        """The plugin tells an event."""
        if self._workers.admit(event, self._loop.time()):
            self._owner.plugin_notice(PluginSaid(self.name, event))

    def worker_faulty(self, worker: int, text: str) -> None:
        """A worker broke the protocol: nothing that it does can be trusted."""
        if worker in self._workers:
            self._workers.blame(worker, text)
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
        version = self._lifecycle.version
        if not self._lifecycle.has_prospect or (version is not None and not version.is_active):
            self._calls.fail_waiting(self._not_loaded)
        self._send_calls()
        self._rearm()
        if self._lifecycle.is_settled:
            self._settled.wake()

    def _execute(self, command: orders.Command) -> None:
        match command:
            case orders.Start():
                self._slots.take(self, command.worker, functools.partial(self._start, command))
            case orders.Switch():
                self._switch(command)
            case orders.Drain():
                self._workers.send(command.worker, DrainMessage())
            case orders.Terminate():
                if command.worker in self._workers:
                    calls = self._calls.running(command.worker)
                    self._workers.blame(command.worker, "the worker had no more time", calls=calls)
                    self._owner.kill(command.worker, command.signal)
                else:
                    # It still waited for its turn to start.
                    failure = LoadFailure("HostStartError", "the start was called off")
                    self._lifecycle.not_started(command.worker, failure, self._loop.time())
            case orders.ParentStuck():
                self._owner.parent_stuck(command.worker)
            case orders.StatusChanged() | orders.InService() | orders.Failed() | orders.Crashed():
                tell(self._owner, command, self.status())
            case orders.Gone():
                self._owner.plugin_gone(self)
            case _:
                assert_never(command)

    def _start(self, command: orders.Start) -> None:
        """Its turn has come: start the worker, and have it load before it has said a word."""
        content = self._lifecycle.started(command.worker, self._loop.time())
        if content is None:
            return
        limits = content.options.limits(self._limits)
        try:
            bounds = process_bounds(limits, typed=content.is_typed)
            link = WorkerLink(command.worker, self.name, self)
        except OSError as error:
            text = f"no worker can be started: {error.strerror}"
            self._lifecycle.not_started(command.worker, LoadFailure("HostStartError", text), self._loop.time())
            self._obey()
            return
        self._workers.add(link)
        self._owner.spawn(self, link, bounds, content.language)
        link.send(load_message(self.name, command.generation, content, limits, self._owner.facts))
        self._rearm()

    def _switch(self, command: orders.Switch) -> None:
        self._calls.reconfigure(self._lifecycle.limits, is_timeout_set=command.version.is_timeout_set)
        if not command.version.is_active:
            self._calls.fail_waiting(self._not_loaded)
        self._calls.use_worker(command.worker, prepare(self.name, command.version.methods), self._loop.time())

    def _worker_ended(self, worker: int, how: str, *, is_own_fault: bool) -> None:
        printed = self._workers.close(worker, read_rest=True)
        if printed is None:
            return
        now = self._loop.time()
        self._calls.worker_gone(worker, lambda call: crashed(self.name, how, printed(call)), now)
        failure = LoadFailure("Crashed", crash_text(how, printed(None)))
        self._lifecycle.exited(worker, failure, now, is_own_fault=is_own_fault)
        self._obey()

    def _send_calls(self) -> None:
        while (command := self._calls.next_command()) is not None:
            match command:
                case SendTo():
                    failure = self._workers.send_call(command.worker, command.message)
                    if failure is not None:
                        self._calls.answered(command.worker, failure, self._loop.time())
                case Recheck():
                    self._owner.check_again(self, command)
                case Hung():
                    log_hung(self.name, command, self._workers.pid(command.worker))
                    self._workers.blame(command.worker, command.reason)
                    self._lifecycle.hung(command.worker, self._loop.time())
                    self._obey()
                case Exhausted():
                    self._lifecycle.exhausted(command.worker, self._loop.time())
                    self._obey()
                case _:
                    assert_never(command)

    def _require_service(self) -> None:
        version = self._lifecycle.version
        if version is None or self._is_removed or not version.is_active or not self._lifecycle.has_prospect:
            raise self._calls.refuse(self._not_loaded())

    def _not_loaded(self) -> CallFailure:
        return not_loaded(self.name, self._lifecycle, is_removed=self._is_removed)

    # Time

    def _rearm(self) -> None:
        self._alarm.arm(min(self._lifecycle.next_deadline(), self._calls.next_deadline()))

    def _time_is_up(self) -> None:
        now = self._loop.time()
        self._calls.handle_timeout(now)
        self._lifecycle.handle_timeout(now)
        self._obey()

"""The plugin service: directories in, calls out. What the rest of the agent uses; it knows nothing of the bus."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from matahari.errors import PluginError
from matahari.hostproto import MAX_NAME
from matahari.net import Backoff, TaskKeeper
from matahari.rpcagent.library import Library

from .binding import did_you_mean
from .limits import Limits, ProcessBounds
from .records import CallFailure, CallReport, CallResult, Notice, PluginListener, PluginStatus, Reporter
from .runtime import PluginRuntime
from .scan import Changes
from .slots import LoadSlots
from .warmparent import WarmParent
from .workerlink import WorkerLink

__all__ = ["PluginService"]

_log = logging.getLogger(__name__)

#: A first load counts as over when it took this much longer than its limit, in seconds.
_START_SLACK: Final = 2.0
#: Names of removed plugins whose last generation is remembered, so that generations of one name only grow.
_MAX_REMEMBERED: Final = 4096
#: Waits before a warm parent that ended is started again, in seconds.
_PARENT_FIRST: Final = 0.05
_PARENT_LIMIT: Final = 5.0
#: A warm parent that lived this long did not fail in a row, in seconds.
_PARENT_STABLE: Final = 10.0


class PluginService:
    """Loads the plugins of some directories, keeps them loaded, and calls them.

    All methods belong to one event loop; the object itself may be made outside of it.

    Args:
        directories: where plugins lie; they may appear later. The first wins when a name occurs twice.
        listener: hears of plugins.
        limits: bounds of each plugin.
        python: interpreter of the workers.
    """

    def __init__(
        self,
        directories: Sequence[Path],
        *,
        listener: PluginListener,
        limits: Limits | None = None,
        python: str = sys.executable,
    ) -> None:
        self._listener = listener
        self._limits = limits or Limits()
        self._library = Library(directories, self._apply)
        self._parent = WarmParent(python, self)
        self._parent_since = 0.0
        self._parent_backoff = Backoff(first=_PARENT_FIRST, limit=_PARENT_LIMIT, random=lambda: 1.0)
        self._tasks = TaskKeeper()
        self._slots = LoadSlots()
        self._runtimes: dict[str, PluginRuntime] = {}
        self._leaving: set[PluginRuntime] = set()
        self._by_worker: dict[int, PluginRuntime] = {}
        self._queued: dict[int, tuple[WorkerLink, ProcessBounds]] = {}
        self._generations: dict[str, int] = {}
        self._next_worker = itertools.count(1).__next__
        self._next_call = itertools.count(1).__next__
        self._is_stopping = False
        self._all_gone = asyncio.Event()

    # Life

    async def start(self) -> None:
        """Start, and return when each plugin found first is ready, has failed, or took longer than allowed.

        Raises:
            OSError: the plugin host cannot be started.
        """
        self._start_parent()
        await self._library.start(self._tasks)
        self._tasks.start(self._ask_activations(), name="are the plugins for this host?")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.load_timeout + _START_SLACK):
                for runtime in list(self._runtimes.values()):
                    await runtime.wait_settled()

    async def stop(self) -> None:
        """End everything. Running calls have ``stop_timeout`` to finish; when this returns, no process is left."""
        self._is_stopping = True
        await self._tasks.cancel_all()
        await self._library.stop()
        for name in list(self._runtimes):
            self._retire(name, drain_timeout=self._limits.stop_timeout)
        if self._leaving:
            patience = self._limits.stop_timeout + 3 * self._limits.term_grace
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._all_gone.wait()
        await self._parent.stop()
        # Only for workers whose end was never reported: the warm parent has killed and reaped them just now.
        for runtime in list(self._leaving):
            runtime.parent_lost("the agent stops")

    # Questions and requests

    @property
    def misnamed(self) -> tuple[Path, ...]:
        """Files and folders that would be plugins if their names were identifiers, sorted."""
        return self._library.listing.misnamed

    @property
    def parent_pid(self) -> int | None:
        """Process id of the warm parent while it runs."""
        return self._parent.pid

    def statuses(self) -> list[PluginStatus]:
        """All plugins as they are now, by name in alphabetical order."""
        return [runtime.status() for _, runtime in sorted(self._runtimes.items())]

    def status(self, name: str) -> PluginStatus | None:
        """One plugin as it is now, or None."""
        runtime = self._runtimes.get(name)
        return None if runtime is None else runtime.status()

    def worker_pids(self, name: str) -> list[int]:
        """Process ids of a plugin's workers, those that are ending included."""
        runtimes = [each for each in (*self._runtimes.values(), *self._leaving) if each.name == name]
        return sorted(pid for runtime in runtimes for pid in runtime.pids.values() if pid is not None)

    def no_plugin(self, name: str) -> str:
        """The sentence for a name that no plugin has."""
        return f"no plugin {name[:MAX_NAME]}{did_you_mean(name[:MAX_NAME], self._runtimes)}"

    def memory(self, name: str) -> int:
        """Resident memory of the worker in service in bytes, read now; 0 when there is none."""
        runtime = self._runtimes.get(name)
        pid = None if runtime is None else runtime.serving_pid
        if pid is None:
            return 0
        try:
            return psutil.Process(pid).memory_info().rss
        except psutil.Error:
            return 0  # it ended just now

    def reconfigure(self, limits: Limits) -> None:
        """Use other limits from now on, for every plugin; a worker keeps its concurrency until it is replaced."""
        self._limits = limits
        for runtime in self._runtimes.values():
            runtime.reconfigure(limits)

    async def reload(self, name: str) -> PluginStatus:
        """Look at the disk, load the plugin as a new generation, and wait for the outcome.

        Raises:
            PluginError: there is no such plugin.
        """
        await self._library.look()
        runtime = self._runtimes.get(name)
        if runtime is None:
            raise PluginError(self.no_plugin(name), plugin=name)
        runtime.reload()
        await runtime.wait_settled()
        return runtime.status()

    async def reload_all(self) -> list[PluginStatus]:
        """Do so for all plugins, and give them by name in alphabetical order."""
        await self._library.look()
        runtimes = sorted(self._runtimes.items())
        for _, runtime in runtimes:
            runtime.reload()
        for _, runtime in runtimes:
            await runtime.wait_settled()
        return [runtime.status() for _, runtime in runtimes]

    async def call(
        self,
        name: str,
        method: str,
        args: Sequence[str] = (),
        kwargs: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
        caller: str = "",
        request_id: str = "",
        on_progress: Reporter | None = None,
    ) -> str:
        """Run an action and give the JSON text of its result. Arguments and errors are those of :meth:`invoke`."""
        result = await self.invoke(
            name,
            method,
            args,
            kwargs,
            timeout=timeout,
            caller=caller,
            request_id=request_id,
            on_progress=on_progress,
        )
        return result.text

    async def invoke(
        self,
        name: str,
        method: str,
        args: Sequence[str] = (),
        kwargs: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
        caller: str = "",
        request_id: str = "",
        on_progress: Reporter | None = None,
    ) -> CallResult:
        """Run an action, and give its result and whether that is as declared.

        Args:
            name: the plugin.
            method: the action.
            args: JSON texts, by position.
            kwargs: JSON texts, by name.
            timeout: seconds; the limits of plugin and method hold when they are lower, or when there is none here.
            caller: who asks, for the action's context.
            request_id: for logs and the action's context.
            on_progress: hears what the call tells while it runs; must not block, and what it raises is logged.

        Raises:
            CallFailure: there is no result, for a reason that it tells.
        """
        runtime = self._runtimes.get(name)
        if runtime is None:
            text = self.no_plugin(name)
            raise CallFailure("not_loaded", "NotLoaded", text, text=text)
        answer: asyncio.Future[CallResult] = asyncio.get_running_loop().create_future()
        number = runtime.submit(
            method,
            args,
            kwargs or {},
            request=request_id,
            caller=caller,
            timeout=timeout,
            answer=answer,
            reporter=None if on_progress is None else functools.partial(self._report, on_progress),
        )
        try:
            return await answer
        except asyncio.CancelledError:
            runtime.abandon(number)
            raise

    def _report(self, on_progress: Reporter, report: CallReport) -> None:
        self._tell(lambda: on_progress(report))

    async def _ask_activations(self) -> None:
        while True:
            await asyncio.sleep(self._limits.activate_interval)
            for runtime in list(self._runtimes.values()):
                runtime.ask_activation()

    # What the library tells

    def _apply(self, changes: Changes) -> None:
        if self._is_stopping:
            return
        for name in changes.removed:
            self._retire(name)
        for found in changes.changed:
            runtime = self._runtimes.get(found.name)
            if runtime is None:
                runtime = PluginRuntime(
                    found.name,
                    self._limits,
                    self,
                    self._slots,
                    next_worker=self._next_worker,
                    next_call=self._next_call,
                    generation=self._generations.pop(found.name, 0),
                )
                self._runtimes[found.name] = runtime
            runtime.content_changed(found.content)

    def _retire(self, name: str, *, drain_timeout: float | None = None) -> None:
        runtime = self._runtimes.pop(name, None)
        if runtime is None:
            return
        self._generations[name] = runtime.generation
        if len(self._generations) > _MAX_REMEMBERED:
            del self._generations[next(iter(self._generations))]
        self._leaving.add(runtime)
        self._all_gone.clear()
        runtime.remove(drain_timeout=drain_timeout)
        if not self._is_stopping:
            self._tell(lambda: self._listener.plugin_removed(name))

    # What runtimes ask (RuntimeOwner)

    def spawn(self, runtime: PluginRuntime, link: WorkerLink, bounds: ProcessBounds) -> None:
        """Ask the warm parent for a worker, now or when there is one again."""
        self._by_worker[link.worker] = runtime
        if self._parent.pid is None:
            self._queued[link.worker] = (link, bounds)
        else:
            self._parent.spawn(link.worker, runtime.name, link.nonce, *link.take_their_ends(), bounds)

    def kill(self, worker: int, number: int) -> None:
        """Signal a worker's process group."""
        if self._queued.pop(worker, None) is not None:
            asyncio.get_running_loop().call_soon(self.worker_not_spawned, worker, "the start was called off")
        else:
            self._parent.kill(worker, number)

    def parent_stuck(self) -> None:
        """A killed worker does not end."""
        self._parent.kill_parent("it did not report the end of a killed worker")

    def plugin_changed(self, status: PluginStatus) -> None:
        """Pass it on."""
        if not self._is_stopping:
            self._tell(lambda: self._listener.plugin_changed(status))

    def plugin_notice(self, notice: Notice) -> None:
        """Pass it on."""
        if not self._is_stopping:
            self._tell(lambda: self._listener.plugin_notice(notice))

    def plugin_gone(self, runtime: PluginRuntime) -> None:
        """A removed plugin has no worker left."""
        self._leaving.discard(runtime)
        if not self._leaving:
            self._all_gone.set()

    # What the warm parent tells (ParentUser)

    def worker_spawned(self, worker: int, pid: int) -> None:
        """A worker's process exists."""
        if worker in self._by_worker:
            self._by_worker[worker].spawned(worker, pid)

    def worker_not_spawned(self, worker: int, text: str) -> None:
        """A worker's process could not be made."""
        runtime = self._by_worker.pop(worker, None)
        if runtime is not None:
            runtime.not_spawned(worker, text)

    def worker_exited(self, worker: int, status: int | None, number: int | None) -> None:
        """A worker has ended."""
        runtime = self._by_worker.pop(worker, None)
        if runtime is not None:
            runtime.exited(worker, status, number)

    def parent_lost(self, text: str) -> None:
        """The warm parent has ended, and all workers with it: start it again, and them."""
        lost = set(self._by_worker.values())
        self._by_worker.clear()
        self._queued.clear()
        now = asyncio.get_running_loop().time()
        if now - self._parent_since >= _PARENT_STABLE:
            self._parent_backoff.reset()
        is_first = self._parent_backoff.failures == 0
        delay = self._parent_backoff.next_delay()
        if is_first:
            self._restart_parent()
        else:
            asyncio.get_running_loop().call_later(delay, self._restart_parent)
        for runtime in lost:
            runtime.parent_lost(text)

    def _restart_parent(self) -> None:
        if self._is_stopping:
            return
        try:
            self._start_parent()
        except OSError as error:
            _log.error("the plugin host cannot be started: %s", error)
            delay = self._parent_backoff.next_delay()
            asyncio.get_running_loop().call_later(delay, self._restart_parent)
            return
        queued, self._queued = self._queued, {}
        for worker, (link, bounds) in queued.items():
            self.spawn(self._by_worker[worker], link, bounds)

    def _start_parent(self) -> None:
        self._parent.start()
        self._parent_since = asyncio.get_running_loop().time()

    def _tell(self, tell: Callable[[], None]) -> None:
        try:
            tell()
        except Exception:  # noqa: BLE001  # the listener's fault must not stop what is under way here
            _log.exception("a listener of plugins failed")

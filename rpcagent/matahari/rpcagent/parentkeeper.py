"""Keeps a warm parent alive: starts it again when it ends, with back-off, and the workers that were asked for meanwhile.

A program of an extension differs from our own in two points: it is started on the first need, and when it cannot be
started, or ends again and again, the workers that are asked for fail with the reason instead of waiting for it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from typing import TYPE_CHECKING, Final

from matahari.net import Backoff

from .languages import HostProgram
from .limits import ProcessBounds
from .warmparent import WarmParent
from .workerlink import WorkerLink

if TYPE_CHECKING:
    from .runtime import PluginRuntime

__all__ = ["ParentKeeper"]

_log = logging.getLogger(__name__)

#: Waits before a warm parent that ended is started again, in seconds.
_FIRST: Final = 0.05
_LIMIT: Final = 5.0
#: A warm parent that lived this long did not fail in a row, in seconds.
_STABLE: Final = 10.0
#: Ends in a row after which a program that is not ours counts as broken: with the waits above, in about three seconds.
_MAX_FAILURES: Final = 6
#: What the system lacks at the moment; a start that is refused for another reason would be refused again.
_PASSING: Final = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE})


class ParentKeeper:
    """One warm parent at a time, and which worker belongs to which plugin. Used on the event loop.

    Args:
        program: what it runs.
    """

    def __init__(self, program: HostProgram) -> None:
        self._program = program
        self._parent = WarmParent(program, self)
        self._since = 0.0
        self._backoff = Backoff(first=_FIRST, limit=_LIMIT, random=lambda: 1.0)
        self._by_worker: dict[int, PluginRuntime] = {}
        self._queued: dict[int, tuple[WorkerLink, ProcessBounds]] = {}
        self._timer: asyncio.Handle | None = None
        self._broken = ""
        self._broken_until = 0.0
        self._is_retired = False

    def __contains__(self, worker: int) -> bool:
        """Whether the worker was asked for here and has not ended."""
        return worker in self._by_worker

    @property
    def pid(self) -> int | None:
        """Process id of the warm parent while it runs."""
        return self._parent.pid

    def start(self) -> None:
        """Start the warm parent now.

        Raises:
            OSError: it cannot be started.
        """
        self._parent.start()
        self._since = asyncio.get_running_loop().time()

    def retire(self) -> None:
        """From now on it is not started again when it ends."""
        self._is_retired = True

    async def stop(self) -> None:
        """End the warm parent and with it all workers; when this returns, all are reaped."""
        self._is_retired = True
        if self._timer is not None:
            self._timer.cancel()
        await self._parent.stop()

    def spawn(self, runtime: PluginRuntime, link: WorkerLink, bounds: ProcessBounds) -> None:
        """Ask the warm parent for a worker, now or when there is one; when there will be none, the plugin is told so."""
        loop = asyncio.get_running_loop()
        self._by_worker[link.worker] = runtime
        if self._parent.pid is not None:
            self._parent.spawn(link.worker, runtime.name, link.nonce, *link.take_their_ends(), bounds)
        elif self._program.reason:
            loop.call_soon(self.worker_not_spawned, link.worker, self._program.reason)
        elif self._broken and loop.time() < self._broken_until:
            loop.call_soon(self.worker_not_spawned, link.worker, self._broken)
        else:
            self._queued[link.worker] = (link, bounds)
            if self._timer is None:
                self._timer = loop.call_soon(self._restart)

    def kill(self, worker: int, number: int) -> None:
        """Signal a worker's process group."""
        if self._queued.pop(worker, None) is not None:
            asyncio.get_running_loop().call_soon(self.worker_not_spawned, worker, "the start was called off")
        else:
            self._parent.kill(worker, number)

    def kill_parent(self, text: str) -> None:
        """End a warm parent that does not do its work; another takes its place."""
        self._parent.kill_parent(text)

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

    def parent_lost(self, text: str, *, was_ready: bool) -> None:
        """The warm parent has ended, and all workers with it: start it again, and them."""
        lost, self._by_worker = self._by_worker, {}
        self._queued.clear()
        if not was_ready and not self._program.is_own:
            text = (
                f"{text} before it said hello; its own words are in the agent's log; correct it, then reload the plugin"
            )
            _log.error("%s", text)
            for worker, runtime in lost.items():
                runtime.not_spawned(worker, text)
            return
        now = asyncio.get_running_loop().time()
        if now - self._since >= _STABLE:
            self._backoff.reset()
        is_first = self._backoff.failures == 0
        delay = self._backoff.next_delay()
        if self._backoff.failures >= _MAX_FAILURES and not self._program.is_own:
            self._broken, self._broken_until = (
                f"{text}, again and again; correct it, then reload the plugin",
                now + delay,
            )
            _log.error("%s", self._broken)
        else:
            _log.error("%s; it is started again", text)
            if is_first:
                self._restart()
            else:
                self._restart_in(delay)
        for runtime in set(lost.values()):
            runtime.parent_lost(text, [worker for worker, each in lost.items() if each is runtime])

    def _restart_in(self, delay: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(delay, self._restart)

    def _restart(self) -> None:
        self._timer = None
        if self._is_retired:
            return
        try:
            self.start()
        except OSError as error:
            text = self._program.cannot_start(error)
            _log.error("%s", text)
            if self._program.is_own or error.errno in _PASSING:
                self._restart_in(self._backoff.next_delay())
                return
            refused, self._queued = self._queued, {}
            for worker in refused:
                self.worker_not_spawned(worker, text)
            return
        self._broken = ""
        queued, self._queued = self._queued, {}
        for worker, (link, bounds) in queued.items():
            self.spawn(self._by_worker[worker], link, bounds)

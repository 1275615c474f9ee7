"""A fleet of simulated hosts for programs without an event loop of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Final, Self, TypeVar, Unpack

from .fleet import READY_TIMEOUT, AsyncFleet, FleetOptions
from .plan import FleetError

__all__ = ["Fleet"]

T = TypeVar("T")

_SLACK: Final = 30.0  # seconds beyond the fleet's own limits: only a fault of ours takes longer


class Fleet:
    """See :class:`matahari.testing.fleet.AsyncFleet`; its methods may be called from any thread.

    ::

        with Fleet(1000, broker=address, plugins={"calls": "calls.py"}) as fleet:
            fleet.kill("host0007")

    An event loop in a thread of its own looks after the processes; with ``processes=0`` the hosts live on it.

    Args:
        count: of the hosts.
        options: see :class:`matahari.testing.fleet.FleetOptions`.

    Raises:
        ValueError, PluginLoadError, SchemaError: as :class:`AsyncFleet`.
    """

    def __init__(self, count: int, **options: Unpack[FleetOptions]) -> None:
        self._fleet = AsyncFleet(count, **options)
        self._timeout = options.get("timeout", READY_TIMEOUT)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Bring the hosts up; returns when all have announced themselves. Raises as :class:`AsyncFleet`."""
        self._loop = asyncio.new_event_loop()
        # A daemon, so that a forgotten fleet keeps no program from ending; its processes end with this one.
        self._thread = threading.Thread(target=self._run, args=(self._loop,), name="fleet", daemon=True)
        self._thread.start()
        try:
            self._wait(self._fleet.__aenter__(), self._timeout)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def names(self) -> list[str]:
        """Of the hosts, in order."""
        return self._fleet.names

    @property
    def pids(self) -> list[int]:
        """Process ids of the processes that simulate, this one apart."""
        return self._fleet.pids

    def kill(self, host: str) -> None:
        """See :meth:`AsyncFleet.kill`."""
        self._wait(self._fleet.kill(host))

    def revive(self, host: str) -> None:
        """See :meth:`AsyncFleet.revive`."""
        self._wait(self._fleet.revive(host))

    def mute(self, host: str) -> None:
        """See :meth:`AsyncFleet.mute`."""
        self._wait(self._fleet.mute(host))

    def unmute(self, host: str) -> None:
        """See :meth:`AsyncFleet.unmute`."""
        self._wait(self._fleet.unmute(host))

    def close(self) -> None:
        """Cut all connections; when this returns, no process is left. A second call does nothing."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        try:
            self._wait(self._fleet.__aexit__(None, None, None))
        finally:
            self._loop = self._thread = None
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_SLACK)

    def _wait(self, coroutine: Coroutine[object, object, T], timeout: float = 0.0) -> T:
        if self._loop is None:
            coroutine.close()
            raise FleetError("the fleet is not up")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(timeout + _SLACK)
        except BaseException:
            future.cancel()  # after Ctrl-C or our own limit; a finished future does not mind
            raise

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

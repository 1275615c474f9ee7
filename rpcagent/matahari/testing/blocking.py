"""One plugin in a real worker, for tests without an event loop of their own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from matahari.errors import PluginLoadError
from matahari.rpcagent import Limits, MethodSpec, PluginStatus

from .harness import PluginHarness
from .options import Settings
from .place import PluginPlace
from .reports import CallRecord, EventReport

__all__ = ["Plugin"]

T = TypeVar("T")

#: Beyond the plugin's own limits, in seconds: only a fault of ours takes longer.
_SLACK: Final = 15.0


class Plugin:
    """A loaded plugin. May be used from any thread, also from several at once; close it, or use it as a context.

    An event loop in a thread of its own keeps limits, output and restarts going while the test computes.

    Args:
        path: file or folder of the plugin.
        limits: bounds of it, which its ``NAME.toml`` changes; those of a node without a configuration when left out.
        settings: what the plugin is configured with, in place of the settings in its ``NAME.toml``; or the path of a
            file in that form, in place of the whole file.

    Raises:
        PluginError: nothing there can be a plugin.
        PluginLoadError: it could not be loaded; ``file``, ``line``, ``error_type`` and ``traceback`` say why.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, limits: Limits | None = None, settings: Settings | None = None
    ) -> None:
        self._harness = PluginHarness(PluginPlace.of(path), limits=limits, settings=settings)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._ready: Future[None] = Future()
        # A daemon, so that a forgotten plugin keeps no program from ending; its worker ends with the thread.
        self._thread = threading.Thread(target=self._run, name=f"plugin {self.name}", daemon=True)
        self._thread.start()
        try:
            self._ready.result(self._harness.limits.load_timeout + _SLACK)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Name of the plugin."""
        return self._harness.place.name

    @property
    def path(self) -> Path:
        """Its file or folder."""
        return self._harness.place.path

    @property
    def status(self) -> PluginStatus:
        """The plugin now, with its counters."""
        return self._wait(self._status(), _SLACK)

    @property
    def methods(self) -> dict[str, MethodSpec]:
        """What it offers, by name, as published on the bus."""
        return {spec.name: spec for spec in self.status.methods}

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of its workers."""
        return self._harness.worker_pids

    def call(self, method: str, /, *args: object, **kwargs: object) -> object:
        """Call with values of Python; gives what comes out of the result's JSON.

        Raises:
            CallFailure: there is no result; ``kind`` says why (``raised``, ``invalid_argument``, ``timeout``, …), and
                ``type``, ``value`` and ``traceback`` are those of what the plugin raised.
            TypeError, ValueError: an argument is not JSON.
        """
        return self.call_with(method, args, kwargs)

    def call_with(
        self,
        method: str,
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
        *,
        timeout: float | None = None,
        caller: str = "",
    ) -> object:
        """Call, with what is not an argument too: ``timeout`` in seconds, and ``caller`` for the plugin's context.

        Raises:
            As :meth:`call`.
        """
        limit = self._call_limit(method)
        coroutine = self._harness.call_with(method, args, kwargs, timeout=timeout, caller=caller)
        return self._wait(coroutine, limit + _SLACK)

    def record(self, method: str, /, *args: object, **kwargs: object) -> CallRecord:
        """Call, and give everything: result or failure, what it told on the way, and its arguments as logs show them.

        Raises:
            TypeError, ValueError: an argument is not JSON.
        """
        limit = self._call_limit(method)
        return self._wait(self._record(method, args, kwargs), limit + _SLACK)

    @property
    def events(self) -> list[EventReport]:
        """The last events that the plugin told, those outside of calls included."""
        return self._wait(self._events(), _SLACK)

    def reload(self) -> PluginStatus:
        """Load what is on disk now as a new generation.

        Raises:
            PluginLoadError: it could not be loaded; an older version stays in service.
        """
        return self._wait(self._harness.reload(), self._harness.limits.load_timeout + _SLACK)

    def close(self) -> None:
        """End the plugin. When this returns, no process of it is left."""
        loop, over = self._loop, self._over
        if loop is not None and over is not None and self._thread.is_alive():
            try:
                loop.call_soon_threadsafe(over.set)
            except RuntimeError:
                pass  # the loop has just ended by itself, which is what was wanted
        limits = self._harness.limits
        self._thread.join(limits.stop_timeout + 3 * limits.term_grace + _SLACK)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  # whoever waits for the plugin gets it
            if not self._ready.done():
                self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._over = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        async with self._harness:
            self._ready.set_result(None)
            await self._over.wait()
        self._loop = None

    async def _record(self, method: str, args: Sequence[object], kwargs: Mapping[str, object]) -> CallRecord:
        call = self._harness.begin_with(method, args, kwargs)
        try:
            return await call.record()
        except asyncio.CancelledError:
            call.cancel()
            raise

    def _call_limit(self, method: str) -> float:
        async def ask() -> float:
            return self._harness.call_limit(method)

        return self._wait(ask(), _SLACK)

    async def _events(self) -> list[EventReport]:
        return self._harness.events

    async def _status(self) -> PluginStatus:
        return self._harness.status

    def _wait(self, coroutine: Coroutine[object, object, T], timeout: float) -> T:
        loop = self._loop
        if loop is None or not self._thread.is_alive():
            coroutine.close()
            raise PluginLoadError(f"plugin {self.name} is closed", plugin=self.name)
        future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        try:
            return future.result(timeout)
        except BaseException:
            future.cancel()  # after Ctrl-C or our own limit; a finished future does not mind
            raise

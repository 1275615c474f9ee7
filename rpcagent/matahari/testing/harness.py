"""One plugin in a real worker, on the event loop. The blocking face of it is :class:`matahari.testing.Plugin`."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

from matahari.errors import PluginLoadError
from matahari.rpcagent import (
    CallFailure,
    Limits,
    LoadFailure,
    Notice,
    PluginListener,
    PluginSaid,
    PluginService,
    PluginStatus,
)

from .options import Settings, own_limits
from .place import PluginPlace, stage
from .reports import EventReport, masked, read_report
from .running import RunningCall

__all__ = ["MAX_REMEMBERED", "REQUEST_ID", "PluginHarness"]

#: What ``context().request_id`` is in every call, and what stands before the lines that a call prints.
REQUEST_ID: Final = "test"
#: Events that are kept, and calls whose events are told apart; a test looks at a few.
MAX_REMEMBERED: Final = 1000
#: Stands in errors for the file when a test gave the settings as values.
_GIVEN: Final = "<settings>"

#: A file saved less than 8 ms ago counts as still being written, and a test saves and reloads at once. In seconds.
_QUIET: Final = 0.02


class _Ear(PluginListener):
    """Hears the plugin's events; everything else can be asked for."""

    def __init__(self) -> None:
        self.events: deque[EventReport] = deque(maxlen=MAX_REMEMBERED)
        self._calls: dict[int, RunningCall] = {}

    def begun(self, number: int, call: RunningCall) -> None:
        """From now on events of this number are those of ``call``, also after its end."""
        self._calls[number] = call
        if len(self._calls) > MAX_REMEMBERED:
            del self._calls[next(iter(self._calls))]

    def plugin_changed(self, status: PluginStatus) -> None:
        """Its status can be asked for."""

    def plugin_removed(self, name: str) -> None:
        """Its status can be asked for."""

    def plugin_notice(self, notice: Notice) -> None:
        """Keep an event."""
        if isinstance(notice, PluginSaid):
            report = read_report(notice.event)
            assert isinstance(report, EventReport)  # it was made of an event
            self.events.append(report)
            call = None if notice.event.id is None else self._calls.get(notice.event.id)
            if call is not None:
                call.add(report)


class PluginHarness:
    """Loads the plugin on entering, and leaves no process behind.

    The plugin runs exactly as in an agent: same worker, same checks of arguments, same limits. Paths in errors are
    those of the plugin's own files.

    Args:
        place: the plugin.
        limits: bounds of it, which its ``NAME.toml`` changes; those of a node without a configuration when left out.
        settings: what the plugin is configured with, in place of the settings in its ``NAME.toml``; or the path of a
            file in that form, in place of the whole file.
    """

    def __init__(self, place: PluginPlace, *, limits: Limits | None = None, settings: Settings | None = None) -> None:
        self.place = place
        self.limits = own_limits(place.path, settings, limits or Limits())
        self._settings = settings
        self._ear = _Ear()
        self._stage: Path | None = None
        self._service: PluginService | None = None

    async def __aenter__(self) -> Self:
        """Load.

        Raises:
            PluginLoadError: the plugin could not be loaded; says where and why.
            OSError: no process or no directory can be made.
            TypeError, ValueError: a setting that TOML has no form for.
        """
        self._stage = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="matahari-plugin-"))
        try:
            await asyncio.to_thread(stage, self.place, self._stage, self._settings)
            self._service = PluginService([self._stage], listener=self._ear, limits=self.limits, takes_any=True)
            await self._service.start()
            self._raise_for_load(self.status)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close()

    @property
    def status(self) -> PluginStatus:
        """The plugin now; its ``path`` is that of a link.

        Raises:
            PluginLoadError: it is gone from the disk, or not entered.
        """
        status = None if self._service is None else self._service.status(self.place.name)
        if status is None:
            raise PluginLoadError(f"{self.place.path} is not loaded", plugin=self.place.name)
        return status

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of its workers, those that are ending included."""
        return [] if self._service is None else self._service.worker_pids(self.place.name)

    @property
    def events(self) -> list[EventReport]:
        """The last events that the plugin told, those outside of calls included."""
        return list(self._ear.events)

    def call_limit(self, method: str) -> float:
        """The longest time that a call of ``method`` may take, in seconds: what it declares counts when that is more."""
        declared = [spec.timeout for spec in self.status.methods if spec.name == method and spec.timeout is not None]
        return max([self.limits.call_timeout, *declared])

    def begin(self, method: str, /, *args: object, **kwargs: object) -> RunningCall:
        """Begin a call: iterate over what is given for what the call tells, await it for the result.

        Raises:
            TypeError, ValueError: an argument is not JSON.
        """
        return self.begin_with(method, args, kwargs)

    def begin_with(
        self,
        method: str,
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
        *,
        timeout: float | None = None,
        caller: str = "",
    ) -> RunningCall:
        """Begin a call, with what is not an argument too: see :meth:`call_with`.

        Raises:
            As :meth:`begin`.
        """
        texts = [json.dumps(value, allow_nan=False) for value in args]
        named = {name: json.dumps(value, allow_nan=False) for name, value in (kwargs or {}).items()}
        status = None if self._service is None else self._service.status(self.place.name)
        spec = next((each for each in status.methods if each.name == method), None) if status is not None else None

        async def run(call: RunningCall) -> object:
            if self._service is None:
                raise PluginLoadError(f"{self.place.path} is not loaded", plugin=self.place.name)
            try:
                result = await self._service.invoke(
                    self.place.name,
                    method,
                    texts,
                    named,
                    timeout=timeout,
                    caller=caller,
                    request_id=REQUEST_ID,
                    on_progress=lambda told: call.add(read_report(told)),
                    on_start=lambda number: self._ear.begun(number, call),
                )
            except CallFailure as failure:
                raise self._at_home(failure) from None
            value: object = json.loads(result.text)
            return value

        return RunningCall(run, masked(spec, args, kwargs or {}))

    async def call(self, method: str, /, *args: object, **kwargs: object) -> object:
        """Call with values of Python; gives what comes out of the result's JSON.

        Raises:
            CallFailure: there is no result, for a reason that it tells.
            TypeError, ValueError: an argument is not JSON.
        """
        return await self.call_with(method, args, kwargs)

    async def call_with(
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
        call = self.begin_with(method, args, kwargs, timeout=timeout, caller=caller)
        try:
            return await call
        except asyncio.CancelledError:
            call.cancel()
            raise

    async def reload(self) -> PluginStatus:
        """Load what is on disk now as a new generation.

        Raises:
            PluginLoadError: it could not be loaded; an older version stays in service.
        """
        if self._service is None:
            raise PluginLoadError(f"{self.place.path} is not loaded", plugin=self.place.name)
        await asyncio.sleep(_QUIET)
        status = await self._service.reload(self.place.name)
        self._raise_for_load(status)
        return status

    async def _close(self) -> None:
        service, self._service = self._service, None
        try:
            if service is not None:
                await service.stop()
        finally:
            if self._stage is not None:
                await asyncio.to_thread(shutil.rmtree, self._stage, ignore_errors=True)
                self._stage = None

    def _raise_for_load(self, status: PluginStatus) -> None:
        if status.state == "ready":
            return
        limit = f"loading took longer than {self.limits.load_timeout:g} s"
        failure = status.last_error or LoadFailure("LoadTimeout", limit)
        raise PluginLoadError(
            self._path_at_home(str(failure)),
            plugin=self.place.name,
            error_type=failure.type,
            file=self._path_at_home(failure.file),
            line=failure.line,
            traceback=self._path_at_home(failure.traceback),
        )

    def _at_home(self, failure: CallFailure) -> CallFailure:
        return CallFailure(
            failure.kind,
            failure.type,
            self._path_at_home(failure.value),
            traceback=self._path_at_home(failure.traceback),
            text=self._path_at_home(failure.text),
        )

    def _path_at_home(self, text: str) -> str:
        """The text with the links' directory replaced by the one in which the plugin really lies."""
        if self._stage is None:
            return text
        if self._settings is not None:
            given = isinstance(self._settings, Mapping)
            name = _GIVEN if given else os.path.abspath(cast("os.PathLike[str]", self._settings))
            text = text.replace(str(self._stage / f"{self.place.name}.toml"), name)
        return text.replace(str(self._stage), str(self.place.path.parent))

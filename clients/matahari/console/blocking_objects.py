"""A group of remote objects, for programs without an event loop of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from matahari.console.background import Background
from matahari.console.blocking import RunningCall
from matahari.console.directory import CALL_TIMEOUT
from matahari.console.objects import Objects as AsyncObjects
from matahari.console.values import AgentSummary, ClassName, RemoteObject, Result, Results
from matahari.qmf import Method, Property, Value

__all__ = ["Objects"]


class Objects(Sequence[RemoteObject]):
    """See :class:`matahari.console.Objects`."""

    def __init__(self, objects: AsyncObjects, loop: Background) -> None:
        self._objects = objects
        self._loop = loop

    @overload
    def __getitem__(self, index: int) -> RemoteObject: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[RemoteObject]: ...

    def __getitem__(self, index: int | slice) -> RemoteObject | Sequence[RemoteObject]:
        return self._objects[index]

    def __len__(self) -> int:
        return len(self._objects)

    def __repr__(self) -> str:
        return repr(self._objects)

    @property
    def class_name(self) -> ClassName:
        return self._objects.class_name

    @property
    def properties(self) -> list[Property]:
        return self._objects.properties

    @property
    def methods(self) -> list[Method]:
        return self._objects.methods

    @property
    def unanswered(self) -> tuple[AgentSummary, ...]:
        return self._objects.unanswered

    @property
    def missing(self) -> tuple[str, ...]:
        return self._objects.missing

    def get(self, name: str) -> list[Value]:
        return self._objects.get(name)

    def refresh(self, *, timeout: float = CALL_TIMEOUT) -> Objects:
        return Objects(self._loop.run(self._objects.refresh(timeout=timeout)), self._loop)

    def call(self, method: str, *args: object, timeout: float = CALL_TIMEOUT, **kwargs: object) -> Results:
        return self.call_with(method, args, kwargs, timeout=timeout)

    def call_with(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float = CALL_TIMEOUT
    ) -> Results:
        return self._loop.run(self._objects.call_with(method, args, kwargs, timeout=timeout))

    def call_iter(
        self, method: str, *args: object, timeout: float = CALL_TIMEOUT, **kwargs: object
    ) -> Iterator[Result]:
        return self.iterate(method, args, kwargs, timeout=timeout)

    def iterate(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float = CALL_TIMEOUT
    ) -> Iterator[Result]:
        running = self._objects._running(method, args, kwargs, timeout, has_reports=False)
        call = RunningCall(running, self._loop)
        try:
            for told in call:
                if isinstance(told, Result):
                    yield told
        finally:
            call.close()

    def stream(self, method: str, *args: object, timeout: float = CALL_TIMEOUT, **kwargs: object) -> RunningCall:
        return self.stream_with(method, args, kwargs, timeout=timeout)

    def stream_with(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float = CALL_TIMEOUT
    ) -> RunningCall:
        return RunningCall(self._objects.stream_with(method, args, kwargs, timeout=timeout), self._loop)

    def set(self, name: str, value: object, *, timeout: float = CALL_TIMEOUT) -> Results:
        return self._loop.run(self._objects.set(name, value, timeout=timeout))

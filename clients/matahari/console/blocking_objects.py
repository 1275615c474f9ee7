"""A group of remote objects, for programs without an event loop of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Self, TypeAlias, Unpack, overload

from matahari.console.arguments import coerce
from matahari.console.background import Background
from matahari.console.blocking import RunningCall
from matahari.console.call_options import CallOptions
from matahari.console.directory import CALL_TIMEOUT
from matahari.console.objects import Objects as AsyncObjects
from matahari.console.remote import RemoteObject as PlainObject
from matahari.console.signatures import method_function
from matahari.console.values import AgentSummary, ClassName, Result, Results
from matahari.qmf import Method, Property, Value

if TYPE_CHECKING:
    from matahari.console.blocking_plugin import Call

__all__ = ["Objects", "RemoteObject"]

_Write: TypeAlias = Callable[[PlainObject, str, object], Value]


class RemoteObject(PlainObject):
    """See :class:`matahari.console.RemoteObject`; of a group, and assigning to a property writes it, really.

    ``item.update_interval = 7`` returns when the host has answered, and raises what stood in the way: ``RefusedError``
    for a property that may not be written, and ``SchemaError`` for a value that does not fit, both before anything is
    sent; ``AttributeError`` for what is no property; else the host's error. Then the attribute has the new value.
    """

    __slots__ = ("_write",)
    _write: _Write

    @classmethod
    def _bound(cls, item: PlainObject, write: _Write) -> Self:
        """The same object, with a way to write."""
        made = cls(item.host, item.agent, item.name, item.class_name, item.values, item.object_id, item.schema)
        object.__setattr__(made, "_write", write)
        return made

    def __reduce__(self) -> tuple[object, ...]:
        fields = (self.host, self.agent, self.name, self.class_name, self.values, self.object_id, self.schema)
        return (PlainObject, fields)  # a copy in another process has no console

    def __setattr__(self, name: str, value: object) -> None:
        if name not in self._property_names():
            self._refuse(name)
        written = self._write(self, name, value)
        object.__setattr__(self, "values", {**self.values, name: written})


class Objects(Sequence[RemoteObject]):
    """See :class:`matahari.console.Objects`."""

    def __init__(self, objects: AsyncObjects, loop: Background) -> None:
        self._objects = objects
        self._loop = loop
        self._items: tuple[RemoteObject, ...] | None = None  # made at the first look: of ten thousand it takes a moment

    @overload
    def __getitem__(self, index: int) -> RemoteObject: ...

    @overload
    def __getitem__(self, index: slice) -> Objects: ...

    def __getitem__(self, index: int | slice) -> RemoteObject | Objects:
        if isinstance(index, slice):
            return Objects(self._objects[index], self._loop)
        items = self._items
        if items is None:
            items = self._items = tuple(RemoteObject._bound(item, self._write) for item in self._objects)
        return items[index]

    def __getattr__(self, name: str) -> Callable[..., Results]:
        if name.startswith("_"):
            raise AttributeError(name)  # no method; copying asks for some before there is anything to ask
        return method_function(self._objects._find(name), self._objects.class_name, self.call_with)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(one.name for one in self.methods if one.name.isidentifier())})

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

    def call(self, method: str, *args: object, timeout: float | None = None, **kwargs: object) -> Results:
        return self.call_with(method, args, kwargs, timeout=timeout)

    def call_with(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float | None = None
    ) -> Results:
        return self._loop.run(self._objects.call_with(method, args, kwargs, timeout=timeout))

    def call_iter(self, method: str, *args: object, timeout: float | None = None, **kwargs: object) -> Iterator[Result]:
        return self.iterate(method, args, kwargs, timeout=timeout)

    def iterate(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float | None = None
    ) -> Iterator[Result]:
        running = self._objects._running(method, args, kwargs, timeout, has_reports=False)
        call = RunningCall(running, self._loop)
        try:
            for told in call:
                if isinstance(told, Result):
                    yield told
        finally:
            call.close()

    def stream(self, method: str, *args: object, timeout: float | None = None, **kwargs: object) -> RunningCall:
        return self.stream_with(method, args, kwargs, timeout=timeout)

    def stream_with(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float | None = None
    ) -> RunningCall:
        return RunningCall(self._objects.stream_with(method, args, kwargs, timeout=timeout), self._loop)

    def rolling_with(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], **options: Unpack[CallOptions]
    ) -> Call:
        from matahari.console.blocking_plugin import Call  # which imports this module

        return Call(self._objects.rolling_with(method, args, kwargs, **options), self._loop)

    def set(self, name: str, value: object, *, timeout: float = CALL_TIMEOUT) -> Results:
        return self._loop.run(self._objects.set(name, value, timeout=timeout))

    # --- inside ---------------------------------------------------------------------------------------------

    def _write(self, item: PlainObject, name: str, value: object) -> Value:
        """Write a property of one object; gives what was written."""
        [result] = self._loop.run(self._objects._some([item]).set(name, value))
        if result.error is not None:
            raise result.error
        found = item.schema.find_property(name)
        assert found is not None  # else it would have been refused
        return coerce(found, value)

"""A group of remote objects of one class: values as of the fetch, and calls on all of them in parallel."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, overload

from matahari.console.arguments import bind, coerce, result_of
from matahari.console.directory import CALL_TIMEOUT
from matahari.console.values import AgentSummary, ClassName, RemoteObject, Result, Results
from matahari.errors import MatahariError, NoAgentsError, RefusedError, SchemaError, UnknownActionError
from matahari.qmf import Method, Property, Value

if TYPE_CHECKING:
    from matahari.console.outcomes import Outcome
    from matahari.console.station import Station

__all__ = ["Objects"]

Refetch = Callable[["Objects", float], Awaitable["Objects"]]
"""Gives the same objects with the values of now, within so many seconds."""


class Objects(Sequence[RemoteObject]):
    """Immutable; :meth:`refresh` gives a new one.

    Attributes:
        class_name: the class that was selected.
        unanswered: agents that were asked and did not answer; what they have is missing here.
    """

    def __init__(
        self,
        station: Station,
        refetch: Refetch,
        class_name: ClassName,
        found: Iterable[RemoteObject],
        unanswered: Iterable[AgentSummary] = (),
    ) -> None:
        self._station = station
        self._refetch = refetch
        self.class_name = class_name
        self._objects = tuple(found)
        self.unanswered = tuple(unanswered)

    @overload
    def __getitem__(self, index: int) -> RemoteObject: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[RemoteObject]: ...

    def __getitem__(self, index: int | slice) -> RemoteObject | Sequence[RemoteObject]:
        return self._objects[index]

    def __len__(self) -> int:
        return len(self._objects)

    def __repr__(self) -> str:
        return f"<Objects: {len(self)} of {self.class_name}>"

    @property
    def properties(self) -> list[Property]:
        """Properties and statistics over all objects (hosts may run different versions of a class)."""
        return list({one.name: one for item in self._objects for one in item.schema.properties}.values())

    @property
    def methods(self) -> list[Method]:
        """Methods over all objects."""
        return list({one.name: one for item in self._objects for one in item.schema.methods}.values())

    def get(self, name: str) -> list[Value]:
        """Value of one property for each object, as of the fetch; None where it was not sent.

        Raises:
            NoAgentsError: the group is empty.
            SchemaError: no object has such a property.
        """
        self._require_some()
        if all(item.schema.find_property(name) is None for item in self._objects):
            raise SchemaError(f"{self.class_name} has no property {name!r}")
        return [item.values.get(name) for item in self._objects]

    async def refresh(self, *, timeout: float = CALL_TIMEOUT) -> Objects:
        """The same objects with their values of now; those that have gone are left out."""
        return await self._refetch(self, timeout)

    async def call(self, method: str, *args: object, timeout: float = CALL_TIMEOUT, **kwargs: object) -> Results:
        """Call ``method`` on all objects in parallel and return one result for each, in order.

        Args:
            args, kwargs: for plugins, anything that JSON can carry; for other classes, input arguments in the schema's
                order or by name.
            timeout: seconds for each object; one that does not answer by then has a ``RequestTimeoutError``.

        Raises:
            NoAgentsError: the group is empty.
            UnknownActionError: no object has such a method.
            SchemaError: the arguments do not fit the method.
        """
        return await self.call_with(method, args, kwargs, timeout=timeout)

    async def call_with(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float = CALL_TIMEOUT
    ) -> Results:
        """:meth:`call` for arguments of any name, ``timeout`` included."""
        by_object = {id(one.object): one async for one in self.iterate(method, args, kwargs, timeout=timeout)}
        return Results(by_object[id(item)] for item in self._objects)

    def call_iter(
        self, method: str, *args: object, timeout: float = CALL_TIMEOUT, **kwargs: object
    ) -> AsyncIterator[Result]:
        """As :meth:`call`, but gives each result as it comes."""
        return self.iterate(method, args, kwargs, timeout=timeout)

    async def iterate(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float = CALL_TIMEOUT
    ) -> AsyncIterator[Result]:
        """:meth:`call_iter` for arguments of any name. Ending the iteration cancels what is still open."""
        self._require_some()
        calls = [(item, self._bound(item, method, args, kwargs)) for item in self._objects]
        group = _Group()
        try:
            for item, arguments in calls:
                group.begin(self._station, item, method, arguments, timeout)
            if len(calls) == 1:
                self._station.flush()
            for _ in calls:
                yield await group.next()
        finally:
            group.cancel(self._station)

    async def set(self, name: str, value: object, *, timeout: float = CALL_TIMEOUT) -> Results:
        """Write a property on all objects, really: through the class's method ``set_properties``.

        Raises:
            NoAgentsError: the group is empty.
            RefusedError: the property may not be written, on at least one object; nothing was sent.
            SchemaError: there is no such property, or the value does not fit it.
        """
        self._require_some()
        values: dict[str, Value] = {}
        for item in self._objects:
            found = item.schema.find_property(name)
            if found is None:
                raise SchemaError(f"{self.class_name} has no property {name!r}")
            if found.access != "RW":
                raise RefusedError(f"property {name!r} of {self.class_name} is read-only", action="set_properties")
            if item.schema.find_method("set_properties") is None:
                raise RefusedError(
                    f"{self.class_name} on {item.host or item.agent} offers no way to write properties",
                    action="set_properties",
                )
            values[name] = coerce(found, value)
        return await self.call_with("set_properties", (values,), {}, timeout=timeout)

    # --- inside ---------------------------------------------------------------------------------------------

    def _require_some(self) -> None:
        if not self._objects:
            raise NoAgentsError("No objects selected")

    def _bound(
        self, item: RemoteObject, method: str, args: Sequence[object], kwargs: dict[str, object]
    ) -> dict[str, Value] | MatahariError:
        """Arguments for one object, or why it cannot be called; a fault of the caller's on every object is raised."""
        found = item.schema.find_method(method)
        if found is None:
            names = ", ".join(one.name for one in self.methods) or "none"
            error = UnknownActionError(
                f"{self.class_name} has no method {method!r}; it has {names}", agent=item.agent, action=method
            )
            if all(one.schema.find_method(method) is None for one in self._objects):
                raise error
            return error
        return bind(item.schema, found, args, kwargs)


class _Group:
    """Calls under way on several objects, and the results that nobody has taken yet.

    Plain callbacks instead of a task for each object: on a thousand hosts tasks would cost more than the calls.
    """

    def __init__(self) -> None:
        self._results: deque[Result] = deque()
        self._open: set[int] = set()
        self._waiter: asyncio.Future[None] | None = None

    def begin(
        self,
        station: Station,
        item: RemoteObject,
        method: str,
        arguments: dict[str, Value] | MatahariError,
        timeout: float,
    ) -> None:
        start = asyncio.get_running_loop().time()

        def done(outcome: Outcome) -> None:
            self._results.append(_result(item, outcome, asyncio.get_running_loop().time() - start))
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)

        if isinstance(arguments, MatahariError):
            done(arguments)
            return
        try:
            self._open.add(station.begin_call(item.agent, item.object_id, method, arguments, timeout, done))
        except MatahariError as error:
            done(error)

    async def next(self) -> Result:
        while not self._results:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._results.popleft()

    def cancel(self, station: Station) -> None:
        for request in self._open:
            station.cancel(request)


def _result(item: RemoteObject, outcome: Outcome, duration: float) -> Result:
    if isinstance(outcome, MatahariError):
        return Result(item, None, outcome, duration)
    assert isinstance(outcome, Mapping)
    try:
        return Result(item, result_of(item.schema, outcome), None, duration)
    except MatahariError as error:
        return Result(item, None, error, duration)

"""A group of remote objects of one class: values as of the fetch, and calls on all of them in parallel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Unpack, overload

from matahari.console.arguments import coerce
from matahari.console.call_options import CallOptions, CallSettings
from matahari.console.calls import Call
from matahari.console.checking import RECHECK_TIMEOUT, Prepared, prepare, require_properties, require_timeout
from matahari.console.directory import CALL_TIMEOUT
from matahari.console.extending import absent_error, absent_object
from matahari.console.limits import limit_of
from matahari.console.running import RunningCall
from matahari.console.signatures import PublishedMethod, method_function, published_methods
from matahari.console.values import AgentSummary, ClassName, RemoteObject, Result, Results
from matahari.errors import NoAgentsError, RefusedError, RemoteError, SchemaError
from matahari.qmf import Method, Property, Value
from matahari.validation import did_you_mean

if TYPE_CHECKING:
    from matahari.console.extending import ConsoleExtensions
    from matahari.console.station import Station

__all__ = ["Objects"]

Refetch = Callable[["Objects", float], Awaitable["Objects"]]
"""Gives the same objects with the values of now, within so many seconds."""


class Objects(Sequence[RemoteObject]):
    """Immutable; :meth:`refresh` gives a new one, and a slice is the group of those objects alone.

    The class's methods are attributes: ``await objects.identify()`` is ``await objects.call("identify")``, all
    arguments being the method's own. One that is called as an attribute here is reached by :meth:`call`.

    Attributes:
        class_name: the class that was selected.
        unanswered: agents that were asked and did not answer, or did not tell the schema of their objects; what they have
            is missing here.
        missing: names of hosts that are expected, by an extension, and not on the bus; each has a result in every call.
    """

    def __init__(
        self,
        station: Station,
        refetch: Refetch,
        class_name: ClassName,
        found: Iterable[RemoteObject],
        unanswered: Iterable[AgentSummary] = (),
        *,
        missing: Iterable[str] = (),
        extensions: ConsoleExtensions | None = None,
    ) -> None:
        self._station = station
        self._refetch = refetch
        self.class_name = class_name
        self._objects = tuple(found)
        self.unanswered = tuple(unanswered)
        self.missing = tuple(missing)
        self._absent = tuple(absent_object(host, class_name) for host in self.missing)
        self._extensions = extensions

    @overload
    def __getitem__(self, index: int) -> RemoteObject: ...

    @overload
    def __getitem__(self, index: slice) -> Objects: ...

    def __getitem__(self, index: int | slice) -> RemoteObject | Objects:
        return self._some(self._objects[index]) if isinstance(index, slice) else self._objects[index]

    def __len__(self) -> int:
        return len(self._objects)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Results]]:
        return method_function(self._find(name), self.class_name, self.call_with)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(one.name for one in self.methods if one.name.isidentifier())})

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
        require_properties(self.class_name, self._objects, [name])
        return [item.values.get(name) for item in self._objects]

    async def refresh(self, *, timeout: float = CALL_TIMEOUT) -> Objects:
        """The same objects with their values of now.

        Those that have gone are left out, and those of agents that are silent when the others have answered: these are
        in ``unanswered``.
        """
        return await self._refetch(self, timeout)

    async def call(self, method: str, *args: object, timeout: float | None = None, **kwargs: object) -> Results:
        """Call ``method`` on all objects in parallel: a result for each, in order, then for each missing host.

        Args:
            args, kwargs: for plugins, anything that JSON can carry; for other classes, input arguments in the schema's
                order or by name.
            timeout: seconds for each object; one that does not answer by then has a ``RequestTimeoutError``. None for
                10, or more where the method declares a longer time limit.

        Raises:
            NoAgentsError: the group is empty.
            UnknownActionError, InvalidArgumentError, MissingArgumentError, SchemaError: no object would take the call,
                by what it publishes now; nothing was sent. Where some would, this is the result of the others.
            ValueError: the timeout is not above 0.
        """
        return await self.call_with(method, args, kwargs, timeout=timeout)

    async def call_with(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float | None = None
    ) -> Results:
        """:meth:`call` for arguments of any name, ``timeout`` included."""
        async with self._running(method, args, kwargs, timeout, has_reports=False) as running:
            return await running.wait()

    def call_iter(
        self, method: str, *args: object, timeout: float | None = None, **kwargs: object
    ) -> AsyncIterator[Result]:
        """As :meth:`call`, but gives each result as it comes."""
        return self.iterate(method, args, kwargs, timeout=timeout)

    async def iterate(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float | None = None
    ) -> AsyncIterator[Result]:
        """:meth:`call_iter` for arguments of any name. Ending the iteration ends the call where it still runs."""
        running = self._running(method, args, kwargs, timeout, has_reports=False)
        try:
            async for told in running:
                if isinstance(told, Result):
                    yield told
        finally:
            await running.close()

    def stream(self, method: str, *args: object, timeout: float | None = None, **kwargs: object) -> RunningCall:
        """As :meth:`call_iter`, and what the call tells while it runs: progress, output, values that it yields.

        ``async with objects.stream(…) as call``, then iterate; :meth:`RunningCall.cancel` ends the call on the hosts.
        ``timeout`` also ends it there. Agents of others tell nothing, and end nothing.
        """
        return self.stream_with(method, args, kwargs, timeout=timeout)

    def stream_with(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], *, timeout: float | None = None
    ) -> RunningCall:
        """:meth:`stream` for arguments of any name, ``timeout`` included.

        Raises:
            ValueError: the timeout is not above 0, or above a week (``matahari.qmf.MAX_CALL_TIMEOUT``).
        """
        return self._running(method, args, kwargs, timeout, has_reports=True)

    def rolling_with(
        self, method: str, args: Sequence[object], kwargs: dict[str, object], **options: Unpack[CallOptions]
    ) -> Call:
        """A call with all options of calls, batch by batch for one; nothing is sent before it is awaited or iterated.

        Raises:
            TypeError: there is no such option.
            ValueError: a number is out of range, or an option has no effect without another one.
        """
        return Call(self, method, args, kwargs, CallSettings(options))

    async def set(self, name: str, value: object, *, timeout: float = CALL_TIMEOUT) -> Results:
        """Write a property on all objects, really: through the class's method ``set_properties``.

        Raises:
            NoAgentsError: the group is empty.
            RefusedError: the property may not be written, on at least one object; nothing was sent.
            SchemaError: there is no such property, or the value does not fit it.
        """
        self._require_some()
        require_properties(self.class_name, self._objects, [name])
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

    def _find(self, name: str) -> PublishedMethod:
        """The method of that name.

        Raises:
            AttributeError: no object has it; the message names close matches, or says how a property is read.
        """
        if name.startswith("_"):
            raise AttributeError(name)  # no method; copying asks for some before there is anything to ask
        published = published_methods(self._objects)
        if name in published:
            return published[name]
        if any(one.name == name for one in self.properties):
            text = f"{name!r} is a property: get({name!r}) reads that of all objects, {name!r} of one object its own"
        else:
            text = f"{self.class_name} has no method {name!r}{did_you_mean(name, published)}"
        raise AttributeError(text, name=name, obj=self)

    def _some(self, items: Iterable[RemoteObject]) -> Objects:
        """A group of these alone."""
        return Objects(self._station, self._refetch, self.class_name, items, extensions=self._extensions)

    def _require_some(self) -> None:
        if not self._objects:
            raise NoAgentsError("No objects selected")

    def _running(
        self,
        method: str,
        args: Sequence[object],
        kwargs: dict[str, object],
        timeout: float | None,
        *,
        has_reports: bool,
    ) -> RunningCall:
        limit = limit_of(timeout, self._objects, method)
        require_timeout(limit)
        return RunningCall(
            self._station,
            method,
            (*self._objects, *self._absent),
            lambda: self._prepared(method, args, kwargs),
            timeout=limit,
            has_reports=has_reports,
            extensions=self._extensions,
        )

    def _part(
        self,
        items: Sequence[RemoteObject],
        method: str,
        prepared: Sequence[Prepared],
        *,
        timeout: float,
        has_reports: bool,
    ) -> RunningCall:
        """A call on some of these objects and missing hosts, whose arguments are there."""

        async def given() -> Sequence[Prepared]:
            return prepared

        return RunningCall(
            self._station, method, items, given, timeout=timeout, has_reports=has_reports, extensions=self._extensions
        )

    async def _prepared(self, method: str, args: Sequence[object], kwargs: dict[str, object]) -> list[Prepared]:
        """Arguments, or why it is not called, for each object and then for each missing host."""
        self._require_some()
        prepared = await prepare(self._objects, method, args, kwargs, self._fetch_again)
        return prepared + [absent_error() for _ in self._absent]

    async def _prepared_late(
        self, items: Sequence[RemoteObject], method: str, args: Sequence[object], kwargs: dict[str, object]
    ) -> list[Prepared]:
        """The same for objects that were found later: there may be none, and what all refuse is an answer too."""
        try:
            return await prepare(items, method, args, kwargs, self._fetch_again)
        except (RemoteError, SchemaError) as error:
            return [error for _ in items]

    async def _fetch_again(self, items: Sequence[RemoteObject]) -> Objects:
        return await self._refetch(self._some(items), RECHECK_TIMEOUT)

"""A plugin on many hosts and calls of its methods, for programs without an event loop of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Self, Unpack, overload

from matahari.console.background import Background
from matahari.console.blocking_objects import Objects
from matahari.console.call_options import CallOptions
from matahari.console.calls import Call as AsyncCall
from matahari.console.extending import JsonValue
from matahari.console.grouping import Summary
from matahari.console.plugin import Plugin as AsyncPlugin
from matahari.console.reports import Report, Told
from matahari.console.rollout import Batch, NotAsked
from matahari.console.signatures import method_function
from matahari.console.values import RemoteObject, Result, Results

__all__ = ["Call", "Plugin"]


class Plugin:
    """See :class:`matahari.console.Plugin`. A call is sent at once; one that asks batch by batch, as it is iterated."""

    def __init__(self, plugin: AsyncPlugin, loop: Background) -> None:
        self._plugin = plugin
        self._loop = loop

    @property
    def objects(self) -> Objects:
        return Objects(self._plugin.objects, self._loop)

    @property
    def hosts(self) -> list[str]:
        return self._plugin.hosts

    def using(self, **options: Unpack[CallOptions]) -> Plugin:
        return Plugin(self._plugin.using(**options), self._loop)

    def call(self, method: str, /, *args: object, **kwargs: object) -> Call:
        return self._call(method, args, kwargs)

    def __getattr__(self, name: str) -> Callable[..., Call]:
        if name.startswith("_"):
            raise AttributeError(name)  # no method of a plugin; copying asks for some before there is anything to ask
        return method_function(self._plugin._find(name), self._plugin.objects.class_name, self._call)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._plugin._published})

    def __repr__(self) -> str:
        return repr(self._plugin)

    def _call(self, method: str, args: Sequence[object], kwargs: dict[str, object]) -> Call:
        call = Call(self._plugin._call(method, args, kwargs), self._loop)
        if not self._plugin._settings.is_rolling:
            call.begin()
        return call


class Call(Iterator[Result]):
    """See :class:`matahari.console.Call`: an iterator that blocks; :meth:`wait`, and what looks at all results, waits.

    An interrupt (Ctrl-C) while it waits loses nothing: :meth:`cancel` may follow, and iterating goes on with what comes.
    At the end iterating gives all results once more. One thread at a time may iterate.
    """

    def __init__(self, call: AsyncCall, loop: Background) -> None:
        self._call = call
        self._loop = loop
        self._next: Future[list[Told] | Batch] | None = None
        self._told: deque[Told] = deque()  # no more than may wait in the call itself
        self._again: deque[Result] = deque()  # no more than there are results
        self._is_over = False

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        if self._is_over:
            self._again = deque(self.results)
        return self

    def __next__(self) -> Result:
        if self._again:
            return self._again.popleft()
        for told in self.stream():
            if isinstance(told, Result):
                return told
        raise StopIteration

    def __repr__(self) -> str:
        return repr(self._call)

    @property
    def hosts(self) -> tuple[str, ...]:
        return self._call.hosts

    @property
    def results(self) -> Results:
        return self._call.results

    @property
    def running(self) -> list[RemoteObject]:
        return self._call.running

    @property
    def ok(self) -> list[Result]:
        """See :class:`matahari.console.Results`, as all that follow; they wait for the end."""
        return self.wait().ok

    @property
    def failed(self) -> list[Result]:
        return self.wait().failed

    @property
    def silent(self) -> list[Result]:
        return self.wait().silent

    @property
    def not_asked(self) -> tuple[NotAsked, ...]:
        return self.wait().not_asked

    def values(self) -> list[object]:
        return self.wait().values()

    @overload
    def summary(self) -> Summary: ...

    @overload
    def summary(self, name: str) -> JsonValue: ...

    def summary(self, name: str | None = None) -> Summary | JsonValue:
        results = self.wait()
        return results.summary() if name is None else results.summary(name)

    def raise_for_errors(self) -> None:
        self.wait().raise_for_errors()

    def begin(self) -> None:
        self._loop.run(self._call.begin())

    def wait(self, on_report: Callable[[Report], None] | None = None) -> Results:
        for told in self.stream():
            if on_report is not None and not isinstance(told, Result):
                on_report(told)
        return self.results

    def stream(self) -> Iterator[Told]:
        while self.ready():
            yield self._told.popleft()

    def ready(self) -> bool:
        """Wait until something can be taken without waiting; False at the end. See :meth:`RunningCall.ready`."""
        return bool(self._told) or self._more()

    def cancel(self) -> None:
        async def cancel() -> None:
            self._call.cancel()

        self._loop.run(cancel())

    def close(self) -> None:
        self._told.clear()
        self._loop.end(self._call.close())

    # --- inside ---------------------------------------------------------------------------------------------

    def _more(self) -> bool:
        """Wait for what comes next; false at the end. Batches are confirmed on the way, in this thread."""
        while True:
            if self._next is None:
                self._next = self._loop.begin(self._take())
            future = self._next
            try:
                told = future.result()
            except BaseException:
                # An interrupt may come when the result is just there: it is kept for whoever goes on.
                if future.done() and (future.cancelled() or future.exception() is not None):
                    self._next = None
                raise
            self._next = None
            if not isinstance(told, Batch):
                self._told.extend(told)
                self._is_over = not told
                return bool(told)
            self._confirm(told)

    def _confirm(self, batch: Batch) -> None:
        confirm = self._call._settings.confirm
        answer = confirm is None or confirm(batch)
        if not isinstance(answer, bool):
            raise TypeError(f"confirm says true or false here, not {answer!r}")

        async def tell() -> None:
            self._call._answer(answer)

        self._loop.run(tell())

    async def _take(self) -> list[Told] | Batch:
        """What comes next and all that waits behind it; each way between the threads costs more than a report does."""
        first = await self._call._take()
        if first is None or isinstance(first, Batch):
            return [] if first is None else first
        return [first, *self._call._take_waiting()]

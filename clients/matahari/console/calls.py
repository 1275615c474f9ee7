"""A call of a plugin's method: results as they come or as a whole, at once or batch by batch."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from matahari.console.call_options import CallSettings
from matahari.console.latehosts import LateHosts
from matahari.console.limits import limit_of
from matahari.console.reports import Report, Told
from matahari.console.rollout import Batch, NotAsked, Rollout, plan_batches
from matahari.console.running import RunningCall
from matahari.console.values import RemoteObject, Result, Results

if TYPE_CHECKING:
    from matahari.console.checking import Prepared
    from matahari.console.objects import Objects

__all__ = ["Call"]


class Call(AsyncIterator[Result]):
    """``await`` it for all :class:`Results`, or iterate over it for each :class:`Result` as it comes.

    Nothing is sent before. It goes on while it is awaited or iterated, by one task at a time; what is interrupted may
    be taken up again, and at the end iterating gives all results once more. ``async with`` also ends it on the hosts
    where it still runs.

    Args:
        objects: on which it is called.
        late: agents that may have more objects, and have not told so far; they are asked last.
        not_asked: hosts that it leaves out.
    """

    def __init__(
        self,
        objects: Objects,
        method: str,
        args: Sequence[object],
        kwargs: dict[str, object],
        settings: CallSettings,
        *,
        late: LateHosts | None = None,
        not_asked: Sequence[NotAsked] = (),
    ) -> None:
        self._objects = objects
        self._method = method
        self._args = tuple(args)
        self._kwargs = dict(kwargs)
        self._settings = settings
        self._late = LateHosts() if late is None else late
        self._early: deque[Result] = deque()
        self._left_out = list(not_asked)
        if settings.rolling.limit is not None:
            self._left_out += self._late.leave_out("limit")  # the sample is of those that are there
        self._by_host: dict[str, list[RemoteObject]] = {}
        for item in objects:
            self._by_host.setdefault(item.host or item.agent, []).append(item)
        plan = plan_batches(list(self._by_host), settings.rolling)
        self._hosts = tuple(host for batch in plan.batches for host in batch.hosts)
        self._rollout = Rollout(plan)
        self._prepared: dict[int, Prepared] | None = None
        self._running: RunningCall | None = None
        self._results: dict[int, Result] = {}
        self._deadline: float | None = None
        self._resume_at = 0.0
        self._asked_at: float | None = None
        self._is_confirmed = self._is_over = False
        self._again: deque[Result] = deque()  # no more than there are results
        self._is_given_up = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        if self._is_over:
            self._again = deque(self.results)
        return self

    async def __anext__(self) -> Result:
        if self._again:
            return self._again.popleft()
        while (told := await self._next()) is not None:
            if isinstance(told, Result):
                return told
        raise StopAsyncIteration

    def __await__(self) -> Generator[Any, None, Results]:
        return self.wait().__await__()

    def __repr__(self) -> str:
        hosts, results = len(self._by_host), len(self._results)
        return f"<Call: {self._method} on {hosts} host{_s(hosts)}, {results} result{_s(results)}>"

    @property
    def hosts(self) -> tuple[str, ...]:
        """Hosts that it is to ask, in order: those of the sample, where it has a limit."""
        return self._hosts

    @property
    def results(self) -> Results:
        """Results that are in, in the order of the objects, and the hosts that are not asked."""
        order = {id(item): at for at, item in enumerate(self._objects)}
        found = sorted(self._results.values(), key=lambda one: order.get(id(one.object), len(order)))
        left_out = [*self._left_out, *self._rollout.not_asked]
        if self._rollout.stopped is not None:
            left_out += [NotAsked(one.host or one.name, self._rollout.stopped) for one in self._late.left]
        return Results(found, self._objects._extensions, left_out)

    @property
    def running(self) -> list[RemoteObject]:
        """Objects on which it has not ended."""
        return [] if self._running is None else self._running.running

    async def begin(self) -> None:
        """Send it to the first batch, unless that was done or has to be confirmed first.

        Raises:
            NoAgentsError: there are no objects.
            UnknownActionError, InvalidArgumentError, MissingArgumentError, SchemaError: no object would take the call;
                nothing was sent.
        """
        if self._prepared is None:
            batch = await self._due()
            if batch is not None and self._settings.confirm is None:
                await self._start(batch)

    async def wait(self, on_report: Callable[[Report], None] | None = None) -> Results:
        """Go on to the end; all results.

        Args:
            on_report: is called with each report, where the call asks for them; what it raises is raised here.
        """
        async for told in self.stream():
            if on_report is not None and not isinstance(told, Result):
                on_report(told)
        return self.results

    async def stream(self) -> AsyncIterator[Told]:
        """Reports, where the call asks for them, and results as they come."""
        while (told := await self._next()) is not None:
            yield told

    def cancel(self) -> None:
        """Have it ended where it still runs, and ask no further hosts; the results of those that run come soon."""
        self._rollout.stop("cancelled")
        self._is_given_up.set()
        self._late.wake()
        if self._running is not None:
            self._running.cancel()

    async def close(self) -> None:
        """Have it ended where it still runs, and forget about it."""
        self._rollout.stop("cancelled")
        self._is_given_up.set()
        self._late.wake()
        self._early.clear()
        if self._running is not None:
            await self._running.close()

    # --- inside ---------------------------------------------------------------------------------------------

    async def _next(self) -> Told | None:
        """What comes next; None at the end."""
        while isinstance(told := await self._take(), Batch):
            assert self._settings.confirm is not None
            answer = self._settings.confirm(told)
            self._answer(await answer if inspect.isawaitable(answer) else answer)
        self._is_over = told is None
        return told

    async def _take(self) -> Told | Batch | None:
        """What comes next; or a batch that has to be confirmed, by :meth:`_answer`; None at the end."""
        while True:
            if self._running is None:
                if self._early and self._prepared is not None:
                    return self._noted(self._early.popleft())
                batch = await self._due()
                if batch is None and self._late.left and not self._early and self._rollout.stopped is None:
                    await self._ask_late()
                    continue
                if batch is None:
                    return self._noted(self._early.popleft()) if self._early else None
                if self._settings.confirm is not None and not self._is_confirmed:
                    if self._asked_at is None:
                        self._asked_at = _now()
                    return batch
                await self._start(batch)
            assert self._running is not None
            told = await anext(self._running, None)
            if told is not None:
                return self._noted(told)
            self._end_batch()

    def _take_waiting(self) -> list[Told]:
        """All that can be had without waiting, for the blocking face."""
        return [] if self._running is None else [self._noted(told) for told in self._running._take_waiting()]

    def _answer(self, is_confirmed: bool) -> None:
        """What was said to the batch that is due; the time for the answer is not the call's."""
        self._is_confirmed = is_confirmed
        if not is_confirmed:
            self._rollout.stop("refused")
        if self._deadline is not None and self._asked_at is not None:
            self._deadline += _now() - self._asked_at
        self._asked_at = None

    async def _due(self) -> Batch | None:
        """The batch whose time has come; None when there is none any more."""
        if self._prepared is None:
            prepared = await self._objects._prepared(self._method, self._args, self._kwargs)
            items = (*self._objects, *self._objects._absent)
            self._prepared = {id(item): one for item, one in zip(items, prepared, strict=True)}
            self._deadline = None if self._settings.timeout is None else _now() + self._settings.timeout
            self._late.ask()
        if self._rollout.next_batch() is None:
            return None
        if self._deadline is not None and self._asked_at is None and max(self._resume_at, _now()) >= self._deadline:
            self._rollout.stop("timeout")
        elif self._resume_at > _now():
            try:
                async with asyncio.timeout_at(self._resume_at):
                    await self._is_given_up.wait()
            except TimeoutError:
                pass  # the pause is over
        return self._rollout.next_batch()

    async def _start(self, batch: Batch) -> None:
        assert self._prepared is not None
        items = [item for host in batch.hosts for item in self._by_host[host]]
        if batch.number == 1:
            items += self._objects._absent
        limit = limit_of(self._settings.host_timeout, items, self._method)
        if self._deadline is not None:
            # Rounded, as the texts of failures tell it: of 3 s for the whole, 2.99991 s may be left for the first batch.
            limit = min(limit, max(round(self._deadline - _now(), 2), _LEAST_WAIT))
        prepared = [self._prepared[id(item)] for item in items]
        self._running = self._objects._part(
            items, self._method, prepared, timeout=limit, has_reports=self._settings.reports
        )
        self._is_confirmed = False
        self._rollout.begin()
        await self._running.begin()

    async def _ask_late(self) -> None:
        """Wait for one of the late agents; those that have the plugin are asked next."""
        found = await self._late.wait(None if self._deadline is None else self._deadline - _now())
        items = [item for one in found for item in one.objects]
        prepared = await self._objects._prepared_late(items, self._method, self._args, self._kwargs)
        self._late.settle(found)
        self._early += [one.silence for one in found if one.silence is not None]
        self._left_out += [one.lacking for one in found if one.lacking is not None]
        assert self._prepared is not None
        self._prepared |= {id(item): one for item, one in zip(items, prepared, strict=True)}
        hosts = dict.fromkeys(item.host or item.agent for item in items)
        self._by_host |= {host: [item for item in items if (item.host or item.agent) == host] for host in hosts}
        self._rollout.add(list(hosts))

    def _end_batch(self) -> None:
        assert self._running is not None
        absent = {id(item) for item in self._objects._absent}
        failed = {one.host for one in self._running.results if not one.ok and id(one.object) not in absent}
        self._running = None
        self._rollout.record(len(failed))
        self._resume_at = _now() + self._settings.rolling.pause

    def _noted(self, told: Told) -> Told:
        if isinstance(told, Result):
            self._results[id(told.object)] = told
        return told


_LEAST_WAIT = 0.001  # seconds for a batch that is begun at the last moment


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _now() -> float:
    return asyncio.get_running_loop().time()

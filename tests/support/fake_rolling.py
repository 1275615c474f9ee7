"""A rolling call on the in-memory console: the console's own plan, and results at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from matahari.console import CallOptions, NotAsked, Result, Results, Told
from matahari.console.call_options import CallSettings
from matahari.console.rollout import Rollout, plan_batches

if TYPE_CHECKING:
    from tests.support.fake_console import FakeObjects

__all__ = ["FakeRolling"]


class FakeRolling:
    """Stands for :class:`matahari.console.sync.Call`; nobody waits for its pauses."""

    def __init__(
        self,
        objects: FakeObjects,
        method: str,
        args: Sequence[object],
        kwargs: dict[str, object],
        options: CallOptions,
    ) -> None:
        settings = CallSettings(options)
        plan = plan_batches([one.host for one in objects], settings.rolling)
        self.hosts = tuple(host for one in plan.batches for host in one.hosts)
        self._rollout = Rollout(plan)
        self._confirm = settings.confirm
        self._objects = objects
        self._method, self._args, self._kwargs = method, args, kwargs
        self._timeout = settings.host_timeout
        self._told = self._tell()
        self._found: list[Result] = []
        self._next: Told | None = None

    @property
    def results(self) -> Results:
        not_asked: list[NotAsked] = self._rollout.not_asked
        return Results(self._found, None, not_asked)

    def stream(self) -> Iterator[Told]:
        while self.ready():  # one that is dropped leaves the rest to the next
            told, self._next = self._next, None
            assert told is not None
            yield told

    def ready(self) -> bool:
        if self._next is None:
            self._next = next(self._told, None)
        return self._next is not None

    def cancel(self) -> None:
        self._rollout.stop("cancelled")

    def close(self) -> None:
        self._rollout.stop("cancelled")

    def _tell(self) -> Iterator[Told]:
        while (batch := self._rollout.next_batch()) is not None:
            if self._confirm is not None and not self._confirm(batch):
                self._rollout.stop("refused")
                return
            self._rollout.begin()
            failed = 0
            some = self._objects.on(batch.hosts)
            for result in some.iterate(self._method, self._args, self._kwargs, timeout=self._timeout):
                failed += not result.ok
                self._found.append(result)
                yield result
            self._rollout.record(failed)

"""The workers of one plugin that are ending, each in stages with a deadline. Pure; time is given.

draining -> SIGTERM -> SIGKILL -> the warm parent counts as stuck.
"""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .limits import Limits
from .orders import Command, Drain, ParentStuck, Terminate

__all__ = ["Endings"]


@dataclass(slots=True)
class _Ending:
    stage: Literal["draining", "terminating", "killing", "killed"]
    deadline: float


class Endings:
    """Says what is to be done to workers that are not wanted any more; a worker stays until it was reaped."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._workers: dict[int, _Ending] = {}

    def __len__(self) -> int:
        return len(self._workers)

    def __iter__(self) -> Iterator[int]:
        return iter(self._workers)

    def reconfigure(self, limits: Limits) -> None:
        """Use other limits from now on."""
        self._limits = limits

    @property
    def draining(self) -> tuple[int, ...]:
        """Workers that may still finish what they run."""
        return tuple(worker for worker, ending in self._workers.items() if ending.stage == "draining")

    def next_deadline(self) -> float:
        """When ``handle_timeout`` is due; infinite when never."""
        return min((ending.deadline for ending in self._workers.values()), default=math.inf)

    def drain(self, worker: int, deadline: float) -> Command:
        """Let it finish what it runs."""
        self._workers[worker] = _Ending("draining", deadline)
        return Drain(worker)

    def end(self, worker: int, now: float, *, is_hung: bool = False) -> Command | None:
        """Go one stage further, from the first for a worker that was not ending; faster when it is of no use to anybody."""
        ending = self._workers.setdefault(worker, _Ending("draining", now))
        ending.deadline = now + (self._limits.hung_grace if is_hung else self._limits.term_grace)
        match ending.stage:
            case "draining":
                ending.stage = "terminating"
                return Terminate(worker, signal.SIGTERM)
            case "terminating":
                ending.stage = "killing"
                return Terminate(worker, signal.SIGKILL)
            case "killing":
                ending.stage = "killed"
                ending.deadline = math.inf
                return ParentStuck(worker)
            case "killed":
                ending.deadline = math.inf
                return None

    def hurry(self, worker: int, deadline: float) -> None:
        """Leave a draining worker no more time than that."""
        if worker in self.draining:
            self._workers[worker].deadline = min(self._workers[worker].deadline, deadline)

    def hurry_all(self, deadline: float) -> None:
        """Leave none more time than that for its stage."""
        for ending in self._workers.values():
            ending.deadline = min(ending.deadline, deadline)

    def ended(self, worker: int) -> None:
        """It is gone; a worker that was not ending is none of ours."""
        self._workers.pop(worker, None)

    def due(self, now: float) -> list[int]:
        """Those whose time in their stage is over."""
        return [worker for worker, ending in self._workers.items() if ending.deadline <= now]

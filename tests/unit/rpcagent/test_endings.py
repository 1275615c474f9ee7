"""How workers end."""

from __future__ import annotations

import math
import signal

from matahari.rpcagent import Limits
from matahari.rpcagent.endings import Endings
from matahari.rpcagent.orders import Drain, ParentStuck, Terminate


def test_each_stage_is_harder_and_has_a_deadline() -> None:
    endings = Endings(Limits(term_grace=1.0))
    assert endings.drain(7, 60.0) == Drain(7)
    assert (endings.draining, endings.next_deadline(), endings.due(59.0), endings.due(60.0)) == ((7,), 60.0, [], [7])
    assert endings.end(7, 60.0) == Terminate(7, signal.SIGTERM)
    assert (endings.draining, endings.next_deadline()) == ((), 61.0)
    assert endings.end(7, 61.0) == Terminate(7, signal.SIGKILL)
    assert endings.end(7, 62.0) == ParentStuck(7)
    assert (endings.end(7, 63.0), endings.next_deadline(), list(endings)) == (None, math.inf, [7])
    endings.ended(7)
    assert len(endings) == 0


def test_a_worker_that_was_not_ending_begins_with_a_signal() -> None:
    assert Endings(Limits()).end(7, 0.0) == Terminate(7, signal.SIGTERM)


def test_hurry_shortens_and_never_lengthens() -> None:
    endings = Endings(Limits(term_grace=9.0))
    endings.drain(1, 10.0)
    endings.drain(2, 20.0)
    endings.hurry(2, 5.0)
    endings.hurry(1, 50.0)
    endings.hurry(99, 1.0)
    assert (endings.due(5.0), endings.due(10.0)) == ([2], [1, 2])
    endings.end(2, 0.0)
    endings.hurry(2, 1.0)  # it has its own time by now
    assert endings.due(5.0) == []
    endings.hurry_all(3.0)
    assert endings.due(3.0) == [1, 2]


def test_a_worker_that_is_of_no_use_to_anybody_is_killed_sooner() -> None:
    endings = Endings(Limits(term_grace=1.0, hung_grace=0.2))
    endings.drain(7, 60.0)
    assert endings.end(7, 5.0, is_hung=True) == Terminate(7, signal.SIGTERM)
    assert endings.next_deadline() == 5.2
    assert endings.end(7, 5.2) == Terminate(7, signal.SIGKILL)
    assert endings.next_deadline() == 6.2

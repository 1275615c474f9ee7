"""How long a console waits for agents that are expected, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from matahari.console.attendance import DISCOVERY_LIMIT, EXPECTED_WAIT, QUIET_WAIT, Attendance
from matahari.qmf import AgentInfo
from tests.support import virtual_loop


def info(number: int) -> AgentInfo:
    return AgentInfo(f"vendor:product:{number}", "vendor", "product", str(number))


class Hall:
    """Agents that announce themselves, and how long the wait for them was."""

    def __init__(self, *, lists: bool) -> None:
        self.agents: dict[str, AgentInfo] = {}
        self.attendance = Attendance(self.agents)
        self._lists = lists

    def arrive(self, number: int) -> None:
        self.agents[info(number).name] = info(number)
        self.attendance.note_change()

    async def waited(self, *events: tuple[float, Callable[[], object]]) -> float:
        """Seconds that the wait takes, while at these times these things happen."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        for at, happen in events:
            loop.call_at(start + at, happen)
        await self.attendance.wait(lambda: self._lists)
        return loop.time() - start


def arrivals(hall: Hall, count: int, pause: float) -> list[tuple[float, Callable[[], object]]]:
    return [(pause * (number + 1), partial(hall.arrive, number)) for number in range(count)]


def expect(hall: Hall, count: int) -> tuple[float, Callable[[], object]]:
    return 0.0, lambda: hall.attendance.handle_bindings("snapshot", [info(number).name for number in range(count)])


def test_it_ends_as_soon_as_all_that_the_broker_lists_have_announced_themselves() -> None:
    hall = Hall(lists=True)
    assert virtual_loop.run(hall.waited(expect(hall, 3), *arrivals(hall, 3, 0.1))) == pytest.approx(0.3)
    assert hall.attendance.mute == set()


def test_many_agents_that_need_longer_than_one_may_are_waited_for_while_they_come() -> None:
    hall = Hall(lists=True)
    assert virtual_loop.run(hall.waited(expect(hall, 40), *arrivals(hall, 40, 0.1))) == pytest.approx(4.0)
    assert hall.attendance.mute == set()


def test_one_that_does_not_answer_costs_a_second_after_the_last_that_did() -> None:
    hall = Hall(lists=True)
    took = virtual_loop.run(hall.waited(expect(hall, 11), *arrivals(hall, 10, 0.1)))
    assert took == pytest.approx(1.0 + EXPECTED_WAIT)
    assert hall.attendance.mute == {info(10).name}


def test_changes_without_new_agents_do_not_prolong_it() -> None:
    hall = Hall(lists=True)
    noise = [(0.3 * number, hall.attendance.note_change) for number in range(1, 30)]
    assert virtual_loop.run(hall.waited(expect(hall, 1), *noise)) == pytest.approx(EXPECTED_WAIT)


def test_where_nobody_is_listed_it_ends_when_no_new_one_came_for_a_moment() -> None:
    hall = Hall(lists=False)
    took = virtual_loop.run(hall.waited(*arrivals(hall, 20, 0.2)))
    assert took == pytest.approx(20 * 0.2 + QUIET_WAIT)


@pytest.mark.parametrize("lists", [True, False])
def test_it_has_a_limit_however_many_come(lists: bool) -> None:
    hall = Hall(lists=lists)
    endless = arrivals(hall, 200, 0.1)
    took = virtual_loop.run(hall.waited(*([expect(hall, 1000)] if lists else []), *endless))
    assert took == pytest.approx(DISCOVERY_LIMIT)

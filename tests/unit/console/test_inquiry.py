"""When a question to many is given up for those that are silent, and when it is not."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine

import pytest

from matahari.console.inquiry import ANSWER_GRACE, LEAST_WAIT, LOOKUP_GRACE, Inquiry, ask_any
from tests.support.virtual_loop import VirtualLoop, run, turns


async def after(seconds: float, answer: str | None = "here") -> str | None:
    await asyncio.sleep(seconds)
    return answer


def asked(delays: list[float], *, timeout: float = 10.0, is_enough: bool = True) -> tuple[list[str | None], float]:
    """The answers of agents that take so long, and how long that took."""

    async def story() -> tuple[list[str | None], float]:
        clock = asyncio.get_running_loop().time
        begun = clock()
        with Inquiry(timeout) as inquiry:
            if is_enough:
                inquiry.suffice()
            answers = await asyncio.gather(*(inquiry.ask(after(min(one, timeout), "x")) for one in delays))
        return answers, clock() - begun

    return run(story())


def test_a_hung_one_is_waited_for_as_long_as_the_others_may_be_late() -> None:
    answers, took = asked([0.01, 0.02, 3600.0])
    assert answers == ["x", "x", None]
    assert took == pytest.approx(0.02 + ANSWER_GRACE)


def test_nobody_is_waited_for_when_all_have_answered() -> None:
    answers, took = asked([0.01, 0.02])
    assert answers == ["x", "x"]
    assert took == pytest.approx(0.02)


def test_each_answer_gives_the_others_more_time() -> None:
    answers, took = asked([0.1, 0.4, 0.8, 1.2, 3600.0])
    assert answers == ["x", "x", "x", "x", None]
    assert took == pytest.approx(1.2 + LOOKUP_GRACE)


def test_where_all_are_slow_they_have_more_time_up_to_a_limit() -> None:
    assert asked([0.2, 0.95, 3600.0])[0] == ["x", "x", None]
    assert asked([0.2, 1.3, 3600.0])[0] == ["x", None, None]
    assert asked([1.0, 1.0 + LOOKUP_GRACE + 0.1, 3600.0])[0] == ["x", None, None]


def test_before_somebody_has_answered_the_whole_time_is_waited() -> None:
    answers, took = asked([5.0, 3600.0])
    assert answers == ["x", None]
    assert took == pytest.approx(5.0 + LOOKUP_GRACE)


def test_before_something_is_found_the_whole_time_is_waited() -> None:
    answers, took = asked([0.01, 7.0], is_enough=False)
    assert answers == ["x", "x"]
    assert took == pytest.approx(7.0)


def test_silence_is_no_answer() -> None:
    async def story() -> None:
        with Inquiry(10.0) as inquiry:
            inquiry.suffice()
            answers = await asyncio.gather(inquiry.ask(after(0.01, None)), inquiry.ask(after(4.0)))
            assert list(answers) == [None, "here"]
            assert not inquiry.is_over

    run(story())


def test_a_question_that_comes_up_when_it_is_over_has_a_moment() -> None:
    async def story() -> None:
        with Inquiry(10.0) as inquiry:
            assert inquiry.remaining == 10.0
            inquiry.suffice()
            await asyncio.gather(inquiry.ask(after(0.0)), inquiry.ask(after(3600.0)))
            assert (inquiry.is_over, inquiry.remaining) == (True, LEAST_WAIT)
            assert await inquiry.ask(after(0.05)) == "here"

    run(story())


def test_when_this_process_did_not_run_the_silence_of_others_means_nothing() -> None:
    """As behind a suspended laptop or a long computation: the answers are there, and were not read."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        read: asyncio.Future[str | None] = loop.create_future()

        def wake_up() -> None:
            loop._skip(60.0)
            loop.call_later(0.2, read.set_result, "read now")

        with Inquiry(600.0) as inquiry:
            inquiry.suffice()
            loop.call_later(0.3, wake_up)
            answers = await asyncio.gather(inquiry.ask(after(0.01)), inquiry.ask(read))
        assert list(answers) == ["here", "read now"]

    run(story())


def test_an_error_of_a_question_and_its_own_timeout_are_raised() -> None:
    async def failing() -> str:
        raise KeyError("x")

    async def timed_out() -> str:
        raise TimeoutError("its own")

    async def story(question: Callable[[], Coroutine[object, object, str]]) -> None:
        with Inquiry(10.0) as inquiry:
            await inquiry.ask(question())

    with pytest.raises(KeyError):
        run(story(failing))
    with pytest.raises(TimeoutError, match="its own"):
        run(story(timed_out))


def test_nothing_is_left_of_it() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        with Inquiry(10.0) as inquiry:
            inquiry.suffice()
            await inquiry.ask(after(0.01))
        await turns(2)
        assert [one for one in loop._scheduled if not one.cancelled()] == []  # type: ignore[attr-defined]  # asyncio's

    run(story())


# --- what any of several can tell ------------------------------------------------------------------------------


def told(delays: list[tuple[float, str | None]], timeout: float = 10.0) -> list[object]:
    """What is told by agents that take so long, how long that took, and how many of them were asked."""
    asked: list[float] = []

    async def one(delay: float, answer: str | None, seconds: float) -> str | None:
        asked.append(seconds)
        return await after(min(delay, seconds), answer if delay < seconds else None)

    async def story() -> list[object]:
        clock = asyncio.get_running_loop().time
        begun = clock()
        found = await ask_any([functools.partial(one, *each) for each in delays], timeout)
        assert len(asyncio.all_tasks()) == 1
        return [found, clock() - begun, len(asked)]

    return run(story())


def test_one_that_tells_at_once_is_the_only_one_that_is_asked() -> None:
    assert told([(0.01, "x"), (0.01, "y")]) == ["x", pytest.approx(0.01), 1]


def test_one_that_is_hung_delays_what_another_tells_by_a_moment() -> None:
    assert told([(3600.0, None), (3600.0, None), (0.01, "x")]) == ["x", pytest.approx(2 * ANSWER_GRACE + 0.01), 3]


def test_one_that_does_not_know_delays_nothing() -> None:
    assert told([(0.01, None), (0.02, None), (0.03, "x")]) == ["x", pytest.approx(0.06), 3]


def test_one_that_is_slow_still_counts_when_the_next_is_asked() -> None:
    assert told([(ANSWER_GRACE + 0.1, "slow"), (3600.0, None)]) == ["slow", pytest.approx(ANSWER_GRACE + 0.1), 2]


def test_nobody_tells_it_for_longer_than_the_time_is() -> None:
    assert told([(3600.0, None)] * 50, 3.0) == [None, pytest.approx(3.0), 6]
    assert told([(3600.0, None)], 3.0) == [None, pytest.approx(3.0), 1]

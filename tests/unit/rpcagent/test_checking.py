"""Large arguments are checked beside the event loop: whoever else calls is answered meanwhile."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from matahari.agent import CallContext, Fault
from matahari.hostproto import Json, MethodSpec
from matahari.qmf import Value
from matahari.rpcagent import CallFailure, CallResult, PluginStatus, checking
from matahari.rpcagent.binding import MAX_CHECKED, Action
from matahari.rpcagent.checking import CHECK_TIMEOUT, LARGE, MANY, MAX_CHECKS, ArgumentCheck, is_large
from matahari.rpcagent.face import PluginObject
from matahari.rpcagent.pending import Recheck
from matahari.rpcagent.provider import PluginProvider
from tests.support.plugins import TIME

CONTEXT = CallContext("alice", "lab.1")
SPEC = MethodSpec("m", {"properties": {"a": {"type": "string"}}, "x-positional": ["a"]})
BIG: dict[str, Value] = {"args": [json.dumps("x" * LARGE)]}
SMALL: dict[str, Value] = {"args": ['"x"']}


class SlowAction(Action):
    """Checking something large takes until the test says so."""

    def __init__(self) -> None:
        super().__init__("p", SPEC)
        self.may_end = threading.Event()
        self.begun = threading.Event()

    def check(self, args: Sequence[str], kwargs: Mapping[str, str]) -> None:
        if len(args[0]) > LARGE:
            assert threading.current_thread() is not threading.main_thread()
            self.begun.set()
            self.may_end.wait(30)
        super().check(args, kwargs)


class Provider:
    """Runs nothing, and remembers what was to be run."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self.ran: list[int] = []
        self.refused: list[str] = []

    def find(self, name: str, method: str) -> Action:
        return self.action

    def refuse(self, name: str, failure: CallFailure) -> CallFailure:
        self.refused.append(failure.kind)
        return failure

    async def invoke(self, name: str, method: str, args: Sequence[str], kwargs: object, **more: object) -> CallResult:
        assert more["checked"] is self.action
        self.ran.append(len(args[0]))
        return CallResult("null")


def plugin(provider: Provider) -> PluginObject:
    status = PluginStatus("p", Path("/p.py"), "python", "", 1, "d", "ready", None, "local", (SPEC,), 5)
    return PluginObject(status, cast(PluginProvider, provider), "box", "f00d")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, False),
        (SMALL, False),
        (BIG, True),
        ({"args": ["x" * LARGE]}, False),
        ({"args": ["x"] * LARGE + ["x"]}, True),
        ({"kwargs": {"a": "x" * LARGE}}, True),
        ({"kwargs": {"x" * LARGE: b"x"}}, True),
        ({"args": [b"x" * (LARGE + 1)]}, True),
        ({"args": "no list", "kwargs": 5}, False),
        ({"args": [None, 5]}, False),
        ({"args": [0] * MANY}, False),
        ({"args": [0] * (MANY + 1)}, True),
        ({"args": [0] * MANY, "kwargs": {"a": 0}}, True),
        ({"kwargs": {str(at): 0 for at in range(MANY + 1)}}, True),
    ],
)
def test_large_is_what_has_many_characters_or_many_parts_in_all(arguments: dict[str, Value], expected: bool) -> None:
    assert is_large(arguments) is expected


def test_while_a_large_call_is_checked_others_are_checked_and_answered() -> None:
    """By construction: the check of the large call ends after the small one was answered, and not before."""
    action = SlowAction()
    provider = Provider(action)
    item = plugin(provider)

    async def story() -> None:
        large = asyncio.ensure_future(item.invoke("m", BIG, CONTEXT))
        assert await asyncio.to_thread(action.begun.wait, 30)
        for _ in range(3):
            assert await item.invoke("m", SMALL, CONTEXT) == {"result": "null"}
        assert not large.done()
        action.may_end.set()
        assert await large == {"result": "null"}

    asyncio.run(story())
    assert provider.ran == [3, 3, 3, LARGE + 2]


@pytest.mark.parametrize("text", [json.dumps(["x"] * LARGE), "[" * (LARGE + 1)])
def test_a_large_call_that_does_not_fit_is_refused_and_counted_as_a_small_one_is(text: str) -> None:
    provider = Provider(Action("p", SPEC))

    async def story() -> None:
        with pytest.raises(Fault, match="argument 'a'") as caught:
            await plugin(provider).invoke("m", {"args": [text]}, CONTEXT)
        assert caught.value.kind == "invalid_argument"

    asyncio.run(story())
    assert (provider.refused, provider.ran) == (["invalid_argument"], [])


def test_more_large_calls_than_are_checked_at_once_wait_their_turn_and_are_then_told_that_it_is_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checking, "CHECK_TIMEOUT", 0.05)
    action = SlowAction()
    check = ArgumentCheck()
    args = cast(Sequence[str], BIG["args"])

    async def story() -> None:
        calls = [check.beside(action, args, {}) for _ in range(MAX_CHECKS + 2)]
        failures = await asyncio.gather(*calls, return_exceptions=True)
        assert [failure.kind for failure in failures if isinstance(failure, CallFailure)] == ["busy"] * len(calls)
        action.may_end.set()
        monkeypatch.setattr(checking, "CHECK_TIMEOUT", CHECK_TIMEOUT)
        async with asyncio.timeout(10.0 * TIME):
            while True:  # those that nobody waits for leave their places when they end
                try:
                    assert await check.beside(action, args, {}) == {"a": "x" * LARGE}
                except CallFailure:
                    await asyncio.sleep(0)
                else:
                    return

    asyncio.run(story())


def test_checks_that_their_callers_have_given_up_refuse_nobody_else() -> None:
    action = SlowAction()
    check = ArgumentCheck()
    args = cast(Sequence[str], BIG["args"])

    async def story() -> None:
        given_up = [asyncio.ensure_future(check.beside(action, args, {})) for _ in range(MAX_CHECKS)]
        assert await asyncio.to_thread(action.begun.wait, 30)
        for task in given_up:
            task.cancel()
        await asyncio.wait(given_up)
        other = asyncio.ensure_future(check.beside(action, args, {}))
        await asyncio.wait([other], timeout=0)
        assert not other.done()  # it waits for its turn
        action.may_end.set()
        assert await other == {"a": "x" * LARGE}

    asyncio.run(story())


def test_the_many_arguments_of_a_large_call_are_read_beside_the_loop() -> None:
    provider = Provider(Action("p", MethodSpec("m", {"x-varargs": True})))
    seen: list[threading.Thread] = []

    class Number(int):
        def __str__(self) -> str:
            seen.append(threading.current_thread())
            return "1"

    arguments: dict[str, Value] = {"args": [Number(1)] * (MANY + 1)}
    asyncio.run(plugin(provider).invoke("m", arguments, CONTEXT))
    assert len(seen) == MANY + 1
    assert threading.main_thread() not in seen


DECLARED = MethodSpec("m", {}, {"type": "array", "items": {"type": "integer"}})
LONG = json.dumps([1.5] * LARGE)


def test_a_large_result_is_checked_beside_the_loop_and_a_small_one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    real = Action.check_result

    def check_result(self: Action, text: str) -> str:
        threads.append(threading.current_thread())
        return real(self, text)

    monkeypatch.setattr(Action, "check_result", check_result)
    action = Action("p", DECLARED)
    small = action.result("[1.5]")
    assert "the result of p.m is not as declared" in small.mismatch
    assert small.check is None
    large = action.result(LONG)
    assert (large.text, large.mismatch) == (LONG, "")
    found = asyncio.run(ArgumentCheck().finished(large))
    assert "the result of p.m is not as declared" in found.mismatch
    assert threads[0] is threading.main_thread()
    assert threading.main_thread() not in threads[1:]
    assert len(threads) == 2


@pytest.mark.parametrize(
    ("declared", "text"),
    [(None, LONG), ({}, LONG), (DECLARED.result, json.dumps("x" * MAX_CHECKED))],
    ids=["undeclared", "anything", "too long"],
)
def test_a_result_in_which_nothing_is_looked_at_waits_for_no_check(declared: dict[str, Json] | None, text: str) -> None:
    """Or it would be called unchecked while others are being checked."""
    result = Action("p", MethodSpec("m", {}, declared)).result(text)
    assert (result.text, result.mismatch, result.check) == (text, "", None)


def test_a_result_that_cannot_be_checked_in_time_is_given_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "RESULT_TIMEOUT", 0.05)
    may_end = threading.Event()

    def slow() -> str:
        may_end.wait(30)
        return ""

    try:
        found = asyncio.run(ArgumentCheck().finished(CallResult("5", check=slow)))
    finally:
        may_end.set()
    assert found.text == "5"
    assert found.mismatch.startswith("the result could not be checked, ")


@pytest.mark.parametrize("text", ["1", '"x"'])
def test_a_call_of_another_generation_is_checked_beside_the_loop_and_its_outcome_told(text: str) -> None:
    told: list[CallFailure | None] = []
    newer = Action("p", MethodSpec("m", {"properties": {"a": {"type": "integer"}}, "x-positional": ["a"]}))
    recheck = Recheck(7, newer, Action("p", SPEC), [text], {})
    asyncio.run(ArgumentCheck().again(recheck, lambda asked, failure: told.append(failure)))
    [failure] = told
    assert (failure is None) == (text == "1")


def broken() -> str:
    raise MemoryError("no room")


def test_a_call_whose_check_breaks_is_told_so_and_does_not_wait_for_its_time_limit() -> None:
    class Broken(Action):
        def check(self, args: Sequence[str], kwargs: Mapping[str, str]) -> None:
            broken()

    told: list[CallFailure | None] = []
    newer = Broken("p", MethodSpec("m", {"x-varargs": True}))
    recheck = Recheck(7, newer, Action("p", SPEC), ['"x"'], {})
    asyncio.run(ArgumentCheck().again(recheck, lambda asked, failure: told.append(failure)))
    [failure] = told
    assert failure is not None
    assert (failure.kind, failure.text) == ("refused", "the arguments of m could not be checked: no room")


def test_a_result_whose_check_breaks_is_given_and_says_so() -> None:
    found = asyncio.run(ArgumentCheck().finished(CallResult("5", check=broken)))
    assert (found.text, found.mismatch) == ("5", "the result could not be checked: no room")

"""Calls that are checked first and submitted later, when it was decided that they may run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from matahari.hostproto import Json, MethodSpec, Result
from matahari.rpcagent import CallFailure
from matahari.rpcagent.binding import LARGE, Action
from matahari.rpcagent.pending import Recheck
from tests.support.call_desk import ONE, Desk, Slip


def submit(desk: Desk, checked: Action, *args: str) -> Slip:
    slip = Slip()
    desk.table.submit("m", args, {}, request="r", caller="c", timeout=None, now=0.0, answer=slip, checked=checked)
    return slip


def test_a_check_gives_the_action_and_counts_nothing() -> None:
    desk = Desk()
    desk.use(1, m=ONE)
    action = desk.check("m", ["1"], {})
    assert (action.name, action.spec.params) == ("m", ONE)
    assert (desk.table.calls, desk.table.failures) == (0, 0)


@pytest.mark.parametrize(("method", "kind"), [("m", "missing_argument"), ("n", "unknown_action")])
def test_a_call_that_does_not_fit_is_counted_as_one_that_failed(method: str, kind: str) -> None:
    desk = Desk()
    desk.use(1, m=ONE)
    with pytest.raises(CallFailure) as caught:
        desk.check(method, [], {})
    assert caught.value.kind == kind
    assert (desk.table.calls, desk.table.failures) == (1, 1)


def test_a_call_that_was_checked_is_not_checked_again_by_the_same_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    desk.use(1, m=ONE)
    action = desk.check("m", ["1"], {})
    monkeypatch.setattr(Action, "check", lambda self, args, kwargs: pytest.fail("it was checked again"))
    submit(desk, action, "1")
    assert desk.sent() == [(1, 1)]
    assert desk.table.calls == 1


def test_another_generation_checks_it_again() -> None:
    desk = Desk()
    desk.use(1, m=ONE)
    action = desk.check("m", ["1"], {})
    desk.use(2, m={"properties": {}})
    with pytest.raises(CallFailure, match="takes 0 positional arguments"):
        submit(desk, action, "1")
    assert desk.sent() == []


PARAMS: dict[str, Json] = {**ONE}  # type: ignore[dict-item]  # of many types
READS = MethodSpec("m", PARAMS, effects={"read_only": True})
TWO: dict[str, Json] = {"properties": {"a": {}, "b": {}}, "x-positional": ["b", "a"]}


@pytest.mark.parametrize(
    "changed",
    [
        MethodSpec("m", PARAMS, effects={"read_only": False, "destructive": True}),
        MethodSpec("m", PARAMS),
        MethodSpec("m", PARAMS, effects=READS.effects, sensitive=("a",)),
        MethodSpec("m", TWO, effects=READS.effects),
    ],
)
def test_what_was_allowed_as_something_else_does_not_run(changed: MethodSpec) -> None:
    desk = Desk()
    desk.use_specs(READS)
    action = desk.check("m", ["1"], {})
    waiting = [submit(desk, action, "1") for _ in range(3)]
    assert len(desk.sent()) == 2  # and one waits
    desk.use_specs(changed, worker=2)
    with pytest.raises(CallFailure, match="has changed since the call was allowed") as caught:
        submit(desk, action, "1")
    assert caught.value.kind == "refused"
    assert waiting[-1].kind == "refused"
    assert desk.sent() == []


def test_a_change_that_nobody_decides_upon_lets_a_call_run() -> None:
    desk = Desk()
    desk.use_specs(READS)
    action = desk.check("m", ["1"], {})
    desk.use_specs(MethodSpec("m", {**PARAMS, "x-positional": ["a", "b"]}, effects=READS.effects, doc="more"), worker=2)
    submit(desk, action, "1")
    assert [worker for worker, _ in desk.sent()] == [2]


BIG = f'"{"x" * LARGE}"'
MORE: dict[str, Json] = {**PARAMS, "x-varkw": True}


def rechecks(desk: Desk) -> list[Recheck]:
    return [command for command in desk.commands() if isinstance(command, Recheck)]


def no_check(self: Action, *arguments: object) -> None:
    pytest.fail("it was checked on the event loop")


def parked(after_check: Callable[[], object] = lambda: None) -> tuple[Desk, Slip, Recheck]:
    """A large call that was checked as one action and comes when there is another."""
    desk = Desk()
    desk.use_specs(READS)
    action = desk.check("m", [BIG], {})
    after_check()
    desk.use_specs(MethodSpec("m", MORE, effects=READS.effects), worker=2)
    slip = submit(desk, action, BIG)
    [recheck] = rechecks(desk)
    return desk, slip, recheck


def test_a_large_call_of_another_generation_is_checked_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        desk, slip, recheck = parked(lambda: patch.setattr(Action, "check", no_check))
    assert desk.sent() == []
    recheck.action.check_again(recheck.allowed, recheck.args, recheck.kwargs)
    desk.table.rechecked(recheck, None, 0.0)
    assert desk.sent() == [(2, 1)]
    assert not slip.done()


def test_a_large_call_that_waits_while_the_schema_changes_is_checked_beside_the_loop_and_keeps_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    desk.use_specs(READS)
    action = desk.check("m", [BIG], {})
    for _ in range(3):
        submit(desk, action, BIG)
    assert len(desk.sent()) == 2
    monkeypatch.setattr(Action, "check", no_check)
    desk.use_specs(MethodSpec("m", MORE, effects=READS.effects), worker=2)
    [recheck] = rechecks(desk)
    small = submit(desk, desk.table.find("m"), "1")
    assert desk.sent() == [(2, 4)]  # others do not wait for it
    desk.table.rechecked(recheck, None, 0.0)
    assert desk.sent() == [(2, 3)]
    assert not small.done()


@pytest.mark.parametrize("is_last_first", [False, True])
def test_large_calls_that_wait_keep_their_order_whichever_check_ends_first(is_last_first: bool) -> None:
    desk = Desk()
    desk.use_specs(READS)
    action = desk.check("m", [BIG], {})
    for _ in range(4):
        submit(desk, action, BIG)
    desk.use_specs(MethodSpec("m", MORE, effects=READS.effects), worker=2)
    both = [command for command in desk.commands() if isinstance(command, Recheck)]
    for _ in range(2):
        submit(desk, desk.table.find("m"), "1")  # they take both places of the worker
    assert desk.sent() == [(2, 5), (2, 6)]
    for recheck in reversed(both) if is_last_first else both:
        desk.table.rechecked(recheck, None, 0.0)
    for call in (5, 6):
        desk.table.answered(2, Result(call, "1"), 0.0)
    assert desk.sent() == [(2, 3), (2, 4)]


def test_a_large_call_that_is_checked_quickly_does_not_pass_those_that_came_before_it() -> None:
    desk = Desk()
    desk.use_specs(READS)
    action = desk.check("m", [BIG], {})
    desk.use_specs(MethodSpec("m", MORE, effects=READS.effects), worker=2)
    now = desk.table.find("m")
    for _ in range(3):
        submit(desk, now, "1")
    submit(desk, action, BIG)
    [recheck] = [command for command in desk.commands() if isinstance(command, Recheck)]
    desk.table.rechecked(recheck, None, 0.0)
    for call in (1, 2):
        desk.table.answered(2, Result(call, "1"), 0.0)
    assert desk.sent() == [(2, 3), (2, 4)]


def test_a_large_call_is_not_checked_again_for_the_same_parameters() -> None:
    desk = Desk()
    desk.use_specs(READS)
    action = desk.check("m", [BIG], {})
    desk.use_specs(MethodSpec("m", PARAMS, effects=READS.effects, doc="more"), worker=2)
    submit(desk, action, BIG)
    assert [type(command) for command in desk.commands()] != [Recheck]


def test_a_large_call_that_no_longer_fits_fails_and_is_counted() -> None:
    desk, slip, recheck = parked()
    desk.table.rechecked(recheck, CallFailure("invalid_argument", "InvalidArgument", "no"), 0.0)
    assert slip.kind == "invalid_argument"
    assert (desk.table.active, desk.table.calls, desk.table.failures) == (0, 1, 1)
    assert desk.sent() == []


def test_a_schema_that_changes_meanwhile_has_a_large_call_checked_once_more() -> None:
    desk, slip, recheck = parked()
    desk.use_specs(MethodSpec("m", {**MORE, "title": "newer"}, effects=READS.effects), worker=3)
    desk.table.rechecked(recheck, None, 0.0)
    [again] = rechecks(desk)
    assert again.action is not recheck.action
    desk.table.rechecked(again, None, 0.0)
    assert desk.sent() == [(3, 1)]
    assert not slip.done()


def test_what_ends_a_call_while_it_is_checked_ends_it_once() -> None:
    gone = CallFailure("not_loaded", "NotLoaded", "removed")
    ends: list[tuple[Callable[[Desk], None], str | None]] = [
        (lambda desk: desk.table.handle_timeout(desk.table.next_deadline()), "busy"),
        (lambda desk: desk.table.fail_waiting(lambda: gone), "not_loaded"),
        (lambda desk: desk.table.abandon(1), None),
    ]
    for end, kind in ends:
        desk, slip, recheck = parked()
        end(desk)
        assert slip.kind == kind
        assert desk.table.active == 0
        desk.table.rechecked(recheck, None, 1.0)  # comes too late, and changes nothing
        assert desk.sent() == []


def test_calls_that_are_checked_count_as_waiting() -> None:
    desk = Desk()
    desk.use_specs(READS)
    action = desk.check("m", [BIG], {})
    desk.use_specs(MethodSpec("m", MORE, effects=READS.effects), worker=2)
    submit(desk, action, BIG)
    submit(desk, action, BIG)
    with pytest.raises(CallFailure, match="2 calls are waiting") as caught:
        submit(desk, action, BIG)
    assert caught.value.kind == "busy"

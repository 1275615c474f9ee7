"""Calls that are checked first and submitted later, when it was decided that they may run."""

from __future__ import annotations

import pytest

from matahari.hostproto import Json, MethodSpec
from matahari.rpcagent import CallFailure
from matahari.rpcagent.binding import Action
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

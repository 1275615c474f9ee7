"""The table of a plugin's calls, as conversations: what is asked and told, and what must follow."""

from __future__ import annotations

import math

import pytest

from matahari.hostproto import Call, Cancel, Failure, Json, MethodSpec, Output, Partial, Progress, Result
from matahari.rpcagent import CallFailure, Limits
from matahari.rpcagent.pending import MAX_VALUES, Hung, SendTo
from tests.support.call_desk import ANY, ONE, Desk, Slip, crash


def test_a_call_is_sent_at_once_and_answered() -> None:
    desk = Desk()
    slip = desk.submit(timeout=5.0)
    assert desk.commands() == [SendTo(1, Call(1, "m", ("1",), {}, "r", "c", 5.0))]
    assert desk.table.active == 1
    desk.table.answered(1, Result(1, "42"), 1.0)
    assert slip.result == "42"
    assert (desk.table.active, desk.table.calls, desk.table.failures) == (0, 1, 0)


def test_only_so_many_run_at_once_and_the_rest_follows_in_order() -> None:
    desk = Desk()
    slips = [desk.submit() for _ in range(4)]
    assert desk.sent() == [(1, 1), (1, 2)]
    desk.table.answered(1, Result(2, '"b"'), 1.0)
    assert desk.sent() == [(1, 3)]
    desk.table.answered(1, Result(1, '"a"'), 1.0)
    assert desk.sent() == [(1, 4)]
    assert [slip.result for slip in slips] == ['"a"', '"b"', None, None]


def test_a_call_too_many_is_told_busy() -> None:
    desk = Desk()
    for _ in range(4):
        desk.submit()
    with pytest.raises(
        CallFailure, match=r"demo is busy: 2 calls are waiting, and no more may .limits.queue in demo.toml"
    ) as caught:
        desk.submit()
    assert caught.value.kind == "busy"
    assert (desk.table.busy, desk.table.failures, desk.table.active) == (1, 1, 4)


def test_a_call_that_does_not_fit_is_refused_before_it_waits() -> None:
    desk = Desk()
    with pytest.raises(CallFailure) as caught:
        desk.submit(method="n")
    assert caught.value.kind == "unknown_action"
    assert (desk.table.calls, desk.table.failures, desk.table.active) == (1, 1, 0)


@pytest.mark.parametrize(
    ("kind", "expected", "text"),
    [
        ("raised", "raised", "ValueError: boom"),
        ("bad_result", "bad_result", "boom"),
        ("too_large", "too_large", "boom"),
        ("invalid_argument", "invalid_argument", "boom"),
        ("something new", "raised", "ValueError: boom"),
    ],
)
def test_failures_of_a_worker_reach_the_caller(kind: str, expected: str, text: str) -> None:
    desk = Desk()
    slip = desk.submit()
    desk.table.answered(1, Failure(1, kind, "ValueError", "boom", "tb"), 1.0)
    assert slip.failure is not None
    assert (slip.kind, slip.failure.type, slip.failure.value) == (expected, "ValueError", "boom")
    assert (slip.failure.text, slip.failure.traceback) == (text, "tb")


def test_an_exception_without_text_reads_well() -> None:
    desk = Desk()
    slip = desk.submit()
    desk.table.answered(1, Failure(1, "raised", "KeyError", ""), 1.0)
    assert slip.failure is not None
    assert slip.failure.text == "KeyError"


def test_a_running_call_past_its_time_is_answered_cancelled_and_then_hung() -> None:
    desk = Desk()
    slip = desk.submit(timeout=2.0)
    desk.commands()
    assert desk.table.next_deadline() == 2.0
    desk.table.handle_timeout(1.9)
    assert not slip.done()
    desk.table.handle_timeout(2.0)
    assert slip.failure is not None
    assert (slip.kind, slip.failure.text) == ("timeout", "demo.m took longer than 2 s")
    assert desk.commands() == [SendTo(1, Cancel(1))]
    assert desk.table.next_deadline() == 2.5
    desk.table.handle_timeout(2.5)
    assert desk.commands() == [Hung(1, "m", 1, "r", 2.0)]
    assert desk.table.next_deadline() == math.inf
    assert desk.table.has_only_hung(1)
    assert (desk.table.timeouts, desk.table.failures, desk.table.active) == (1, 1, 1)
    desk.table.worker_gone(1, crash, 0.0)
    assert (desk.table.failures, desk.table.active) == (1, 0)


def test_a_late_answer_frees_the_place_and_is_dropped() -> None:
    desk = Desk()
    slip = desk.submit(timeout=1.0)
    desk.submit()
    third = desk.submit()
    desk.commands()
    desk.table.handle_timeout(1.0)
    desk.table.answered(1, Result(1, "late"), 1.1)
    assert (slip.result, slip.kind, slip.after) == (None, "timeout", "ended")
    assert desk.sent() == [(1, 3)]
    assert not third.done()


def test_a_call_whose_caller_has_his_outcome_goes_on_until_it_or_its_worker_has_ended() -> None:
    desk = Desk()
    given_up, late, waiting = desk.submit(), desk.submit(timeout=1.0), desk.submit(timeout=1.0)
    desk.table.abandon(1)
    desk.table.abandon(3)
    desk.table.handle_timeout(1.0)
    assert [slip.after for slip in (given_up, late, waiting)] == ["running", "running", ""]
    desk.table.answered(1, Result(1, "late"), 1.1)
    assert (given_up.after, late.after) == ("ended", "running")
    desk.table.worker_gone(1, crash, 2.0)
    assert (given_up.after, late.after, waiting.after) == ("ended", "stopped", "")


def test_a_call_may_run_out_of_time_while_it_waits() -> None:
    desk = Desk()
    for _ in range(2):
        desk.submit()
    slip = desk.submit(timeout=1.0)
    desk.commands()
    desk.table.handle_timeout(1.0)
    assert slip.failure is not None
    assert (slip.kind, slip.failure.text) == ("timeout", "demo.m waited 1 s for its turn")
    assert desk.commands() == []


def test_a_caller_cannot_ask_for_more_time_than_the_limit() -> None:
    desk = Desk()
    desk.submit(timeout=1000.0)
    assert desk.table.next_deadline() == 60.0


def test_calls_in_a_worker_that_ended_fail_and_those_that_wait_go_on() -> None:
    desk = Desk()
    slips = [desk.submit() for _ in range(3)]
    desk.commands()
    desk.table.worker_gone(1, crash, 0.0)
    assert [slip.kind for slip in slips] == ["crashed", "crashed", None]
    assert desk.commands() == []
    desk.use(2)
    assert desk.sent() == [(2, 3)]


def test_without_any_prospect_those_that_wait_fail() -> None:
    desk = Desk()
    desk.table.without_worker()
    slip = desk.submit()
    desk.table.fail_waiting(lambda: CallFailure("not_loaded", "NotLoaded", "no"))
    assert slip.kind == "not_loaded"
    assert desk.table.active == 0


def test_after_a_switch_new_calls_go_to_the_new_worker_and_old_ones_finish_in_the_old() -> None:
    desk = Desk()
    old = [desk.submit() for _ in range(2)]
    waiting = desk.submit()
    desk.commands()
    desk.use(2)
    assert desk.sent() == [(2, 3)]
    desk.table.answered(1, Result(1, '"old"'), 1.0)
    desk.table.answered(2, Result(3, '"new"'), 1.0)
    assert (old[0].result, waiting.result) == ('"old"', '"new"')
    assert not old[1].done()


def test_a_call_that_waits_is_checked_again_by_the_next_generation() -> None:
    desk = Desk()
    desk.table.without_worker()
    gone, changed = desk.submit(), desk.submit()
    desk.use(2, other=ANY)
    assert (gone.kind, changed.kind) == ("unknown_action", "unknown_action")
    assert desk.sent() == []
    desk = Desk()
    desk.table.without_worker()
    fits = desk.submit()
    desk.use(2, m=ONE)
    assert desk.sent() == [(2, 1)]
    assert not fits.done()


def test_an_abandoned_call_is_cancelled_or_forgotten() -> None:
    desk = Desk()
    running = desk.submit(timeout=5.0)
    desk.submit()
    desk.submit()
    desk.commands()
    desk.table.abandon(3)
    assert (desk.table.active, desk.commands()) == (2, [])
    desk.table.abandon(1)
    desk.table.abandon(1)
    desk.table.abandon(99)
    assert desk.commands() == [SendTo(1, Cancel(1))]
    desk.table.answered(1, Result(2, "1"), 4.0)
    desk.table.handle_timeout(5.0)
    assert desk.commands() == [Hung(1, "m", 1, "r", 5.0)]
    assert not running.done()
    assert desk.table.timeouts == 0


def test_the_limit_of_one_caller_costs_no_other_its_call() -> None:
    desk = Desk()
    patient, hurried = desk.submit(), desk.submit(timeout=2.0)
    desk.commands()
    desk.table.handle_timeout(2.0)
    assert (hurried.kind, desk.commands()) == ("timeout", [SendTo(1, Cancel(2))])
    desk.table.handle_timeout(2.5)
    assert desk.commands() == []
    assert desk.table.next_deadline() == 60.0
    desk.table.answered(1, Result(1, "1"), 30.0)
    assert patient.result == "1"
    assert desk.commands() == [Hung(1, "m", 2, "r", 2.0)]
    assert desk.table.has_only_hung(1)


def test_a_worker_that_ends_is_not_ended_once_more_for_a_call_that_was_spared() -> None:
    desk = Desk()
    desk.submit()
    desk.submit(timeout=2.0)
    for now in (2.0, 2.5):
        desk.table.handle_timeout(now)
    desk.commands()
    desk.table.worker_gone(1, crash, 3.0)
    assert (desk.commands(), desk.table.active) == ([], 0)


def test_at_the_plugins_own_limit_a_call_that_hangs_takes_its_worker_along() -> None:
    desk = Desk()
    desk.submit(timeout=2.0)
    desk.submit(now=1.0)
    desk.commands()
    for now in (2.0, 2.5):
        desk.table.handle_timeout(now)
    assert desk.commands() == [SendTo(1, Cancel(1))]
    desk.table.handle_timeout(60.0)
    assert desk.commands() == [Hung(1, "m", 1, "r", 2.0)]


def test_a_call_that_was_given_up_has_its_time_when_it_is_alone() -> None:
    desk = Desk()
    desk.submit(timeout=60.0)
    desk.submit()
    desk.commands()
    desk.table.abandon(1)
    desk.table.answered(1, Result(2, "1"), 4.0)
    desk.commands()
    assert desk.table.next_deadline() == 60.0


def test_an_answer_of_the_wrong_worker_is_not_believed() -> None:
    desk = Desk()
    slip = desk.submit()
    desk.table.answered(7, Result(1, "forged"), 1.0)
    desk.table.answered(1, Result(99, "forged"), 1.0)
    assert not slip.done()


def test_an_answer_that_nobody_waits_for_is_dropped() -> None:
    desk = Desk()
    slip = desk.submit()
    slip.result = "cancelled elsewhere"
    desk.table.answered(1, Result(1, "1"), 1.0)
    assert slip.result == "cancelled elsewhere"


def test_calls_that_never_came_so_far_are_counted() -> None:
    desk = Desk()
    failure = crash(1)
    assert desk.table.refuse(failure) is failure
    assert (desk.table.calls, desk.table.failures) == (1, 1)


class TestWaiting:
    def test_a_call_that_waited_too_long_is_told_busy(self) -> None:
        desk = Desk(Limits(concurrency=1, queue=2, queue_age=3.0))
        running = desk.submit()
        waiting = desk.submit()
        assert desk.table.next_deadline() == 3.0
        desk.table.handle_timeout(2.9)
        assert not waiting.done()
        desk.table.handle_timeout(3.0)
        assert waiting.failure is not None
        assert (waiting.kind, waiting.failure.text) == ("busy", "demo.m waited 3 s for its turn")
        assert (desk.table.busy, desk.table.timeouts, running.done()) == (1, 0, False)
        assert desk.table.next_deadline() == 60.0

    def test_the_age_in_the_queue_does_not_count_for_a_call_that_runs(self) -> None:
        desk = Desk(Limits(concurrency=1, queue=2, queue_age=3.0))
        desk.submit()
        later = desk.submit()
        desk.table.answered(1, Result(1, "1"), 2.0)
        desk.table.handle_timeout(50.0)
        assert not later.done()


class TestReports:
    def test_what_a_running_call_tells_reaches_its_caller(self) -> None:
        desk = Desk()
        desk.submit()
        desk.table.reported(1, Progress(1, 1, 2, "half"))
        desk.table.reported(1, Output(1, "hello"))
        assert desk.reports == [Progress(1, 1, 2, "half"), Output(1, "hello")]

    def test_nothing_is_told_of_a_call_that_is_over_late_or_of_another_worker(self) -> None:
        desk = Desk()
        desk.submit(timeout=1.0)
        desk.submit()
        desk.table.reported(2, Output(2, "forged"))
        desk.table.reported(1, Output(99, "unknown"))
        desk.table.handle_timeout(1.0)
        desk.table.reported(1, Output(1, "late"))
        desk.table.answered(1, Result(2, "1"), 2.0)
        desk.table.reported(1, Output(2, "over"))
        assert desk.reports == []

    def test_a_time_out_shows_the_output_so_far(self) -> None:
        desk = Desk(printed="of the process")
        slip = desk.submit(timeout=1.0)
        desk.table.reported(1, Output(1, "one\n"))
        desk.table.reported(1, Output(1, "two\n"))
        desk.table.handle_timeout(1.0)
        assert slip.failure is not None
        assert slip.failure.text == "demo.m took longer than 1 s; its output so far:\none\ntwo"

    def test_without_output_of_its_own_it_shows_what_the_process_printed(self) -> None:
        desk = Desk(printed="connecting...")
        slip = desk.submit(timeout=1.0)
        desk.table.handle_timeout(1.0)
        assert slip.failure is not None
        assert slip.failure.text == "demo.m took longer than 1 s; its process printed last:\nconnecting..."


class TestYieldedValues:
    def values(self, *texts: str, result: str = "2") -> Slip:
        desk = Desk()
        params: dict[str, Json] = {"properties": {}, "x-varargs": True, "x-yields": {"type": "integer"}}
        spec = MethodSpec("m", params, {"type": "integer"}, streams=True)
        desk.use_specs(spec)
        slip = desk.submit()
        for text in texts:
            desk.table.reported(1, Partial(1, text))
        desk.table.answered(1, Result(1, result), 1.0)
        return slip

    def test_those_that_are_as_declared_are_not_flagged(self) -> None:
        assert self.values("1", "2").mismatch == ""

    def test_the_first_that_is_not_is_named_beside_the_result(self) -> None:
        slip = self.values("1", '"x"', '"y"')
        assert slip.result == "2"
        assert slip.mismatch.startswith("value 2 yielded by demo.m is not as declared: ")
        both = self.values('"x"', result='"no"').mismatch
        assert both.startswith("value 1 yielded by demo.m is not as declared: ")
        assert "; the result of demo.m is not as declared: " in both

    def test_large_ones_and_those_after_the_first_hundred_are_not_looked_at(self) -> None:
        assert self.values(f'"{"x" * 5000}"').mismatch == ""
        assert self.values(*["1"] * MAX_VALUES, '"x"').mismatch == ""

"""The table of a plugin's calls: time limits of methods, results, and workers that leave nothing for the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matahari.hostproto import NO_THREAD, Failure, MethodSpec, Result
from matahari.rpcagent.pending import Exhausted
from tests.support.call_desk import ANY, LIMITS, Desk, crash


class TestMethods:
    def test_a_method_may_have_a_time_limit_of_its_own(self) -> None:
        desk = Desk()
        desk.use_specs(MethodSpec("m", ANY, timeout=2.0), MethodSpec("n", ANY, timeout=900.0))  # type: ignore[arg-type]
        desk.submit()
        assert desk.table.next_deadline() == 2.0
        desk.table.answered(1, Result(1, "1"), 0.0)
        desk.submit(method="n")
        assert desk.table.next_deadline() == 900.0

    def test_a_caller_may_ask_for_less_than_the_method_declares_and_not_for_more(self) -> None:
        desk = Desk()
        desk.use_specs(MethodSpec("m", ANY, timeout=900.0))  # type: ignore[arg-type]
        desk.submit(timeout=1000.0)
        assert desk.table.next_deadline() == 900.0
        desk.submit(timeout=3.0)
        assert desk.table.next_deadline() == 3.0

    @pytest.mark.parametrize("declared", [2.0, 900.0])
    def test_what_the_operator_has_set_for_the_plugin_counts_instead(self, declared: float) -> None:
        desk = Desk()
        desk.use_specs(MethodSpec("m", ANY, timeout=declared))  # type: ignore[arg-type]
        desk.table.reconfigure(replace(LIMITS, call_timeout=30.0), is_timeout_set=True)
        desk.submit()
        assert desk.table.next_deadline() == 30.0
        desk.submit(timeout=5.0)
        assert desk.table.next_deadline() == 5.0

    def test_a_result_that_is_not_as_declared_is_flagged(self) -> None:
        desk = Desk()
        desk.use_specs(MethodSpec("m", ANY, {"type": "integer"}))  # type: ignore[arg-type]
        good, bad = desk.submit(), desk.submit()
        desk.table.answered(1, Result(1, "1"), 1.0)
        desk.table.answered(1, Result(2, '"one"'), 1.0)
        assert (good.result, good.mismatch) == ("1", "")
        assert bad.result == '"one"'
        assert bad.mismatch == "the result of demo.m is not as declared: 'one' is a string; give an integer"

    def test_the_time_of_answered_calls_is_measured(self) -> None:
        desk = Desk()
        desk.submit()
        desk.submit()
        desk.table.answered(1, Result(1, "1"), 1.0)
        desk.table.answered(1, Failure(2, "raised", "E", "e"), 3.0)
        assert (desk.table.latency.mean, desk.table.latency.p99) == (2.0, 3.0)


class TestWorkersThatLeaveNothing:
    def test_calls_wait_until_a_worker_with_nothing_but_overdue_calls_has_ended(self) -> None:
        desk = Desk()
        desk.submit(timeout=1.0)
        desk.commands()
        desk.table.handle_timeout(1.0)
        desk.use(2, now=1.1)
        slip = desk.submit(1.2)
        assert desk.sent() == []
        desk.table.worker_gone(1, crash, 1.5)
        assert desk.sent() == [(2, 2)]
        desk.table.answered(2, Result(2, "1"), 2.0)
        assert slip.result == "1"

    def test_or_until_its_calls_have_let_go(self) -> None:
        desk = Desk()
        desk.submit(timeout=1.0)
        desk.commands()
        desk.table.handle_timeout(1.0)
        desk.use(2, now=1.1)
        desk.submit(1.2)
        desk.table.answered(1, Failure(1, "cancelled", "", ""), 1.3)
        assert desk.sent() == [(2, 2)]

    def test_they_wait_neither_for_healthy_calls_nor_for_those_that_nobody_waits_for(self) -> None:
        desk = Desk()
        desk.submit(timeout=1.0)
        desk.submit(timeout=30.0)
        desk.table.handle_timeout(1.0)
        desk.commands()
        desk.use(2, now=1.1)
        desk.submit(1.2)
        assert desk.sent() == [(2, 3)]
        desk.table.abandon(3)
        desk.use(3, now=1.3)
        desk.commands()
        desk.submit(1.4)
        assert desk.sent() == [(3, 4)]

    def test_what_waits_still_runs_out_of_time(self) -> None:
        desk = Desk()
        desk.submit(timeout=1.0)
        desk.table.handle_timeout(1.0)
        desk.use(2, now=1.1)
        slip = desk.submit(1.2, timeout=1.0)
        desk.table.handle_timeout(2.2)
        assert slip.kind == "timeout"

    def test_a_worker_without_threads_answers_busy_and_is_to_be_replaced(self) -> None:
        desk = Desk()
        slip = desk.submit()
        desk.commands()
        desk.table.answered(1, Failure(1, "busy", NO_THREAD, "the system gives the worker no thread"), 1.0)
        assert slip.failure is not None
        assert (slip.kind, slip.failure.text) == ("busy", "the system gives the worker no thread")
        assert desk.commands() == [Exhausted(1)]
        assert desk.table.busy == 1

    def test_a_worker_that_is_only_full_is_not(self) -> None:
        desk = Desk()
        desk.submit()
        assert desk.commands() != []
        desk.table.answered(1, Failure(1, "busy", "RuntimeError", "8 calls are running"), 1.0)
        assert desk.commands() == []

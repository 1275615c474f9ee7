"""The way of a call through the gate, and what callers and the audit log learn of it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import ClassVar

import pytest

from matahari.agent import Action, Afterlife, AfterState, AgentObject, CallContext, Effects, Fault, Gate
from matahari.agent import gate as gate_module
from matahari.agent.gate import LOG_BURST, LOG_RATE
from matahari.hooks import (
    ActionRequest,
    AuditLog,
    BrokerRule,
    Caller,
    Decision,
    Extensions,
    JsonValue,
    OwnerRule,
    Problem,
    Threads,
    hookimpl,
)
from matahari.hooks.arguments import digested_arguments
from matahari.qmf import Data, Value

CONTEXT = CallContext("alice", "lab.1.7")
ALICE = Caller("alice", True)


class Paper(AuditLog):
    """An audit log that keeps its records, and can be full."""

    def __init__(self, tmp_path: object = None, *, is_full: bool = False) -> None:
        self.records: list[Mapping[str, JsonValue]] = []
        self.waited: list[JsonValue] = []
        self.is_full = is_full

    path = property(lambda self: "/state/audit.log")
    trouble = property(lambda self: "No space left on device" if self.is_full else "")

    def submit(self, record: Mapping[str, JsonValue]) -> bool:
        if not self.is_full:
            self.records.append(record)
        return not self.is_full

    async def write(self, record: Mapping[str, JsonValue], *, timeout: float = 0.0) -> bool:
        self.waited.append(record["event"])
        return self.submit(record)

    @property
    def events(self) -> list[JsonValue]:
        return [record["event"] for record in self.records]


class Disk(AgentObject):
    name = "Disk"
    effects: ClassVar[Mapping[str, Effects]] = {"look": Effects(read_only=True), "wipe": Effects(destructive=True)}

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.reply_problems: Sequence[Problem] = ()
        self.argument_problems: Sequence[Problem] | Exception = ()
        self.afterlife: Afterlife = print

    async def invoke(self, method: str, arguments: dict[str, Value], context: CallContext) -> Mapping[str, Value]:
        self.ran.append(method)
        if method == "break":
            raise Fault("it broke", data=Data({"kind": "raised", "type": "DiskError"}))
        if method == "crash":
            raise RuntimeError("bug")
        if method == "linger":
            self.afterlife = context.afterlife
            context.afterlife("running")
            raise Fault("it took too long", data=Data({"kind": "timeout"}))
        return {"done": method}

    def prepare(self, method: str, arguments: dict[str, Value], context: CallContext) -> Action:
        if method == "forbidden":
            raise Fault("set disk.allow = true to allow it", data=Data({"kind": "refused"}))
        if method == "unknown":
            raise Fault("no such method", data=Data({"kind": "unknown_action"}))
        plain = super().prepare(method, arguments, context)

        async def check() -> Sequence[Problem]:
            if isinstance(self.argument_problems, Exception):
                raise self.argument_problems
            return self.argument_problems

        async def check_reply(value: Mapping[str, Value]) -> Sequence[Problem]:
            return self.reply_problems

        return Action(
            plain.run, plain.arguments, plain.effects, frozenset({"key"}), check=check, check_reply=check_reply
        )


class Says:
    def __init__(self, answer: Decision | Exception | None) -> None:
        self.answer = answer
        self.asked: list[ActionRequest] = []

    @hookimpl
    def authorise(self, request: ActionRequest) -> Decision | None:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def call(
    method: str,
    item: Disk | None = None,
    *,
    audit: Paper | None = None,
    hook: Says | None = None,
    rule: Callable[[ActionRequest], Decision] | None = None,
    audit_required: bool = False,
    **arguments: Value,
) -> Mapping[str, Value]:
    extensions = Extensions()
    if hook is not None:
        extensions.register(hook, name="policy", origin="test")
    gate = Gate(extensions, Threads(), rule or BrokerRule("alice"), audit=audit, audit_required=audit_required)
    return asyncio.run(gate.run(item or Disk(), method, arguments, CONTEXT, ALICE))


class Slow(Disk):
    """Looks at its calls beside the event loop."""

    def prepare_beside(
        self, method: str, arguments: dict[str, Value], context: CallContext
    ) -> Awaitable[Action] | None:
        async def look() -> Action:
            await asyncio.sleep(0)
            return self.prepare(method, arguments, context)

        return look()


def test_a_call_that_is_checked_beside_the_loop_takes_the_same_way() -> None:
    audit = Paper()
    assert call("wipe", Slow(), audit=audit, key="s3cret") == {"done": "wipe"}
    assert audit.events == ["intent", "outcome"]
    assert fault_of("forbidden", Slow(), audit=audit).kind == "refused"
    assert fault_of("unknown", Slow(), audit=audit).kind == "unknown_action"
    assert audit.events[2:] == ["refusal", "refusal"]


def fault_of(method: str, item: Disk | None = None, **more: object) -> Fault:
    with pytest.raises(Fault) as caught:
        call(method, item, **more)  # type: ignore[arg-type]  # passed on
    return caught.value


def test_a_call_is_written_before_and_after_it_with_its_secrets_masked() -> None:
    audit = Paper()
    assert call("wipe", audit=audit, name="sda", key="s3cret") == {"done": "wipe"}
    intent, outcome = audit.records
    assert (intent["event"], intent["id"], intent["who"], intent["local"]) == ("intent", "lab.1.7", "alice", True)
    assert (intent["plugin"], intent["action"], intent["rule"]) == ("Disk", "wipe", "owner")
    assert intent["arguments"] == {"name": "sda", "key": "<hidden>"}
    assert (outcome["event"], outcome["status"]) == ("outcome", "ok")


def test_without_an_audit_log_calls_run() -> None:
    assert call("wipe", audit_required=True) == {"done": "wipe"}


def test_hooks_learn_arguments_and_effects() -> None:
    hook = Says(None)
    call("wipe", hook=hook, name="sda")
    [asked] = hook.asked
    assert (asked.arguments, asked.destructive, asked.read_only) == ({"name": "sda"}, True, None)
    assert asked.caller == ALICE


def test_a_refusal_names_rule_and_remedy_and_nothing_runs(caplog: pytest.LogCaptureFixture) -> None:
    item, audit = Disk(), Paper()
    with caplog.at_level(logging.WARNING):
        fault = fault_of("wipe", item, audit=audit, hook=Says(Decision(False, "not at night", "hours")))
    assert (item.ran, fault.kind) == ([], "refused")
    assert fault.text.startswith("Disk.wipe is refused: not at night (rule policy: hours); ")
    assert "`matahari hooks` on this host shows the extension policy" in fault.text
    assert audit.events == ["refusal"]
    assert "lab.1.7" in caplog.text
    assert "alice" in caplog.text


@pytest.mark.parametrize(
    "method", ["look\n2031-12-31 ERROR all is lost\x1b[2J", "x" * 100_000], ids=["control characters", "long"]
)
def test_a_refused_caller_writes_no_log_lines_of_its_own(caplog: pytest.LogCaptureFixture, method: str) -> None:
    with caplog.at_level(logging.WARNING):
        fault_of(method, rule=OwnerRule("root"))
    (record,) = caplog.records
    message = record.getMessage()
    assert message.isprintable(), ascii(message[:200])
    assert len(message) < 1500, len(message)


def test_a_flood_of_refusals_is_in_the_audit_log_one_by_one_and_in_the_agents_log_as_a_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    audit, now = Paper(), [1000.0]
    gate = Gate(
        Extensions(),
        Threads(),
        OwnerRule("root"),
        audit=audit,
        clock=lambda: now[0],
    )

    async def refuse(count: int) -> None:
        for _ in range(count):
            with pytest.raises(Fault, match="is refused"):
                await gate.run(Disk(), "wipe", {}, CONTEXT, ALICE)

    with caplog.at_level(logging.WARNING):
        asyncio.run(refuse(LOG_BURST + 300))
        assert len(caplog.messages) == LOG_BURST
        now[0] += 1.0 / LOG_RATE
        asyncio.run(refuse(1))
    assert audit.events == ["refusal"] * (LOG_BURST + 301)
    left_out, last = caplog.messages[LOG_BURST:]
    assert left_out == "300 more refusals were not logged here; the audit log has them: /state/audit.log"
    assert "it was asked for by alice" in last


def test_a_hook_that_raises_refuses_and_is_named() -> None:
    fault = fault_of("wipe", hook=Says(KeyError("rack")))
    assert fault.kind == "refused"
    assert "hook authorise of policy: KeyError: 'rack'" in fault.text


def test_the_rule_of_the_house_refuses_with_its_remedy() -> None:
    fault = fault_of("wipe", rule=OwnerRule("bob"))
    assert "only its owner may (rule owner)" in fault.text
    assert 'authorisation = "broker"' in fault.text


def test_what_an_object_itself_does_not_allow_is_a_refusal_in_its_own_words() -> None:
    audit = Paper()
    fault = fault_of("forbidden", audit=audit)
    assert (fault.kind, fault.text) == ("refused", "set disk.allow = true to allow it")
    assert [(record["event"], record["stage"]) for record in audit.records] == [("refusal", "authorise")]


def test_a_call_that_does_not_fit_is_refused_before_anybody_is_asked() -> None:
    audit, hook = Paper(), Says(None)
    fault = fault_of("unknown", audit=audit, hook=hook, key="s3cret")
    assert (fault.kind, hook.asked) == ("unknown_action", [])
    [record] = audit.records
    assert (record["stage"], record["rule"]) == ("validate", "unknown_action")
    assert "s3cret" not in str(record)


def test_problems_that_take_time_to_find_refuse_as_well() -> None:
    item = Disk()
    item.argument_problems = [Problem("name", "format", "argument 'name': no disk")]
    fault = fault_of("wipe", item)
    assert (fault.kind, fault.text) == ("invalid_argument", "Disk.wipe: argument 'name': no disk")
    item.argument_problems = TimeoutError("not ended within 5 s")
    fault = fault_of("wipe", item)
    assert (fault.kind, item.ran) == ("refused", [])
    assert "not ended within 5 s" in fault.text


def test_a_failure_reaches_the_caller_and_the_log_knows_kind_and_class() -> None:
    audit = Paper()
    assert fault_of("break", audit=audit).text == "it broke"
    outcome = audit.records[-1]
    assert (outcome["status"], outcome["kind"], outcome["error_type"]) == ("failed", "raised", "DiskError")
    with pytest.raises(RuntimeError, match="bug"):
        call("crash", audit=audit)
    assert audit.records[-1]["error_type"] == "RuntimeError"


def test_a_result_that_is_not_as_promised_is_given_and_flagged() -> None:
    item, audit = Disk(), Paper()
    item.reply_problems = [Problem("", "schema", "it is no number")]
    assert call("wipe", item, audit=audit) == {"done": "wipe", "mismatch": "it is no number"}
    assert audit.records[-1]["reply_problems"] == 1


def test_a_full_disk_stops_what_may_change_something_where_audit_is_required() -> None:
    item = Disk()
    fault = fault_of("wipe", item, audit=Paper(is_full=True), audit_required=True)
    assert (item.ran, fault.kind) == ([], "refused")
    assert "cannot be written to the audit log" in fault.text
    assert "make /state/audit.log writable (No space left on device), or" in fault.text
    assert call("look", item, audit=Paper(is_full=True), audit_required=True) == {"done": "look"}


def test_a_full_disk_stops_nothing_where_audit_is_not_required() -> None:
    assert call("wipe", audit=Paper(is_full=True)) == {"done": "wipe"}


def test_only_a_required_intent_of_what_may_change_something_is_waited_for() -> None:
    required, optional = Paper(), Paper()
    for method in ("wipe", "look"):
        call(method, audit=required, audit_required=True)
        call(method, audit=optional)
    assert (required.waited, optional.waited) == (["intent"], [])
    assert required.events == optional.events == ["intent", "outcome"] * 2


def test_large_arguments_are_digested_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []

    def digested(request: ActionRequest) -> JsonValue:
        threads.append(threading.current_thread())
        return digested_arguments(request)

    monkeypatch.setattr("matahari.hooks.order.digested_arguments", digested)
    audit = Paper()
    call("wipe", audit=audit, name="x" * 5000, key="s3cret")
    [thread] = threads
    assert thread is not threading.main_thread()
    arguments = audit.records[0]["arguments"]
    assert isinstance(arguments, dict)
    assert arguments["bytes"] == len('{"name":"","key":"<hidden>"}') + 5000
    call("wipe", name="x" * 5000)
    assert len(threads) == 1  # nothing is written, so nothing is computed


def test_a_digest_that_takes_too_long_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "DIGEST_TIMEOUT", 0.01)
    may_end = threading.Event()
    monkeypatch.setattr("matahari.hooks.order.digested_arguments", lambda request: may_end.wait(30))
    audit = Paper()
    try:
        assert call("wipe", audit=audit, name="x" * 5000) == {"done": "wipe"}
    finally:
        may_end.set()
    assert audit.records[0]["arguments"] == {"left_out": "too long", "preview": '{"name":"' + "x" * 503}


@pytest.mark.parametrize("state", ["ended", "stopped"])
def test_what_goes_on_after_its_outcome_is_told_there_and_in_one_more_record_when_it_has_ended(
    state: AfterState,
) -> None:
    audit, disk, heard, now = Paper(), Disk(), list[str](), [5.0]
    gate = Gate(Extensions(), Threads(), BrokerRule("alice"), audit=audit, clock=lambda: now[0])
    context = CallContext("alice", "lab.1.7", afterlife=heard.append)
    with pytest.raises(Fault):
        asyncio.run(gate.run(disk, "linger", {"key": "x"}, context, ALICE))
    assert audit.events == ["intent", "outcome"]
    assert audit.records[1]["running"] is True
    now[0] = 7.5
    disk.afterlife(state)
    assert audit.records[2] == {
        "event": "end",
        "id": "lab.1.7",
        "who": "alice",
        "local": True,
        "plugin": "Disk",
        "action": "linger",
        "status": state,
        "late_ms": 2500.0,
    }
    assert heard == ["running", state]

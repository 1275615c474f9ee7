"""What the audit log learns of a plugin's call, by where its way ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from matahari.agent import Afterlife, CallContext, Fault, Gate
from matahari.hooks import AuditLog, BrokerRule, Caller, Extensions, JsonValue, Threads
from matahari.hostproto import MethodSpec
from matahari.qmf import Value
from matahari.rpcagent import CallFailure, CallResult, PluginStatus
from matahari.rpcagent.binding import LARGE, Action
from matahari.rpcagent.face import PluginObject
from matahari.rpcagent.provider import PluginProvider
from matahari.rpcagent.records import FailureKind

SECRET = "s3cret-canary"
SPEC = MethodSpec(
    "m", {"properties": {"a": {"type": "string"}}, "x-positional": ["a"]}, {"type": "integer"}, sensitive=("a",)
)
SMALL: dict[str, Value] = {"args": [json.dumps(SECRET)]}
BIG: dict[str, Value] = {"args": [json.dumps(SECRET * LARGE)]}


class Paper(AuditLog):
    """Keeps the records."""

    def __init__(self) -> None:
        self.records: list[Mapping[str, JsonValue]] = []

    def submit(self, record: Mapping[str, JsonValue]) -> bool:
        self.records.append(record)
        return True


class Provider:
    """Has one plugin, whose calls end as they are to."""

    def __init__(self, find: FailureKind | None = None, run: FailureKind | None = None, result: str = "1") -> None:
        self._find = find
        self._run = run
        self._result = result
        self._action = Action("p", SPEC)
        self.afterlife: object = None

    def find(self, name: str, method: str) -> Action:
        if self._find is not None:
            raise CallFailure(self._find, "T", SECRET)
        return self._action

    def refuse(self, name: str, failure: CallFailure) -> CallFailure:
        return failure

    async def invoke(self, name: str, method: str, args: Sequence[str], kwargs: object, **more: object) -> CallResult:
        self.afterlife = more["afterlife"]
        if self._run is not None:
            if self._run == "timeout":
                cast(Afterlife, self.afterlife)("running")
            raise CallFailure(self._run, "T", SECRET)
        return CallResult(self._result, self._action.check_result(self._result))


def records(provider: Provider, arguments: dict[str, Value]) -> list[Mapping[str, JsonValue]]:
    status = PluginStatus("p", Path("/p.py"), "python", "", 1, "d", "ready", None, "local", (SPEC,), 5)
    item = PluginObject(status, cast(PluginProvider, provider), "box", "f00d")
    paper = Paper()
    gate = Gate(Extensions(), Threads(), BrokerRule("alice"), audit=paper)

    async def call() -> None:
        try:
            await gate.run(item, "m", arguments, CallContext("alice", "lab.1"), Caller("alice"))
        except Fault:
            pass  # what the caller is told, other tests look at

    asyncio.run(call())
    assert SECRET not in str(paper.records)
    assert {record["id"] for record in paper.records} == {"lab.1"}
    return paper.records


@pytest.mark.parametrize("arguments", [SMALL, BIG], ids=["small", "large"])
@pytest.mark.parametrize("kind", ["unknown_action", "not_loaded"])
def test_a_call_of_what_is_not_there_leaves_one_refusal(kind: FailureKind, arguments: dict[str, Value]) -> None:
    [record] = records(Provider(find=kind), arguments)
    assert (record["event"], record["stage"], record["rule"]) == ("refusal", "validate", kind)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"args": ["5"]}, "invalid_argument"),
        ({"args": [SECRET]}, "invalid_argument"),
        ({"args": [SECRET * LARGE]}, "invalid_argument"),
        ({"args": [json.dumps([SECRET] * LARGE)]}, "invalid_argument"),
        ({"args": [b"\xff"]}, "invalid_argument"),
        ({"args": [b"\xff" * 2 * LARGE]}, "invalid_argument"),
        ({"args": SECRET}, "invalid_argument"),
        ({"kwargs": {SECRET: "5"}}, "invalid_argument"),
        ({"args": [json.dumps(SECRET * 100_000)]}, "too_large"),
    ],
)
def test_a_call_that_does_not_fit_leaves_one_refusal(arguments: dict[str, Value], rule: str) -> None:
    [record] = records(Provider(), arguments)
    assert (record["event"], record["stage"], record["rule"]) == ("refusal", "validate", rule)


@pytest.mark.parametrize("arguments", [SMALL, BIG], ids=["small", "large"])
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("busy", "failed"),
        ("refused", "failed"),
        ("not_loaded", "failed"),
        ("crashed", "failed"),
        ("raised", "failed"),
        ("too_large", "failed"),
        ("bad_result", "failed"),
        ("timeout", "timeout"),
    ],
)
def test_a_call_that_was_allowed_and_failed_leaves_an_intent_and_one_outcome(
    kind: FailureKind, status: str, arguments: dict[str, Value]
) -> None:
    intent, outcome = records(Provider(run=kind), arguments)
    assert (intent["event"], intent["arguments"]) == ("intent", {"a": "<hidden>"})
    assert (outcome["event"], outcome["status"], outcome["kind"]) == ("outcome", status, kind)
    assert outcome.get("running", False) is (kind == "timeout")


def test_a_result_that_is_not_as_declared_is_told_in_the_outcome() -> None:
    _, outcome = records(Provider(result=json.dumps(SECRET)), SMALL)
    assert (outcome["status"], outcome["reply_problems"]) == ("ok", 1)


def test_a_plugins_call_that_goes_on_leaves_one_more_record_when_it_has_ended() -> None:
    provider = Provider(run="timeout")
    written = records(provider, SMALL)
    assert [record["event"] for record in written] == ["intent", "outcome"]
    cast(Afterlife, provider.afterlife)("ended")
    assert [(record["event"], record["status"]) for record in written[2:]] == [("end", "ended")]

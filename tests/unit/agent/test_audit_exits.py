"""Every request that reaches an agent leaves a refusal alone, or an intent and one outcome, whichever way it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import pytest

from matahari.agent import Action, Agent, AgentIdentity, AgentObject, CallContext, Fault, Gate
from matahari.agent import agent as module
from matahari.hooks import (
    ActionRequest,
    AuditLog,
    BrokerRule,
    Decision,
    Extensions,
    JsonValue,
    Problem,
    Threads,
    encode_record,
)
from matahari.net import Address
from matahari.qmf import (
    MAX_PENDING_CALLS,
    Data,
    Direct,
    Method,
    Packet,
    Property,
    PropertyType,
    Publish,
    Reply,
    Schema,
    SchemaId,
    Value,
)
from tests.support.virtual_loop import run, turns

CONSOLE = "qmf.default.topic/direct-console.1"
NAMES = ("echo", "raise", "late", "forget", "wait", "queue", "busy", "refuse", "odd", "bug", "check", "reply")
DISK = Schema(
    SchemaId("org.example", "Disk"),
    methods=tuple(Method(name, "", (Property("key", PropertyType.STRING),)) for name in NAMES),
)
SECRET = "s3cret-canary"


class Bus:
    """Keeps what is sent."""

    scheme = SimpleNamespace(kind="matahari")

    def __init__(self, address: Address, user: Agent, **_options: object) -> None:
        self.user = user
        self.is_connected = True
        self.user_id_trusted = True
        self.is_crowded = False
        self.address = address
        self.product = "test"
        self.answers: list[Packet] = []
        self.closed = asyncio.Event()

    async def run(self) -> None:
        await self.closed.wait()

    async def close(self) -> None:
        self.closed.set()

    def flush(self) -> None:
        return

    def send(self, command: Publish | Direct | Reply) -> bool:
        if isinstance(command, Reply) and command.packet.opcode in ("_method_response", "_exception"):
            self.answers.append(command.packet)
        return True


class Paper(AuditLog):
    """Keeps the records as they would be read."""

    def __init__(self) -> None:
        self.records: list[dict[str, JsonValue]] = []

    def submit(self, record: Mapping[str, JsonValue]) -> bool:
        self.records.append(json.loads(encode_record(record)))
        return True


class Disk(AgentObject):
    """One method for each way in which a call can end. ``queue`` stands before all that is looked at beside the loop."""

    name = "Disk"
    schema = DISK

    def __init__(self) -> None:
        self.reached: list[str] = []

    def values(self) -> Mapping[str, Value]:
        return {}

    async def invoke(self, method: str, arguments: dict[str, Value], context: CallContext) -> Mapping[str, Value]:
        self.reached.append(method)
        match method:
            case "raise":
                raise Fault(SECRET, data=Data({"kind": "too_large", "type": "TooLarge"}))
            case "late":
                raise Fault(SECRET, data=Data({"kind": "timeout"}))
            case "forget":
                return None  # type: ignore[return-value]  # the point
            case "wait":
                await asyncio.sleep(1000)
        return {"done": method}

    def prepare(self, method: str, arguments: dict[str, Value], context: CallContext) -> Action:
        match method:
            case "refuse":
                raise Fault(SECRET, data=Data({"kind": "refused"}))
            case "odd":
                raise Fault(SECRET, data=Data({"kind": "invalid_argument"}))
            case "bug":
                raise KeyError(SECRET)
        plain = super().prepare(method, arguments, context)

        async def check() -> Sequence[Problem]:
            if method == "check":
                self.reached.append("check")
                await asyncio.sleep(1000)
            return ()

        async def check_reply(value: Mapping[str, Value]) -> Sequence[Problem]:
            if method == "reply":
                self.reached.append("reply checked")
                await asyncio.sleep(1000)
            return [Problem("", "type", SECRET)] if method == "echo" else ()

        return Action(plain.run, plain.arguments, plain.effects, frozenset({"key"}), check, check_reply)

    def prepare_beside(
        self, method: str, arguments: dict[str, Value], context: CallContext
    ) -> Awaitable[Action] | None:
        return self._beside(method) if method in ("queue", "busy") else None

    async def _beside(self, method: str) -> Action:
        self.reached.append(method)
        if method == "queue":
            await asyncio.sleep(1000)
        raise Fault(SECRET, data=Data({"kind": "busy"}))


def deny(request: ActionRequest) -> Decision:
    return Decision(False, SECRET, "owner")


@dataclass
class Lab:
    """An agent with one disk, on a bus that exists in memory alone."""

    agent: Agent
    bus: Bus
    disk: Disk
    paper: Paper

    def ask(self, body: Value, *, reply_to: str | None = CONSOLE, opcode: str = "_method_request") -> None:
        packet = Packet(opcode, body, reply_to=reply_to, correlation_id="1", user_id="ann")
        self.agent.handle_packet(packet)

    def call(self, method: str, *, timeout: float | None = None) -> None:
        body: dict[str, Value] = {
            "_object_id": {"_object_name": "Disk"},
            "_method_name": method,
            "_arguments": {"key": SECRET},
        }
        if timeout is not None:
            body["_matahari"] = {"timeout": timeout}
        self.ask(body)


Story = Callable[[Lab], Awaitable[None]]
Play = Callable[..., Lab]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    monkeypatch.setattr(module, "Bus", Bus)

    async def played(story: Story, rule: Callable[[ActionRequest], Decision]) -> Lab:
        paper, disk = Paper(), Disk()
        gate = Gate(Extensions(), Threads(), rule, audit=paper)
        agent = Agent("lab", AgentIdentity("box", "f00d", "1"), Address("unix", path="/nowhere"), gate=gate)
        agent.add_object(disk)
        bus = cast(Bus, agent._bus)
        running = asyncio.ensure_future(agent.run())
        await turns()
        agent.handle_connected()
        lab = Lab(agent, bus, disk, paper)
        await story(lab)
        await agent.stop()
        await running
        return lab

    def start(story: Story, rule: Callable[[ActionRequest], Decision] | None = None) -> Lab:
        found: list[Lab] = []

        async def kept() -> None:
            found.append(await played(story, rule or BrokerRule("alice")))

        run(kept())
        return found[0]

    return start


def plainly(method: str) -> Story:
    async def story(lab: Lab) -> None:
        lab.call(method)
        await turns(6)

    return story


def given_up(method: str, at: str) -> Story:
    """The caller gives the call up when it has come as far as ``at``."""

    async def story(lab: Lab) -> None:
        lab.call(method)
        await turns(6)
        assert lab.disk.reached[-1:] == [at]
        lab.ask(None, opcode="_method_cancel_indication")
        await turns(6)

    return story


def given_up_at_once(method: str) -> Story:
    async def story(lab: Lab) -> None:
        lab.call(method)
        lab.ask(None, opcode="_method_cancel_indication")
        await turns(6)

    return story


def overdue(method: str) -> Story:
    async def story(lab: Lab) -> None:
        lab.call(method, timeout=1.0)
        await asyncio.sleep(5)

    return story


def stopped(method: str) -> Story:
    async def story(lab: Lab) -> None:
        lab.call(method)
        await turns(6)

    return story


def stopped_before_its_first_step(method: str) -> Story:
    async def story(lab: Lab) -> None:
        lab.call(method)
        await lab.agent._tasks.cancel_all()

    return story


def after_the_end(method: str) -> Story:
    async def story(lab: Lab) -> None:
        await lab.agent.stop()
        lab.call(method)

    return story


def asking(body: Value, **more: str | None) -> Story:
    async def story(lab: Lab) -> None:
        lab.ask(body, **more)  # type: ignore[arg-type]  # passed on
        await turns(6)

    return story


async def removed_in_between(lab: Lab) -> None:
    lab.call("echo")
    lab.agent.remove_object("Disk")
    await turns(6)


async def too_many(lab: Lab) -> None:
    for _ in range(MAX_PENDING_CALLS):
        lab.agent.handle_packet(
            Packet(
                "_method_request",
                {"_object_id": {"_object_name": "Disk"}, "_method_name": "wait"},
                reply_to=CONSOLE,
                correlation_id="many",
            )
        )
    lab.call("echo")
    await turns(6)


REFUSED = {
    "it does not fit": (plainly("odd"), "validate", "invalid_argument"),
    "its object does not allow it": (plainly("refuse"), "authorise", "Disk"),
    "its object fails to look at it": (plainly("bug"), "validate", "failed"),
    "too many are looked at": (plainly("busy"), "validate", "busy"),
    "given up before it began": (given_up_at_once("echo"), "validate", "cancelled"),
    "given up while it waits to be looked at": (given_up("queue", "queue"), "validate", "cancelled"),
    "given up while it is checked": (given_up("check", "check"), "validate", "cancelled"),
    "its time is over while it waits to be looked at": (overdue("queue"), "validate", "timeout"),
    "its time is over while it is checked": (overdue("check"), "validate", "timeout"),
    "the agent stops while it waits to be looked at": (stopped("queue"), "validate", "stopping"),
    "the agent stops while it is checked": (stopped("check"), "validate", "stopping"),
    "the agent stops before its first step": (stopped_before_its_first_step("echo"), "validate", "stopping"),
    "the agent has stopped": (after_the_end("echo"), "validate", "stopping"),
    "its object is gone": (
        asking({"_object_id": {"_object_name": "Tape"}, "_method_name": "echo"}),
        "validate",
        "unknown_object",
    ),
    "its object goes in between": (removed_in_between, "validate", "unknown_object"),
    "it is for the agent itself": (asking({"_method_name": "echo"}), "validate", "unknown_object"),
    "it is no map": (asking([SECRET]), "validate", "malformed"),
    "it has no method": (asking({"_object_id": {"_object_name": "Disk"}}), "validate", "malformed"),
    "its arguments are no map": (asking({"_method_name": "echo", "_arguments": SECRET}), "validate", "malformed"),
    "its options are none": (asking({"_method_name": "echo", "_matahari": SECRET}), "validate", "malformed"),
    "its arguments are of other types": (
        asking({"_object_id": {"_object_name": "Disk"}, "_method_name": "echo", "_arguments": {"key": 5}}),
        "validate",
        "invalid_argument",
    ),
    "its text is in no encoding": (
        asking({"_object_id": {"_object_name": "Disk"}, "_method_name": "echo", "_arguments": {"key": b"\xff"}}),
        "validate",
        "invalid_argument",
    ),
    "nobody would hear the answer": (asking({"_method_name": "echo"}, reply_to=None), "validate", "no_reply_to"),
}

RUN = {
    "its result is too large": (plainly("raise"), "failed", "too_large"),
    "its result is not as declared": (plainly("echo"), "ok", None),
    "it gives what is no result": (plainly("forget"), "ok", None),
    "its own limit is over": (plainly("late"), "timeout", "timeout"),
    "given up while it runs": (given_up("wait", "wait"), "cancelled", None),
    "given up while its result is checked": (given_up("reply", "reply checked"), "cancelled", None),
    "its caller's time is over while it runs": (overdue("wait"), "timeout", None),
    "its caller's time is over while its result is checked": (overdue("reply"), "timeout", None),
    "the agent stops while it runs": (stopped("wait"), "stopping", None),
}


@pytest.mark.parametrize(("story", "stage", "rule"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_run_leaves_one_refusal(play: Play, story: Story, stage: str, rule: str) -> None:
    lab = play(story)
    [record] = lab.paper.records
    assert (record["event"], record["stage"], record["rule"]) == ("refusal", stage, rule)
    assert record["id"]
    assert SECRET not in str(lab.paper.records)


@pytest.mark.parametrize(("story", "status", "kind"), RUN.values(), ids=RUN)
def test_what_runs_leaves_an_intent_and_one_outcome_of_the_same_call(
    play: Play, story: Story, status: str, kind: str | None
) -> None:
    lab = play(story)
    intent, outcome = lab.paper.records
    assert (intent["event"], outcome["event"]) == ("intent", "outcome")
    assert intent["id"] == outcome["id"]
    assert (outcome["status"], outcome.get("kind")) == (status, kind)
    assert intent["arguments"] == {"key": "<hidden>"}
    assert SECRET not in str(lab.paper.records)


@pytest.mark.parametrize("name", [*REFUSED, *RUN])
def test_whatever_becomes_of_a_call_it_has_one_answer_if_there_is_a_way_for_it(play: Play, name: str) -> None:
    story = (REFUSED | RUN)[name][0]
    assert len(play(story).bus.answers) == (name != "nobody would hear the answer")


def test_who_is_not_allowed_leaves_one_refusal_with_what_was_wanted(play: Play) -> None:
    [record] = play(plainly("echo"), deny).paper.records
    assert (record["event"], record["stage"], record["rule"]) == ("refusal", "authorise", "owner")
    assert record["arguments"] == {"key": "<hidden>"}


def test_one_call_too_many_leaves_a_refusal(play: Play) -> None:
    records = play(too_many).paper.records
    [refusal] = [record for record in records if record["event"] == "refusal"]
    assert (refusal["plugin"], refusal["action"], refusal["rule"]) == ("Disk", "echo", "busy")
    ends: dict[JsonValue, list[JsonValue]] = {}
    for record in records:
        ends.setdefault(record["id"], []).append(record["event"])
    assert sorted(map(tuple, ends.values())) == [("intent", "outcome")] * MAX_PENDING_CALLS + [("refusal",)]


def test_refusals_have_numbers_of_their_own(play: Play) -> None:
    async def story(lab: Lab) -> None:
        for _ in range(2):
            lab.ask([])
        lab.call("echo")
        await turns(6)

    ids = [record["id"] for record in play(story).paper.records]
    assert len(set(ids)) == 3
    assert len(ids) == 4

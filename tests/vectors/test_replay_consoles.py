"""What consoles of others said, given to agents of ours in the order in which it was recorded.

Each answer by itself is compared field by field in ``test_shapes.py``. Here each agent lives through the whole
conversation: it keeps its state, answers everything once, to the right address, and nothing else. The agent's name
tells the protocol: ``zero10`` and its like were reached through translation from 0-10, ``one0`` natively on 1.0.
"""

from __future__ import annotations

from typing import cast

import pytest

from matahari.qmf import AgentEngine, Data, Invoke, ObjectId, Packet, Reply, SchemaId, Value, decode_text, text, v1
from tests.support.agent_replay import Exchange, encoded, exchanges, packet, recorded_agent
from tests.support.recorded import Recorded, load, plain

AGENTS = sorted({one.agent for one in exchanges()})


def conversation(agent: str) -> list[Exchange]:
    return [one for one in exchanges() if one.agent == agent]


@pytest.mark.parametrize("name", AGENTS)
def test_an_agent_answers_its_whole_recorded_conversation(name: str) -> None:
    agent = recorded_agent(name)
    agent.start(0.0, 1)
    drain(agent)
    for number, one in enumerate(conversation(name)):
        request = packet(one.request)
        agent.receive(request, float(number), 2)
        replies = end_calls(agent, request, packet(one.answer))
        assert [reply.packet.partial for reply in replies] == [False], one.label
        (reply,) = replies
        assert reply.reply_to == request.reply_to, one.label
        assert reply.packet.correlation_id == request.correlation_id, one.label
        assert reply.packet.agent == name
        assert reply.packet.opcode == packet(one.answer).opcode, one.label
        assert reply.packet.content == packet(one.answer).content, one.label
    assert agent.statistics() == {"pending": 0, "subscriptions": 0, "ignored": 0, "dropped": 0}


def drain(agent: AgentEngine) -> None:
    while agent.next_command() is not None:
        pass


def end_calls(agent: AgentEngine, request: Packet, recorded: Packet) -> list[Reply]:
    """Answer what is invoked as it was recorded, and return the replies."""
    replies: list[Reply] = []
    while (command := agent.next_command()) is not None:
        if isinstance(command, Invoke):
            check_call(command, request)
            if recorded.opcode == "_method_response":
                body = cast("dict[str, dict[str, Value]]", recorded.body)
                agent.complete(command.call, body["_arguments"])
            else:
                agent.fail(command.call, "failed", data=Data.from_map(recorded.body))
        else:
            assert isinstance(command, Reply)
            encoded(command)  # it can be sent
            replies.append(command)
    return replies


def check_call(call: Invoke, request: Packet) -> None:
    """The application is given what the console sent, whatever types its text had."""
    body = cast("dict[str, Value]", request.body)
    assert call.method == text(body["_method_name"])
    assert call.object_name == ObjectId.from_map(body["_object_id"]).object_name
    assert decode_text(cast(Value, call.arguments)) == decode_text(body["_arguments"])
    assert call.user_id == request.user_id


def test_every_recorded_kind_of_request_is_replayed_to_agents_on_both_protocols() -> None:
    native = {one.request.said("qmf.opcode") for one in exchanges() if one.answer.native}
    translated = {one.request.said("qmf.opcode") for one in exchanges() if not one.answer.native}
    assert native == {"_agent_locate_request", "_query_request", "_method_request"}
    assert translated == native | {None}  # QMFv1 comes from the Python console alone, which has no 1.0
    assert len(exchanges()) == 81


def test_an_object_id_without_an_epoch_finds_the_object_as_2012_did_not() -> None:
    """The 2012 agent said *Not implemented* (README, note to ``request-no-epoch``)."""
    request = packet(next(item for item in load("method-proton") if item.name == "request-no-epoch"))
    agent = recorded_agent("matahariproject.org:rpc:9eef5b08-1a99-4342-bbbb-3b293afcd747")
    agent.receive(request, 1.0, 2)
    call = agent.next_command()
    assert isinstance(call, Invoke)
    assert (call.object_name, call.method) == ("7ca6c42c-9969-4515-88a7-77beb506a830", "testFunction")


# -- the session of the original mhsh --------------------------------------------------------------------------------


#: What answers each request, in order: opcode, content, and what the body holds: names of classes, or output arguments.
MHSH: list[tuple[str, str | None, list[str]]] = [
    ("_agent_locate_response", None, []),
    ("_query_response", "_schema_id", ["Agent", "Host", "heartbeat"]),
    ("_query_response", "_schema_id", ["Agent", "PluginException", "asterisk", "example"]),
    ("_query_response", "_schema_id", ["Poked", "Sampler", "Trouble"]),
    ("_query_response", "_data", []),  # the test agent has no object of class Agent
    ("_query_response", "_data", ["Agent"]),
    ("", None, ["Agent"]),
    ("_query_response", "_data", ["Agent"]),
    ("_query_response", "_data", ["asterisk"]),
    ("", None, ["asterisk"]),
    ("_query_response", "_data", []),  # nor has the host agent one of a plugin
    ("_method_response", None, ["result"]),
    ("", None, ["heartbeat"]),
    ("_query_response", "_data", []),
    ("_query_response", "_data", ["Host"]),
    ("", None, ["Host"]),
]


@pytest.fixture(scope="module")
def mhsh_agents() -> dict[str, AgentEngine]:
    """The agents that the shell talked to, with the objects that such agents have."""
    agents = {}
    for item in load("mhsh-requests"):
        name = item.property("subject") or ""
        if ":" in name:
            agents[name] = with_usual_objects(name)
    return agents


def with_usual_objects(name: str) -> AgentEngine:
    """An agent with its recorded objects, and those of others of its product where its own were not recorded."""
    agent = recorded_agent(name)
    for twin in AGENTS:
        if twin.split(":")[1] == name.split(":")[1]:
            for other in recorded_agent(twin).objects.values():
                if all(item.schema.id != other.schema.id for item in agent.objects.values()):
                    agent.add_object(other, 1)
    return agent


@pytest.mark.parametrize(
    ("position", "expected"), list(enumerate(MHSH)), ids=[item.label for item in load("mhsh-requests")]
)
def test_the_session_of_the_original_mhsh_is_answered(
    mhsh_agents: dict[str, AgentEngine], position: int, expected: tuple[str, str | None, list[str]]
) -> None:
    """Figure 7's session: discovery, packages, objects of a class, schemas by QMFv1, and one call."""
    item = load("mhsh-requests")[position]
    request = packet(item)
    for agent in addressed(mhsh_agents, item):
        agent.receive(request, 1.0, 2)
        result = Packet("_method_response", {"_arguments": {"result": '"0 active channels"'}})
        (reply,) = end_calls(agent, request, result)
        assert (reply.packet.opcode, reply.packet.content) == expected[:2]
        assert reply.reply_to == item.property("reply-to")
        assert reply.packet.correlation_id == item.property("correlation-id")
        assert reply.packet.agent == agent.name
        assert holds(reply.packet, item) == expected[2]


def addressed(agents: dict[str, AgentEngine], item: Recorded) -> list[AgentEngine]:
    key = item.property("subject") or ""
    return list(agents.values()) if key == "console.request.agent_locate" else [agents[key]]


def holds(answer: Packet, request: Recorded) -> list[str]:
    """Classes in an answer in their order, once each; or names of output arguments."""
    body = answer.body
    if isinstance(body, bytes):
        (frame,) = v1.decode_frames(body)
        assert (frame.opcode, frame.sequence) == ("s", request.stated.frames[0]["sequence"])
        return [v1.read_schema(frame.payload).id.name]
    if isinstance(body, dict):
        return list(cast("dict[str, Value]", body["_arguments"])) if "_arguments" in body else []
    assert isinstance(body, list)
    ids = [item.get("_schema_id", item) for item in cast("list[dict[str, Value]]", body)]
    return list(dict.fromkeys(SchemaId.from_map(one).name for one in ids))


def test_the_shell_asks_for_the_hash_that_our_agent_publishes(mhsh_agents: dict[str, AgentEngine]) -> None:
    """It learns hashes from objects and asks for schemas by them; both sides must mean the same class."""
    for item in load("mhsh-requests"):
        if item.stated.frames:
            frame = item.stated.frames[0]
            (agent,) = addressed(mhsh_agents, item)
            published = {one.name: one.hash for one in agent.schemas}
            wanted = published[str(frame["class"])]
            assert wanted is not None and wanted.hex == frame["hash"]
    assert plain(load("mhsh-requests")[0].stated.body) == []

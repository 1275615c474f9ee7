"""The recorded agents of the original RPC service and of the lab, in front of our whole Python console.

A peer on a bus in memory answers what the console asks with what such an agent was recorded to answer to the same
question. The protocol is in the test's id: translated from 0-10 by qpidd, or natively on 1.0.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import cast

import pytest

from matahari.console import Console, station
from matahari.errors import RemoteError
from matahari.net import Address
from matahari.qmf import Direct, Packet, Publish, SchemaId, Value, decode_text
from tests.support.agent_replay import Exchange, classes, exchanges, packet
from tests.support.fake_bus import FakeBus
from tests.support.recorded import Recorded, plain, readable
from tests.support.virtual_loop import run

PLUGINS = "org.matahariproject.rpc.plugin"
Play = Callable[[str, Callable[[Console], Awaitable[None]]], None]


class RecordedAgent:
    """An agent that has nothing to say but what was recorded of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.unknown: list[Packet] = []
        self._exchanges = [one for one in exchanges() if one.agent == name and not one.request.stated.frames]
        self._announced = packet(next(one for one in readable("locate") if one.said("qmf.agent") == name))
        values = cast("dict[str, dict[str, Value]]", decode_text(self._announced.body))["_values"]
        self._keys = (name, values["_direct_subject"])

    def receive(self, command: Publish | Direct, tell: Callable[[Packet], None]) -> None:
        asked = command.packet
        if command.key == "console.request.agent_locate":
            tell(self._announced)
        elif command.key in self._keys:
            answer = next((one.answer for one in self._exchanges if is_same(one, asked)), None)
            if answer is not None:
                tell(replace(packet(answer), correlation_id=asked.correlation_id))
            elif not self._tell_schema(asked, tell):
                self.unknown.append(asked)

    def _tell_schema(self, asked: Packet, tell: Callable[[Packet], None]) -> bool:
        """The test agent's schemas were recorded in QMFv1 alone; told as QMFv2, for a console that asks so."""
        body = cast("dict[str, Value]", asked.body)
        if body.get("_what") != "SCHEMA":
            return False
        schema = classes()[SchemaId.from_map(body["_schema_id"]).name]
        tell(Packet("_query_response", [schema.to_map()], "_schema", self.name, asked.correlation_id))
        return True


def is_same(one: Exchange, asked: Packet) -> bool:
    """Whether a recorded request asks for what ours does."""
    recorded, ours = meaning(one.request), asked.body
    if one.request.said("qmf.opcode") != asked.opcode or not isinstance(ours, dict):
        return False
    if asked.opcode == "_method_request":
        return all(recorded[key] == ours[key] for key in ("_method_name", "_arguments"))
    if recorded["_what"] != ours["_what"]:
        return False
    if "_schema_id" not in recorded or "_schema_id" not in ours:
        return "_schema_id" not in recorded and "_schema_id" not in ours
    return SchemaId.from_map(recorded["_schema_id"]).matches(SchemaId.from_map(ours["_schema_id"]))


def meaning(item: Recorded) -> dict[str, Value]:
    """A recorded body that is a map, with text as text."""
    body = decode_text(plain(item.stated.body))
    return body if isinstance(body, dict) else {}


def recorded_answer(agent: str, name: str) -> Value:
    found = next(one for one in exchanges() if one.agent == agent and one.answer.name == name)
    return decode_text(plain(found.answer.stated.body))


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run a story with a console that has found a recorded agent; every question must be one that was recorded."""
    buses: list[FakeBus] = []

    def bus(*args: object, **options: object) -> FakeBus:
        buses.append(FakeBus(*args, **options))  # type: ignore[arg-type]  # those of Bus
        return buses[-1]

    monkeypatch.setattr(station, "Bus", bus)

    def played(name: str, story: Callable[[Console], Awaitable[None]]) -> None:
        agent = RecordedAgent(name)

        async def inner() -> None:
            console = Console(Address("unix", path="/nowhere"), station.BusOptions())
            buses[-1].peers.append(agent)
            await console._open(5.0)
            try:
                await story(console)
            finally:
                await console.close()

        run(inner())
        assert agent.unknown == []

    return played


#: Agents of the same program, one on each protocol.
RPC = {"0-10": "matahariproject.org:rpc:b6b34f27-3501-485b-9a77-b9a4d38f6576",
       "1.0": "matahariproject.org:rpc:73c9c3a1-9973-47db-8fbc-0b7dbd4252f4"}  # fmt: skip
LAB = {"0-10": "example.org:lab:zero10", "1.0": "example.org:lab:one0"}
on_both_protocols = pytest.mark.parametrize("protocol", ["0-10", "1.0"])


@on_both_protocols
def test_an_original_agent_and_its_classes_are_listed(play: Play, protocol: str) -> None:
    async def story(console: Console) -> None:
        (agent,) = await console.agents()
        assert (agent.name, agent.product) == (RPC[protocol], "rpc")
        assert agent.host in ("ast1", "ast10")
        assert [one.name for one in await console.classes(PLUGINS)] == ["asterisk", "example"]

    play(RPC[protocol], story)


@on_both_protocols
def test_a_method_of_an_original_plugin_returns_what_was_recorded(play: Play, protocol: str) -> None:
    async def story(console: Console) -> None:
        objects = await console.select("example", package=PLUGINS)
        (found,) = objects
        assert found.values == {}
        assert [method.name for method in objects.methods] == ["TestClass", "showArgs", "testException", "testFunction"]
        (result,) = await objects.call("testException")
        assert isinstance(result.error, RemoteError)
        assert result.error.remote_type == "Exception"
        assert "testException()" in str(result.error)
        assert "rpc_server.py" in result.error.remote_traceback

    play(RPC[protocol], story)


def test_arguments_go_out_as_the_json_that_was_recorded(play: Play) -> None:
    async def story(console: Console) -> None:
        objects = await console.select("example", package=PLUGINS)
        (result,) = await objects.call("showArgs", 1, "two", [3.5, None, True], k={"a": 1}, s="x")
        assert result.error is None
        assert result.value == {"args": [1, "two", [3.5, None, True]], "kwargs": {"k": {"a": 1}, "s": "x"}}
        said = cast("dict[str, dict[str, str]]", recorded_answer(RPC["0-10"], "response-showArgs"))
        assert result.value == json.loads(said["_arguments"]["result"])

    play(RPC["0-10"], story)


@on_both_protocols
def test_values_of_every_type_arrive_as_they_were_recorded(play: Play, protocol: str) -> None:
    async def story(console: Console) -> None:
        (found,) = await console.select("Sampler", package="org.example.lab")
        name = {"0-10": "response-Sampler-from-lab", "1.0": "response-libqmf2-1.0-Sampler"}[protocol]
        (said,) = cast("list[dict[str, Value]]", recorded_answer(LAB[protocol], name))
        assert found.values == said["_values"]
        assert found.values["p_text"] == "naïve"
        assert found.values["p_bytes"] == b"\x00\xff\x80z"
        assert found.name == "sampler-1"

    play(LAB[protocol], story)


@on_both_protocols
def test_exceptions_of_both_forms_are_errors_with_their_text(play: Play, protocol: str) -> None:
    async def story(console: Console) -> None:
        objects = await console.select("Sampler", package="org.example.lab")
        for kind, text in (("text", "plain trouble"), ("data", "structured trouble")):
            (result,) = await objects.call("fail", kind)
            assert isinstance(result.error, RemoteError)
            assert str(result.error) == text

    play(LAB[protocol], story)


@on_both_protocols
def test_a_result_of_every_type_arrives_as_it_was_recorded(play: Play, protocol: str) -> None:
    async def story(console: Console) -> None:
        objects = await console.select("Sampler", package="org.example.lab")
        (result,) = await objects.call("types")
        said = cast("dict[str, Value]", recorded_answer(LAB[protocol], "response-types"))
        assert result.value == said["_arguments"]

    play(LAB[protocol], story)

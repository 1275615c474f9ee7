"""The Python console against agents of every make, on a bus in memory."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from matahari.console import Console, ConsoleEvent, connect
from matahari.console.values import AgentSummary, ClassName, Host
from matahari.errors import (
    ConnectionLostError,
    InvalidArgumentError,
    NoAgentsError,
    RemoteError,
    RequestTimeoutError,
    SchemaError,
    UnknownActionError,
)
from matahari.qmf import Data, Direct, Packet, Property, PropertyType, Publish, Schema, SchemaId, Value
from tests.support.fake_bus import BROKER, BROKER_PACKAGE, LAB, FakeBus, Libqmf2Agent, OurAgent, Play, QpidBroker
from tests.support.vectors import find
from tests.support.virtual_loop import turns

LAB_PACKAGE = "org.example.lab"
UUID = uuid.UUID("13c3ee82-7b7c-5c3a-ae4e-4e1b2a4f6a11")


# -- the broker's own agent ------------------------------------------------------------------------------------------


def test_the_brokers_agent_is_listed_and_is_no_host(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        assert await console.hosts() == [Host("box", "uuid-of-box")]
        assert await console.agents() == [
            AgentSummary(BROKER, "", "qpidd"),
            AgentSummary("matahariproject.org:door:box", "box", "door"),
        ]
        assert [one.name for one in await console.agents(["box"])] == ["matahariproject.org:door:box"]
        for nowhere in ("", "nowhere"):
            with pytest.raises(NoAgentsError):
                await console.agents([nowhere])

    play(story, QpidBroker(), OurAgent())


def test_the_brokers_objects_are_selected_by_package_and_class(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        (found,) = await console.select("broker", package=BROKER_PACKAGE)
        assert (found.host, found.agent) == ("", BROKER)
        assert found.name == "org.apache.qpid.broker:broker:amqp-broker"
        assert str(found) == f"org.apache.qpid.broker:broker[{found.name}] on {BROKER}"
        assert found.values["name"] == "amqp-broker"
        assert found.values["queueCount"] == 16
        assert found.values["systemRef"] == {
            "_object_name": "org.apache.qpid.broker:system:d0c366cb-f54c-491f-989d-99da1a12e4e0"
        }
        objects = await console.select("broker", package=BROKER_PACKAGE, where={"name": "amqp-broker"})
        assert objects.get("port") == [49000]
        assert (await objects.refresh()).get("port") == [49000]
        # The schema came in a QMFv1 frame, once for all.
        assert bus.opcodes().count("") == 1

    play(story, QpidBroker(), OurAgent())


def test_methods_of_the_brokers_objects_are_called_with_typed_arguments(play: Play) -> None:
    broker = QpidBroker()

    async def story(console: Console, bus: FakeBus) -> None:
        objects = await console.select("broker", package=BROKER_PACKAGE)
        for result in (await objects.call("echo", sequence=1, body="hi"), await objects.call("echo", 1.0, "hi")):
            assert result.values() == [{"sequence": 1, "body": "hi"}]
        assert broker.calls == [{"sequence": 1, "body": "hi"}] * 2
        with pytest.raises(SchemaError, match="sequence"):
            await objects.call("echo", sequence="one", body="hi")
        (failed,) = await objects.call("unknown")
        assert isinstance(failed.error, UnknownActionError)
        assert failed.error.status == 2

    play(story, broker)


def test_the_brokers_classes_are_listed_package_by_package(play: Play) -> None:
    event = Schema(SchemaId("org.apache.qpid.acl", "allow", "_event"))
    queue = Schema(SchemaId(BROKER_PACKAGE, "queue"))

    async def story(console: Console, bus: FakeBus) -> None:
        assert await console.packages() == [BROKER_PACKAGE, LAB_PACKAGE]
        assert await console.classes(BROKER_PACKAGE) == [
            ClassName(BROKER_PACKAGE, "broker"), ClassName(BROKER_PACKAGE, "queue"),
        ]  # fmt: skip
        with pytest.raises(NoAgentsError, match=r"did you mean org\.apache\.qpid\.broker:queue"):
            await console.select("Queue", package=BROKER_PACKAGE)
        assert len(await console.select("queue", package=BROKER_PACKAGE)) == 0

    play(story, QpidBroker(schemas=[event, queue]), Libqmf2Agent())


def test_quirk_18_measurements_are_given_under_the_names_of_the_schema(play: Play) -> None:
    names = ("msgLatencySamples", "msgLatencyMin", "msgLatencyMax", "msgLatencyAverage")
    members = tuple(Property(name, PropertyType.INT, statistic=True) for name in names)
    schema = Schema(SchemaId(BROKER_PACKAGE, "measured"), members)
    values: Value = {"msgLatencyCount": 3, "msgLatencyMin": 1, "msgLatencyMax": 5, "msgLatencyAvg": 2}
    item: dict[str, Value] = {
        "_values": values,
        "_object_id": {"_object_name": b"m"},
        "_schema_id": schema.id.to_map(),
    }

    async def story(console: Console, bus: FakeBus) -> None:
        (found,) = await console.select("measured", package=BROKER_PACKAGE)
        assert [found.values[name] for name in names] == [3, 1, 5, 2]
        assert len(found.values) == 4

    play(story, QpidBroker(item, schemas=[schema]))


def test_quirk_11_the_brokers_agent_is_not_asked_for_classes_that_it_cannot_have(play: Play) -> None:
    """Where its access rules forbid the question it answers by taking our link to all agents away."""

    async def story(console: Console, bus: FakeBus) -> None:
        bus.sent.clear()
        with pytest.raises(NoAgentsError):
            await console.select("Host")
        asked = [(command.key, command.packet.opcode) for command in bus.sent]
        assert ("broker", "_query_request") not in asked
        assert (BROKER, "_query_request") not in asked

    play(story, QpidBroker(), OurAgent())


def test_an_object_whose_schema_the_broker_does_not_tell_is_left_out_in_time(play: Play) -> None:
    item: dict[str, Value] = {
        "_values": {},
        "_object_id": {"_object_name": b"m"},
        "_schema_id": SchemaId(BROKER_PACKAGE, "odd", hash=UUID).to_map(),
    }

    async def story(console: Console, bus: FakeBus) -> None:
        broker = bus.peers[0]
        assert isinstance(broker, QpidBroker)
        broker.schemas.append(Schema(SchemaId(BROKER_PACKAGE, "odd")))
        assert list(await console.select("odd", package=BROKER_PACKAGE)) == []

    play(story, QpidBroker(item))


# -- agents of libqmf2 -----------------------------------------------------------------------------------------------


def test_objects_of_a_libqmf2_agent_come_in_text(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        (found,) = await console.select("Sampler", package=LAB_PACKAGE, hosts=["ast1"])
        assert (found.host, found.agent, found.name) == ("ast1", LAB, "2783cb12")
        assert found.values == {"n": 1, "name": "first"}
        assert found.object_id.agent_epoch == 1

    play(story, Libqmf2Agent({"hostname": b"ast1", "uuid": b"f00d"}))


def test_its_strict_types_are_met_and_what_is_not_given_is_not_sent(play: Play) -> None:
    agent = Libqmf2Agent()

    async def story(console: Console, bus: FakeBus) -> None:
        objects = await console.select("Sampler", package=LAB_PACKAGE)
        results = await objects.call("take", 3.0, 2, str(UUID), None)
        assert results.values() == ["thanks"]
        assert agent.calls == [{"count": 3, "ratio": 2.0, "id": UUID}]
        assert [type(value) for value in agent.calls[0].values()] == [int, float, uuid.UUID]
        for wrong in ({"count": 2.5}, {"count": True}, {"count": 2**64}, {"id": "x"}, {"note": 5}, {"ratio": 10**400}):
            with pytest.raises(SchemaError):
                await objects.call_with("take", (), {"count": 1, "ratio": 1.0, "id": UUID, "note": "", **wrong})
        with pytest.raises(SchemaError, match="missing: note"):
            await objects.call("take", 3, 2.0, UUID)

    play(story, agent)


def test_an_agent_that_does_not_answer_is_told_by_name(play: Play) -> None:
    class Mute(Libqmf2Agent):
        def receive(self, command: Publish | Direct, tell: Callable[[Packet], None]) -> None:
            if command.key == "console.request.agent_locate":
                super().receive(command, tell)

    async def story(console: Console, bus: FakeBus) -> None:
        with pytest.raises(RequestTimeoutError, match=LAB):
            await console.select("Sampler", package=LAB_PACKAGE, timeout=2.0)
        assert await console.classes() == []

    play(story, Mute())


# -- all of them -----------------------------------------------------------------------------------------------------


def test_a_schema_is_fetched_once_for_a_fleet(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        assert len(await console.select("Door", package="org.example")) == 3
        assert len(await console.select("Door", package="org.example")) == 3
        whats = [
            body["_what"] for command in bus.sent if isinstance(body := command.packet.body, dict) and "_what" in body
        ]
        assert whats.count("SCHEMA") == 1

    play(story, OurAgent("a"), OurAgent("b"), OurAgent("c"))


def test_the_connection_is_used_as_it_was_asked_for(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        assert (bus.options["kind"], bus.options["virtual_host"]) == ("rabbitmq4", "vhost:qmf")
        assert bus.options["legacy_replies"] is True
        assert bus.options["patterns"] == ["agent.ind.heartbeat.#", "agent.ind.event.#"]
        assert console.broker_product == "fake 1.0"

    play(story, broker_kind="rabbitmq4", virtual_host="vhost:qmf")


def test_the_configuration_tells_the_kind_of_its_broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("MATAHARI_BROKER", "unix:/somewhere")
    monkeypatch.setenv("MATAHARI_BROKER_KIND", "artemis")
    monkeypatch.setenv("MATAHARI_VIRTUAL_HOST", "there")
    assert (connect()._bus.kind, connect()._bus.virtual_host) == ("artemis", "there")
    made = connect(broker_kind="router", virtual_host="here")
    assert (made._bus.kind, made._bus.virtual_host) == ("router", "here")
    assert connect("unix:/elsewhere")._bus.kind == "auto"


def test_events_and_agents_are_told_to_listeners(play: Play) -> None:
    heard: list[ConsoleEvent] = []

    async def story(console: Console, bus: FakeBus) -> None:
        with console.listen(heard.append):
            bus.tell(find("events", "broker-bind"))
            bus.tell(Packet("_agent_heartbeat_indication", {"_values": {"hostname": b"new"}}, agent="a:b:c"))
            await turns(2)
        bus.tell(find("events", "broker-bind"))
        await turns(2)
        bind, added = heard
        assert (bind.kind, bind.package, bind.name, bind.severity) == ("event", BROKER_PACKAGE, "bind", 6)
        assert bind.host == ""
        assert not any(isinstance(value, bytes) for value in bind.values.values())
        assert (added.kind, added.host, added.agent) == ("agent_added", "new", "a:b:c")

    play(story, QpidBroker())


def test_what_is_under_way_fails_with_the_connection(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        objects = await console.select("Door", package="org.example")
        bus.peers.clear()
        calls = objects.call_iter("knock")
        first = anext(calls)
        bus.lose()
        result = await first
        assert isinstance(result.error, ConnectionLostError)
        with pytest.raises(ConnectionLostError):
            await console.select("Door", package="org.example")

    play(story, OurAgent())


def test_a_failure_of_a_libqmf2_agent_is_told_with_its_text(play: Play) -> None:
    class Failing(Libqmf2Agent):
        def _call(self, packet: Packet, body: dict[str, Value]) -> Packet:
            said: Value = {"_values": {"error_text": b"Invalid argument: count"}}
            return Packet("_exception", said, "_data", LAB, packet.correlation_id)

    async def story(console: Console, bus: FakeBus) -> None:
        (result,) = await (await console.select("Sampler", package=LAB_PACKAGE)).call("take", 1, 1.0, UUID, "x")
        assert isinstance(result.error, InvalidArgumentError)
        assert isinstance(result.error, RemoteError)
        assert result.error.agent == LAB

    play(story, Failing())


def test_data_without_id_or_schema_is_no_object(play: Play) -> None:
    broken: dict[str, Value] = {"_values": {}, "_schema_id": SchemaId(BROKER_PACKAGE, "broker", hash=UUID).to_map()}

    async def story(console: Console, bus: FakeBus) -> None:
        assert Data.from_map(broken).object_id is None
        assert len(await console.select("broker", package=BROKER_PACKAGE)) == 1

    play(story, QpidBroker(broken))

"""Changes of objects as an iterator, from agents that have subscriptions and from those that have none."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from matahari.console import Console, ObjectChange, Subscription
from matahari.console import subscription as module
from matahari.errors import ConnectionLostError, NoAgentsError, RequestError
from matahari.qmf import Packet, Schema, SchemaId, Value
from tests.support.fake_bus import BROKER, BROKER_PACKAGE, LAB, FakeBus, Libqmf2Agent, OurAgent, Play, QpidBroker
from tests.support.vectors import find
from tests.support.virtual_loop import turns

DOORS = "org.example"
MEMORY = Schema(SchemaId(BROKER_PACKAGE, "memory"))


async def the_next(changes: Subscription) -> ObjectChange:
    change = await changes.next(60.0)
    assert change is not None
    return change


def indication(**item: Value) -> Packet:
    """The broker's captured indication of an object of class ``memory``, with other members."""
    packet = find("events", "broker-data")
    assert isinstance(packet.body, list) and isinstance(packet.body[0], dict)
    return replace(packet, body=[packet.body[0] | {"_schema_id": MEMORY.id.to_map()} | item])


# -- agents that have subscriptions ----------------------------------------------------------------------------------


def test_objects_come_as_they_are_then_as_they_change_and_as_they_were_when_deleted(play: Play) -> None:
    agent = OurAgent()

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.subscribe("Door", package=DOORS, interval=1.0) as changes:
            assert changes.unsupported == ()
            first = await the_next(changes)
            assert first.kind == "changed"
            assert (first.object.host, first.object.name) == ("box", "front")
            assert first.object.values == {"is_open": False, "label": "front"}
            agent.values["is_open"] = True
            second = await the_next(changes)
            assert (second.kind, second.object.values["is_open"]) == ("changed", True)
            agent.add("back")
            third = await the_next(changes)
            assert third.object.name == "back"
            agent.engine.remove_object("back", 5)
            fourth = await the_next(changes)
            assert (fourth.kind, fourth.object.name) == ("deleted", "back")
            assert await changes.next(30.0) is None
        assert [opcode for opcode in bus.opcodes() if "subscribe" in opcode][-1] == "_subscribe_cancel_indication"
        assert bus.patterns == []

    play(story, agent)


def test_a_subscription_is_kept_alive_for_as_long_as_it_is_open(play: Play) -> None:
    agent = OurAgent()

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.subscribe("Door", package=DOORS) as changes:
            await the_next(changes)
            assert await changes.next(3600.0) is None
            agent.values["is_open"] = True
            assert (await the_next(changes)).object.values["is_open"] is True
        assert bus.opcodes().count("_subscribe_request") == 1
        assert bus.opcodes().count("_subscribe_refresh_indication") == 24
        assert agent.engine.statistics()["subscriptions"] == 0

    play(story, agent)


def test_agents_that_come_later_or_restart_join(play: Play) -> None:
    first, late = OurAgent("first"), OurAgent("late")

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.subscribe("Door", package=DOORS) as changes:
            assert (await the_next(changes)).object.host == "first"
            bus.peers.append(late)
            bus.tell(announcement(late, 1))
            assert (await the_next(changes)).object.host == "late"
            bus.tell(announcement(late, 2))
            assert (await the_next(changes)).object.host == "late"
            assert bus.opcodes().count("_subscribe_request") == 3

    play(story, first)


def announcement(agent: OurAgent, epoch: int, **more: Value) -> Packet:
    values: dict[str, Value] = {
        "hostname": agent.name.split(":")[2], "_heartbeat_interval": 60, "_epoch": epoch, "_schema_updated": 1,
        "qmf.agent_capability": 1, "_direct_subject": agent.engine.direct_subject, **more,
    }  # fmt: skip
    return Packet("_agent_heartbeat_indication", {"_values": values}, agent=agent.name)


def test_an_agent_that_gets_the_class_later_joins_and_one_that_leaves_may_come_back(play: Play) -> None:
    first, late = OurAgent("first"), OurAgent("late")
    late.engine.remove_object("front", 1)
    late.engine.remove_schema(late.schema.id, 1)

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.subscribe("Door", package=DOORS) as changes:
            assert (await the_next(changes)).object.host == "first"
            late.engine.add_schema(late.schema, 2)
            late.add("front")
            bus.tell(announcement(late, 1, _schema_updated=2))
            assert (await the_next(changes)).object.host == "late"
            late.leave()
            assert await changes.next(300.0) is None
            assert [one.host for one in await console.agents()] == ["first"]
            late.is_here = True
            bus.tell(announcement(late, 1, _schema_updated=2))
            assert (await the_next(changes)).object.host == "late"

    play(story, first, late)


def test_an_agent_that_leaves_while_it_is_asked_is_no_trouble(play: Play) -> None:
    first, late = OurAgent("first"), OurAgent("late")

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.subscribe("Door", package=DOORS) as changes:
            await the_next(changes)
            bus.tell(announcement(late, 1))
            bus.tell(announcement(late, 2))
            await turns(5)
            bus.lose()
            await turns(5)
            bus.connect()
            assert (await the_next(changes)).object.host == "first"
            assert await changes.next(30.0) is None

    play(story, first)


def test_only_the_named_hosts_are_subscribed_to(play: Play) -> None:
    agents = [OurAgent(name) for name in ("a", "b")]
    late = OurAgent("c")

    async def story(console: Console, bus: FakeBus) -> None:
        hosts = [one for one in await console.hosts() if one.name == "a"]
        for chosen in (["a"], hosts):
            async with console.subscribe("Door", package=DOORS, hosts=chosen) as changes:
                bus.peers.append(late)
                bus.tell(announcement(late, 1))
                assert (await the_next(changes)).object.host == "a"
                assert await changes.next(20.0) is None
        with pytest.raises(NoAgentsError):
            await console.subscribe("Door", package=DOORS, hosts=["nowhere"]).__aenter__()

    play(story, *agents)


def test_an_agent_that_forgot_the_subscription_is_asked_again(play: Play) -> None:
    agent = OurAgent()

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.subscribe("Door", package=DOORS) as changes:
            await the_next(changes)
            agent.engine.stop()
            agent.engine.start(asyncio.get_running_loop().time(), 9)
            change = await changes.next(400.0)
            assert change is not None
            assert bus.opcodes().count("_subscribe_request") == 2

    play(story, agent)


def test_after_a_loss_of_the_connection_all_is_asked_anew(play: Play) -> None:
    agent = OurAgent()

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.subscribe("Door", package=DOORS) as changes:
            await the_next(changes)
            bus.lose()
            agent.values["is_open"] = True
            assert await changes.next(5.0) is None
            bus.connect()
            assert (await the_next(changes)).object.values["is_open"] is True
            assert agent.engine.statistics()["subscriptions"] == 1
            bus.lose()
            with pytest.raises(ConnectionLostError):
                await console.subscribe("Door", package=DOORS).__aenter__()

    play(story, agent)


# -- agents that have none -------------------------------------------------------------------------------------------


def test_the_brokers_objects_come_once_and_then_as_it_publishes_them(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        broker = QpidBroker(memory({"name": b"amqp-broker", "malloc_arena": 1}), schemas=[MEMORY])
        bus.peers[:] = [broker]
        async with console.subscribe("memory", package=BROKER_PACKAGE) as changes:
            assert [one.name for one in changes.unsupported] == [BROKER]
            assert bus.patterns == ["agent.ind.data.org_apache_qpid_broker.memory.#"]
            assert "_subscribe_request" not in bus.opcodes()
            first = await the_next(changes)
            assert first.object.values == {"name": "amqp-broker", "malloc_arena": 1}
            bus.tell(indication(_values={"malloc_arena": 2}))
            second = await the_next(changes)
            assert (second.object.host, second.object.agent) == ("", BROKER)
            assert second.object.values == {"name": "amqp-broker", "malloc_arena": 2}
            deletion = indication(_delete_ts=5, _values={"name": b"amqp-broker"})
            assert isinstance(deletion.body, list) and isinstance(deletion.body[0], dict)
            del deletion.body[0]["_object_id"]
            bus.tell(deletion)
            third = await the_next(changes)
            assert (third.kind, third.object.name) == ("deleted", "amqp-broker")
            bus.tell(find("events", "broker-data"))  # of another version of the class, whose schema nobody tells
            assert await changes.next(20.0) is None

    play(story, QpidBroker())


def memory(values: dict[str, Value]) -> dict[str, Value]:
    packet = indication(_values=values)
    assert isinstance(packet.body, list) and isinstance(packet.body[0], dict)
    return packet.body[0]


def test_a_libqmf2_agents_objects_come_once_after_it_was_silent(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        start = asyncio.get_running_loop().time()
        async with console.subscribe("Sampler", package="org.example.lab", timeout=3.0) as changes:
            assert asyncio.get_running_loop().time() - start == 3.0
            assert [one.name for one in changes.unsupported] == [LAB]
            assert (await the_next(changes)).object.values == {"n": 1, "name": "first"}
            assert await changes.next(600.0) is None

    play(story, Libqmf2Agent())


def test_objects_of_others_and_of_other_classes_are_no_changes(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        async with console.subscribe("Door", package=DOORS) as changes:
            await the_next(changes)
            bus.tell(indication())
            own: Value = {"_values": {}, "_object_id": {"_object_name": "x"}, "_schema_id": agent.schema.id.to_map()}
            bus.tell(Packet("_data_indication", [own], "_data", agent.name))  # besides the subscription
            assert await changes.next(20.0) is None

    agent = OurAgent()
    play(story, agent, QpidBroker())


# -- readers ---------------------------------------------------------------------------------------------------------


def test_a_class_that_nobody_has_is_refused_with_close_matches(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        with pytest.raises(NoAgentsError, match=r"did you mean org\.example:Door"):
            async with console.subscribe("Dor", package=DOORS):
                pass
        with pytest.raises(ValueError, match="interval"):
            console.subscribe("Door", package=DOORS, interval=0)

    play(story, OurAgent())


def test_a_slow_reader_sees_the_latest_state_and_what_is_lost_is_counted(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CHANGES", 2)
    agent = OurAgent()

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.subscribe("Door", package=DOORS, interval=1.0) as changes:
            await the_next(changes)
            for value in (True, False, True):
                agent.values["is_open"] = value
                await asyncio.sleep(5.0)
            assert (await the_next(changes)).object.values["is_open"] is True
            assert await changes.next(5.0) is None
            agent.add("two")
            agent.add("three")
            agent.add("four")
            await asyncio.sleep(5.0)
            assert changes.dropped == 1
            assert [(await the_next(changes)).object.name for _ in range(2)] == ["three", "four"]

    play(story, agent)


def test_several_readers_share_the_changes(play: Play) -> None:
    agents = [OurAgent(name) for name in "abc"]

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.subscribe("Door", package=DOORS) as changes:
            found = await asyncio.gather(*(the_next(changes) for _ in agents))
            assert sorted(change.object.host for change in found) == ["a", "b", "c"]

    play(story, *agents)


@pytest.mark.parametrize("by", ["subscription", "console"])
def test_closing_ends_every_iteration(play: Play, by: str) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        changes = await console.subscribe("Door", package=DOORS).__aenter__()
        seen = []

        async def read() -> None:
            async for change in changes:
                seen.append(change)

        reading = asyncio.ensure_future(read())
        await asyncio.sleep(1.0)
        await (changes if by == "subscription" else console).close()
        await reading
        await changes.close()
        assert len(seen) == 1
        assert await changes.next() is None
        bus.tell(indication())
        await turns(2)

    play(story, OurAgent())


def test_the_number_of_subscriptions_is_limited(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SUBSCRIPTIONS", 1)

    async def story(console: Console, bus: FakeBus) -> None:
        async with console.subscribe("Door", package=DOORS) as changes:
            assert changes.class_name.name == "Door"
            with pytest.raises(RequestError, match="1 subscriptions at most"):
                await console.subscribe("Door", package=DOORS).__aenter__()
        async with console.subscribe("Door", package=DOORS):
            pass

    play(story, OurAgent())

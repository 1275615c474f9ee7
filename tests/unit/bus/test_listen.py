"""Patterns that are added to a bus while it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from matahari.amqp import Closed, Event, Opened
from matahari.broker.nodes import Nodes
from matahari.broker.session import Session
from matahari.bus import Bus
from matahari.errors import ConnectionLostError
from matahari.net import Address, Pump
from matahari.qmf import Packet, Publish
from tests.support.amqp_link import client_engine, server_engine
from tests.support.memory_pump import Pair, Side
from tests.support.virtual_loop import run


class User:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def handle_connected(self) -> None:
        return

    def handle_packet(self, packet: Packet) -> None:
        self.heard.append(packet.subject)

    def handle_disconnected(self, error: object) -> None:
        return

    def handle_bindings(self, change: str, keys: object) -> None:
        return


class Client:
    """Between pump and bus, as the connection of ``matahari.net`` is."""

    def __init__(self, bus: Bus, pump: Pump) -> None:
        self.bus = bus
        self.pump = pump

    def handle_event(self, event: Event) -> None:
        if isinstance(event, Opened):
            self.bus.handle_open(self.pump, event)
        elif isinstance(event, Closed):
            self.bus.handle_lost(ConnectionLostError(event.description))
        else:
            self.bus.handle_event(event)

    def handle_writable(self) -> None:
        self.bus.handle_writable()

    def handle_end(self, error: Exception | None) -> None:
        return


def connection(bus: Bus) -> Pair:
    properties = {"product": "matahari-broker", "version": "1.2"}
    return Pair(
        Side(client_engine(), lambda pump: Client(bus, pump)),
        Side(server_engine(properties=properties), lambda pump: Session(Nodes(), pump, "alice", "peer")),
    )


def play(story: Callable[[Bus, User], Awaitable[None]]) -> None:
    async def played() -> None:
        user = User()
        await story(Bus(Address("unix", path="/nowhere"), user, name="test", own=["me"], patterns=["news.#"]), user)

    run(played())


async def heard(bus: Bus, user: User, pair: Pair) -> list[str]:
    """What comes of one message under each of three keys."""
    user.heard.clear()
    for key in ("news.a", "more.a", "other.a"):
        bus.send(Publish(key, Packet("_x", {})))
    await pair.carry()
    return sorted(user.heard)


def test_a_pattern_added_later_is_heard_from_then_on() -> None:
    async def story(bus: Bus, user: User) -> None:
        pair = connection(bus)
        await pair.carry()
        assert await heard(bus, user, pair) == ["news.a"]
        for _ in range(2):  # a second time makes no second receiver, and so no second copy
            bus.listen("more.#")
            await pair.carry()
        assert bus.is_connected
        assert await heard(bus, user, pair) == ["more.a", "news.a"]

    play(story)


def test_it_is_heard_on_later_connections_too_and_may_be_added_before_the_first() -> None:
    async def story(bus: Bus, user: User) -> None:
        bus.listen("more.#")
        for _ in range(2):
            pair = connection(bus)
            await pair.carry()
            assert await heard(bus, user, pair) == ["more.a", "news.a"]
            bus.handle_lost(ConnectionLostError("gone"))

    play(story)

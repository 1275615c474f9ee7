"""A bus in memory, its user, and a broker that ends sessions, refuses links or wants queues declared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import proton

from matahari.amqp import (
    Closed,
    Event,
    Link,
    LinkRequested,
    Message,
    Opened,
    Received,
    decode_message,
    encode_message,
)
from matahari.bus import Bus
from matahari.errors import ConnectionLostError, TransportError
from matahari.net import Address, Pump
from matahari.qmf import Packet
from tests.support.amqp_link import client_engine, server_engine
from tests.support.memory_pump import Pair, Side
from tests.support.virtual_loop import run

Story = Callable[["Setting"], Awaitable[None]]
RABBIT3 = {"product": "RabbitMQ", "version": "3.10.8"}
RABBIT4 = {"product": "RabbitMQ", "version": "4.0.5"}
QPID = {"product": "qpid-cpp"}
TOPIC, DIRECT = "/exchange/qmf.default.topic", "/exchange/qmf.default.direct"


class User:
    """Writes down what the bus tells, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.errors: list[TransportError] = []
        self.packets: list[Packet] = []
        self.react: Callable[[], None] = lambda: None

    def handle_connected(self) -> None:
        self.told.append("connected")
        self.react()

    def handle_packet(self, packet: Packet) -> None:
        self.packets.append(packet)

    def handle_disconnected(self, error: TransportError) -> None:
        self.told.append("disconnected")
        self.errors.append(error)

    def handle_bindings(self, change: str, keys: Iterable[str]) -> None:
        raise AssertionError("no such broker here")


class Broker:
    """A broker that accepts links, unless its rules say otherwise; it ends their session then, or the link alone.

    Attributes:
        refuses: says, for the address of a requested link, why its session is to end; None accepts it.
        answers: says, for a request to its management, the status of the answer; None ends the session.
        targets, sources: by address, the links on which it receives and sends, the last one of each.
    """

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.targets: dict[str, Link] = {}
        self.sources: dict[str, Link] = {}
        self.received: list[tuple[str, Message]] = []
        self.refuses: Callable[[str], tuple[str, str] | None] = lambda address: None
        self.answers: Callable[[Message], str | None] = lambda request: "201"
        self.silent = False
        self.is_gentle = False
        self.attached: list[str] = []
        self._replies: Link | None = None

    def handle_event(self, event: Event) -> None:
        engine = self.pump.engine
        if isinstance(event, LinkRequested) and not self.silent:
            address = event.terminus.address or ""
            reason = self.refuses(address)
            if reason is not None and self.is_gentle:
                engine.refuse(event.link, *reason)
                return
            if reason is not None:
                self.end(event.link, *reason)
                return
            self.attached.append(address)
            engine.accept(event.link, event.terminus, credit=0 if event.link.is_sender else 50)
            if address == "/management" and event.link.is_sender:
                self._replies = event.link
            (self.sources if event.link.is_sender else self.targets)[address] = event.link
            event.link.owner = address
        elif isinstance(event, Received):
            message = decode_message(event.data)
            self.received.append((str(event.link.owner), message))
            if event.link.owner == "/management":
                self._manage(event.link, message)

    def handle_writable(self) -> None:
        return

    def handle_end(self, error: Exception | None) -> None:
        return

    def end(self, link: Link, condition: str, description: str) -> None:
        """End the session of ``link``."""
        session = link._proton.session
        session.condition = proton.Condition(condition, description)
        session.close()
        self.pump.flush_soon()

    def take_away(self, address: str) -> None:
        """Close the link on which it receives at ``address``, alone."""
        self.pump.engine.detach(self.targets[address], "amqp:unauthorized-access", "you may not send that")
        self.pump.flush_soon()

    def deliver(self, address: str, message: Message) -> None:
        """Send to the receiver that is attached to ``address``."""
        self.pump.engine.send(self.sources[address], encode_message(message))
        self.pump.flush_soon()

    def _manage(self, link: Link, request: Message) -> None:
        status = self.answers(request)
        if status is None:
            self.end(link, "amqp:unauthorized-access", "configure access refused")
            return
        assert self._replies is not None
        assert request.reply_to == "$me"
        answer = Message(None, section="none", subject=status, correlation_id=request.message_id)
        self.pump.engine.send(self._replies, encode_message(answer))


class Between:
    """What ``matahari.net.Client`` does between pump and bus."""

    def __init__(self, bus: Bus, pump: Pump) -> None:
        self.bus = bus
        self.pump = pump

    def handle_event(self, event: Event) -> None:
        if isinstance(event, Opened):
            self.bus.handle_open(self.pump, event)
        elif isinstance(event, Closed):
            self.bus.handle_lost(self.bus._client._reason or ConnectionLostError(event.description))
        else:
            self.bus.handle_event(event)

    def handle_writable(self) -> None:
        self.bus.handle_writable()

    def handle_end(self, error: Exception | None) -> None:
        return


class Setting:
    """A bus, its user, and a broker of one kind."""

    def __init__(self, bus: Bus, user: User, says: dict[str, str]) -> None:
        self.bus, self.user = bus, user
        self._says = says
        self.connect()

    def connect(self) -> None:
        self.near = Side(client_engine(), lambda pump: Between(self.bus, pump))
        self.far = Side(server_engine(properties=self._says), Broker)
        self.pair = Pair(self.near, self.far)
        broker = self.far.pump._handler
        assert isinstance(broker, Broker)
        self.broker = broker


def play(story: Story, says: dict[str, str], **options: object) -> None:
    async def played() -> None:
        user = User()
        given = {"name": "test", "own": ["me"], "patterns": ["news.#"], **options}
        bus = Bus(Address("unix", path="/nowhere"), user, **given)  # type: ignore[arg-type]  # options of Bus
        await story(Setting(bus, user, says))

    run(played())


def packet(body: str = "x") -> Packet:
    return Packet("_x", {"body": body})


def queues(at: Setting) -> list[str]:
    return [address for address in at.broker.attached if address.startswith("/queues/")]

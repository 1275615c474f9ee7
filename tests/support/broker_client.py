"""A plain AMQP client for tests of the broker: links, filters and bytes, and nothing of QMF."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TypeVar

import proton

from matahari.amqp import (
    DIRECT_BINDING,
    TOPIC_BINDING,
    Closed,
    CreditGiven,
    Engine,
    EngineOptions,
    Event,
    Link,
    LinkClosed,
    LinkOpened,
    Message,
    Opened,
    Received,
    Terminus,
    decode_message,
    encode_message,
)
from matahari.net import Pump, parse_address
from tests.support.node import TIME

__all__ = ["BrokerClient", "Receiver", "Sender", "binding"]

DEADLINE = 20.0 * TIME  # seconds for anything that must happen
Filters = Mapping[str, tuple[int, str]]


def binding(key: str, *, topic: bool = True) -> Filters:
    """The filter for one binding key."""
    return {"key": (TOPIC_BINDING if topic else DIRECT_BINDING, key)}


class _Pump(Pump):
    """Tells after each piece of input that something may have changed."""

    changed: Callable[[], None]

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.changed()


class Receiver:
    """A link from the broker."""

    def __init__(self, client: BrokerClient, link: Link) -> None:
        self._client = client
        self.link = link
        self.opened: Terminus | None = None
        self.closed: LinkClosed | None = None
        self.waiting: deque[bytes] = deque()

    @property
    def address(self) -> str:
        """The node's name as the broker confirmed it."""
        assert self.opened is not None
        assert self.opened.address is not None
        return self.opened.address

    async def get_raw(self) -> bytes:
        """The bytes of the next message."""
        await self._client.wait(lambda: self.waiting, "no message")
        return self.waiting.popleft()

    async def get(self) -> Message:
        return decode_message(await self.get_raw())

    async def bodies(self, count: int) -> list[object]:
        """Bodies of that many messages."""
        return [(await self.get()).body for _ in range(count)]

    def give(self, credit: int) -> None:
        """Let the broker send that many more."""
        self.link._proton.flow(credit)
        self._client.pump.flush()

    async def wait_closed(self) -> LinkClosed:
        await self._client.wait(lambda: self.closed, "the link stays open")
        assert self.closed is not None
        return self.closed

    def detach(self) -> None:
        self._client.pump.engine.detach(self.link)
        self._client.pump.flush()


class Sender(Receiver):
    """A link to the broker."""

    async def send(self, body: object = None, **fields: object) -> None:
        """Send a message with these fields of ``Message``, pre-settled."""
        section = "none" if body is None else "data" if isinstance(body, bytes) else "value"
        message = Message(**{"body": body, "section": section, **fields})  # type: ignore[arg-type]  # fields of Message
        await self.send_raw(encode_message(message))

    async def send_raw(self, data: bytes) -> None:
        await self._client.wait(lambda: self.link.credit > 0 or self.closed, "no credit")
        self._client.pump.engine.send(self.link, data)
        self._client.pump.flush()
        await self._client.wait(lambda: self._client.pump.is_writable, "the broker does not read")

    async def send_unsettled(self, data: bytes) -> object:
        """Send, and return the outcome that the broker gives."""
        raw = self.link._proton
        delivery = raw.delivery("unsettled")
        raw.stream(data)
        raw.advance()
        self._client.pump.flush()
        await self._client.wait(lambda: delivery.remote_state, "no outcome")
        return delivery.remote_state


LinkEnd = TypeVar("LinkEnd", bound=Receiver)


class BrokerClient:
    """One connection. All of its methods wait for the broker's answer, with a deadline."""

    names = itertools.count(1)

    def __init__(self, container: str, idle_timeout: float, hostname: str) -> None:
        self.events: list[Event] = []
        self.opened: Opened | None = None
        self.closed: Closed | None = None
        self.is_ended = False
        self.pump = _Pump(Engine(EngineOptions(container, hostname=hostname, idle_timeout=idle_timeout)), self)
        self._links: dict[Link, Receiver] = {}
        self._changed = asyncio.Event()
        self._echo: tuple[Receiver, Sender] | None = None
        self.pump.changed = self._changed.set

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(
        cls, address: str, *, idle_timeout: float = 60.0, hostname: str = ""
    ) -> AsyncIterator[BrokerClient]:
        """A connection to the broker at ``address``, closed at the end. ``hostname``: the virtual host asked for."""
        client = cls(f"test.{os.getpid()}.{next(cls.names)}", idle_timeout, hostname)
        await client._connect(address)
        try:
            await client.wait(lambda: client.opened, "the broker does not open")
            yield client
        finally:
            client.pump.engine.close()
            client.pump.flush()
            try:
                await client.wait(lambda: client.is_ended, "the connection does not end")
            finally:
                client.pump.abort()

    async def wait(self, reached: Callable[[], object], failure: str) -> None:
        """Until ``reached`` says something true."""
        try:
            async with asyncio.timeout(DEADLINE):
                while not reached():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{failure}; events: {self.events}") from None

    async def receiver(
        self, address: str | None, *, filters: Filters | None = None, credit: int = 100, settles: bool = False
    ) -> Receiver:
        """Attach and return the link, open or refused. ``settles``: ask for unsettled messages."""
        name = f"in.{next(self.names)}"
        link = self.pump.engine.open_receiver(address, name, filters=filters, credit=credit)
        if settles:
            link._proton.snd_settle_mode = proton.Link.SND_UNSETTLED
        return await self._attach(Receiver(self, link))

    async def subscribe(self, pattern: str, *, credit: int = 100) -> Receiver:
        return await self.receiver("qmf.default.topic", filters=binding(pattern), credit=credit)

    async def own(self, key: str, *, credit: int = 100) -> Receiver:
        return await self.receiver("qmf.default.direct", filters=binding(key, topic=False), credit=credit)

    async def sender(self, address: str | None) -> Sender:
        link = self.pump.engine.open_sender(address, f"out.{next(self.names)}")
        return await self._attach(Sender(self, link))

    async def round_trip(self) -> None:
        """Return when the broker has handled everything that was sent before."""
        if self._echo is None:
            receiver = await self.receiver(None)
            self._echo = receiver, await self.sender(receiver.address)
        receiver, sender = self._echo
        await sender.send(b"echo")
        await receiver.get_raw()

    async def pass_time(self, seconds: float) -> None:
        """Go back and forth until that much time is over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until:
            await self.round_trip()

    async def wait_closed(self) -> Closed:
        await self.wait(lambda: self.closed, "the connection stays open")
        assert self.closed is not None
        return self.closed

    # --- the pump's calls -----------------------------------------------------------------------------------

    def handle_event(self, event: Event) -> None:
        match event:
            case Received():
                self._links[event.link].waiting.append(event.data)
            case LinkOpened():
                self._links[event.link].opened = event.terminus
            case LinkClosed():
                self._links[event.link].closed = event
            case Opened():
                self.opened = event
            case Closed():
                self.closed = event
            case CreditGiven():
                pass
            case _:
                raise AssertionError(f"the broker attaches a link: {event}")
        if not isinstance(event, Received | CreditGiven):
            self.events.append(event)
        self._changed.set()

    def handle_writable(self) -> None:
        self._changed.set()

    def handle_end(self, error: Exception | None) -> None:
        self.is_ended = True
        self._changed.set()

    # --- inside ---------------------------------------------------------------------------------------------

    async def _attach(self, end: LinkEnd) -> LinkEnd:
        self._links[end.link] = end
        self.pump.flush()
        await self.wait(lambda: end.opened or end.closed, "no answer to the attach")
        return end

    async def _connect(self, text: str) -> None:
        loop = asyncio.get_running_loop()
        address = parse_address(text)
        if address.scheme == "unix":
            await loop.create_unix_connection(lambda: self.pump, address.path)
        else:
            await loop.create_connection(lambda: self.pump, address.host, address.port)

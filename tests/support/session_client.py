"""A client of a broker session: real engines, pumps and sessions, joined in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from matahari.amqp import (
    TOPIC_BINDING,
    Link,
    LinkClosed,
    Message,
    Received,
    decode_message,
    encode_message,
)
from matahari.broker.access import Access
from matahari.broker.nodes import Nodes
from matahari.broker.session import Session
from matahari.net import Pump
from tests.support.amqp_link import client_engine, server_engine
from tests.support.memory_pump import Pair, Side
from tests.support.virtual_loop import run

__all__ = ["Client", "Story", "data_of", "with_client"]

Story = Callable[["Client"], Awaitable[None]]


class Client:
    """A client of a broker session, in memory."""

    def __init__(
        self, nodes: Nodes, *, login: str = "alice", client: Side | None = None, access: Access | None = None
    ) -> None:
        self.session: Session

        def session(pump: Pump) -> Session:
            self.session = Session(nodes, pump, login, f"peer {login}", access=access)
            return self.session

        self.pair = Pair(client or Side(client_engine()), Side(server_engine(), session))
        self.near, self.far = self.pair.client, self.pair.server

    @property
    def received(self) -> list[bytes]:
        """Bodies so far."""
        found = [decode_message(event.data).body for event in self.near.notes.events if isinstance(event, Received)]
        return [body for body in found if isinstance(body, bytes)]

    async def refused(self, link: Link) -> tuple[str, str]:
        """Condition and description of the detach that answers the attach of ``link``."""
        self.near.pump.flush()
        await self.pair.carry()
        [event] = [one for one in self.near.notes.of(LinkClosed) if isinstance(one, LinkClosed) and one.link is link]
        assert isinstance(event, LinkClosed)
        return event.condition, event.description

    async def receiver(self, node: str, key: str, *, credit: int = 1000) -> Link:
        await self.pair.carry()
        link = self.near.pump.engine.open_receiver(
            node, f"in {key}", filters={"k": (TOPIC_BINDING, key)}, credit=credit
        )
        self.near.pump.flush()
        await self.pair.carry()
        assert link.is_open
        return link

    async def sender(self, node: str | None) -> Link:
        await self.pair.carry()
        link = self.near.pump.engine.open_sender(node, f"out {node}")
        self.near.pump.flush()
        await self.pair.carry()
        assert link.is_open
        return link


def data_of(body: bytes, key: str = "k", **fields: object) -> bytes:
    return encode_message(Message(body, subject=key, **fields))  # type: ignore[arg-type]  # fields of Message


def with_client(story: Story, nodes: Nodes | None = None) -> None:
    async def connected() -> None:
        await story(Client(nodes or Nodes()))

    run(connected())

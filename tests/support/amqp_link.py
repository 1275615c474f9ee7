"""Two AMQP engines joined in memory: a link that delivers whole, in pieces or not at all, and a virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import pytest

from matahari.amqp import Closed, Engine, EngineOptions, Event, Link, LinkOpened, LinkRequested

__all__ = [
    "SPLITS",
    "AmqpLink",
    "Peer",
    "byte_by_byte",
    "client_engine",
    "drained",
    "fed",
    "in_pieces",
    "server_engine",
    "the_end",
    "whole",
]

E = TypeVar("E")
Split = Callable[[bytes], Iterable[bytes]]

MAX_TURNS = 10_000  # then the engines only chase each other


def whole(data: bytes) -> Iterable[bytes]:
    """Everything that was written in one piece."""
    return (data,)


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    """The worst network."""
    return (data[at : at + 1] for at in range(len(data)))


def in_pieces(sizes: list[int]) -> Split:
    """Pieces of the given sizes, over and over."""

    def split(data: bytes) -> Iterator[bytes]:
        at, turn = 0, 0
        while at < len(data):
            size = max(1, sizes[turn % len(sizes)])
            yield data[at : at + size]
            at += size
            turn += 1

    return split


SPLITS = [pytest.param(whole, id="whole"), pytest.param(byte_by_byte, id="bytes"), pytest.param(in_pieces([7]), id="7")]


def client_engine(**options: object) -> Engine:
    """A client; ``options`` as of ``EngineOptions``."""
    return Engine(EngineOptions(**{"container": "client", **options}))  # type: ignore[arg-type]  # checked at run time


def server_engine(**options: object) -> Engine:
    """A server; ``options`` as of ``EngineOptions``."""
    return client_engine(**{"container": "server", "server": True, **options})


def fed(engine: Engine, data: bytes, now: float = 1.0) -> list[Event]:
    """Everything the engine reports about ``data``. What it had to say before is sent first."""
    engine.data_to_send()
    engine.receive_data(data, now)
    return drained(engine)


def drained(engine: Engine) -> list[Event]:
    events = []
    while (event := engine.next_event()) is not None:
        events.append(event)
    return events


def the_end(events: list[Event]) -> Closed:
    """The closing event, which must be there once and last."""
    assert events, "nothing was reported"
    assert [isinstance(event, Closed) for event in events] == [False] * (len(events) - 1) + [True]
    last = events[-1]
    assert isinstance(last, Closed)
    return last


class Peer:
    """One engine and what it has reported so far."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.events: list[Event] = []

    def collect(self) -> None:
        while (event := self.engine.next_event()) is not None:
            self.events.append(event)

    def take(self, kind: type[E]) -> E:
        """Remove and return the oldest event of that kind."""
        self.collect()
        for event in self.events:
            if isinstance(event, kind):
                self.events.remove(event)
                return event
        raise AssertionError(f"no {kind.__name__} among {self.events}")

    def take_all(self, kind: type[E]) -> list[E]:
        """Remove and return every event of that kind, in order."""
        self.collect()
        found: list[E] = [event for event in self.events if isinstance(event, kind)]
        self.events = [event for event in self.events if not isinstance(event, kind)]
        return found


class AmqpLink:
    """Carries bytes between a client's and a server's engine.

    Attributes:
        now: the virtual time of both, in seconds.
        is_cut: nothing is delivered any more.
    """

    def __init__(self, client: Engine | None = None, server: Engine | None = None, *, split: Split = whole) -> None:
        self.client = Peer(client or client_engine())
        self.server = Peer(server or server_engine())
        self.now = 1000.0
        self.is_cut = False
        self._split = split
        for peer in (self.client, self.server):
            peer.engine.handle_timeout(self.now)

    def run(self) -> None:
        """Deliver until neither has anything to send."""
        for _ in range(MAX_TURNS):
            if not (self.deliver(self.client, self.server) | self.deliver(self.server, self.client)):
                return
        raise AssertionError("the engines do not come to rest")

    def deliver(self, source: Peer, target: Peer) -> bool:
        """Carry what ``source`` has to send now; False when it has nothing."""
        data = source.engine.data_to_send()
        source.collect()
        if data and not self.is_cut:
            for piece in self._split(data):
                target.engine.receive_data(piece, self.now)
                target.collect()
        return bool(data)

    def cut(self) -> None:
        """The network fails; both ends notice."""
        self.is_cut = True
        for peer in (self.client, self.server):
            peer.engine.receive_eof(self.now)
            peer.collect()

    def advance(self, seconds: float) -> None:
        """Let time pass in one jump, and each engine act if its deadline lies within it."""
        self.now += seconds
        for peer in (self.client, self.server):
            deadline = peer.engine.next_deadline()
            if deadline is not None and deadline <= self.now:
                peer.engine.handle_timeout(self.now)
                peer.collect()
        self.run()

    def answer(self, *, credit: int = 0) -> Link:
        """Let the server accept the oldest requested link as it is, and return the server's end."""
        request = self.server.take(LinkRequested)
        self.server.engine.accept(request.link, request.terminus, credit=0 if request.link.is_sender else credit)
        self.run()
        return request.link

    def sender(self, address: str | None = "node", *, name: str = "out", credit: int = 10) -> tuple[Link, Link]:
        """An open link to the server: the client's end and the server's."""
        self.run()
        link = self.client.engine.open_sender(address, name)
        self.run()
        there = self.answer(credit=credit)
        self.client.take(LinkOpened)
        return link, there

    def receiver(self, address: str | None = "node", *, name: str = "in", credit: int = 10) -> tuple[Link, Link]:
        """An open link from the server: the client's end and the server's."""
        self.run()
        link = self.client.engine.open_receiver(address, name, credit=credit)
        self.run()
        there = self.answer()
        self.client.take(LinkOpened)
        return link, there

"""The receivers of the tap on one connection, and which of them the broker has attached."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from matahari.amqp import Event, Link
from matahari.bus import Binding, Declarations, Failed, RabbitMQ4Scheme, Scheme, matcher
from matahari.errors import LocalProtocolError
from matahari.net import Pump
from matahari.tap.watching import Watch

__all__ = ["Receivers"]

CREDIT: Final = 1000  # messages under way to us: a burst of a fleet's heartbeats must not wait for our round trips


class Receivers:
    """One for each session: when that ends, another takes its place."""

    def __init__(self, pump: Pump, scheme: Scheme) -> None:
        self._pump = pump
        self._scheme = scheme
        self._watches: dict[Link, Watch] = {}
        self._attached: set[Link] = set()
        self._fits: dict[Link, Callable[[str], bool]] = {}
        self._undeclared: dict[Binding, Watch] = {}
        self._declarations: Declarations | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every receiver is attached, or known to be refused."""
        return not self._undeclared and self._watches.keys() <= self._attached

    @property
    def waiting(self) -> list[Watch]:
        """Those that the broker has not attached."""
        return [*(one for link, one in self._watches.items() if link not in self._attached), *self._undeclared.values()]

    def begin(self, watches: Iterable[Watch]) -> None:
        """Ask for these; on RabbitMQ 4 for their queues first."""
        for watch in watches:
            if watch.wanted.binding is None:
                self.attach(watch)
            else:
                self._undeclared[watch.wanted.binding] = watch
        if self._undeclared and isinstance(self._scheme, RabbitMQ4Scheme):
            self._declarations = Declarations(self._pump.engine, self._scheme.exchanges)
            self._declarations.declare(self._undeclared)
            self._pump.flush_soon()

    def attach(self, watch: Watch) -> None:
        """Ask for one that needs no declaring."""
        wanted = watch.wanted
        try:
            link = self._pump.engine.open_receiver(
                wanted.address,
                f"tap.{secrets.token_hex(8)}",
                filters=wanted.filters,
                capabilities=wanted.capabilities,
                credit=CREDIT,
            )
        except LocalProtocolError:
            return  # the connection is closing; its end will be reported
        link.owner = wanted.address
        self._watches[link] = watch
        if wanted.match is not None and wanted.match != "#":
            self._fits[link] = matcher(wanted.match)
        self._pump.flush_soon()

    def detach(self, node: str, key: str) -> None:
        """Take away the receiver for a key."""
        for link, watch in list(self._watches.items()):
            if (watch.node, watch.binding) == (node, key):
                self.lose(link)
                self._pump.engine.detach(link)
                self._pump.flush_soon()

    def handle(self, event: Event) -> bool:
        """Take ``event`` if it is about the declaring of queues; False when it is somebody else's."""
        return self._declarations is not None and self._declarations.handle(event)

    def declared(self) -> Iterator[tuple[Watch, Failed]]:
        """Receive from every queue that has been made meanwhile; gives those that could not be."""
        while self._declarations is not None and (outcome := self._declarations.next_outcome()) is not None:
            watch = self._undeclared.pop(outcome.binding, None)
            if watch is not None and isinstance(outcome, Failed):
                yield watch, outcome
            elif watch is not None:
                self.attach(watch)

    def confirm(self, link: Link) -> None:
        """The broker has attached ``link``."""
        if link in self._watches:
            self._attached.add(link)

    def find(self, link: Link, subject: Callable[[], str]) -> Watch | None:
        """What ``link`` is for; None when its message is not for us, judged by its subject where the broker does not."""
        fits = self._fits.get(link)
        return None if fits is not None and not fits(subject()) else self._watches.get(link)

    def lose(self, link: Link) -> tuple[Watch | None, bool]:
        """Forget a link; what it was for, and whether it was attached."""
        was_attached = link in self._attached
        self._attached.discard(link)
        self._fits.pop(link, None)
        return self._watches.pop(link, None), was_attached

"""The links of one session without which it is of no use: making them, and what may come on each receiver."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from matahari.amqp import Event, Link
from matahari.bus.bindings import BINDINGS_NODE
from matahari.bus.declarations import Declarations
from matahari.bus.management import Failed
from matahari.bus.patterns import matcher
from matahari.bus.rabbitmq4 import RabbitMQ4Scheme
from matahari.bus.scheme import Binding, In, Scheme
from matahari.net import Pump

__all__ = ["Attachment", "Fate", "Wishes"]

_log = logging.getLogger(__name__)

CREDIT = 500  # messages under way to us on each receiver (brokers.md 6.5)

Fate = Literal["unknown", "optional", "refused", "taken"]
"""What the end of a link means: none of ours, one that may be missing, never attached, taken away later."""


class Wishes(NamedTuple):
    """What is to be received, on every connection. For the fields see :class:`matahari.bus.Bus`."""

    own: tuple[str, ...]
    patterns: tuple[str, ...]
    legacy_replies: bool
    watch_bindings: bool


@dataclass(slots=True)
class _Member:
    fits: Callable[[str], bool] | None
    is_optional: bool
    is_attached: bool = False


class Attachment:
    """Receivers, and the senders that are always there.

    Attributes:
        bindings: the receiver on which the broker tells who is bound, where it does.
    """

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._pump: Pump | None = None
        self._scheme: Scheme | None = None
        self._members: dict[Link, _Member] = {}
        self._missing = 0
        self._extra: list[str] = []
        self._undeclared: dict[Binding, tuple[In, bool]] = {}  # the flag: it is optional
        self._declarations: Declarations | None = None
        self.bindings: Link | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the broker has attached every link."""
        return not self._missing and not self._undeclared

    def begin(self, pump: Pump, scheme: Scheme, senders: Iterable[Link]) -> None:
        """Ask for every receiver; ``senders`` have been asked for already and count too.

        Raises:
            LocalProtocolError: this kind of broker cannot have one of our addresses.
        """
        wishes = self._wishes
        wanted = [scheme.own(key) for key in wishes.own]
        wanted += [one for pattern in wishes.patterns for one in scheme.subscribe(pattern)]
        extra = [one for pattern in self._extra for one in scheme.subscribe(pattern)]
        if wishes.legacy_replies:
            extra += [one for key in wishes.own if (one := scheme.legacy(key)) is not None]
        self._pump, self._scheme = pump, scheme
        for sender in senders:
            self.expect(sender)
        self._ask(pump, scheme, wanted, is_optional=False)
        self._ask(pump, scheme, extra, is_optional=True)
        if wishes.watch_bindings and scheme.lists_bindings:  # after our own keys, which the first list has then
            self.bindings = self._receive(pump, In(BINDINGS_NODE, {}, ()), is_optional=False)
        pump.flush_soon()

    def listen(self, pattern: str) -> None:
        """Receive also what fits ``pattern``, from now on and in later sessions.

        Raises:
            LocalProtocolError: this kind of broker cannot have such an address, or the connection is being closed.
        """
        if pattern in self._wishes.patterns or pattern in self._extra:
            return
        pump, scheme = self._pump, self._scheme
        wanted = () if scheme is None else scheme.subscribe(pattern)
        self._extra.append(pattern)
        if pump is not None and scheme is not None:
            self._ask(pump, scheme, wanted, is_optional=True)
            pump.flush_soon()

    def expect(self, sender: Link) -> None:
        """Count ``sender`` among what has to be attached."""
        self._members[sender] = _Member(None, is_optional=False)
        self._missing += 1

    def end_session(self) -> None:
        """The first session is gone; what declares queues is in another and stays."""
        self._members.clear()
        self._missing = 0
        self._undeclared.clear()
        self.bindings = None

    def end_connection(self) -> None:
        """Everything is gone."""
        self.end_session()
        self._declarations = None
        self._pump = None
        self._scheme = None

    def handle(self, event: Event) -> bool:
        """Take ``event`` if it is about the declaring of queues; False when it is somebody else's."""
        return self._declarations is not None and self._declarations.handle(event)

    def receive_declared(self) -> Failed | None:
        """Receive from every queue that has been declared meanwhile; returns the first one that could not be."""
        pump, declarations = self._pump, self._declarations
        if pump is None or declarations is None:
            return None
        while (outcome := declarations.next_outcome()) is not None:
            found = self._undeclared.pop(outcome.binding, None)
            if found is None:
                continue  # asked for by a session that has ended
            wanted, is_optional = found
            if not isinstance(outcome, Failed):
                self._receive(pump, wanted, is_optional=is_optional)
            elif not is_optional:
                return outcome
            else:
                _log.info("nothing is received under %s: %s", outcome.binding.key, outcome.description)
        pump.flush_soon()
        return None

    def confirm(self, link: Link) -> None:
        """The broker has attached ``link``, or given it credit."""
        member = self._members.get(link)
        if member is not None and not member.is_attached:
            member.is_attached = True
            self._missing -= 1

    def accepts(self, link: Link, subject: str) -> bool:
        """Whether a message under ``subject`` may come on ``link``; one without a subject cannot be judged."""
        member = self._members.get(link)
        if member is None:
            return False  # of a session that has ended
        return member.fits is None or not subject or member.fits(subject)

    def lose(self, link: Link) -> Fate:
        """Forget a link that the broker has closed."""
        member = self._members.pop(link, None)
        if member is None:
            return "unknown"
        if not member.is_attached:
            self._missing -= 1
        if member.is_optional:
            return "optional"
        return "taken" if member.is_attached else "refused"

    def _ask(self, pump: Pump, scheme: Scheme, wanted: Iterable[In], *, is_optional: bool) -> None:
        """Attach a receiver for each, or first ask for its queue."""
        bindings = []
        for one in wanted:
            if one.binding is None:
                self._receive(pump, one, is_optional=is_optional)
            else:
                self._undeclared[one.binding] = (one, is_optional)
                bindings.append(one.binding)
        if bindings and isinstance(scheme, RabbitMQ4Scheme):
            if self._declarations is None:
                self._declarations = Declarations(pump.engine, scheme.exchanges)
            self._declarations.declare(bindings)

    def _receive(self, pump: Pump, wanted: In, *, is_optional: bool) -> Link:
        link = pump.engine.open_receiver(
            wanted.address,
            f"in.{os.urandom(8).hex()}",
            filters=wanted.filters,
            capabilities=wanted.capabilities,
            credit=CREDIT,
        )
        link.owner = wanted.address
        fits = None if wanted.match is None else matcher(wanted.match)
        self._members[link] = _Member(fits, is_optional)
        self._missing += 1
        return link

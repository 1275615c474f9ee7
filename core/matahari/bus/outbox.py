"""Messages on their way out: one sender link for each target, and what waits while the broker takes no more."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from matahari.amqp import Link, Session
from matahari.bus.scheme import Out
from matahari.bus.tally import Tally
from matahari.errors import LocalProtocolError
from matahari.net import Pump

__all__ = ["OUTBOX", "OUTBOX_BYTES", "Outbox"]

_log = logging.getLogger(__name__)

OUTBOX = 5000  # messages that wait for a broker that takes no more; then the oldest are dropped and counted
OUTBOX_BYTES = 32 << 20  # the same in bytes: a few large answers must not be the end of an agent
CROWDED = 500  # waiting messages, or
CROWDED_BYTES = 1 << 20  # bytes, of which whoever can wait should know: far below what is dropped
SESSION_BACKLOG = 4 << 20  # bytes handed to a session whose window is closed, before messages wait here


@dataclass(slots=True)
class _Sender:
    """A sending link and what waits for it."""

    link: Link
    waiting: deque[bytes] = field(default_factory=deque)
    size: int = 0


class Outbox:
    """The senders of one connection at a time.

    Those of the first session are made at once, and it is of no use without them. Answers have links of their own, one
    for each node that callers name: a message that the broker refuses costs its link, and callers choose where answers
    go. Where a broker ends the whole session for it, answers have a session of their own too (``brokers.md`` 5).

    Attributes:
        dropped: messages that were not sent, since the start.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._refusals = Tally(_log, "the broker refused an answer")
        self._pump: Pump | None = None
        self._first: dict[str | None, _Sender] = {}
        self._answers: dict[str | None, _Sender] = {}
        self._has_side = False
        self._side: Session | None = None

    @property
    def is_crowded(self) -> bool:
        """Whether the broker takes so little that what can wait should."""
        senders = (*self._first.values(), *self._answers.values())
        return any(len(sender.waiting) > CROWDED or sender.size > CROWDED_BYTES for sender in senders)

    def open(self, pump: Pump, targets: Iterable[str | None], *, two_sessions: bool) -> list[Link]:
        """Attach the senders that are always there, and return their links; ``two_sessions``: answers have their own."""
        self._pump = pump
        self._has_side = two_sessions
        for target in targets:
            self._first[target] = self._attach(pump, target, None)
        return [sender.link for sender in self._first.values()]

    def close(self) -> None:
        """The connection is gone, and with it what waits: requests have their own deadlines."""
        self._drop(self._first)
        self._drop(self._answers)
        self._pump = None
        self._side = None

    def end_first(self) -> None:
        """The first session is gone."""
        self._drop(self._first)

    def end_side(self, session: Session, reason: str) -> bool:
        """Take note of the end of the session for answers; False when ``session`` is another one."""
        if self._side is not session:
            return False
        self._side = None
        self._drop(self._answers)
        self._refusals.add(f"it ended their session: {reason}")
        return True

    def send(self, out: Out, data: bytes, *, is_answer: bool = False) -> bool:
        """Send or keep one encoded message; False when it was dropped because there is no connection."""
        pump = self._pump
        sender = None
        if pump is not None:
            try:
                sender = self._sender(pump, out.link, is_answer)
            except LocalProtocolError:
                pass  # the connection is closing; its end has not been reported yet
        if pump is None or sender is None:
            self.dropped += 1
            return False
        if sender.waiting or not _takes(pump, sender.link):
            self._queue(pump, sender, data)
        else:
            pump.engine.send(sender.link, data)
        pump.flush_soon()
        return True

    def drain(self, link: Link) -> None:
        """Send what waits for ``link``, as far as it takes it."""
        for senders in (self._first, self._answers):
            for sender in senders.values():
                if sender.link is link:
                    self._drain(sender)

    def drain_all(self) -> None:
        for sender in (*self._first.values(), *self._answers.values()):
            self._drain(sender)

    def lose(self, link: Link, reason: str) -> None:
        """Forget a link that the broker has closed, if it was one for answers."""
        for target, sender in self._answers.items():
            if sender.link is link:
                self._refusals.add(reason)
                self.dropped += len(sender.waiting)
                del self._answers[target]
                return

    def renew(self, link: Link) -> Link | None:
        """Attach anew one of the senders that are always there, which the broker has closed; what waits goes there."""
        pump = self._pump
        for target, sender in self._first.items():
            if sender.link is link and pump is not None:
                sender.link = self._attach(pump, target, None).link
                return sender.link
        return None

    def _sender(self, pump: Pump, target: str | None, is_answer: bool) -> _Sender:
        senders = self._answers if is_answer else self._first
        found = senders.get(target)
        if found is None:
            if is_answer and self._has_side and self._side is None:
                self._side = pump.engine.open_session()
                self._side.owner = self
            found = senders[target] = self._attach(pump, target, self._side if is_answer else None)
        return found

    def _attach(self, pump: Pump, target: str | None, session: Session | None) -> _Sender:
        link = pump.engine.open_sender(target, f"out.{os.urandom(8).hex()}", session=session)
        link.owner = target or "the anonymous relay"
        return _Sender(link)

    def _drop(self, senders: dict[str | None, _Sender]) -> None:
        self.dropped += sum(len(sender.waiting) for sender in senders.values())
        senders.clear()

    def _queue(self, pump: Pump, sender: _Sender, data: bytes) -> None:
        sender.waiting.append(data)
        sender.size += len(data)
        while len(sender.waiting) > OUTBOX or sender.size > OUTBOX_BYTES:
            sender.size -= len(sender.waiting.popleft())
            self.dropped += 1
        pump.wants_writable = True

    def _drain(self, sender: _Sender) -> None:
        pump, link = self._pump, sender.link
        if pump is None:
            return
        while sender.waiting and _takes(pump, link):
            data = sender.waiting.popleft()
            sender.size -= len(data)
            pump.engine.send(link, data)
        if sender.waiting:
            pump.wants_writable = True
        pump.flush_soon()


def _takes(pump: Pump, link: Link) -> bool:
    return pump.is_writable and link.is_open and link.credit > 0 and link.backlog < SESSION_BACKLOG

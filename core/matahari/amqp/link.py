"""One link of an engine, as its user sees it."""

from __future__ import annotations

from typing import Any

import proton

from matahari.amqp.events import Terminus

__all__ = ["Link"]

_NOWHERE = Terminus(None, False, (), {})
MAX_UNSETTLED = 500  # messages that a receiver may leave unsettled on one link before it gets no more


class Link:
    """One link of an engine.

    Attributes:
        is_sender: we send on it.
        owner: whatever the engine's user attaches to it.
    """

    __slots__ = ("_keeps", "_other", "_proton", "_session", "_window", "is_open", "is_sender", "name", "owner")

    def __init__(self, link: proton.Link, name: str, is_sender: bool) -> None:
        self._proton: Any = link  # None once the link has ended, as _session; who uses them has looked before
        self._session: Any = link.session
        self._window = 0
        self._other = _NOWHERE  # the peer's own end of a link that it has requested
        self._keeps = False  # the receiver insists on settling, so sent messages wait for its word
        self.name = name
        self.is_sender = is_sender
        self.is_open = False
        self.owner: object = None

    @property
    def credit(self) -> int:
        """Messages that may be sent now (sender) or that the peer may still send (receiver)."""
        if self._proton is None:
            return 0
        credit = int(self._proton.credit)
        return min(credit, MAX_UNSETTLED - self._proton.unsettled) if self._keeps else credit

    @property
    def backlog(self) -> int:
        """Bytes that this link's session holds because the peer's window is closed."""
        return 0 if self._session is None else int(self._session.outgoing_bytes)

    def _release(self) -> None:
        """Let go of proton's objects; the owner may keep this one.

        Proton's link keeps us alive as long as it has us. And of a session that has ended the links must go before the
        session does: proton frees them with it, and then again when Python's garbage collector comes to them last.
        """
        if self._proton is not None and hasattr(self._proton, "matahari"):
            del self._proton.matahari
        self._proton = self._session = None

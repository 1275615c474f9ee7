"""One session that an engine has begun, as its user sees it."""

from __future__ import annotations

from typing import Any

import proton

__all__ = ["Session"]


class Session:
    """A session of this end. All links in it end with it; other sessions of the connection do not.

    Attributes:
        is_open: nobody has ended it so far.
        owner: whatever the engine's user attaches to it.
    """

    __slots__ = ("_proton", "is_open", "owner")

    def __init__(self, session: proton.Session) -> None:
        self._proton: Any = session  # None once it has ended
        self.is_open = True
        self.owner: object = None

    def _release(self) -> None:
        """Let go of proton's object, after all its links were (see :meth:`matahari.amqp.link.Link._release`)."""
        self.is_open = False
        self._proton = None

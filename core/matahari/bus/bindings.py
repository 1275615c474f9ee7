"""The list of bound keys that our own broker keeps for consoles, as its messages tell it."""

from __future__ import annotations

from matahari.amqp import decode_message

__all__ = ["BINDINGS_NODE", "BindingList"]

BINDINGS_NODE = "matahari.bindings"
MAX_BINDINGS = 50_000  # keys of one snapshot: twice the agents that a console knows at most


class BindingList:
    """Puts the parts of a snapshot together."""

    def __init__(self) -> None:
        self._snapshot: list[str] = []

    def clear(self) -> None:
        """Forget the parts of a snapshot whose rest will not come."""
        self._snapshot.clear()

    def read(self, data: bytes) -> tuple[str, list[str]] | None:
        """What one message tells: ``snapshot``, ``bound`` or ``unbound``, and the keys; None before a snapshot is whole.

        Raises:
            RemoteProtocolError: not an AMQP message.
        """
        message = decode_message(data)
        body = message.body if isinstance(message.body, dict) else {}
        if message.subject == "snapshot":
            keys = body.get("keys")
            if isinstance(keys, list) and len(self._snapshot) < MAX_BINDINGS:
                self._snapshot += [str(key) for key in keys]
            if body.get("more"):
                return None
            whole, self._snapshot = self._snapshot, []
            return "snapshot", whole
        if message.subject in ("bound", "unbound"):
            return message.subject, [str(body.get("key", ""))]
        return None

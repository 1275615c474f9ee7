"""What one connection may do: the access rules in force for its login, and what is the owner's alone."""

from __future__ import annotations

from matahari.broker.acl import DYNAMIC, RELAY, Acl, Action
from matahari.broker.nodes import DYNAMIC_PREFIX, EXCHANGES, TAP

__all__ = ["Access", "Guard"]


class Guard:
    """Where connections find the rules in force: they are replaced whole, and asked anew at each decision.

    Attributes:
        acl: None lets everybody who may connect do everything.
    """

    __slots__ = ("acl",)

    def __init__(self, acl: Acl | None = None) -> None:
        self.acl = acl


class Access:
    """The rights of one login. Each method tells why something is refused; an empty text allows it."""

    __slots__ = ("_guard", "_is_owner", "_login")

    def __init__(self, login: str, guard: Guard | None = None, *, is_owner: bool = False) -> None:
        """Prepare.

        Args:
            guard: None for no rules, for ever.
            is_owner: the login is the broker's own user or root, who may tap.
        """
        self._login = login
        self._guard = guard or Guard()
        self._is_owner = is_owner

    def refuse_receiver(self, node: str | None, key: str) -> str:
        """A link to receive from ``node`` (None: a dynamic one)."""
        if node is None:
            return self._decide("attach", DYNAMIC)
        if node in EXCHANGES:
            return self._decide("bind", node, key)
        if node == TAP and not self._is_owner:
            return f"{self._login} may not attach {TAP}: it is for the broker's own user and root"
        return self._decide("attach", node)

    def refuse_sender(self, address: str | None) -> str:
        """A link to send to ``address`` (None: the anonymous relay)."""
        acl = self._guard.acl
        if acl is None:
            return ""
        rights = acl.rights(self._login)
        return rights.refusal("attach", RELAY) if address is None else rights.sending_refusal(_known_as(address))

    def refuse_message(self, node: str, key: str) -> str:
        """A message to ``node``, which exists, under ``key``."""
        return self._decide("publish", _known_as(node), key)

    def _decide(self, action: Action, node: str, key: str = "") -> str:
        acl = self._guard.acl
        return "" if acl is None else acl.rights(self._login).refusal(action, node, key)


def _known_as(node: str) -> str:
    """The node's name in access rules."""
    return DYNAMIC if node.startswith(DYNAMIC_PREFIX) else node

"""Apache ActiveMQ Artemis, and the routers: few multicast addresses, the full key in ``subject``, our end matches.

Every distinct address of Artemis is stored, and a router has no patterns at all, so topic keys are put together in
families with one address each. A pattern needs a receiver for each family in which a fitting key may lie: ``console.#``
fits keys of ``console`` and of ``console.request``.
"""

from __future__ import annotations

import re
from typing import Literal

from matahari.amqp import SELECTOR
from matahari.bus.patterns import is_exact
from matahari.bus.scheme import In, Out, Scheme, check_key

__all__ = ["FamiliesScheme", "family"]

#: Longest first: a key is of the first family that it is or begins with.
_FAMILIES = (
    "agent.ind.heartbeat",
    "agent.ind.event",
    "agent.ind.data",
    "console.request",
    "agent.ind",
    "console",
)
_OTHER = "other"
_DYNAMIC = {
    "artemis": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "router": re.compile(r"amqp:/_topo/[!-~]{1,200}"),
}
"""Addresses that these brokers give to dynamic nodes."""


class FamiliesScheme(Scheme):
    """See the module's docstring.

    Neither kind vouches for user-ids: Artemis does not compare them, a router does under a policy that it does not
    tell of (``brokers.md`` 6.4, 6.5).

    Source: brokers.md 3.4
    """

    def __init__(self, domain: str = "default", *, kind: Literal["artemis", "router"]) -> None:
        super().__init__(domain)
        self.kind = kind

    @property
    def targets(self) -> tuple[str | None, ...]:
        # Not one for each family: a router gives no credit on a named address while nobody listens there.
        return (None,)

    def publish(self, key: str) -> Out:
        return Out(None, f"{self._topic}.{family(key)}", key)

    def direct(self, key: str) -> Out:
        return Out(None, f"{self._direct}.{check_key(key)}", key)

    def subscribe(self, pattern: str) -> tuple[In, ...]:
        words = pattern.split(".")
        literal: list[str] = []
        for word in words:
            if word in ("*", "#"):
                break
            literal.append(word)
        stem = ".".join(literal)
        home = family(stem)
        # Every fitting key begins with the stem, so it is in the stem's family or one that is longer than the stem.
        wider = [one for one in _FAMILIES if _is_below(one, stem) and one != home and _may_begin(words, one)]
        found = (home, *([] if is_exact(pattern) else wider))
        return tuple(In(f"{self._topic}.{one}", self._selector(pattern, stem, one), match=pattern) for one in found)

    def own(self, key: str) -> In:
        return In(f"{self._direct}.{check_key(key)}", {})

    def _bare(self, address: str) -> Out | None:
        return Out(None, address, "") if _DYNAMIC[self.kind].fullmatch(address) else None

    def _selector(self, pattern: str, stem: str, address: str) -> dict[str, tuple[int, str]]:
        """Artemis shows the subject as ``JMSType``; what it cannot tell apart is left to our own match."""
        if self.kind != "artemis" or not stem or _is_below(address, stem):
            return {}
        if is_exact(pattern):
            return {"subject": (SELECTOR, f"JMSType = '{_quoted(stem)}'")}
        return {"subject": (SELECTOR, f"JMSType LIKE '{_escaped(_quoted(stem))}%' ESCAPE '!'")}


def family(key: str) -> str:
    """The longest family that is ``key`` or begins it at a dot; ``other`` if there is none."""
    return next((one for one in _FAMILIES if _is_below(key, one)), _OTHER)


def _is_below(key: str, stem: str) -> bool:
    return not stem or key == stem or key.startswith(f"{stem}.")


def _may_begin(pattern: list[str], name: str) -> bool:
    """Whether some key that begins with the words of ``name`` fits ``pattern``."""
    places = {0}
    for word in name.split("."):
        reached = set()
        for place in places:
            at = place
            while at < len(pattern) and pattern[at] == "#":
                reached.add(at)
                at += 1
            if at < len(pattern) and pattern[at] in ("*", word):
                reached.add(at + 1)
        places = reached
    return bool(places)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _escaped(text: str) -> str:
    return "".join(f"!{c}" if c in "!%_" else c for c in text)

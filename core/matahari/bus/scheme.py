"""How keys become addresses on one kind of broker (``brokers.md`` section 3): values in, values out.

One scheme serves the embedded broker and Apache Qpid's: node = exchange, subject = routing key, binding key in a
source filter. :func:`detect` chooses by the broker's open frame, before any link is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matahari.amqp import DIRECT_BINDING, TOPIC_BINDING, Opened
from matahari.errors import ConnectFailedError, LocalProtocolError

__all__ = ["ExchangeScheme", "In", "Out", "check_key", "detect"]

MAX_KEY = 255  # bytes; what AMQP 0-10 and RabbitMQ can carry
_EXCHANGES = ("qmf.", "amq.")  # a bare name beginning so is no queue of a console: many may listen there
_CONSOLE_KEYS = ("direct-console.", "direct.")  # reply keys of libqmf2 consoles and of BrokerAgent


@dataclass(frozen=True, slots=True)
class Out:
    """Where to send: the sender's target (None: anonymous relay), ``properties.to``, and the subject."""

    link: str | None
    to: str | None
    subject: str


@dataclass(frozen=True, slots=True)
class In:
    """What to receive: source address and filter map."""

    address: str
    filters: Mapping[str, tuple[int, str]]


class ExchangeScheme:
    """The embedded broker and Apache Qpid C++ (``brokers.md`` 3.1).

    Attributes:
        lists_bindings: the broker tells who is bound (our own ``matahari.bindings`` node).
        user_id_trusted: the broker compares user-ids with the login.
    """

    def __init__(self, domain: str = "default", *, lists_bindings: bool = False, user_id_trusted: bool = False) -> None:
        self._topic = f"qmf.{domain}.topic"
        self._direct = f"qmf.{domain}.direct"
        self.lists_bindings = lists_bindings
        self.user_id_trusted = user_id_trusted

    def publish(self, key: str) -> Out:
        """A topic message."""
        return Out(self._topic, None, key)

    def direct(self, key: str) -> Out:
        """A message to the owner of ``key``."""
        return Out(self._direct, None, key)

    def subscribe(self, pattern: str) -> In:
        """Everything on the topic exchange that fits ``pattern``."""
        return In(self._topic, {"subject-filter": (TOPIC_BINDING, pattern)})

    def own(self, key: str) -> In:
        """Messages to ``key`` on the direct exchange."""
        return In(self._direct, {"subject-filter": (DIRECT_BINDING, check_key(key))})

    def reply_to(self, key: str) -> str:
        """The reply address of the owner of ``key``."""
        return f"{self._direct}/{key}"

    def reply(self, reply_to: str) -> Out:
        """Where an answer goes.

        Only consoles' addresses are answered: otherwise a caller could make an agent publish messages of the
        caller's choosing with the agent's own rights.

        Raises:
            LocalProtocolError: the address is not one of a console.
        """
        node, slash, key = reply_to.partition("/")
        if slash:
            if node in (self._direct, "amq.direct") and key:
                return Out(node, None, key)
            if node == self._topic and key.startswith(_CONSOLE_KEYS):
                return Out(node, None, key)
        elif node and not node.startswith(_EXCHANGES):
            return Out(None, node, "")
        raise LocalProtocolError(f"reply address {reply_to!r} is not a console's")


def check_key(key: str) -> str:
    """``key`` if somebody may own it.

    Raises:
        LocalProtocolError: it is empty, too long, or has a wildcard or control character.
    """
    if not key or len(key.encode()) > MAX_KEY or "::" in key or any(c in "*#\x7f" or c < " " for c in key):
        raise LocalProtocolError(
            f"{key!r} cannot be an address of ours: 1 to {MAX_KEY} bytes, no '*', '#', '::' or control character"
        )
    return key


def detect(opened: Opened, address: str) -> ExchangeScheme:
    """The scheme for the broker that sent ``opened``.

    Raises:
        ConnectFailedError: a kind of broker that is not supported, named by its product.
    """
    product = opened.properties.get("product", "")
    if product == "matahari-broker":
        trusted = opened.properties.get("user-id") == "checked"
        return ExchangeScheme(lists_bindings=True, user_id_trusted=trusted)
    if product == "qpid-cpp":
        return ExchangeScheme()
    raise ConnectFailedError(
        f"{address} is a broker of product {product or '(none given)'!r}, which this version cannot use; "
        "it works with its own broker (`matahari broker`) and with Apache Qpid C++ (qpidd)",
        address=address,
    )

"""How keys become addresses on one kind of broker (``brokers.md`` section 3): values in, values out.

Each kind has a module of its own; :func:`matahari.bus.detection.detect` chooses by the broker's open frame, before any
link is made. A reply address is the same text everywhere, ``qmf.default.direct/KEY``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal, NamedTuple

from matahari.errors import LocalProtocolError
from matahari.qmf import Direct, Publish, Reply

__all__ = ["LEGACY", "MAX_KEY", "Binding", "In", "Kind", "Out", "Scheme", "check_key", "is_key"]

Kind = Literal["matahari", "qpid", "rabbitmq3", "rabbitmq4", "artemis", "router"]

MAX_KEY = 255  # bytes; what AMQP 0-10 and RabbitMQ can carry
LEGACY = "amq.direct"  # exchange of QMFv1 answers (qmf2.md 3.12)
_CONSOLE_KEYS = ("direct-console.", "direct.")  # reply keys of libqmf2 consoles and of BrokerAgent


class Out(NamedTuple):
    """Where to send: the sender's target (None: anonymous relay), ``properties.to``, and the subject."""

    link: str | None
    to: str | None
    subject: str


class Binding(NamedTuple):
    """What must be declared before a queue can be received from (``brokers.md`` 3.3)."""

    exchange: str
    queue: str
    key: str


class In(NamedTuple):
    """What to receive.

    Attributes:
        address: source address; None for a dynamic node.
        filters: name -> (descriptor, value).
        capabilities: of the source.
        match: binding pattern that the receiver's own end checks once more; None when there is none.
        binding: what to declare first, None for nothing.
    """

    address: str | None
    filters: Mapping[str, tuple[int, str]]
    capabilities: tuple[str, ...] = ("topic",)
    match: str | None = None
    binding: Binding | None = None


class Scheme(ABC):
    """The addresses of one kind of broker.

    Attributes:
        kind: its name, as in the setting ``broker_kind``.
        lists_bindings: the broker tells who is bound (our own ``matahari.bindings`` node).
        taps: the broker shows all traffic to those who may see it (our own ``matahari.tap`` node).
        user_id_trusted: the broker compares user-ids with the login, or stamps them.
        lists_as_sequence: a list may not be sent as ``amqp-value``.
        ends_sessions: the broker ends a whole session for one message or link that it refuses.
        targets: of the senders without which a connection is of no use.
    """

    kind: Kind
    lists_bindings: bool = False
    taps: bool = False
    user_id_trusted: bool = False
    lists_as_sequence: ClassVar[bool] = False
    ends_sessions: ClassVar[bool] = False

    def __init__(self, domain: str = "default") -> None:
        self._topic = f"qmf.{domain}.topic"
        self._direct = f"qmf.{domain}.direct"

    @property
    @abstractmethod
    def targets(self) -> tuple[str | None, ...]: ...

    @abstractmethod
    def publish(self, key: str) -> Out:
        """A topic message."""

    @abstractmethod
    def direct(self, key: str) -> Out:
        """A message to the owner of ``key``."""

    @abstractmethod
    def subscribe(self, pattern: str) -> tuple[In, ...]:
        """Everything published under a key that fits ``pattern``."""

    @abstractmethod
    def own(self, key: str) -> In:
        """Messages to ``key``.

        Raises:
            LocalProtocolError: nobody can own such a key.
        """

    def reply_to(self, key: str) -> str:
        """The reply address of the owner of ``key``."""
        return f"{self._direct}/{key}"

    def reply(self, reply_to: str) -> Out:
        """Where an answer goes.

        Only consoles' addresses are answered: otherwise a caller could make an agent publish messages of the
        caller's choosing with the agent's own rights.

        Raises:
            LocalProtocolError: the address is not one of a console, or this broker has no such address.
        """
        node, slash, key = reply_to.partition("/")
        out: Out | None = None
        if not slash or node not in (self._direct, self._topic, LEGACY):
            out = self._bare(reply_to)
        elif is_key(key):
            if node == self._direct:
                out = self.direct(key)
            elif node == LEGACY:
                out = self._legacy_out(key)
            elif key.startswith(_CONSOLE_KEYS):
                out = self.publish(key)
        if out is None:
            raise LocalProtocolError(f"reply address {reply_to!r} is not a console's")
        return out

    def out(self, command: Publish | Direct | Reply) -> Out:
        """Where a message goes; LocalProtocolError as :meth:`reply`."""
        match command:
            case Publish():
                return self.publish(command.key)
            case Direct():
                return self.direct(command.key)
            case Reply():
                return self.reply(command.reply_to)

    def legacy(self, key: str) -> In | None:
        """Messages to ``key`` on ``amq.direct``; None where no console of QMFv1 can be connected."""
        return None

    def _legacy_out(self, key: str) -> Out | None:
        return None

    def _bare(self, address: str) -> Out | None:
        """Where an answer to a dynamic node of the broker's goes; None for any other address."""
        return None


def is_key(key: str) -> bool:
    """Whether somebody may own ``key``: 1 to ``MAX_KEY`` bytes, no wildcard, ``::`` or control character."""
    if not key or len(key) > MAX_KEY or (not key.isascii() and len(key.encode("utf-8", "replace")) > MAX_KEY):
        return False
    return "::" not in key and not any(c in "*#\x7f" or c < " " or "\ud800" <= c <= "\udfff" for c in key)


def check_key(key: str) -> str:
    """``key`` if somebody may own it.

    Raises:
        LocalProtocolError: it is empty, too long, or has a wildcard or control character.
    """
    if not is_key(key):
        raise LocalProtocolError(
            f"{key!r} cannot be an address of ours: 1 to {MAX_KEY} bytes, no '*', '#', '::' or control character"
        )
    return key

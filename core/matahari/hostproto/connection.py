"""One end of a plugin host connection, without I/O.

States of the receiving side::

    (needs hello) --hello--> open --end of stream--> closed
         |                    |
         +--anything wrong----+--------------------> faulted

What the peer did wrong becomes one :class:`Fault` event, never an exception; what we do wrong raises
:class:`~matahari.errors.LocalProtocolError` at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from matahari.errors import LocalProtocolError, RemoteProtocolError

from ._members import dump_message, parse_message
from .frames import FRAMING_VERSION, FrameDecoder, encode_frame
from .messages import (
    INTERFACE_VERSION,
    Activate,
    Activation,
    Bye,
    Call,
    Cancel,
    Drain,
    Exited,
    Failure,
    Hello,
    Kill,
    Load,
    Loaded,
    LoadFailed,
    Log,
    Message,
    Output,
    Partial,
    Ping,
    PluginEvent,
    Pong,
    Progress,
    Result,
    Shutdown,
    Spawn,
    Spawned,
    SpawnFailed,
)

__all__ = ["Closed", "Connection", "Event", "Fault"]


@dataclass(frozen=True, slots=True)
class Fault:
    """The peer broke the protocol; nothing more will come. ``text`` says how."""

    text: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The stream ended between two frames."""


Event: TypeAlias = Message | Fault | Closed


def _by_type(*classes: type[Message]) -> Mapping[str, type[Message]]:
    return {cls.TYPE: cls for cls in classes}


_TO_WORKER: Final = _by_type(Load, Activate, Call, Cancel, Drain, Bye, Ping)
_FROM_WORKER: Final = _by_type(
    Hello, Loaded, LoadFailed, Activation, Progress, Output, Partial, PluginEvent, Result, Failure, Log, Pong, Bye
)
_TO_PARENT: Final = _by_type(Spawn, Kill, Shutdown, Ping)
_FROM_PARENT: Final = _by_type(Hello, Spawned, SpawnFailed, Exited, Pong)


class Connection:
    """Turns received bytes into events, and messages into bytes.

    Made by one of the four class methods, which name the end that it stands for.
    """

    def __init__(
        self, receives: Mapping[str, type[Message]], sends: Mapping[str, type[Message]], *, nonce: str | None
    ) -> None:
        self._receives = receives
        self._sends = sends
        self._nonce = nonce
        self._needs_hello = nonce is not None
        self._decoder = FrameDecoder()
        self._events: deque[Event] = deque()
        self._is_over = False

    @classmethod
    def to_worker(cls, nonce: str) -> Connection:
        """The agent's end of a worker's socket; the worker's hello must carry ``nonce``."""
        return cls(_FROM_WORKER, _TO_WORKER, nonce=nonce)

    @classmethod
    def of_worker(cls) -> Connection:
        """The worker's end."""
        return cls(_TO_WORKER, _FROM_WORKER, nonce=None)

    @classmethod
    def to_parent(cls, nonce: str) -> Connection:
        """The agent's end of the control socket; the warm parent's hello must carry ``nonce``."""
        return cls(_FROM_PARENT, _TO_PARENT, nonce=nonce)

    @classmethod
    def of_parent(cls) -> Connection:
        """The warm parent's end."""
        return cls(_TO_PARENT, _FROM_PARENT, nonce=None)

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer, in pieces of any size; never raises for what they say."""
        if self._is_over:
            return
        self._decoder.feed(data)
        try:
            while (value := self._decoder.next_object()) is not None:
                message = parse_message(value, self._receives)
                if self._needs_hello or isinstance(message, Hello):
                    self._check_hello(message)
                self._events.append(message)
        except RemoteProtocolError as error:
            self._end(Fault(str(error)))

    def receive_eof(self) -> None:
        """Note that the peer's stream has ended."""
        if self._is_over:
            return
        if self._decoder.is_inside_frame:
            self._end(Fault("the stream ended inside a frame"))
        else:
            self._end(Closed())

    def next_event(self) -> Event | None:
        """Give the next event, or None when there is none yet. Nothing follows a fault or a close."""
        return self._events.popleft() if self._events else None

    def send(self, message: Message) -> bytes:
        """Give the bytes of ``message``.

        Raises:
            LocalProtocolError: this end may not send it, or it does not fit into a frame.
        """
        if message.TYPE not in self._sends:
            raise LocalProtocolError(f"{message.TYPE} is not sent by this end")
        try:
            return encode_frame(dump_message(message))
        except (ValueError, TypeError, RecursionError) as error:
            raise LocalProtocolError(f"{message.TYPE} cannot be sent: {error}") from error

    def _end(self, event: Fault | Closed) -> None:
        self._is_over = True
        self._events.append(event)

    def _check_hello(self, message: Message) -> None:
        if not isinstance(message, Hello):
            raise RemoteProtocolError(f"{message.TYPE} came before hello")
        if not self._needs_hello:
            raise RemoteProtocolError("a second hello")
        ours = (FRAMING_VERSION, INTERFACE_VERSION)
        if (message.framing, message.interface) != ours:
            raise RemoteProtocolError(
                f"the host speaks framing {message.framing}, interface {message.interface};"
                f" this agent speaks framing {ours[0]}, interface {ours[1]}"
            )
        if message.nonce != self._nonce:
            raise RemoteProtocolError("the nonce is not the one given at the start", path="nonce")
        self._needs_hello = False

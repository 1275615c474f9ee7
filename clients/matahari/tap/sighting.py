"""One message that went over the bus, as it is shown, filtered and recorded."""

from __future__ import annotations

from dataclasses import dataclass

from matahari.qmf import Value
from matahari.tap.names import Agent
from matahari.tap.opcodes import ERRORS
from matahari.tap.reading import Reading

__all__ = ["Delivery", "Sighting"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it reached the tap.

    Attributes:
        data: all its sections.
        node: where it was published.
        key: its routing key.
        binding: the key by which the tap got it.
        login: who published it, empty where the broker does not tell.
        delivered: how many subscribers it went to, None where the broker does not tell.
        left_out: bytes of a message that was too large for the broker to show, else 0.
    """

    data: bytes
    node: str
    key: str
    binding: str
    login: str = ""
    delivered: int | None = None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is known of one message. Texts are as received: not yet harmless.

    Attributes:
        time_ns: nanoseconds since 1970 at which the tap got it.
        opcode: one of ``opcodes.WORDS``.
        sender, receiver: short names.
        agent: the agent that sent it or is meant; None when neither is known.
        contents: arguments, values, query: whatever the kind of message is about.
        items: objects, events or frames in it.
        error: text of a failure, empty without one.
        part: number of this part of an answer, 0 when the answer is in one piece.
        latency: seconds since the request; None when it was not seen.
        number: of the request that it is or belongs to; 0 for others.
        is_own: the tap's own question, or an answer to it.
    """

    time_ns: int
    delivery: Delivery
    reading: Reading
    opcode: str
    sender: str = ""
    receiver: str = ""
    agent: Agent | None = None
    package: str = ""
    class_name: str = ""
    object_name: str = ""
    method: str = ""
    contents: Value = None
    items: int = 0
    error: str = ""
    part: int = 0
    is_last: bool = True
    latency: float | None = None
    number: int = 0
    is_own: bool = False

    @property
    def failed(self) -> bool:
        """Whether it tells of a failure."""
        return self.opcode in ERRORS or bool(self.error)

    @property
    def size(self) -> int:
        """Bytes of the whole message."""
        return self.delivery.left_out or len(self.delivery.data)

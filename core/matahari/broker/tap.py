"""What a receiver on ``matahari.tap`` gets: a message about a message. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from matahari.amqp import MAX_MESSAGE, BodyValue, Message, encode_message

__all__ = ["Tapped"]

MAX_NODE = 255  # characters of a node's name that are shown: on the anonymous relay it is whatever a client wrote


@dataclass(frozen=True, slots=True)
class Tapped:
    """One message as it was published.

    Attributes:
        node: where it was published; on the anonymous relay perhaps no node at all.
        key: its routing key.
        login: who published it.
        delivered: how many subscribers it went to.
        data: its bytes as forwarded.
    """

    node: str
    key: str
    login: str
    delivered: int
    data: bytes

    def encode(self) -> bytes:
        """An AMQP message whose subject is the key.

        Application properties: ``node``, ``key``, ``login``, ``delivered``. Body: one data section with the message's
        bytes. Where that would exceed the message limit there is no body, and the property ``left-out`` tells the
        number of bytes.
        """
        about: dict[str, BodyValue] = {
            "node": self.node[:MAX_NODE],
            "key": self.key,
            "login": self.login,
            "delivered": self.delivered,
        }
        whole = encode_message(Message(self.data, section="data", subject=self.key, properties=about))
        if len(whole) <= MAX_MESSAGE:
            return whole
        about["left-out"] = len(self.data)
        return encode_message(Message(section="none", subject=self.key, properties=about))

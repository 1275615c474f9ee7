"""Source filters of Apache Qpid: a binding key for an exchange, a selector (``brokers.md`` 3, ``qmf2.md`` 1.3)."""

from __future__ import annotations

from typing import Final

__all__ = ["BINDING_KEY_CODES", "BINDING_KEY_NAMES", "DIRECT_BINDING", "SELECTOR", "TOPIC_BINDING"]

DIRECT_BINDING: Final = 0x0000468C00000000
TOPIC_BINDING: Final = 0x0000468C00000001
SELECTOR: Final = 0x0000468C00000004

BINDING_KEY_CODES: Final = frozenset((DIRECT_BINDING, TOPIC_BINDING))
BINDING_KEY_NAMES: Final = frozenset(
    ("apache.org:legacy-amqp-direct-binding:string", "apache.org:legacy-amqp-topic-binding:string")
)

"""The embedded broker and Apache Qpid C++: node = exchange, subject = routing key, binding key in a source filter."""

from __future__ import annotations

from typing import Literal

from matahari.amqp import DIRECT_BINDING, TOPIC_BINDING
from matahari.bus.scheme import LEGACY, In, Out, Scheme, check_key, is_key

__all__ = ["ExchangeScheme"]

_EXCHANGES = ("qmf.", "amq.")  # a bare name beginning so is no queue of a console: many may listen there


class ExchangeScheme(Scheme):
    """See the module's docstring.

    Source: brokers.md 3.1
    """

    def __init__(
        self,
        domain: str = "default",
        *,
        kind: Literal["matahari", "qpid"] = "qpid",
        lists_bindings: bool = False,
        taps: bool = False,
        user_id_trusted: bool = False,
    ) -> None:
        super().__init__(domain)
        self.kind = kind
        self.lists_bindings = lists_bindings
        self.taps = taps
        self.user_id_trusted = user_id_trusted

    @property
    def targets(self) -> tuple[str | None, ...]:
        return (self._topic, self._direct)

    def publish(self, key: str) -> Out:
        return Out(self._topic, None, key)

    def direct(self, key: str) -> Out:
        return Out(self._direct, None, key)

    def subscribe(self, pattern: str) -> tuple[In, ...]:
        return (In(self._topic, {"subject-filter": (TOPIC_BINDING, pattern)}, match=pattern),)

    def own(self, key: str) -> In:
        return In(self._direct, {"subject-filter": (DIRECT_BINDING, check_key(key))})

    def legacy(self, key: str) -> In | None:
        return In(LEGACY, {"subject-filter": (DIRECT_BINDING, check_key(key))})

    def _legacy_out(self, key: str) -> Out | None:
        return Out(LEGACY, None, key)

    def _bare(self, address: str) -> Out | None:
        if "/" in address or address.startswith(_EXCHANGES) or not is_key(address):
            return None
        return Out(None, address, "")

"""RabbitMQ 3 with its plugin for AMQP 1.0: exchanges as on Qpid, the binding key in the source address.

There is no anonymous relay and there are no dynamic nodes, so a bare queue as reply address cannot be answered.
``amq.direct`` exists and is left alone: whoever may not use it loses his whole session by trying, and a console of
QMFv1 speaks a protocol that RabbitMQ does not.
"""

from __future__ import annotations

from typing import ClassVar

from matahari.bus.scheme import In, Out, Scheme, check_key
from matahari.errors import LocalProtocolError

__all__ = ["RabbitMQ3Scheme"]

_SLASH = "%2F"


class RabbitMQ3Scheme(Scheme):
    """See the module's docstring. The plugin crashes on a list of two or more items in an ``amqp-value`` section.

    Source: brokers.md 3.2
    """

    kind = "rabbitmq3"
    user_id_trusted = True
    lists_as_sequence: ClassVar[bool] = True
    ends_sessions: ClassVar[bool] = True

    @property
    def targets(self) -> tuple[str | None, ...]:
        return (f"/exchange/{self._topic}", f"/exchange/{self._direct}")

    def publish(self, key: str) -> Out:
        return Out(f"/exchange/{self._topic}", None, key)

    def direct(self, key: str) -> Out:
        return Out(f"/exchange/{self._direct}", None, key)

    def subscribe(self, pattern: str) -> tuple[In, ...]:
        return (In(f"/exchange/{self._topic}/{_escaped(pattern)}", {}, (), match=pattern),)

    def own(self, key: str) -> In:
        return In(f"/exchange/{self._direct}/{_escaped(check_key(key))}", {}, ())

    def _bare(self, address: str) -> Out | None:
        if address and "/" not in address:
            raise LocalProtocolError(
                f"reply address {address!r} is a bare queue, which cannot be answered on RabbitMQ 3: it has no anonymous "
                "relay; reply addresses there are qmf.default.direct/KEY"
            )
        return None


def _escaped(key: str) -> str:
    """``key`` as the last part of an address, where ``%2F`` alone is read as an escape.

    Raises:
        LocalProtocolError: it would be read as another key.
    """
    if _SLASH in key or not key.isascii():
        raise LocalProtocolError(f"{key!r} cannot be an address on RabbitMQ 3: only ASCII, and no {_SLASH!r}")
    return key.replace("/", _SLASH)

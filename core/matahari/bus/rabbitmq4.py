"""RabbitMQ 4: an anonymous sender with the key in ``to``; queues that are declared and bound over ``/management``."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from typing import ClassVar
from urllib.parse import quote

from matahari.bus.scheme import Binding, In, Out, Scheme, check_key

__all__ = ["RabbitMQ4Scheme", "segment"]


class RabbitMQ4Scheme(Scheme):
    """See the module's docstring. What is said of ``amq.direct`` and bare queues in ``rabbitmq3`` holds here too.

    Each receiver has a queue of its own, named for the login so that the login's rights can be limited to it. It
    belongs to the connection and is made anew for each session.

    Source: brokers.md 3.3
    """

    kind = "rabbitmq4"
    user_id_trusted = True
    ends_sessions: ClassVar[bool] = True  # up to 4.1

    def __init__(
        self, domain: str = "default", *, user: str = "anonymous", token: Callable[[], str] | None = None
    ) -> None:
        """``user``: the login, as far as it is known here; ``token``: makes the unique part of a queue's name."""
        super().__init__(domain)
        self._user = user
        self._token = token or _random_uuid

    @property
    def targets(self) -> tuple[str | None, ...]:
        return (None,)

    @property
    def exchanges(self) -> tuple[str, ...]:
        """What has to exist on the broker, both of type ``topic`` (``brokers.md`` 6.2)."""
        return (self._topic, self._direct)

    def publish(self, key: str) -> Out:
        return Out(None, f"/exchanges/{segment(self._topic)}/{segment(key)}", key)

    def direct(self, key: str) -> Out:
        return Out(None, f"/exchanges/{segment(self._direct)}/{segment(key)}", key)

    def subscribe(self, pattern: str) -> tuple[In, ...]:
        return (self._queue(self._topic, pattern, match=pattern),)

    def own(self, key: str) -> In:
        return self._queue(self._direct, check_key(key), match=None)

    def _queue(self, exchange: str, key: str, match: str | None) -> In:
        queue = f"qmf.{self._user}.{self._token()}"
        return In(f"/queues/{segment(queue)}", {}, (), match=match, binding=Binding(exchange, queue, key))


def segment(text: str) -> str:
    """``text`` as one segment of a path, percent-encoded."""
    return quote(text, safe="")


def _random_uuid() -> str:
    return str(uuid.UUID(bytes=os.urandom(16), version=4))

"""RabbitMQ 4's management node as a state machine: exchanges, queues and bindings, asked for and answered as messages.

Sans-I/O: :meth:`Management.next_request` gives messages to send on the pair of links to ``/management``,
:meth:`Management.receive` takes the answers, :meth:`Management.next_outcome` tells what became of each binding.

Steps (``brokers.md`` 3.3)::

    PUT exchange, each     once in a connection; a login that may not is no fault: an operator has made them
    PUT queue              when all exchanges were answered
    POST binding           when its queue was

A login without the right to something gets no answer from RabbitMQ 4.0: the session is ended instead. During the
first step that only means that the exchanges cannot be made; the links have to be attached anew and all goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from matahari.amqp import BodyValue, Message
from matahari.bus.rabbitmq4 import segment
from matahari.bus.scheme import Binding

__all__ = ["MANAGEMENT_NODE", "MAX_IN_FLIGHT", "Declared", "Failed", "Management", "Outcome"]

MANAGEMENT_NODE = "/management"
MAX_IN_FLIGHT = 8  # requests that RabbitMQ takes before it has answered them (brokers.md 3.3)
QUEUE_LENGTH = 20_000  # messages; then a queue drops the oldest (brokers.md 6.1 and 6.2 have the same)
_ANSWER_ADDRESS = "$me"


class Declared(NamedTuple):
    """The queue is there and bound."""

    binding: Binding


class Failed(NamedTuple):
    """It is not; ``condition`` is an AMQP error condition or ``http:STATUS``."""

    binding: Binding
    condition: str
    description: str


Outcome = Declared | Failed


class _Request(NamedTuple):
    method: str
    path: str
    body: dict[str, BodyValue]
    binding: Binding | None  # None: for an exchange
    is_last: bool = False  # its success completes the binding


class Management:
    """See the module's docstring. One for each connection."""

    def __init__(self, exchanges: Sequence[str]) -> None:
        self._waiting: deque[_Request] = deque(_exchange_request(name) for name in exchanges)
        self._later: deque[Binding] = deque()
        self._in_flight: dict[str, _Request] = {}
        self._outcomes: deque[Outcome] = deque()
        self._exchanges_left = len(exchanges)
        self._count = 0
        self.exchange_failures: list[str] = []

    @property
    def is_idle(self) -> bool:
        """Nothing is asked for and nothing waits."""
        return not (self._waiting or self._later or self._in_flight)

    def declare(self, bindings: Iterable[Binding]) -> None:
        """Ask for queues, each bound to its exchange."""
        self._later.extend(bindings)
        self._advance()

    def next_request(self) -> Message | None:
        """A message to send now; None when there is none, or too many are unanswered."""
        if not self._waiting or len(self._in_flight) >= MAX_IN_FLIGHT:
            return None
        request = self._waiting.popleft()
        self._count += 1
        number = str(self._count)
        self._in_flight[number] = request
        return Message(
            request.body,
            section="value",
            subject=request.method,
            to=request.path,
            reply_to=_ANSWER_ADDRESS,
            message_id=number,
        )

    def receive(self, answer: Message) -> None:
        """Take one answer; one to nothing that was asked is passed over."""
        request = self._in_flight.pop(str(answer.correlation_id), None)
        if request is None:
            return
        status = answer.subject
        is_good = len(status) == 3 and status.startswith("2")
        text = answer.body if isinstance(answer.body, str) else ""
        if request.binding is None:
            self._exchanges_left -= 1
            if not is_good:
                self.exchange_failures.append(f"{request.path}: {status} {text}".rstrip())
        elif not is_good:
            self._outcomes.append(Failed(request.binding, f"http:{status}", text))
        elif request.is_last:
            self._outcomes.append(Declared(request.binding))
        else:
            self._waiting.appendleft(_binding_request(request.binding))
        self._advance()

    def end_session(self, condition: str, description: str) -> bool:
        """The links are gone. True when they are to be attached anew, False when everything asked for has failed."""
        asked, self._in_flight = self._in_flight, {}
        if self._exchanges_left:  # then nothing else was asked for yet
            self._exchanges_left = 0
            self._waiting.clear()
            self.exchange_failures.append(f"{condition} {description}".rstrip())
            self._advance()
            return True
        lost = [request.binding for request in (*asked.values(), *self._waiting)]
        self._waiting.clear()
        self._outcomes.extend(Failed(one, condition, description) for one in lost if one is not None)
        return False

    def next_outcome(self) -> Outcome | None:
        return self._outcomes.popleft() if self._outcomes else None

    def _advance(self) -> None:
        if self._exchanges_left == 0:
            self._waiting.extend(_queue_request(binding) for binding in self._later)
            self._later.clear()


def _exchange_request(name: str) -> _Request:
    return _Request("PUT", f"/exchanges/{segment(name)}", {"type": "topic", "durable": True}, None)


def _queue_request(binding: Binding) -> _Request:
    arguments: dict[str, BodyValue] = {"x-queue-type": "classic", "x-max-length": QUEUE_LENGTH}
    body: dict[str, BodyValue] = {"durable": False, "exclusive": True, "auto_delete": True, "arguments": arguments}
    return _Request("PUT", f"/queues/{segment(binding.queue)}", body, binding)


def _binding_request(binding: Binding) -> _Request:
    body: dict[str, BodyValue] = {
        "source": binding.exchange,
        "destination_queue": binding.queue,
        "binding_key": binding.key,
        "arguments": {},
    }
    return _Request("POST", "/bindings", body, binding, is_last=True)

"""Queues and bindings on RabbitMQ 4's management node, against scripted answers (brokers.md 3.3)."""

from __future__ import annotations

import pytest

from matahari.amqp import BodyValue, Message
from matahari.bus import Binding
from matahari.bus.management import MAX_IN_FLIGHT, Declared, Failed, Management, Outcome

EXCHANGES = ("qmf.default.topic", "qmf.default.direct")
EVENTS = Binding("qmf.default.topic", "qmf.web1.1", "agent.ind.#")
MINE = Binding("qmf.default.direct", "qmf.web1.2", "a/b")


def sent(machine: Management) -> list[Message]:
    """Everything that it wants to send now."""
    found = []
    while (request := machine.next_request()) is not None:
        found.append(request)
    return found


def lines(requests: list[Message]) -> list[str]:
    return [f"{one.subject} {one.to}" for one in requests]


def answer(request: Message, status: str, body: BodyValue = None) -> Message:
    section = "none" if body is None else "value"
    return Message(body, section=section, subject=status, correlation_id=request.message_id)  # type: ignore[arg-type]  # one of the literals


def outcomes(machine: Management) -> list[Outcome]:
    found = []
    while (outcome := machine.next_outcome()) is not None:
        found.append(outcome)
    return found


def ready(*bindings: Binding) -> tuple[Management, list[Message]]:
    """A machine whose exchanges are there, and its first requests for queues."""
    machine = Management(EXCHANGES)
    machine.declare(bindings)
    for request in sent(machine):
        machine.receive(answer(request, "204"))
    return machine, sent(machine)


class TestRequests:
    def test_exchanges_come_first_and_alone(self) -> None:
        machine = Management(EXCHANGES)
        machine.declare([EVENTS])
        requests = sent(machine)
        assert lines(requests) == ["PUT /exchanges/qmf.default.topic", "PUT /exchanges/qmf.default.direct"]
        assert [one.body for one in requests] == [{"type": "topic", "durable": True}] * 2
        machine.receive(answer(requests[0], "204"))
        assert sent(machine) == []

    def test_each_is_a_message_that_can_be_answered(self) -> None:
        requests = sent(Management(EXCHANGES))
        assert {one.reply_to for one in requests} == {"$me"}
        assert {one.section for one in requests} == {"value"}
        assert len({one.message_id for one in requests}) == 2
        assert None not in {one.message_id for one in requests}

    def test_a_queue_belongs_to_the_connection_and_drops_its_oldest(self) -> None:
        _, requests = ready(EVENTS)
        assert lines(requests) == ["PUT /queues/qmf.web1.1"]
        assert requests[0].body == {
            "durable": False,
            "exclusive": True,
            "auto_delete": True,
            "arguments": {"x-queue-type": "classic", "x-max-length": 20000},
        }

    def test_a_queues_name_is_percent_encoded(self) -> None:
        _, requests = ready(Binding("qmf.default.topic", "qmf.a/b.1", "#"))
        assert lines(requests) == ["PUT /queues/qmf.a%2Fb.1"]

    def test_a_queue_is_bound_once_it_is_there(self) -> None:
        machine, requests = ready(MINE)
        assert outcomes(machine) == []
        machine.receive(answer(requests[0], "201", {}))
        (binding,) = sent(machine)
        assert (binding.subject, binding.to) == ("POST", "/bindings")
        assert binding.body == {
            "source": "qmf.default.direct",
            "destination_queue": "qmf.web1.2",
            "binding_key": "a/b",
            "arguments": {},
        }
        assert outcomes(machine) == []
        machine.receive(answer(binding, "204"))
        assert outcomes(machine) == [Declared(MINE)]
        assert machine.is_idle

    def test_at_most_eight_are_under_way(self) -> None:
        bindings = [Binding("qmf.default.topic", f"qmf.q.{number}", "#") for number in range(20)]
        machine, requests = ready(*bindings)
        assert len(requests) == MAX_IN_FLIGHT == 8
        waiting, most, done = requests, 0, 0
        while waiting:
            most = max(most, len(waiting))
            machine.receive(answer(waiting.pop(0), "201"))
            waiting += sent(machine)
            done += 1
        assert most == 8
        assert done == 40
        assert [one.binding for one in outcomes(machine)] == bindings

    def test_what_is_asked_for_later_is_sent_at_once(self) -> None:
        machine, requests = ready(EVENTS)
        machine.declare([MINE])
        assert lines(sent(machine)) == ["PUT /queues/qmf.web1.2"]
        assert len(requests) == 1


class TestAnswers:
    @pytest.mark.parametrize("status", ["200", "201", "204"])
    def test_any_success_is_one(self, status: str) -> None:
        machine, requests = ready(EVENTS)
        machine.receive(answer(requests[0], status, "whatever"))
        assert lines(sent(machine)) == ["POST /bindings"]

    @pytest.mark.parametrize("status", ["403", "409", "500"])
    def test_exchanges_that_cannot_be_made_may_be_there_all_the_same(self, status: str) -> None:
        machine = Management(EXCHANGES)
        machine.declare([EVENTS])
        for request in sent(machine):
            machine.receive(answer(request, status, "no"))
        assert lines(sent(machine)) == ["PUT /queues/qmf.web1.1"]
        assert machine.exchange_failures[0] == f"/exchanges/qmf.default.topic: {status} no"

    @pytest.mark.parametrize("status", ["400", "403", "404", "", "none", "20", "2000"])
    def test_a_queue_or_binding_that_is_refused_fails_with_its_reason(self, status: str) -> None:
        machine, requests = ready(EVENTS, MINE)
        machine.receive(answer(requests[0], status, "why not"))
        assert outcomes(machine) == [Failed(EVENTS, f"http:{status}", "why not")]
        machine.receive(answer(requests[1], "201"))
        (binding,) = sent(machine)
        machine.receive(answer(binding, status))
        assert outcomes(machine) == [Failed(MINE, f"http:{status}", "")]
        assert machine.is_idle

    def test_answers_may_come_in_any_order(self) -> None:
        machine, requests = ready(EVENTS, MINE)
        for request in reversed(requests):
            machine.receive(answer(request, "201"))
        for request in reversed(sent(machine)):
            machine.receive(answer(request, "201"))
        assert {one.binding for one in outcomes(machine)} == {EVENTS, MINE}

    def test_an_answer_to_nothing_and_a_second_one_are_passed_over(self) -> None:
        machine, requests = ready(EVENTS)
        machine.receive(Message(None, section="none", subject="201", correlation_id="99"))
        machine.receive(Message(None, section="none", subject="201"))
        assert sent(machine) == []
        for _ in range(2):
            machine.receive(answer(requests[0], "201"))
        assert lines(sent(machine)) == ["POST /bindings"]


class TestEndsOfTheSession:
    """RabbitMQ 4.0 ends the session instead of answering a request that the login may not make."""

    def test_at_the_exchanges_it_means_that_they_must_be_there(self) -> None:
        machine = Management(EXCHANGES)
        machine.declare([EVENTS])
        sent(machine)
        assert machine.end_session("amqp:unauthorized-access", "configure access refused") is True
        assert machine.exchange_failures == ["amqp:unauthorized-access configure access refused"]
        (queue,) = sent(machine)
        assert queue.to == "/queues/qmf.web1.1"
        machine.receive(answer(queue, "201"))
        machine.receive(answer(sent(machine)[0], "201"))
        assert outcomes(machine) == [Declared(EVENTS)]

    def test_at_a_queue_everything_under_way_has_failed(self) -> None:
        bindings = [Binding("qmf.default.topic", f"qmf.q.{number}", "#") for number in range(10)]
        machine, _ = ready(*bindings)
        assert machine.end_session("amqp:unauthorized-access", "no") is False
        assert outcomes(machine) == [Failed(one, "amqp:unauthorized-access", "no") for one in bindings]
        assert machine.is_idle

    def test_with_nothing_under_way_nothing_has_failed(self) -> None:
        machine, _ = ready()
        assert machine.end_session("amqp:internal-error", "") is False
        assert outcomes(machine) == []
        machine.declare([EVENTS])
        assert lines(sent(machine)) == ["PUT /queues/qmf.web1.1"], "in the next session, without the exchanges"

    def test_a_late_answer_from_the_old_session_is_passed_over(self) -> None:
        machine, requests = ready(EVENTS)
        machine.end_session("amqp:internal-error", "")
        outcomes(machine)
        machine.receive(answer(requests[0], "201"))
        assert sent(machine) == []
        assert outcomes(machine) == []

"""The bus on a broker that needs queues declared (brokers.md 3.3 and 5)."""

from __future__ import annotations

import pytest

from matahari.amqp import (
    Message,
)
from matahari.errors import LinkRefusedError
from matahari.qmf import Publish
from tests.support.bus_story import (
    RABBIT4,
    Setting,
    packet,
    play,
    queues,
)


class TestRabbitMQ4:
    def test_queues_are_declared_before_they_are_received_from(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.user.told == ["connected"]
            requests = [f"{one.subject} {one.to}" for address, one in at.broker.received if address == "/management"]
            assert requests[:2] == ["PUT /exchanges/qmf.default.topic", "PUT /exchanges/qmf.default.direct"]
            assert requests[2].startswith("PUT /queues/qmf.anonymous.")
            assert requests[4:] == ["POST /bindings"] * 2
            assert len(queues(at)) == 2
            assert at.broker.targets[""]._proton.session != at.broker.targets["/management"]._proton.session
            at.broker.deliver(queues(at)[0], Message({"n": 1}, section="value", subject="me"))
            assert at.bus.send(Publish("news.to/day", packet()))
            await at.pair.carry()
            assert [one.body for one in at.user.packets] == [{"n": 1}]
            address, message = at.broker.received[-1]
            assert (address, message.to) == ("", "/exchanges/qmf.default.topic/news.to%2Fday")

        play(story, RABBIT4)

    def test_a_login_that_may_not_declare_exchanges_goes_on_in_a_new_session(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.answers = lambda request: None if str(request.to).startswith("/exchanges") else "201"
            await at.pair.carry()
            assert at.user.told == ["connected"]
            assert at.broker.attached.count("/management") == 4, "two pairs of links"

        play(story, RABBIT4)

    def test_a_login_that_may_not_make_queues_ends_it_for_good_with_the_commands(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.answers = lambda request: None if str(request.to).startswith("/queues") else "204"
            await at.pair.carry()
            assert at.user.told == []
            with pytest.raises(LinkRefusedError, match=r"(?s)configure access refused.*doctor` prints the commands"):
                await at.bus.run()

        play(story, RABBIT4)

    def test_a_missing_exchange_ends_it_for_good_with_what_to_import(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.answers = lambda request: "404" if request.to == "/bindings" else "201"
            await at.pair.carry()
            with pytest.raises(LinkRefusedError, match="import_definitions"):
                await at.bus.run()

        play(story, RABBIT4)

    def test_a_new_session_has_new_queues(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            old = queues(at)
            at.broker.end(at.broker.targets[""], "amqp:internal-error", "")
            await at.pair.carry()
            assert at.user.told == ["connected", "disconnected", "connected"]
            assert len(queues(at)) == 4
            assert len(set(queues(at))) == 4
            assert old == queues(at)[:2]
            assert at.broker.attached.count("/management") == 2, "its session has stayed"

        play(story, RABBIT4)

    def test_a_pattern_that_is_added_later_gets_a_queue_at_once(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.bus.listen("more.#")
            await at.pair.carry()
            assert len(queues(at)) == 3
            at.broker.deliver(queues(at)[-1], Message({"n": 1}, section="value", subject="more.x"))
            await at.pair.carry()
            assert [one.subject for one in at.user.packets] == ["more.x"]
            assert at.user.told == ["connected"]

        play(story, RABBIT4)

    def test_a_pattern_that_is_added_later_and_refused_costs_itself_alone(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.answers = lambda request: "403"
            at.bus.listen("more.#")
            await at.pair.carry()
            assert at.user.told == ["connected"]
            assert at.bus.is_connected
            at.broker.answers = lambda request: "201"
            at.broker.end(at.broker.targets[""], "amqp:internal-error", "")
            await at.pair.carry()
            assert len(queues(at)) == 5, "in the next session it is tried again"

        play(story, RABBIT4)

    def test_the_end_of_the_management_session_alone_does_no_harm(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.end(at.broker.targets["/management"], "amqp:internal-error", "")
            await at.pair.carry()
            assert at.user.told == ["connected"]
            at.broker.end(at.broker.targets[""], "amqp:internal-error", "")
            await at.pair.carry()
            assert at.user.told == ["connected", "disconnected", "connected"]

        play(story, RABBIT4)

    def test_a_management_that_is_not_there_ends_it_for_good(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.refuses = lambda address: ("amqp:invalid-field", "what?") if address == "/management" else None
            await at.pair.carry()
            assert at.user.told == []
            with pytest.raises(LinkRefusedError, match="invalid-field"):
                await at.bus.run()

        play(story, RABBIT4)

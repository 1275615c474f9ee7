"""The bus on a broker that ends whole sessions (brokers.md 3.3 and 5)."""

from __future__ import annotations

import logging

import pytest

from matahari.amqp import (
    Message,
)
from matahari.bus.recovery import MAX_ENDS
from matahari.errors import ConnectFailedError
from matahari.qmf import Direct, Packet, Publish, Reply
from tests.support.bus_story import (
    DIRECT,
    RABBIT3,
    TOPIC,
    Setting,
    packet,
    play,
)


class TestRabbitMQ3:
    def test_every_link_has_the_brokers_own_address(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.user.told == ["connected"]
            assert set(at.broker.attached) == {TOPIC, DIRECT, f"{DIRECT}/me", f"{TOPIC}/news.#"}
            assert at.bus.user_id_trusted

        play(story, RABBIT3)

    def test_a_session_that_ends_is_begun_anew_on_the_same_connection(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.end(at.broker.targets[TOPIC], "amqp:internal-error", "the broker stumbled")
            await at.pair.carry()
            assert at.user.told == ["connected", "disconnected", "connected"]
            assert "ended our session: amqp:internal-error (the broker stumbled)" in str(at.user.errors[0])
            assert len(at.broker.attached) == 8
            at.broker.deliver(f"{DIRECT}/me", Message({"n": 1}, section="value", subject="me"))
            assert at.bus.send(Publish("news.today", packet()))
            await at.pair.carry()
            assert [one.body for one in at.user.packets] == [{"n": 1}]
            assert [(address, message.subject) for address, message in at.broker.received] == [(TOPIC, "news.today")]

        play(story, RABBIT3)

    def test_what_is_sent_between_two_sessions_waits_for_the_next(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.end(at.broker.targets[TOPIC], "amqp:internal-error", "")
            at.user.react = lambda: None
            await at.pair.carry()
            assert at.bus.send(Direct("somebody", packet("1")))
            await at.pair.carry()
            assert [message.subject for _, message in at.broker.received] == ["somebody"]

        play(story, RABBIT3)

    def test_sessions_that_end_again_and_again_cost_the_connection(self) -> None:
        """Without an end a message of ours that the broker refuses would make this a hot loop."""

        async def story(at: Setting) -> None:
            await at.pair.carry()
            for _ in range(MAX_ENDS + 1):
                at.broker.end(at.broker.targets[TOPIC], "amqp:unauthorized-access", "refused")
                await at.pair.carry()
            assert at.user.told == ["connected", "disconnected"] * (MAX_ENDS + 1)
            assert at.near.pump.engine.is_closed
            assert "refused" in str(at.user.errors[-1])
            at.connect()
            await at.pair.carry()
            assert at.user.told[-1] == "connected"
            at.broker.end(at.broker.targets[TOPIC], "amqp:unauthorized-access", "refused")
            await at.pair.carry()
            assert at.near.pump.engine.is_closed, "the count goes on in the next connection"

        play(story, RABBIT3)

    def test_a_session_that_ends_while_it_is_attached_is_told_once(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            left = [2]

            def stumbles(address: str) -> tuple[str, str] | None:
                left[0] -= 1
                return ("amqp:internal-error", "again") if left[0] >= 0 else None

            at.broker.refuses = stumbles
            at.broker.end(at.broker.targets[TOPIC], "amqp:internal-error", "first")
            await at.pair.carry()
            assert at.user.told == ["connected", "disconnected", "connected"]

        play(story, RABBIT3)

    def test_missing_exchanges_end_it_for_good_with_what_to_import(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.refuses = lambda address: ("amqp:not-found", "no exchange 'qmf.default.topic' in vhost '/'")
            await at.pair.carry()
            assert at.user.told == []
            with pytest.raises(ConnectFailedError, match=r"no exchange 'qmf\.default\.topic'") as caught:
                await at.bus.run()
            assert "rabbitmqctl import_definitions" in str(caught.value)

        play(story, RABBIT3)

    def test_a_missing_right_at_the_start_ends_it_for_good_with_the_commands(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.refuses = lambda address: ("amqp:unauthorized-access", "ACCESS_REFUSED")
            await at.pair.carry()
            with pytest.raises(ConnectFailedError, match="doctor` prints the commands"):
                await at.bus.run()

        play(story, RABBIT3)

    def test_the_same_refusal_after_a_good_start_is_no_reason_to_give_up(self) -> None:
        """A caller may have made us say something that we may not."""

        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.end(at.broker.targets[DIRECT], "amqp:not-found", "whatever")
            await at.pair.carry()
            assert at.user.told == ["connected", "disconnected", "connected"]

        play(story, RABBIT3)

    def test_a_connection_that_is_cut_while_attaching_gets_a_hint(self) -> None:
        async def story(at: Setting) -> None:
            assert at.bus._client.hint == ""
            at.broker.silent = True
            await at.pair.carry()
            assert "topic_permissions" in at.bus._client.hint
            at.near.pump.connection_lost(None)
            assert at.user.told == []
            at.connect()
            await at.pair.carry()
            assert at.bus._client.hint == ""

        play(story, RABBIT3)

    def test_a_key_that_the_broker_cannot_address_is_named(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            with pytest.raises(ConnectFailedError, match="cannot be an address on RabbitMQ 3"):
                await at.bus.run()

        play(story, RABBIT3, own=["é"])

    def test_legacy_answers_are_not_asked_for(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert not any("amq.direct" in address for address in at.broker.attached)

        play(story, RABBIT3, legacy_replies=True)


class TestAnswersOnRabbitMQ3:
    def test_they_go_in_a_session_of_their_own(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            first = at.broker.targets[DIRECT]
            for number in range(3):
                assert at.bus.send(Reply(f"qmf.default.direct/console.{number}", packet()))
            assert at.bus.send(Direct("somebody", packet()))
            await at.pair.carry()
            assert at.broker.attached.count(DIRECT) == 2, "one link for any number of callers, and the first"
            assert at.broker.targets[DIRECT]._proton.session != first._proton.session
            assert len(at.broker.received) == 4

        play(story, RABBIT3)

    def test_a_refused_one_costs_that_session_alone(self, caplog: pytest.LogCaptureFixture) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for number in range(5):
                assert at.bus.send(Reply("qmf.default.direct/forbidden", packet()))
                await at.pair.carry()
                at.broker.end(at.broker.targets[DIRECT], "amqp:unauthorized-access", "access to topic refused")
                await at.pair.carry()
                assert at.bus.send(Reply("qmf.default.direct/me", packet(str(number))))
                await at.pair.carry()
            assert at.user.told == ["connected"]
            bodies = [message.subject for _, message in at.broker.received]
            assert bodies == ["forbidden", "me"] * 5

        with caplog.at_level(logging.WARNING):
            play(story, RABBIT3)
        assert len([one for one in caplog.records if "refused an answer" in one.getMessage()]) == 1

    def test_a_bare_queue_is_counted_and_named_once(self, caplog: pytest.LogCaptureFixture) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for _ in range(3):
                assert at.bus.send(Reply("some-queue", packet())) is False
            assert at.bus.unanswerable == 3

        with caplog.at_level(logging.WARNING):
            play(story, RABBIT3)
        assert len(caplog.records) == 1
        assert "no anonymous relay" in caplog.text

    def test_a_list_in_form_a_is_sent_as_a_sequence(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            body = Packet("_query_response", [{"a": 1}, {"b": 2}], form_a=True)
            assert at.bus.send(Reply("qmf.default.direct/me", body))
            assert at.bus.send(Reply("qmf.default.direct/me", Packet("_x", {"l": [1, 2]}, form_a=True)))
            assert at.bus.send(Reply("qmf.default.direct/me", Packet("_x", [1, 2])))
            await at.pair.carry()
            assert [message.section for _, message in at.broker.received] == ["sequence", "value", "data"]

        play(story, RABBIT3)

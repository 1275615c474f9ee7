"""The bus on brokers that refuse or close a single link (brokers.md 3.3 and 5)."""

from __future__ import annotations

import logging

import pytest

from matahari.amqp import (
    Message,
)
from matahari.bus.recovery import MAX_ENDS
from matahari.qmf import Direct, Publish, Reply
from tests.support.bus_story import (
    QPID,
    Setting,
    packet,
    play,
)


class TestRefusedLinks:
    """Brokers that close a link and leave the session alone: our own, qpidd."""

    def test_an_answer_to_a_node_that_is_not_there_is_lost_alone(self, caplog: pytest.LogCaptureFixture) -> None:
        async def story(at: Setting) -> None:
            at.broker.is_gentle = True
            at.broker.refuses = lambda address: ("amqp:not-found", "no") if address == "amq.direct" else None
            await at.pair.carry()
            for _ in range(3):
                assert at.bus.send(Reply("amq.direct/reply-1", packet()))
                await at.pair.carry()
            assert at.bus.dropped == 3
            assert at.bus.send(Reply("qmf.default.direct/console.1", packet()))
            await at.pair.carry()
            assert [message.subject for _, message in at.broker.received] == ["console.1"]
            assert at.user.told == ["connected"]

        with caplog.at_level(logging.WARNING):
            play(story, QPID)
        assert len(caplog.records) == 1

    def test_an_answer_that_may_not_be_sent_costs_no_more_than_its_link(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for _ in range(5):
                assert at.bus.send(Reply("qmf.default.direct/forbidden", packet()))
                await at.pair.carry()
                at.broker.take_away("qmf.default.direct")
                await at.pair.carry()
            assert at.bus.send(Direct("somebody", packet()))
            await at.pair.carry()
            assert [message.subject for _, message in at.broker.received] == ["forbidden"] * 5 + ["somebody"]
            assert at.user.told == ["connected"]

        play(story, QPID)

    def test_a_sender_that_is_closed_for_one_message_is_attached_again(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.take_away("qmf.default.topic")
            await at.pair.carry()
            assert at.bus.send(Publish("news.1", packet()))
            await at.pair.carry()
            assert [message.subject for _, message in at.broker.received] == ["news.1"]
            assert at.user.told == ["connected"]

        play(story, QPID)

    def test_a_sender_that_is_closed_over_and_over_costs_the_connection(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for _ in range(MAX_ENDS + 1):
                at.broker.take_away("qmf.default.topic")
                await at.pair.carry()
            assert at.user.told == ["connected", "disconnected"]
            assert at.near.pump.engine.is_closed

        play(story, QPID)

    def test_a_sender_that_cannot_be_attached_again_costs_the_connection(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.is_gentle = True
            at.broker.refuses = lambda address: ("amqp:unauthorized-access", "not any more")
            at.broker.take_away("qmf.default.topic")
            await at.pair.carry()
            assert at.user.told == ["connected", "disconnected"]
            assert at.bus._refused is None, "it may be allowed again"

        play(story, QPID)

    def test_the_receiver_for_legacy_answers_may_be_refused(self, caplog: pytest.LogCaptureFixture) -> None:
        async def story(at: Setting) -> None:
            at.broker.is_gentle = True
            at.broker.refuses = lambda address: ("amqp:not-found", "no such") if address == "amq.direct" else None
            await at.pair.carry()
            assert at.user.told == ["connected"]

        with caplog.at_level(logging.INFO):
            play(story, QPID, legacy_replies=True)
        assert len([one for one in caplog.records if "going on without it" in one.getMessage()]) == 1

    def test_legacy_answers_come_on_our_own_key(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.broker.attached.count("amq.direct") == 1
            at.broker.deliver("amq.direct", Message({"n": 1}, section="value", subject="me"))
            await at.pair.carry()
            assert [one.body for one in at.user.packets] == [{"n": 1}]
            at.far.pump.engine.detach(at.broker.sources["amq.direct"], "amqp:not-found", "gone")
            at.far.pump.flush()
            await at.pair.carry()
            assert at.user.told == ["connected"]

        play(story, QPID, legacy_replies=True)

"""The bus on brokers that are slow or of a given kind, and the patterns that it receives (brokers.md 3.3 and 5)."""

from __future__ import annotations

import asyncio

import pytest

from matahari.amqp import (
    Message,
)
from matahari.bus.bus import ATTACH_TIMEOUT
from matahari.errors import ConnectFailedError, SchemaError, TransportError
from matahari.net import Client
from matahari.qmf import Direct, Publish
from tests.support.bus_story import (
    DIRECT,
    RABBIT3,
    TOPIC,
    Setting,
    packet,
    play,
)


class TestTime:
    def test_a_broker_that_does_not_attach_our_links_is_left_and_tried_again(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.silent = True
            await at.pair.carry()
            await asyncio.sleep(ATTACH_TIMEOUT + 1)
            await at.pair.carry()
            assert at.near.pump.engine.is_closed
            assert "did not attach our links" in str(at.bus._client._reason)
            assert at.user.told == []
            at.connect()
            await at.pair.carry()
            assert at.user.told == ["connected"]
            await asyncio.sleep(5)
            assert not at.near.pump.engine.is_closed

        play(story, RABBIT3)

    def test_at_a_prompt_a_connection_without_links_is_a_failed_start(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.silent = True
            await at.pair.carry()
            at.near.pump.connection_lost(None)
            with pytest.raises(TransportError):
                await at.bus.run()

        play(story, RABBIT3, must_start=True)

    def test_at_a_prompt_the_brokers_reason_is_told_and_not_our_own_closing(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.refuses = lambda address: ("amqp:not-found", "no exchange")
            await at.pair.carry()
            at.near.pump.connection_lost(None)
            with pytest.raises(ConnectFailedError, match="import_definitions"):
                await at.bus.run()

        play(story, RABBIT3, must_start=True)


class TestPatterns:
    def test_what_does_not_fit_is_left_out_on_every_broker(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for number, subject in enumerate(["news", "news.a.b", "newsletter", "agent.news", ""]):
                at.broker.deliver(f"{TOPIC}/news.#", Message({"n": number}, section="value", subject=subject))
            at.broker.deliver(f"{DIRECT}/me", Message({"n": 9}, section="value", subject="anything"))
            await at.pair.carry()
            assert [one.body for one in at.user.packets] == [{"n": 0}, {"n": 1}, {"n": 4}, {"n": 9}]

        play(story, RABBIT3)

    def test_families_have_several_receivers_for_one_pattern(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.user.told == ["connected"]
            topic = "qmf.default.topic.console"
            assert set(at.broker.attached) == {"", "qmf.default.direct.me", topic, f"{topic}.request"}
            at.broker.deliver(topic, Message({"n": 1}, section="value", subject="console.x"))
            await at.pair.carry()
            assert [one.subject for one in at.user.packets] == ["console.x"]

        play(story, {"product": "skupper-router"}, patterns=["console.#"])


class TestKinds:
    def test_a_kind_that_is_given_counts(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.bus.scheme.kind == "router"

        play(story, {"product": "unheard of"}, kind="router")

    def test_the_virtual_host_is_asked_for(self) -> None:
        async def story(at: Setting) -> None:
            client = at.bus._client
            assert isinstance(client, Client)
            assert client._hostname == "vhost:qmf"

        play(story, RABBIT3, virtual_host="vhost:qmf")

    def test_a_key_that_is_too_long_for_any_broker_is_our_fault(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for key in ("k" * 256, "é" * 128):
                with pytest.raises(SchemaError, match="255 bytes"):
                    at.bus.send(Publish(key, packet()))

        play(story, RABBIT3)

    def test_an_address_that_a_kind_cannot_have_is_our_fault(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            with pytest.raises(SchemaError, match="cannot be an address"):
                at.bus.send(Direct("a::b", packet()))

        play(story, {"product": "skupper-router"})

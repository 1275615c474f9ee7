"""Exact addresses on RabbitMQ 3 with its AMQP 1.0 plugin (brokers.md 3.2)."""

from __future__ import annotations

import pytest

from matahari.bus import In, Out, RabbitMQ3Scheme
from matahari.errors import LocalProtocolError

SCHEME = RabbitMQ3Scheme()


def test_publish_is_the_topic_exchange_and_the_key_as_subject() -> None:
    assert SCHEME.publish("agent.ind.event") == Out("/exchange/qmf.default.topic", None, "agent.ind.event")


def test_direct_and_reply_are_the_direct_exchange_and_the_key_as_subject() -> None:
    assert SCHEME.direct("v:p:i") == Out("/exchange/qmf.default.direct", None, "v:p:i")
    assert SCHEME.reply("qmf.default.direct/c.1") == Out("/exchange/qmf.default.direct", None, "c.1")


def test_a_slash_in_a_subject_stays_one() -> None:
    assert SCHEME.direct("a/b").subject == "a/b"


def test_subscribe_has_the_pattern_in_the_address_literally() -> None:
    wanted = In("/exchange/qmf.default.topic/agent.ind.heartbeat.#", {}, (), "agent.ind.heartbeat.#")
    assert SCHEME.subscribe("agent.ind.heartbeat.#") == (wanted,)


@pytest.mark.parametrize(
    ("key", "address"),
    [
        ("v:p:i", "/exchange/qmf.default.direct/v:p:i"),
        ("a/b", "/exchange/qmf.default.direct/a%2Fb"),
        ("/a//b/", "/exchange/qmf.default.direct/%2Fa%2F%2Fb%2F"),
        ("a%b", "/exchange/qmf.default.direct/a%b"),
        ("a%25b c+d", "/exchange/qmf.default.direct/a%25b c+d"),
    ],
)
def test_own_has_the_key_in_the_address_with_the_slash_alone_escaped(key: str, address: str) -> None:
    """The plugin reads no other escape, as tried on 3.10.8."""
    assert SCHEME.own(key) == In(address, {}, (), None)


@pytest.mark.parametrize("key", ["a%2Fb", "é"])
def test_a_key_that_it_would_read_as_another_cannot_be_owned(key: str) -> None:
    with pytest.raises(LocalProtocolError, match="RabbitMQ 3"):
        SCHEME.own(key)
    with pytest.raises(LocalProtocolError, match="RabbitMQ 3"):
        SCHEME.subscribe(key)


def test_a_bare_queue_cannot_be_answered_and_the_reason_is_told() -> None:
    with pytest.raises(LocalProtocolError, match="no anonymous relay"):
        SCHEME.reply("some-queue")


def test_amq_direct_is_left_alone() -> None:
    """Who may not write there loses the session, and no console of QMFv1 can be connected to a RabbitMQ."""
    assert SCHEME.legacy("me") is None
    with pytest.raises(LocalProtocolError):
        SCHEME.reply("amq.direct/me")


def test_both_exchanges_are_attached_to_at_once() -> None:
    assert SCHEME.targets == ("/exchange/qmf.default.topic", "/exchange/qmf.default.direct")


def test_what_is_peculiar_about_it() -> None:
    assert SCHEME.kind == "rabbitmq3"
    assert SCHEME.lists_as_sequence
    assert SCHEME.ends_sessions
    assert SCHEME.user_id_trusted
    assert not SCHEME.lists_bindings
    assert not SCHEME.taps

"""Exact addresses on the embedded broker and on qpidd (brokers.md 3.1)."""

from __future__ import annotations

from matahari.amqp import DIRECT_BINDING, TOPIC_BINDING
from matahari.bus import ExchangeScheme, In, Out

SCHEME = ExchangeScheme()


def test_publish_is_the_topic_exchange_and_the_key_as_subject() -> None:
    assert SCHEME.publish("agent.ind.event") == Out("qmf.default.topic", None, "agent.ind.event")


def test_direct_is_the_direct_exchange_and_the_key_as_subject() -> None:
    assert SCHEME.direct("v:p:i") == Out("qmf.default.direct", None, "v:p:i")


def test_reply_is_split_at_the_first_slash() -> None:
    assert SCHEME.reply("qmf.default.direct/a/b") == Out("qmf.default.direct", None, "a/b")


def test_subscribe_is_a_topic_filter_on_the_topic_exchange() -> None:
    filters = {"subject-filter": (0x0000468C00000001, "agent.ind.heartbeat.#")}
    wanted = In("qmf.default.topic", filters, ("topic",), "agent.ind.heartbeat.#")
    assert SCHEME.subscribe("agent.ind.heartbeat.#") == (wanted,)
    assert TOPIC_BINDING == 0x0000468C00000001


def test_own_is_a_direct_filter_on_the_direct_exchange() -> None:
    wanted = In("qmf.default.direct", {"subject-filter": (0x0000468C00000000, "v:p:i")}, ("topic",), None)
    assert SCHEME.own("v:p:i") == wanted
    assert DIRECT_BINDING == 0x0000468C00000000


def test_answers_of_qmfv1_have_an_exchange_of_their_own() -> None:
    assert SCHEME.legacy("me") == In("amq.direct", {"subject-filter": (DIRECT_BINDING, "me")})
    assert SCHEME.reply("amq.direct/me") == Out("amq.direct", None, "me")


def test_a_bare_queue_is_answered_over_the_anonymous_relay() -> None:
    """With ``exchange/key`` in ``to`` qpidd drops a message silently, so only a dynamic node is addressed so."""
    assert SCHEME.reply("queue-1") == Out(None, "queue-1", "")


def test_both_exchanges_are_attached_to_at_once() -> None:
    assert SCHEME.targets == ("qmf.default.topic", "qmf.default.direct")


def test_lists_go_as_they_are_and_a_refusal_costs_one_link() -> None:
    assert not SCHEME.lists_as_sequence
    assert not SCHEME.ends_sessions

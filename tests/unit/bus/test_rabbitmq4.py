"""Exact addresses on RabbitMQ 4 (brokers.md 3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from matahari.bus import Binding, In, Out, RabbitMQ4Scheme
from matahari.errors import LocalProtocolError


def scheme() -> RabbitMQ4Scheme:
    numbers: Iterator[int] = count(1)
    return RabbitMQ4Scheme(user="web1", token=lambda: f"id{next(numbers)}")


def test_publish_has_the_key_in_the_address_of_an_anonymous_sender() -> None:
    out = Out(None, "/exchanges/qmf.default.topic/agent.ind.event", "agent.ind.event")
    assert scheme().publish("agent.ind.event") == out


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("v:p:i", "v%3Ap%3Ai"),
        ("a/b", "a%2Fb"),
        ("a b%é", "a%20b%25%C3%A9"),
        ("a-b._~", "a-b._~"),
    ],
)
def test_direct_and_reply_are_percent_encoded_by_segment(key: str, path: str) -> None:
    out = Out(None, f"/exchanges/qmf.default.direct/{path}", key)
    assert scheme().direct(key) == out
    assert scheme().reply(f"qmf.default.direct/{key}") == out


def test_subscribe_and_own_are_queues_of_their_own_named_for_the_login() -> None:
    made = scheme()
    binding = Binding("qmf.default.topic", "qmf.web1.id1", "agent.ind.#")
    assert made.subscribe("agent.ind.#") == (In("/queues/qmf.web1.id1", {}, (), "agent.ind.#", binding),)
    binding = Binding("qmf.default.direct", "qmf.web1.id2", "a/b:c")
    assert made.own("a/b:c") == In("/queues/qmf.web1.id2", {}, (), None, binding)


def test_a_login_in_a_queues_name_is_escaped_in_its_address() -> None:
    wanted = RabbitMQ4Scheme(user="a/b", token=lambda: "1").own("k")
    assert wanted.address == "/queues/qmf.a%2Fb.1"
    assert wanted.binding == Binding("qmf.default.direct", "qmf.a/b.1", "k")


def test_queues_are_never_named_twice() -> None:
    made = RabbitMQ4Scheme()
    assert made.own("k").address != made.own("k").address


def test_one_anonymous_sender_serves_everything() -> None:
    assert scheme().targets == (None,)


def test_both_exchanges_have_to_be_there() -> None:
    assert scheme().exchanges == ("qmf.default.topic", "qmf.default.direct")


@pytest.mark.parametrize("reply_to", ["some-queue", "/queues/amq.dyn-1", "amq.direct/me"])
def test_only_exchange_and_key_are_answered(reply_to: str) -> None:
    with pytest.raises(LocalProtocolError, match="is not a console's"):
        scheme().reply(reply_to)


def test_what_is_peculiar_about_it() -> None:
    made = scheme()
    assert made.kind == "rabbitmq4"
    assert not made.lists_as_sequence
    assert made.ends_sessions
    assert made.user_id_trusted
    assert made.legacy("me") is None

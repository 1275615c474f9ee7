"""What a session refuses its client, and how; and taps."""

from __future__ import annotations

import logging

import pytest

from matahari.amqp import (
    TOPIC_BINDING,
    Received,
    decode_message,
)
from matahari.broker import parse_acl
from matahari.broker.access import Access, Guard
from matahari.broker.nodes import BINDINGS, DIRECT, TAP, TOPIC, Nodes
from tests.support.session_client import Client, data_of
from tests.support.virtual_loop import run

RULES = """
[[rules]]
who = "alice"
allow = ["publish", "bind"]
node = ["qmf.default.direct", "qmf.default.topic"]
key = "mine.#"

[[rules]]
who = "alice"
allow = "attach"
node = "relay"
"""


def test_a_refused_key_detaches_that_link_and_no_other_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    nodes = Nodes()

    async def story() -> None:
        client = Client(nodes, access=Access("alice", Guard(parse_acl(RULES, "f"))))
        await client.receiver(TOPIC, "mine.#")
        good, bad, relay = [await client.sender(node) for node in (DIRECT, TOPIC, None)]
        engine = client.near.pump.engine
        for key in ("mine.1", "yours", "mine.2"):
            engine.send(bad, data_of(b"%b" % key.encode(), key))
        engine.send(relay, data_of(b"nowhere", "yours", to="nowhere"))
        engine.send(relay, data_of(b"mine.3", "mine.3", to=TOPIC))
        engine.send(relay, data_of(b"yours", "yours", to=TOPIC))
        assert await client.refused(bad) == (
            "amqp:unauthorized-access",
            "alice may not publish 'yours' on qmf.default.topic: no rule allows it",
        )
        assert client.received == [b"mine.1", b"mine.3"]
        assert (good.is_open, bad.is_open, relay.is_open) == (True, False, False)
        assert nodes.counters.refused == 2
        assert nodes.counters.unroutable == 1, "what goes nowhere is refused to nobody"

    with caplog.at_level(logging.WARNING):
        run(story())
    [record] = caplog.records
    assert record.getMessage() == (
        "peer alice: refused (further ones are only counted): "
        "alice may not publish 'yours' on qmf.default.topic: no rule allows it"
    )


def test_refused_links_are_detached_with_login_action_and_key() -> None:
    nodes = Nodes()

    async def story() -> None:
        client = Client(nodes, access=Access("alice", Guard(parse_acl(RULES, "f"))))
        await client.pair.carry()
        engine = client.near.pump.engine
        filters = {"k": (TOPIC_BINDING, "#")}
        for link, text in (
            (engine.open_receiver(TOPIC, "1", filters=filters, credit=1), "may not bind '#' on qmf.default.topic"),
            (engine.open_receiver(DIRECT, "2", credit=1), "may not bind '' on qmf.default.direct"),
            (engine.open_receiver(BINDINGS, "3", credit=1), "may not attach matahari.bindings"),
            (engine.open_receiver(None, "4", credit=1), "may not attach dynamic"),
            (engine.open_receiver(TAP, "5", credit=1), "may not attach matahari.tap"),
            (engine.open_sender("amq.direct", "6"), "may publish nothing on amq.direct"),
        ):
            condition, description = await client.refused(link)
            assert condition == "amqp:unauthorized-access"
            assert description.startswith(f"alice {text}: ")
        assert not client.session._subscriptions
        assert nodes.counters.refused == 6

    run(story())


def test_replaced_rules_hold_for_the_next_message_on_an_open_link() -> None:
    nodes, guard = Nodes(), Guard(parse_acl(RULES, "f"))

    async def story() -> None:
        client = Client(nodes, access=Access("alice", guard))
        await client.receiver(DIRECT, "mine.k")
        sender = await client.sender(DIRECT)
        engine = client.near.pump.engine
        engine.send(sender, data_of(b"1", "mine.k"))
        client.near.pump.flush()
        await client.pair.carry()
        guard.acl = parse_acl('[[rules]]\nwho = "bob"\nallow = "all"\n', "f")
        engine.send(sender, data_of(b"2", "mine.k"))
        await client.refused(sender)
        assert client.received == [b"1"]
        nodes.publish(DIRECT, "mine.k", data_of(b"3"), None)
        await client.pair.carry()
        assert client.received == [b"1", b"3"], "a receiver that is bound stays so"

    run(story())


def test_a_tap_sees_who_published_what() -> None:
    nodes = Nodes()

    async def story() -> None:
        owner = Client(nodes, login="root", access=Access("root", is_owner=True))
        client = Client(nodes)
        await owner.receiver(TAP, "ignored")
        sender = await client.sender(DIRECT)
        client.near.pump.engine.send(sender, data_of(b"x", "k"))
        client.near.pump.flush()
        await client.pair.carry()
        await owner.pair.carry()
        [event] = owner.near.notes.of(Received)
        assert isinstance(event, Received)
        wrapped = decode_message(event.data)
        assert wrapped.properties == {"node": DIRECT, "key": "k", "login": "alice", "delivered": 0}
        assert isinstance(wrapped.body, bytes)
        inner = decode_message(wrapped.body)
        assert (inner.body, inner.user_id) == (b"x", b"alice"), "as forwarded: stamped"

    run(story())

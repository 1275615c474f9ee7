"""The broker's nodes, with subscribers that keep what they get."""

from __future__ import annotations

import pytest

from matahari.amqp import MAX_MESSAGE, decode_message
from matahari.broker.nodes import BINDINGS, DIRECT, LEGACY, SNAPSHOT_KEYS, TAP, TOPIC, Nodes


class Inbox:
    """A subscriber."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, int | None]] = []

    def deliver(self, data: bytes, ttl: int | None) -> None:
        self.got.append((data, ttl))

    @property
    def data(self) -> list[bytes]:
        return [data for data, _ in self.got]

    def news(self) -> list[tuple[str, object]]:
        """(subject, body) of the messages since the last look."""
        messages = [decode_message(data) for data in self.data]
        self.got.clear()
        assert all(message.section == "value" for message in messages)
        return [(message.subject, message.body) for message in messages]


def snapshot(*keys: str, more: bool = False) -> tuple[str, object]:
    return "snapshot", {"keys": list(keys), "more": more}


def test_topic_messages_go_by_pattern_and_direct_ones_by_key() -> None:
    nodes, topic, direct = Nodes(), Inbox(), Inbox()
    nodes.bind(TOPIC, "a.#", topic)
    nodes.bind(DIRECT, "a.b", direct)
    nodes.publish(TOPIC, "a.b", b"1", None)
    nodes.publish(DIRECT, "a.b", b"2", 50)
    nodes.publish(DIRECT, "a.c", b"3", None)
    assert topic.got == [(b"1", None)]
    assert direct.got == [(b"2", 50)]


def test_messages_are_counted_and_nobody_there_is_no_fault() -> None:
    nodes = Nodes()
    for _ in range(2):
        nodes.bind(TOPIC, "#", Inbox())
    nodes.publish(TOPIC, "a", b"", None)
    nodes.publish(DIRECT, "a", b"", None)
    nodes.publish("nowhere", "", b"", None)
    counters = nodes.counters
    assert (counters.received, counters.delivered, counters.unroutable, counters.malformed) == (3, 2, 2, 0)


def test_only_exchanges_and_living_dynamic_nodes_take_messages() -> None:
    nodes, inbox = Nodes(lambda: "token"), Inbox()
    address = nodes.new_dynamic()
    assert address == "matahari.dynamic.token"
    assert not nodes.has(address)
    nodes.bind(address, "", inbox)
    names = (TOPIC, DIRECT, LEGACY, BINDINGS, TAP, address, "", "other")
    assert [name for name in names if nodes.has(name)] == [TOPIC, DIRECT, LEGACY, address]
    nodes.publish(address, "any subject", b"x", None)
    nodes.unbind(address, "", inbox)
    nodes.publish(address, "any subject", b"y", None)
    assert inbox.data == [b"x"]
    assert not nodes.has(address)


def test_dynamic_addresses_are_long_and_never_the_same() -> None:
    nodes = Nodes()
    made = {nodes.new_dynamic() for _ in range(1000)}
    assert len(made) == 1000
    assert min(len(address) for address in made) >= len("matahari.dynamic.") + 24


def test_nobody_can_publish_on_the_list_of_bindings() -> None:
    nodes, watcher = Nodes(), Inbox()
    nodes.bind(BINDINGS, "", watcher)
    watcher.got.clear()
    nodes.publish(BINDINGS, "bound", b"forged", None)
    assert watcher.got == []
    assert nodes.counters.unroutable == 1


def test_a_watcher_gets_what_is_bound_and_then_every_change() -> None:
    nodes, watcher, first, second = Nodes(), Inbox(), Inbox(), Inbox()
    nodes.bind(DIRECT, "b", first)
    nodes.bind(DIRECT, "a", first)
    nodes.bind(TOPIC, "t.#", first)
    nodes.bind(BINDINGS, "", watcher)
    assert watcher.news() == [snapshot("a", "b")]
    nodes.bind(DIRECT, "c", first)
    nodes.bind(DIRECT, "c", second)
    nodes.bind(TOPIC, "t.x", second)
    assert watcher.news() == [("bound", {"key": "c"})]
    nodes.unbind(DIRECT, "c", first)
    assert watcher.news() == [], "somebody still owns it"
    nodes.unbind(DIRECT, "c", second)
    assert watcher.news() == [("unbound", {"key": "c"})]
    nodes.unbind(DIRECT, "c", second)
    assert watcher.news() == []


def test_a_snapshot_of_nothing_is_a_message_too() -> None:
    nodes, watcher = Nodes(), Inbox()
    nodes.bind(BINDINGS, "", watcher)
    assert watcher.news() == [snapshot()]


def test_every_watcher_is_told_until_it_goes() -> None:
    nodes, one, two = Nodes(), Inbox(), Inbox()
    nodes.bind(BINDINGS, "", one)
    nodes.bind(BINDINGS, "", two)
    nodes.unbind(BINDINGS, "", one)
    nodes.bind(DIRECT, "k", Inbox())
    assert one.news() == [snapshot()]
    assert two.news() == [snapshot(), ("bound", {"key": "k"})]


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (SNAPSHOT_KEYS, [SNAPSHOT_KEYS]),
        (SNAPSHOT_KEYS + 1, [SNAPSHOT_KEYS, 1]),
        (2 * SNAPSHOT_KEYS, [SNAPSHOT_KEYS, SNAPSHOT_KEYS]),
    ],
)
def test_a_long_snapshot_comes_in_parts_and_says_so(count: int, sizes: list[int]) -> None:
    nodes, owner, watcher = Nodes(), Inbox(), Inbox()
    keys = [f"k{number:06}" for number in range(count)]
    for key in keys:
        nodes.bind(DIRECT, key, owner)
    nodes.bind(BINDINGS, "", watcher)
    parts: list[dict[str, object]] = []
    for subject, body in watcher.news():
        assert subject == "snapshot"
        assert isinstance(body, dict)
        parts.append(body)
    seen = [part["keys"] for part in parts]
    assert [len(found) for found in seen if isinstance(found, list)] == sizes
    assert [key for found in seen if isinstance(found, list) for key in found] == keys
    assert [part["more"] for part in parts] == [True] * (len(sizes) - 1) + [False]


def test_a_part_of_the_longest_keys_is_no_larger_than_a_message_may_be() -> None:
    nodes, owner, watcher = Nodes(), Inbox(), Inbox()
    for number in range(SNAPSHOT_KEYS):
        nodes.bind(DIRECT, f"{number:0255}", owner)
    nodes.bind(BINDINGS, "", watcher)
    assert [len(data) <= MAX_MESSAGE for data in watcher.data] == [True]


def test_the_exchange_of_qmf_v1_has_exact_keys_of_its_own_and_tells_no_watcher() -> None:
    nodes, direct, legacy, watcher = Nodes(), Inbox(), Inbox(), Inbox()
    nodes.bind(DIRECT, "k", direct)
    nodes.bind(BINDINGS, "", watcher)
    watcher.got.clear()
    nodes.bind(LEGACY, "k", legacy)
    nodes.bind(LEGACY, "#", legacy)
    nodes.publish(LEGACY, "k", b"1", None)
    nodes.publish(LEGACY, "other", b"2", None)
    nodes.publish(DIRECT, "k", b"3", None)
    nodes.unbind(LEGACY, "k", legacy)
    nodes.publish(LEGACY, "k", b"4", None)
    assert (legacy.data, direct.data, watcher.data) == ([b"1"], [b"3"], [])
    nodes.bind(BINDINGS, "", watcher)
    assert watcher.news() == [snapshot("k")], "nor is it in the list"


def tapped(tap: Inbox) -> list[tuple[object, ...]]:
    """(key, properties in order, body) of each message since the last look."""
    messages = [decode_message(data) for data in tap.data]
    tap.got.clear()
    names = ("node", "key", "login", "delivered")
    assert all(set(message.properties) == set(names) for message in messages)
    return [(one.subject, *(one.properties[name] for name in names), one.body) for one in messages]


def test_a_tap_gets_a_copy_of_every_message_on_any_node_until_it_goes() -> None:
    nodes, inbox, tap = Nodes(lambda: "token"), Inbox(), Inbox()
    nodes.bind(TOPIC, "a.#", inbox)
    nodes.bind(TOPIC, "a.b", inbox)
    address = nodes.new_dynamic()
    nodes.bind(address, "", inbox)
    nodes.bind(TAP, "", tap)
    nodes.publish(TOPIC, "a.b", b"1", 500, "alice")
    nodes.publish(DIRECT, "nobody", b"2", None, "bob")
    nodes.publish(LEGACY, "k", b"3", None, "carol")
    nodes.publish(address, "", b"4", None, "dave")
    nodes.publish("n" * 1000, "k", b"5", None, "eve")
    assert {ttl for _, ttl in tap.got} == {None}, "a tap shows what has expired for others"
    assert tapped(tap) == [
        ("a.b", TOPIC, "a.b", "alice", 2, b"1"),
        ("nobody", DIRECT, "nobody", "bob", 0, b"2"),
        ("k", LEGACY, "k", "carol", 0, b"3"),
        ("", address, "", "dave", 1, b"4"),
        ("k", "n" * 255, "k", "eve", 0, b"5"),
    ]
    assert nodes.counters.delivered == 3, "copies for taps are not counted"
    nodes.unbind(TAP, "", tap)
    nodes.publish(TOPIC, "a.b", b"6", None, "alice")
    assert not tap.got


def test_every_tap_gets_the_same_bytes_and_a_tap_may_go_while_they_are_handed_out() -> None:
    nodes, second = Nodes(), Inbox()

    class Leaving(Inbox):
        def deliver(self, data: bytes, ttl: int | None) -> None:
            super().deliver(data, ttl)
            nodes.unbind(TAP, "", self)

    first = Leaving()
    nodes.bind(TAP, "", first)
    nodes.bind(TAP, "", second)
    nodes.publish(TOPIC, "k", b"1", None, "alice")
    nodes.publish(TOPIC, "k", b"2", None, "alice")
    assert len(first.data) == 1
    assert first.data == second.data[:1]
    assert len(second.data) == 2


def test_nothing_is_wrapped_while_nobody_taps(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a message was wrapped for nobody")

    monkeypatch.setattr("matahari.broker.nodes.Tapped", refuse)
    nodes, tap = Nodes(), Inbox()
    nodes.publish(TOPIC, "k", b"1", None, "alice")
    nodes.bind(TAP, "", tap)
    nodes.unbind(TAP, "", tap)
    nodes.publish(TOPIC, "k", b"2", None, "alice")
    with pytest.raises(AssertionError, match="for nobody"):
        nodes.bind(TAP, "", tap)
        nodes.publish(TOPIC, "k", b"3", None, "alice")

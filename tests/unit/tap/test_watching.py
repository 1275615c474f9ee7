"""What is received from on each kind of broker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matahari.bus import ExchangeScheme, FamiliesScheme, RabbitMQ3Scheme, RabbitMQ4Scheme, Scheme
from matahari.qmf import Packet
from matahari.tap.names import Agent
from matahari.tap.reading import Reading
from matahari.tap.sighting import Delivery, Sighting
from matahari.tap.watching import MAX_KEYS, KeyWatch, blind_spots, first_watches

OWN = "direct-console.own"
TAPPED = ExchangeScheme(kind="matahari", lists_bindings=True, taps=True)
UNTAPPED = ExchangeScheme(kind="matahari", lists_bindings=True)
QPID = ExchangeScheme(kind="qpid")
RABBIT3, RABBIT4 = RabbitMQ3Scheme(), RabbitMQ4Scheme()
ARTEMIS, ROUTER = FamiliesScheme(kind="artemis"), FamiliesScheme(kind="router")


def heard(name: str) -> Sighting:
    return Sighting(0, Delivery(b"", "qmf.default.topic", "k", "#"), Reading(), "heartbeat", agent=Agent(name))


def asked(reply_to: str) -> Sighting:
    reading = Reading(packet=Packet("_query_request", reply_to=reply_to))
    return replace(heard(""), opcode="query", reading=reading, agent=None)


def test_our_own_broker_shows_everything_on_one_node() -> None:
    [watch] = first_watches(TAPPED, OWN)
    assert (watch.role, watch.wanted.address, watch.is_essential) == ("tap", "matahari.tap", True)
    assert blind_spots(TAPPED) == ""


@pytest.mark.parametrize("scheme", [UNTAPPED, QPID, ARTEMIS, ROUTER])
def test_elsewhere_it_is_the_whole_topic_exchange_and_a_key_of_its_own(scheme: Scheme) -> None:
    watches = first_watches(scheme, OWN)
    assert [watch.role for watch in watches if watch.is_essential] == ["topic"] * len(scheme.subscribe("#"))
    assert watches[-1].role == "own"
    assert watches[-1].wanted == scheme.own(OWN)
    assert "\n" not in blind_spots(scheme)
    assert blind_spots(scheme)


def test_a_login_that_may_not_tap_gets_what_others_get() -> None:
    assert [watch.role for watch in first_watches(TAPPED, OWN, tap_refused=True)] == ["topic", "own"]
    assert "this login" in blind_spots(TAPPED, tap_refused=True)


def test_on_rabbitmq_the_whole_direct_exchange_is_asked_for() -> None:
    three, four = first_watches(RABBIT3, OWN)[-1], first_watches(RABBIT4, OWN)[-1]
    assert (three.wanted.address, three.binding) == ("/exchange/qmf.default.direct/#", "#")
    assert four.wanted.binding is not None
    assert (four.wanted.binding.exchange, four.wanted.binding.key) == ("qmf.default.direct", "#")
    assert not three.is_essential and not four.is_essential


@pytest.mark.parametrize("scheme", [QPID, ARTEMIS])
def test_keys_of_agents_and_consoles_are_learned(scheme: Scheme) -> None:
    keys = KeyWatch(scheme, OWN)
    [agent], _ = keys.learn(heard("x:y:1"))
    assert agent.wanted == scheme.own("x:y:1")
    assert keys.learn(heard("x:y:1")) == ([], [])
    [reply], _ = keys.learn(asked("qmf.default.direct/qmfc-1"))
    assert (reply.node, reply.binding) == ("qmf.default.direct", "qmfc-1")
    assert keys.learn(asked("qmf.default.direct/qmfc-1")) == ([], [])


def test_answers_of_v1_are_watched_where_there_are_any() -> None:
    [watch], _ = KeyWatch(QPID, OWN).learn(asked("amq.direct/reply-1"))
    assert (watch.node, watch.wanted) == ("amq.direct", QPID.legacy("reply-1"))
    assert KeyWatch(ARTEMIS, OWN).learn(asked("amq.direct/reply-1")) == ([], [])


@pytest.mark.parametrize("scheme", [TAPPED, UNTAPPED, ROUTER, RABBIT3, RABBIT4])
def test_no_key_is_taken_where_that_would_take_messages_away_or_tell_a_lie(scheme: Scheme) -> None:
    """A router gives a message to one receiver; our own broker counts a receiver as the agent's presence."""
    keys = KeyWatch(scheme, OWN)
    assert keys.learn(heard("x:y:1")) == ([], [])
    assert keys.learn(asked("qmf.default.direct/k")) == ([], [])


@pytest.mark.parametrize(
    "seen",
    [
        heard("apache.org:qpidd:1"),
        heard("with*wildcard"),
        asked(f"qmf.default.direct/{OWN}"),
        asked("qmf.default.topic/direct-console.1"),
        asked("some-queue"),
        asked("qmf.default.direct/"),
        asked("qmf.default.direct/#"),
        asked("qmf.default.direct/" + "k" * 300),
    ],
)
def test_other_keys_are_not_watched(seen: Sighting) -> None:
    assert KeyWatch(QPID, OWN).learn(seen) == ([], [])


def test_the_number_of_keys_is_bounded() -> None:
    keys = KeyWatch(QPID, OWN)
    for number in range(MAX_KEYS):
        keys.learn(heard(f"x:y:{number}"))
        keys.learn(asked(f"qmf.default.direct/k{number}"))
    assert keys.learn(heard("x:y:more")) == ([], [])
    assert keys.left_out == 1
    keys.learn(asked("qmf.default.direct/k0"))  # used again, so it stays
    added, removed = keys.learn(asked("qmf.default.direct/more"))
    assert [watch.binding for watch in added] == ["more"]
    assert removed == [("qmf.default.direct", "k1")]

"""Exact addresses on Artemis and on routers (brokers.md 3.4)."""

from __future__ import annotations

from typing import Literal

import pytest

from matahari.amqp import SELECTOR
from matahari.bus import FamiliesScheme, In, Out, family
from matahari.errors import LocalProtocolError

ARTEMIS = FamiliesScheme(kind="artemis")
ROUTER = FamiliesScheme(kind="router")
BOTH = pytest.mark.parametrize("scheme", [ARTEMIS, ROUTER], ids=["artemis", "router"])


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("agent.ind.heartbeat", "agent.ind.heartbeat"),
        ("agent.ind.heartbeat.org.rpc", "agent.ind.heartbeat"),
        ("agent.ind.heartbeats", "agent.ind"),
        ("agent.ind.event.a", "agent.ind.event"),
        ("agent.ind.data.a", "agent.ind.data"),
        ("agent.ind", "agent.ind"),
        ("agent.ind.x", "agent.ind"),
        ("agent.index", "other"),
        ("agent", "other"),
        ("console", "console"),
        ("console.x", "console"),
        ("console.request", "console.request"),
        ("console.request.agent_locate", "console.request"),
        ("consoles", "other"),
        ("direct-console.1", "other"),
        ("", "other"),
    ],
)
def test_a_key_is_of_the_longest_family_that_begins_it_at_a_dot(key: str, expected: str) -> None:
    assert family(key) == expected


@BOTH
def test_publish_goes_to_the_family_with_the_full_key_as_subject(scheme: FamiliesScheme) -> None:
    key = "agent.ind.event.org.E"
    assert scheme.publish(key) == Out(None, "qmf.default.topic.agent.ind.event", key)


@BOTH
def test_direct_and_reply_have_an_address_for_each_key(scheme: FamiliesScheme) -> None:
    assert scheme.direct("v:p:i") == Out(None, "qmf.default.direct.v:p:i", "v:p:i")
    assert scheme.reply("qmf.default.direct/c.1") == Out(None, "qmf.default.direct.c.1", "c.1")


@BOTH
def test_own_is_the_address_of_the_key_with_the_capability_that_makes_it_temporary(scheme: FamiliesScheme) -> None:
    assert scheme.own("v:p:i") == In("qmf.default.direct.v:p:i", {}, ("topic",), None)


@BOTH
def test_a_pattern_within_one_family_is_one_receiver(scheme: FamiliesScheme) -> None:
    wanted = In("qmf.default.topic.agent.ind.heartbeat", {}, ("topic",), "agent.ind.heartbeat.#")
    assert scheme.subscribe("agent.ind.heartbeat.#") == (wanted,)


T = "qmf.default.topic."
AGENTS = {"agent.ind", "agent.ind.heartbeat", "agent.ind.event", "agent.ind.data"}
ALL = {"other", "console", "console.request"} | AGENTS


@BOTH
@pytest.mark.parametrize(
    ("pattern", "families"),
    [
        ("#", ALL),
        ("#.event.#", ALL),
        ("agent.ind.#", AGENTS),
        ("agent.ind.*", AGENTS),
        ("agent.#", {"other"} | AGENTS),
        ("console.#", {"console", "console.request"}),
        ("console.request.#", {"console.request"}),
        ("console.request.agent_locate", {"console.request"}),
        ("console", {"console"}),
        ("direct-agent.route.1", {"other"}),
        ("*.request", {"other", "console", "console.request"}),
    ],
)
def test_a_pattern_has_a_receiver_for_each_family_in_which_a_fitting_key_may_lie(
    scheme: FamiliesScheme, pattern: str, families: set[str]
) -> None:
    found = scheme.subscribe(pattern)
    assert {one.address for one in found} == {T + one for one in families}
    assert len({one.address for one in found}) == len(found)
    assert {one.match for one in found} == {pattern}


@pytest.mark.parametrize(
    ("pattern", "selector"),
    [
        (
            "agent.ind.event.org_matahari.Host.#",
            "JMSType LIKE 'agent.ind.event.org!_matahari.Host%' ESCAPE '!'",
        ),
        ("agent.ind.event.100%!x'y.#", "JMSType LIKE 'agent.ind.event.100!%!!x''y%' ESCAPE '!'"),
        ("console.request.agent_locate", "JMSType = 'console.request.agent_locate'"),
        ("direct-agent.route.1", "JMSType = 'direct-agent.route.1'"),
    ],
)
def test_artemis_filters_by_the_subject(pattern: str, selector: str) -> None:
    (found,) = ARTEMIS.subscribe(pattern)
    assert found.filters == {"subject": (0x0000468C00000004, selector)}
    assert SELECTOR == 0x0000468C00000004
    (found,) = ROUTER.subscribe(pattern)
    assert found.filters == {}, "routers ignore filters"


@pytest.mark.parametrize("pattern", ["#", "agent.ind.#", "console.#", "agent.ind.event.#", "*.x"])
def test_a_selector_that_every_key_of_the_family_passes_is_left_out(pattern: str) -> None:
    assert all(not one.filters for one in ARTEMIS.subscribe(pattern))


def test_a_wide_pattern_filters_where_the_family_is_wider_still() -> None:
    found = {one.address: one.filters for one in ARTEMIS.subscribe("agent.#")}
    assert found[T + "other"] == {"subject": (SELECTOR, "JMSType LIKE 'agent%' ESCAPE '!'")}
    assert found[T + "agent.ind"] == {}


@pytest.mark.parametrize(
    ("kind", "address", "is_answered"),
    [
        ("artemis", "0b6f4c9e-1d2a-4f67-9e0b-2f3c4d5e6f70", True),
        ("artemis", "some-queue", False),
        ("artemis", "amqp:/_topo/0/router/temp.1", False),
        ("router", "amqp:/_topo/0/router/temp.1", True),
        ("router", "0b6f4c9e-1d2a-4f67-9e0b-2f3c4d5e6f70", False),
        ("router", "amqp:/_topo/" + "x" * 300, False),
    ],
)
def test_of_bare_addresses_those_are_answered_that_the_broker_itself_makes(
    kind: Literal["artemis", "router"], address: str, is_answered: bool
) -> None:
    scheme = FamiliesScheme(kind=kind)
    if is_answered:
        assert scheme.reply(address) == Out(None, address, "")
        return
    with pytest.raises(LocalProtocolError):
        scheme.reply(address)


@BOTH
def test_a_key_with_the_queue_separator_of_artemis_is_refused(scheme: FamiliesScheme) -> None:
    for use in (scheme.own, scheme.direct):
        with pytest.raises(LocalProtocolError):
            use("a::b")


@BOTH
def test_what_is_peculiar_about_them(scheme: FamiliesScheme) -> None:
    assert scheme.targets == (None,)
    assert scheme.legacy("me") is None
    assert not scheme.user_id_trusted
    assert not scheme.lists_as_sequence
    assert not scheme.ends_sessions

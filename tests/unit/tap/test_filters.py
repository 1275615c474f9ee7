"""Which sightings pass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matahari.tap.filters import Filters, key_filter
from matahari.tap.names import Agent
from matahari.tap.reading import Reading
from matahari.tap.sighting import Delivery, Sighting

SEEN = Sighting(
    0,
    Delivery(b"", "qmf.default.direct", "x.org:rpc:1", "#"),
    Reading(),
    "call",
    agent=Agent("x.org:rpc:1", "web1", "rpc"),
    package="p.q",
    class_name="Host",
    method="reboot",
)
NOBODY = replace(SEEN, agent=None, package="", class_name="", method="", opcode="other")


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(agents=["x.org:*"]),
        Filters(agents=["nobody", "rpc"]),
        Filters(agents=["web?/rpc"]),
        Filters(hosts=["web*"]),
        Filters(opcodes=["result", "call"]),
        Filters(classes=["Host"]),
        Filters(classes=["p.q:Host"]),
        Filters(methods=["re*"]),
        Filters(keys=[key_filter("a.#"), key_filter("x.*")]),
        Filters(no_heartbeats=True),
    ],
)
def test_what_fits_passes(filters: Filters) -> None:
    assert filters.admits(SEEN)


@pytest.mark.parametrize(
    "filters",
    [
        Filters(agents=["rp"]),
        Filters(hosts=["web2", "WEB1"]),
        Filters(opcodes=["result"]),
        Filters(classes=["host"]),
        Filters(methods=["shutdown"]),
        Filters(keys=[key_filter("y.#")]),
        Filters(only_errors=True),
        Filters(hosts=["web1"], methods=["shutdown"]),
    ],
)
def test_what_does_not_fit_is_left_out(filters: Filters) -> None:
    assert not filters.admits(SEEN)


def test_what_has_no_agent_class_or_method_passes_no_filter_on_them() -> None:
    assert Filters().admits(NOBODY)
    for filters in (Filters(agents=["*"]), Filters(hosts=["*"]), Filters(classes=["*"]), Filters(methods=["*"])):
        assert not filters.admits(NOBODY)


def test_errors_pass_when_only_they_are_asked_for() -> None:
    only = Filters(only_errors=True)
    assert only.admits(replace(SEEN, opcode="exception"))
    assert only.admits(replace(SEEN, opcode="malformed"))
    assert only.admits(replace(SEEN, opcode="v1-complete", error="1 failed"))


def test_heartbeats_are_messages_of_agents_and_events_of_hosts() -> None:
    quiet = Filters(no_heartbeats=True)
    assert not quiet.admits(replace(SEEN, opcode="heartbeat"))
    assert not quiet.admits(replace(SEEN, opcode="event", class_name="heartbeat"))
    assert quiet.admits(replace(SEEN, opcode="event", class_name="plugin_failed"))

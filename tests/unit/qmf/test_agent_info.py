"""Reading announcements of agents, hostile ones included."""

from __future__ import annotations

import pytest

from matahari.errors import RemoteProtocolError
from matahari.qmf.agent_info import AgentInfo, is_broker, is_same_agent, read_announcement
from matahari.qmf.packet import Packet
from matahari.qmf.values import Value


def announcement(name: str | None = "example.org:lab:1", /, **values: Value) -> Packet:
    return Packet("_agent_heartbeat_indication", {"_values": dict(values)}, agent=name)


def test_all_attributes_are_read_whatever_their_types() -> None:
    capability: dict[str, Value] = {"qmf.agent_capability": 1}
    info = read_announcement(
        announcement(
            _vendor=b"example.org", _product="lab", _instance=b"1", _epoch=3, _heartbeat_interval=60,
            _schema_updated=77, _direct_subject=b"direct-agent.route.1", hostname=b"box", raw=b"\xff",
            **capability,
        ),
        5.0,
    )  # fmt: skip
    assert info == AgentInfo(
        "example.org:lab:1", "example.org", "lab", "1", info.attributes, 3, 60, 77, "direct-agent.route.1", 1
    )
    assert info.last_seen == 5.0
    assert info.attributes["hostname"] == "box"
    assert info.attributes["raw"] == b"\xff"


def test_missing_attributes_follow_from_the_name_or_have_defaults() -> None:
    info = read_announcement(announcement("a:b:c:d"), 5.0)
    assert (info.vendor, info.product, info.instance) == ("a", "b", "c:d")
    assert (info.epoch, info.heartbeat_interval, info.schema_updated, info.direct_subject) == (0, 60, 0, None)
    assert read_announcement(announcement("odd"), 5.0).product == ""
    old = read_announcement(announcement(epoch=2, heartbeat_interval=30), 5.0)
    assert (old.epoch, old.heartbeat_interval) == (2, 30)


def test_the_name_may_come_from_the_attributes() -> None:
    assert read_announcement(announcement(None, _name=b"a:b:c"), 5.0).name == "a:b:c"


@pytest.mark.parametrize("subject", ["", b"\xff", 5, "agent.#", "a.*.b", "x" * 300, None])
def test_a_direct_subject_that_leads_nowhere_definite_is_not_used(subject: Value) -> None:
    assert read_announcement(announcement(_direct_subject=subject), 5.0).direct_subject is None


@pytest.mark.parametrize(
    "packet",
    [
        announcement(None),
        announcement("x" * 256),
        announcement(junk="x" * 10_000),
        Packet("_agent_heartbeat_indication", None, agent="a:b:c"),
        Packet("_agent_heartbeat_indication", [], agent="a:b:c"),
        Packet("_agent_heartbeat_indication", {"_values": []}, agent="a:b:c"),
    ],
)
def test_an_unreadable_or_excessive_announcement_is_refused(packet: Packet) -> None:
    with pytest.raises(RemoteProtocolError):
        read_announcement(packet, 5.0)


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [(60, 180), (10, 30), (1, 30), (0, None), (-5, 180), (None, 180), ("x", 180), (2**40, 10_800)],
)
def test_an_agent_ages_after_three_intervals_of_10_seconds_to_an_hour(interval: Value, seconds: float | None) -> None:
    """qmf2.md 3.11; 0 is an agent without heartbeats, and what says nothing is taken for libqmf2's default."""
    assert read_announcement(announcement(_heartbeat_interval=interval), 5.0).ageing_time == seconds


def test_only_the_time_of_an_announcement_makes_no_difference() -> None:
    first = read_announcement(announcement(_timestamp=1, a=1), 5.0)
    assert not read_announcement(announcement(_timestamp=2, a=1), 6.0).differs_from(first)
    assert read_announcement(announcement(_timestamp=1, a=2), 5.0).differs_from(first)


@pytest.mark.parametrize(
    ("name", "expected"), [("broker", True), ("apache.org:qpidd:1", True), ("apache.org:other:1", False), ("", False)]
)
def test_the_brokers_own_agent_is_known_by_its_names(name: str, expected: bool) -> None:
    assert is_broker(name) is expected


@pytest.mark.parametrize(
    ("asked", "answering", "same"),
    [
        ("a:b:c", "a:b:c", True),
        ("a:b:c", "a:b:d", False),
        ("a:b:c", None, False),
        ("a:b:c", "broker", False),
        ("broker", "broker", True),
        ("broker", "apache.org:qpidd:1", True),
        ("broker", "a:b:c", False),
        ("broker", None, False),
        ("apache.org:qpidd:1", "broker", True),
        ("apache.org:qpidd:1", "apache.org:qpidd:2", False),
    ],
)
def test_the_broker_is_one_agent_with_two_names(asked: str, answering: str | None, same: bool) -> None:
    assert is_same_agent(asked, answering) is same

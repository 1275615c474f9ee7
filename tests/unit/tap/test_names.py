"""Who is who."""

from __future__ import annotations

import pytest

from matahari.qmf import Value
from matahari.tap.names import MAX_NAME, Agent, Directory, RecentMap, console_label

NAME = "matahariproject.org:host:030d6027-7988-4dca-ad63-ffc7aa5926d1"


def test_a_recent_map_forgets_what_was_set_longest_ago() -> None:
    recent: RecentMap[str, int] = RecentMap(2)
    recent.set("a", 1)
    recent.set("b", 2)
    recent.set("a", 3)
    recent.set("c", 4)
    assert [recent.get(key) for key in "abc"] == [3, None, 4]
    assert len(recent) == 2


def test_an_agent_is_called_by_its_host_and_product_once_it_has_been_heard() -> None:
    directory = Directory()
    assert directory.agent(NAME) == Agent(NAME, "", "host")
    assert directory.agent(NAME).label == "host:030d6027"
    directory.announced(NAME, {"hostname": b"web1", "_product": b"host", "_direct_subject": "direct-agent.1"})
    assert directory.agent(NAME).label == "web1/host"
    assert directory.agent_of_key(NAME) == directory.agent_of_key("direct-agent.1") == NAME
    assert directory.agent_of_key("somebody") == ""


@pytest.mark.parametrize(
    ("name", "label"), [("broker", "broker"), ("a:b", "a:b"), ("x" * 40, "x" * 23 + "…"), ("", "")]
)
def test_names_that_are_none_of_ours_are_shortened(name: str, label: str) -> None:
    assert Agent(name).label == label


def test_an_announcement_without_a_name_uses_the_one_in_its_values() -> None:
    directory = Directory()
    directory.announced("", {"_name": NAME, "hostname": "web1"})
    assert directory.agent(NAME).host == "web1"
    directory.announced("", {})
    directory.announced("x" * (MAX_NAME + 1), {"hostname": "web2"})
    assert len(directory) == 1


def test_the_class_of_an_object_is_known_once_it_was_seen() -> None:
    directory = Directory()
    ids: Value = {
        "_object_id": {"_object_name": "o"},
        "_schema_id": {"_package_name": b"p", "_class_name": b"C"},
    }
    directory.saw_object("agent", ids)
    assert directory.class_of("agent", "o") == ("p", "C")
    assert directory.class_of("other", "o") == ("", "")
    strange: list[Value] = [None, [], {}, {"_object_id": {}, "_schema_id": {}}, {"_object_id": 1, "_schema_id": {}}]
    for item in strange:
        directory.saw_object("agent", item)


@pytest.mark.parametrize(
    ("key", "label"),
    [
        ("direct-console.df78cd82-79c5-4a56-9d6b-3f0f2a6c1d11", "console-df78cd82"),
        ("direct.df78cd82-79c5", "console-df78cd82"),
        ("qmfc-v2-box.4711.1", "box.4711.1"),
        ("reply-box.4711.1", "reply-box.4711.1"),
        ("x" * 30, "x" * 23 + "…"),
    ],
)
def test_consoles_are_called_by_what_tells_them_apart(key: str, label: str) -> None:
    assert console_label(key) == label

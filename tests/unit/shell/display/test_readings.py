from __future__ import annotations

from matahari.errors import AgentGoneError
from matahari.shell.display.readings import is_complete, readings
from tests.support.fake_console import fleet


def test_each_object_and_each_missing_host_has_one_in_order() -> None:
    console = fleet()
    console.missing = ["web7"]
    asked = console.select("Host")
    console.deaf = {"web1"}
    fresh = asked.refresh()
    found = list(readings(asked, fresh, "hostname"))
    assert [(one.host, one.ok, one.value) for one in found] == [
        ("db1", True, "db1"),
        ("web1", False, None),
        ("web2", True, "web2"),
        ("web7", False, None),
    ]
    assert found[1].error is None
    assert isinstance(found[3].error, AgentGoneError)
    assert not is_complete(asked, fresh)
    console.deaf = set()
    assert is_complete(asked, asked.refresh())


def test_where_nobody_answered_all_are_silent() -> None:
    console = fleet()
    asked = console.select("Host")
    console.deaf = {"db1", "web1", "web2"}
    assert [one.ok for one in readings(asked, asked.refresh(), "hostname")] == [False] * 3

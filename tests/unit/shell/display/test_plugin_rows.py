"""Plugins of some hosts as rows."""

from __future__ import annotations

import pytest

from matahari.qmf import Value
from matahari.shell.display.plugin_rows import MAX_NAMED, load_error_text, plugin_rows
from tests.support.fake_classes import PLUGINS
from tests.support.fake_console import FakeConsole, fleet

ERROR: dict[str, Value] = {
    "type": "SyntaxError",
    "text": "invalid syntax (calc.py, line 3)",
    "file": "/p/calc.py",
    "line": 3,
}


def with_values(plugin: str, values: dict[str, dict[str, Value]]) -> FakeConsole:
    console = fleet()
    for host, some in values.items():
        console.kind(plugin).values[host][plugin].update(some)
    return console


def test_hosts_with_the_same_share_a_row() -> None:
    console = with_values("calc", {"db1": {"generation": 1}, "web1": {"generation": 2}, "web2": {"generation": 2}})
    rows = plugin_rows(console.select("calc", package=PLUGINS))
    assert [one.cells for one in rows] == [
        ("calc", "ready", "generation 1", "6 methods", "db1"),
        ("calc", "ready", "generation 2", "6 methods", "web1, web2"),
    ]
    assert rows[1].record == {
        "plugin": "calc", "state": "ready", "generation": 2, "methods": 6, "why": "", "hosts": ["web1", "web2"],
    }  # fmt: skip


def test_what_is_not_in_service_has_its_reason_and_what_is_has_none() -> None:
    values: dict[str, dict[str, Value]] = {
        "db1": {"state": "failed", "last_error": ERROR},
        "web1": {"state": "inactive", "reason": "no PBX here"},
        "web2": {"reason": "all is well", "last_error": {}},
    }
    rows = plugin_rows(with_values("calc", values).select("calc", package=PLUGINS))
    assert [(one.state, one.why, one.is_faulty) for one in rows] == [
        ("failed", "SyntaxError: invalid syntax (/p/calc.py:3)", True),
        ("inactive", "no PBX here", False),
        ("ready", "", False),
    ]


def test_an_agent_of_2012_tells_no_more_than_the_name() -> None:
    console = fleet()
    for objects in console.kind("old").values.values():
        objects["old"] = {}
    [row] = plugin_rows(console.select("old", package=PLUGINS))
    assert row.cells == ("old", "-", "-", "-", "db1, web1, web2")
    assert (row.record["generation"], row.record["methods"]) == (None, None)


def test_many_hosts_are_counted() -> None:
    console = fleet()
    kind = console.kind("calc")
    kind.values = {f"h{number:02}": kind.values["db1"] for number in range(MAX_NAMED + 1)}
    [row] = plugin_rows(console.select("calc", package=PLUGINS))
    assert row.cells[-1] == f"{MAX_NAMED + 1} hosts"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ERROR, "SyntaxError: invalid syntax (/p/calc.py:3)"),
        ({"type": "OSError", "text": "OSError: gone", "file": "/p/x.py", "line": 0}, "OSError: gone (/p/x.py)"),
        ({"type": "", "text": "died at /p/x.py:2", "file": "/p/x.py", "line": 2}, "died at /p/x.py:2"),
        ({"type": "KeyError"}, "KeyError"),
        ({"text": "no memory"}, "no memory"),
        ({}, "the agent does not say why"),
    ],
)
def test_a_load_error_is_told_with_its_place(error: dict[str, object], text: str) -> None:
    assert load_error_text(error) == text

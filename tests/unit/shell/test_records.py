"""The schema of the records of --json, its guide page, and records that only a terminal brings about."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from matahari.shell.verbs.line_history import LineHistory
from tests.support.records import KINDS, SCHEMA, faults
from tests.support.shell import TestShell

PAGE = Path(__file__).parents[3] / "core" / "docs" / "guide" / "json.md"


def sections() -> dict[str, str]:
    """The page's sections of the third level."""
    parts = [part.partition("\n") for part in PAGE.read_text().split("\n### ")[1:]]
    return {name.strip(): text.partition("\n## ")[0] for name, _, text in parts}


def test_the_guide_has_a_section_for_each_record_with_all_its_keys_and_no_others() -> None:
    found = sections()
    assert sorted(found) == sorted(SCHEMA["$defs"])
    for name, definition in SCHEMA["$defs"].items():
        rows = [line for line in found[name].splitlines() if line.startswith("| `")]
        assert [row.split("`")[1] for row in rows] == list(definition["properties"]), name
        left_out = {row.split("`")[1] for row in rows if "may be left out" in row}
        assert left_out == set(definition["properties"]) - set(definition["required"]), name


def test_the_schema_is_one_and_names_every_record() -> None:
    assert files("matahari.shell").joinpath("records.schema.json").is_file()
    assert [one["$ref"] for one in SCHEMA["anyOf"]] == [f"#/$defs/{kind}" for kind in KINDS]


@pytest.mark.parametrize(
    "record",
    [
        {"host": "web1"},
        {"host": "web1", "uuid": 1},
        {"host": "web1", "uuid": "x", "more": 1},
        {"package": "x", "class": None},
        {},
    ],
)
def test_a_record_that_lacks_a_key_or_has_another_is_seen(record: dict[str, object]) -> None:
    assert all(faults(kind, record) for kind in KINDS)


def test_the_history_is_as_its_schema_says() -> None:
    shell = TestShell(as_json=True)
    shell.session.history = LineHistory()
    shell.session.history.add("list hosts", "")
    [record] = shell.records("show history")
    assert faults("history", record) == []


def test_a_summary_is_as_its_schema_says() -> None:
    shell = TestShell(as_json=True)
    shell.run("select class Host; get hostname")
    [record] = shell.records("summary count")
    assert faults("summary", record) == []

"""``describe MEMBER``, and the help on one method."""

from __future__ import annotations

import json

import pytest

from matahari.errors import ConnectionLostError
from matahari.qmf import Value
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.selection import Snapshot
from tests.support.fake_classes import PLUGINS
from tests.support.fake_console import fleet
from tests.support.shell import CALC, OLD, TestShell

PAINT: dict[str, object] = {
    "type": "object",
    "properties": {
        "color": {"type": "string", "enum": ["red", "blue"], "description": "of the\npaint"},
        "coats": {"type": "integer", "minimum": 1, "maximum": 9, "default": 2},
    },
    "required": ["color"],
    "additionalProperties": False,
    "x-positional": ["color"],
}


def painting(*, as_json: bool = False) -> TestShell:
    console = fleet()
    effects: Value = {"destructive": True}
    entry: dict[str, Value] = {
        "params": json.dumps(PAINT),
        "result": json.dumps({"type": "integer", "minimum": 0}),
        "doc": "Paint it.\n\nTwice.\x1b",
        "effects": effects,
        "timeout": 5.0,
    }
    for objects in console.kind("calc").values.values():
        objects["calc"]["methods"] = {"boom": entry}
    shell = TestShell(console, as_json=as_json)
    shell.run(CALC)
    return shell


def test_a_method_is_described_with_all_that_is_published() -> None:
    assert painting().says("describe boom") == (
        'boom(color: "red"|"blue", *, coats: integer = 2) -> integer\n'
        "    Paint it.\n"
        "\n"
        "    Twice.\\x1b\n"
        "\n"
        "    Declared: destructive; at most 5 s\n"
        "\n"
        "    Parameters:\n"
        "     string  color  of the paint [one of red, blue]\n"
        "    integer  coats  [1 to 9] (default 2)\n"
        "\n"
        "    Result:\n"
        "    integer  [at least 0]\n"
    )


def test_a_record_has_the_parameters_for_programs() -> None:
    [record] = painting(as_json=True).records("describe boom")
    assert record["class"] == f"{PLUGINS}:calc"
    assert (record["member"], record["name"], record["result"]) == ("method", "boom", "integer")
    assert record["parameters"] == [
        {
            "name": "color", "type": "string", "required": True, "description": "of the\npaint",
            "rules": ["one of red, blue"],
        },
        {"name": "coats", "type": "integer", "required": False, "description": "", "rules": ["1 to 9"], "default": 2},
    ]  # fmt: skip


def test_a_method_of_a_schema_has_its_results_and_limits() -> None:
    shell = TestShell()
    shell.run("select class Host")
    assert shell.says("describe set_uuid") == (
        "set_uuid(lifetime: str, uuid: str = …) -> int\n"
        "    Write a UUID.\n"
        "\n"
        "    Parameters:\n"
        "    str  lifetime  Custom, Hardware or Filesystem\n"
        "    str  uuid      [at most 36 characters]\n"
        "\n"
        "    Result:\n"
        "    int  rc\n"
    )


def test_an_agent_that_publishes_nothing_is_said_to() -> None:
    shell = TestShell()
    shell.run(OLD)
    assert shell.says("describe show") == (
        "show(…)\n    (no description)\n\n    Its agent does not publish the parameters.\n"
    )


def test_a_property_is_described() -> None:
    shell = TestShell()
    shell.run("select class Host")
    assert shell.says("desc update") == (
        "update_interval: int\n    Heartbeat\n\n    Access: read and write\n    Unit: s\n    Values: 0 to 86400\n"
    )
    assert shell.says("describe load") == "load: map\n    Load averages\n\n    Access: read only\n"
    shell = TestShell(as_json=True)
    shell.run("select class Host")
    assert shell.records("describe update_interval") == [
        {
            "class": "org.matahariproject:Host", "member": "property", "name": "update_interval", "type": "int",
            "access": "RW", "unit": "s", "rules": ["0 to 86400"], "description": "Heartbeat",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("describe", "% Missing arguments: 'MEMBER'\n"),
        ("describe lod", '% Invalid argument value (Method or property "lod" not found; did you mean load?)\n'),
        ("describe l", '% Invalid argument value ("l" is ambiguous: it begins load, last_updated)\n'),
        ("describe 'loa'", '% Invalid argument value (Method or property "loa" not found; did you mean load?)\n'),
    ],
)
def test_a_member_that_is_none_is_refused(line: str, said: str) -> None:
    shell = TestShell()
    shell.run("select class Host")
    assert shell.says(line).startswith(said)


def test_a_member_needs_a_class_with_objects() -> None:
    shell = TestShell()
    assert shell.run("describe load") is ExitStatus.NOTHING_MATCHED
    assert "select class (package PACKAGE) CLASS" in shell.out()
    assert shell.run("select class Host; select property hostname nosuch; describe load") is ExitStatus.NOTHING_MATCHED
    assert shell.out() == "% No objects selected\n\n"


def test_members_complete() -> None:
    shell = TestShell()
    shell.run("select class Host")
    assert shell.session.commands(Snapshot()).complete("describe l") == (9, ["load ", "last_updated "])
    assert shell.session.commands(Snapshot()).complete("describe set") == (9, ["set_uuid "])


def test_help_can_be_had_on_one_method_with_ranges_and_choices() -> None:
    shell = painting()
    said = shell.says("help call boom")
    assert said == shell.says("? call bo")
    assert "\n   string color              of the paint [one of red, blue]\n" in said
    assert "\n  integer coats              [1 to 9] (default 2)\n" in said
    assert "call add" not in said
    assert shell.says("help call nosuch") == "*** No help on call nosuch\n\n"
    assert shell.says("help sel class").startswith(" > select class (package PACKAGE) CLASS\n")
    assert shell.says("help select host").count(" > ") == 1


def test_a_plugin_that_was_saved_is_described_as_it_is_now() -> None:
    shell = painting()
    entry: dict[str, Value] = {"params": json.dumps({"type": "object", "properties": {}}), "doc": "Tint it."}
    for objects in shell.console.kind("calc").values.values():
        objects["calc"]["methods"] = {"boom": entry}
    assert "Tint it." in shell.says("describe boom")
    for objects in shell.console.kind("calc").values.values():
        objects["calc"]["methods"] = {"boom": {**entry, "doc": "Mix it."}}
    assert "Mix it." in shell.says("help call boom")
    for objects in shell.console.kind("calc").values.values():
        objects["calc"]["methods"] = {"boom": {**entry, "doc": "Stir it."}}
    assert "Stir it." in shell.says("show methods")


def test_where_a_host_does_not_answer_a_plugin_is_described_as_it_was() -> None:
    shell = painting()
    for objects in shell.console.kind("calc").values.values():
        objects["calc"]["methods"] = {}
    shell.console.mute = {"web1"}
    assert "Paint it." in shell.says("describe boom")
    shell.console.fault = ConnectionLostError("nobody is there")
    assert "Paint it." in shell.says("describe boom")
    assert shell.run("show methods") is ExitStatus.OK


def test_other_classes_are_not_asked_again() -> None:
    shell = TestShell()
    shell.run("select class Host")
    asked = shell.console.selects
    shell.run("describe load; show methods; help call")
    assert shell.console.selects == asked

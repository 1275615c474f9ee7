"""A destructive call that no host would take is refused before anybody is asked about it."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from matahari.qmf import Value
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.display.approval import Risk
from matahari.shell.display.refusals import refusal_of
from tests.support.fake_classes import PLUGINS
from tests.support.fake_console import FakeConsole, fleet
from tests.support.shell import CALC, TestShell

STRICT: Mapping[str, object] = {
    "properties": {"disk": {"type": "string"}, "force": {"type": "boolean"}},
    "required": ["disk"],
    "x-positional": ["disk", "force"],
    "additionalProperties": False,
}
LOOSE = {**STRICT, "properties": {"disk": {"type": "string"}, "force": {}}}


def publish(console: FakeConsole, host: str, params: object, **more: Value) -> None:
    entry: dict[str, Value] = {"params": json.dumps(params), "effects": {"destructive": True}, **more}
    console.kind("calc").values[host]["calc"]["methods"] = {"add": entry}


def dangerous(params: object, **more: Value) -> FakeConsole:
    console = fleet()
    for host in console.kind("calc").values:
        publish(console, host, params, **more)
    return console


def asked_on(console: FakeConsole) -> tuple[TestShell, list[Risk]]:
    shell, questions = TestShell(console), list[Risk]()
    shell.session.ask_with(questions.append)
    shell.run(CALC)
    shell.out()
    return shell, questions


def test_what_no_host_takes_is_told_with_its_column_and_nobody_is_asked() -> None:
    shell, questions = asked_on(dangerous(STRICT))
    assert shell.run("call add sda force=maybe") == ExitStatus.USAGE
    assert shell.out() == (
        "% calc.add, argument 'force': 'maybe' is a string; give a boolean (true or false)\n"
        "%     call add sda force=maybe\n"
        "%                        ^\n"
        "\n"
    )
    assert questions == []
    assert shell.console.calls == []


@pytest.mark.parametrize("line", ["call add", "call add sda true more"])
def test_what_is_missing_or_too_much_is_told_before_the_question_too(line: str) -> None:
    shell, questions = asked_on(dangerous(STRICT))
    assert shell.run(line) == ExitStatus.USAGE
    assert questions == []


def test_what_one_host_may_take_is_asked_about() -> None:
    console = dangerous(STRICT)
    publish(console, "web2", LOOSE)
    shell, questions = asked_on(console)
    shell.run("call add sda maybe")
    assert len(questions) == 1


def test_what_a_plugin_takes_since_it_was_saved_is_asked_about() -> None:
    shell, questions = asked_on(dangerous(STRICT))
    for host in shell.console.kind("calc").values:
        publish(shell.console, host, LOOSE)
    shell.run("call add sda maybe")
    assert len(questions) == 1


@pytest.mark.parametrize("params", ["no JSON", [], None])
def test_of_what_publishes_nothing_that_can_be_read_nothing_is_known(params: object) -> None:
    objects = dangerous(params).select("calc", package=PLUGINS)
    assert refusal_of(objects, "add", (1, 2, 3), {}) is None
    assert refusal_of(objects, "nosuch", (), {}) is None


def test_a_value_that_is_declared_sensitive_is_not_repeated() -> None:
    objects = dangerous(STRICT, sensitive=["force"]).select("calc", package=PLUGINS)
    refusal = refusal_of(objects, "add", ("sda", "hunter2"), {})
    assert refusal is not None
    assert "force" in str(refusal)
    assert "hunter2" not in str(refusal)

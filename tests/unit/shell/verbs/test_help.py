"""The texts of help (matahari-2012.md 15.8)."""

from __future__ import annotations

import io

import pytest

from matahari.filters import parse
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.selection import Snapshot
from matahari.shell.verbs.help import overview
from matahari.shell.verbs.topics_text import topic_lines
from tests.support.fake_classes import PLUGINS
from tests.support.shell import CALC, TestShell


def test_help_lists_the_first_words_in_columns() -> None:
    shell = TestShell()
    said = shell.says("help")
    assert said.startswith(
        "Commands:\n=========\n"
        "clear    events   exit     help     list     no       quit     reload\n"
        "roll     select   show     sleep    time     timeout  watch\n"
    )
    assert shell.says("?") == said
    assert overview(shell.session.commands(Snapshot()), width=20)[2:4] == ["clear    events", "exit     help"]


def test_help_on_a_word_shows_every_command_that_begins_with_it() -> None:
    shell = TestShell()
    assert shell.says("help select") == (
        " > select host [HOST]\n"
        "\n"
        "Restrict the selection to these hosts. An earlier choice of hosts is replaced.\n"
        "\n"
        " > select class (package PACKAGE) CLASS\n"
        "\n"
        "Select a class, of the package org.matahariproject unless another is named. Property filters are dropped.\n"
        "\n"
        " > select plugin PLUGIN\n"
        "\n"
        "Select a plugin: the class of that name in the package org.matahariproject.rpc.plugin.\n"
        "\n"
        " > select hosts explain FILTER\n"
        "\n"
        "Show for every host whether a filter matches, and why; the selection stays as it is.\n"
        "\n"
        " > select hosts FILTER\n"
        "\n"
        "Restrict the selection to the hosts that a filter means now, e.g. role = web and not /^test/.\n"
    )
    assert shell.says("? sel") == shell.says("help select")


def test_help_on_methods_shows_their_arguments() -> None:
    shell = TestShell()
    shell.run("select class Host")
    said = shell.says("help call")
    assert " > call get_uuid LIFETIME\n\nRead a UUID.\nParameters:\n" in said
    assert "\n      str lifetime           Custom, Hardware or Filesystem\n" in said
    assert "\n      str uuid               [at most 36 characters]\n" in said


def test_help_on_plugin_methods_comes_from_the_code() -> None:
    shell = TestShell()
    shell.run(f"select class package {PLUGINS} calc")
    said = shell.says("help call")
    assert " > call add X Y\n\nAdd two numbers.\nParameters:\n  integer x\n  integer y\n" in said
    assert '   string greeting           (default "Hello")\n' in said


def test_help_on_properties_shows_type_and_unit() -> None:
    shell = TestShell()
    shell.run("select class Host")
    assert "Details:\n      int update_interval    Heartbeat (s) [0 to 86400]\n" in shell.says("help set")
    said = shell.says("help get")
    assert "  abstime last_updated\n" in said
    assert " > get load\n\nShow load of the selected objects: Load averages\n" in said
    assert "\nShow last_updated of the selected objects.\n" in said


def test_a_method_without_a_docstring_says_so() -> None:
    shell = TestShell()
    shell.run(f"select class package {PLUGINS} old")
    assert shell.says("help call") == " > call show ([ARG])\n\n(no description)\n"


def test_help_on_help_and_on_nothing() -> None:
    shell = TestShell()
    assert len(shell.says("help help").splitlines()) == 1
    assert shell.says("help nosuch") == "*** No help on nosuch\n\n"
    assert shell.says("help get nosuch") == (
        "*** No help on get nosuch\n"
        '% "get" needs a class or plugin: select class (package PACKAGE) CLASS, or select plugin NAME\n'
        "\n"
    )


@pytest.mark.parametrize(("line", "syntax"), [("help call", "call METHOD ([ARG])"), ("help get", "get PROPERTY")])
def test_help_on_what_a_class_brings_is_there_without_one_and_says_what_is_needed(line: str, syntax: str) -> None:
    shell = TestShell()
    assert shell.run(line) == ExitStatus.OK
    said = shell.out()
    assert said.startswith(f" > {syntax}\n\n")
    assert said.endswith(" needs a class or plugin: select class (package PACKAGE) CLASS, or select plugin NAME\n")
    shell.run(CALC)
    assert "needs a class" not in shell.says(line)


@pytest.mark.parametrize(
    ("topic", "said"), [("filter", "role in (db, web)"), ("pipe", "grep"), ("value", "NAME=VALUE"), ("fil", "filter")]
)
def test_there_is_help_on_what_is_no_command(topic: str, said: str) -> None:
    shell = TestShell()
    assert shell.run(f"help {topic}") == (ExitStatus.NOTHING_MATCHED if topic == "fil" else ExitStatus.OK)
    assert said in shell.out()


def test_the_filters_of_the_help_are_filters() -> None:
    lines = [line[2:35] for line in topic_lines("filter", "") if line.startswith("  ")]
    filters = [part for line in lines for part in line.strip().split("  ")]
    assert len(filters) == 11
    for text in filters:
        parse(text)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("help lits", "list"),
        ("help gerp", "grep"),
        ("help s", "select, show, sleep"),
        ("help select clas x", "class"),
        ("help list hsots", "hosts"),
    ],
)
def test_a_topic_that_is_none_names_those_that_may_be_meant(line: str, hint: str) -> None:
    assert TestShell().says(line) == f"*** No help on {line.removeprefix('help ')}\n% Did you mean {hint}?\n\n"


def test_the_word_behind_a_topic_completes_and_nobody_is_asked() -> None:
    shell = TestShell()
    shell.run(CALC)
    commands = shell.session.commands(Snapshot())
    asked = shell.console.selects
    assert commands.complete("help call a") == (10, ["add "])
    assert commands.complete("help show h") == (10, ["hosts ", "history "])
    assert commands.complete("help no ") == (8, ["select "])
    assert commands.complete("help sleep ") == (11, [])
    assert shell.console.selects == asked
    assert shell.says("help call add") == shell.says("help cal add")


def test_without_a_class_what_one_brings_is_told() -> None:
    shell = TestShell()
    assert "\nWith a class or plugin (select class, select plugin): call, describe, get, set, summary\n" in shell.says(
        "help"
    )
    shell.run("select class Host")
    assert "With a class" not in shell.says("help")


def test_texts_are_fitted_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "60")
    shell = TestShell()
    written = shell.says("help watch").splitlines()
    assert max(map(len, written)) > 60
    shell.session.output.out = screen = Terminal()
    shell.run("help watch")
    shown = screen.getvalue().splitlines()
    assert max(map(len, shown)) <= 60
    assert " ".join(shown).split() == " ".join(written).split()

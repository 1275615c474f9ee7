"""The answers to completion scripts on the in-memory fleet."""

from __future__ import annotations

import argparse

import pytest

from matahari.errors import ConnectFailedError
from matahari.shell.direct.completion_request import answer
from matahari.shell.direct.completion_scripts import SCRIPTS
from matahari.shell.direct.options import SHELLS
from tests.support.fake_console import FakeConsole, fleet

BREAKS = " \t\n\"'><=;|&(:"


def test_bash_gets_what_stands_behind_its_last_word_break() -> None:
    def lines(text: str, breaks: str = BREAKS) -> list[str]:
        return answer(["bash", breaks, text], lambda options: fleet())

    assert lines("mhsh ca") == ["files", "call"]
    assert lines("mhsh get org.matahariproject:V") == ["words", "Volume"]
    assert lines("mhsh get org.matahariproject:V", " ") == ["words", "org.matahariproject:Volume"]
    assert lines("mhsh call --hosts=d") == ["words", "db1"]
    assert lines("mhsh call 'x") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_whole_words(shell: str) -> None:
    assert answer([shell, "call", "--hosts=d"], lambda options: fleet()) == ["words", "--hosts=db1"]
    assert answer([shell, "call", "calc.a"], lambda options: fleet()) == ["words", "calc.add"]
    assert answer([shell, "get", "Host", "load"], lambda options: fleet()) == ["words", "load"]


def test_arguments_of_a_plugin_and_classes_of_events_are_offered() -> None:
    console = fleet()
    console.bus.published = ["org.matahariproject:heartbeat"]

    def lines(*words: str) -> list[str]:
        return answer(["zsh", *words], lambda options: console)

    assert lines("call", "calc.add", "1", "") == ["open", "y="]
    assert lines("call", "calc.add", "y") == ["open", "y="]
    assert lines("call", "calc.nosuch", "") == ["words"]
    assert lines("call", "old.show", "x") == ["words"]
    assert lines("call", "nosuch.add", "x") == ["words"]
    assert lines("events", "heart") == ["words", "heartbeat"]


def test_the_console_is_asked_with_the_options_on_the_line_and_closed() -> None:
    console = fleet()
    seen: list[argparse.Namespace] = []

    def connect(options: argparse.Namespace) -> FakeConsole:
        seen.append(options)
        return console

    answer(["zsh", "-b", "unix:/x", "call", "--hosts", "db1", ""], connect)
    answer(["zsh", "-b", "unix:/x", ""], connect)
    assert [one.broker for one in seen] == ["unix:/x"]
    assert console.is_closed


def test_without_a_broker_nothing_is_said_of_it_and_it_is_asked_once() -> None:
    asked = []

    def connect(options: argparse.Namespace) -> FakeConsole:
        asked.append(options)
        raise ConnectFailedError("connection refused", address="unix:/x")

    assert answer(["zsh", "call", "calc."], connect) == ["open"]
    assert len(asked) == 1
    assert answer(["zsh", "-t", "nonsense", "hosts", ""], connect) == ["words"]
    assert len(asked) == 1


@pytest.mark.parametrize("arguments", [[], ["bash"], ["bash", "x"], ["zsh"], ["nosuch"]])
def test_what_makes_no_sense_has_no_answer(arguments: list[str]) -> None:
    assert answer(arguments, lambda options: fleet()) == []


def test_there_is_a_script_for_each_shell_that_is_offered() -> None:
    assert tuple(sorted(SCRIPTS)) == SHELLS
    assert all("command mhsh --complete-words " + shell in text for shell, text in SCRIPTS.items())

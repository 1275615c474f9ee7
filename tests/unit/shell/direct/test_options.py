"""What the command line means: scripts, direct commands, options before and behind."""

from __future__ import annotations

import pytest

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.direct.options import DIRECT_WORDS, parse


@pytest.mark.parametrize(
    "argv",
    [
        ["--json", "-t", "5", "-b", "unix:/x", "call", "calc.add", "1", "x=2"],
        ["call", "--json", "calc.add", "-t", "5", "1", "x=2", "-b", "unix:/x"],
        ["--json", "call", "calc.add", "1", "-b", "unix:/x", "x=2", "-t5"],
        ["-t", "9", "--json", "call", "-t", "5", "-b", "unix:/x", "--", "calc.add", "1", "x=2"],
    ],
)
def test_options_stand_before_a_direct_word_or_behind_it_or_between_its_words(argv: list[str]) -> None:
    options = parse(argv)
    assert (options.direct, options.words) == ("call", ["calc.add", "1", "x=2"])
    assert (options.json, options.timeout, options.broker) == (True, 5.0, "unix:/x")


def test_numbers_below_zero_are_words_and_so_is_all_behind_two_dashes() -> None:
    assert parse(["call", "calc.add", "-1", "-.5", "-", "--", "--json", "-x", "--"]).words == [
        *("calc.add", "-1", "-.5", "-"),
        *("--json", "-x", "--"),
    ]
    assert not parse(["call", "calc.add", "--", "--json"]).json


def test_what_was_counted_before_the_word_is_counted_on() -> None:
    assert parse(["-v", "hosts", "-v"]).verbose == 2


@pytest.mark.parametrize("word", DIRECT_WORDS)
def test_a_direct_word_wins_over_a_file_that_is_named_otherwise_as_a_path(word: str) -> None:
    words = {
        "call": ["calc.add"],
        "describe": ["calc.add"],
        "events": ["--follow"],
        "get": ["Host", "load"],
        "hosts": [],
    }[word]
    assert parse([word, *words]).direct == word
    for argv in ([f"./{word}"], ["--", word], ["file", word]):
        options = parse(argv)
        assert (options.direct, options.scripts) == ("", argv[argv[0] == "--" :])


def test_a_direct_word_that_is_an_options_value_is_none() -> None:
    options = parse(["-c", "call", "-b", "hosts"])
    assert (options.direct, options.commands, options.broker) == ("", ["call"], "hosts")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["call"], "mhsh call: a PLUGIN.METHOD is needed"),
        (["call", "calc"], "'calc' is neither PLUGIN.METHOD nor PACKAGE:CLASS.METHOD"),
        (["call", ":calc.add"], "':calc.add' is neither PLUGIN.METHOD nor PACKAGE:CLASS.METHOD"),
        (["call", "calc.add", "--nosuch"], "mhsh call: unrecognized arguments: --nosuch"),
        (["call", "calc.add", "--host", "x"], "unrecognized arguments: --host"),
        (["call", "calc.add", "--batch", "0"], "'0' is neither a number of hosts from 1 on nor a share as 10%"),
        (["call", "calc.add", "--batch", "101%"], "'101%' is neither a number of hosts from 1 on"),
        (["call", "calc.add", "--limit", "0%"], "'0%' is neither a number of hosts from 1 on"),
        (["call", "calc.add", "--canary", "x"], "'x' is not a number of hosts from 1 on"),
        (["call", "calc.add", "--pause", "1"], "--pause and --max-failures need --batch or --canary"),
        (["call", "calc.add", "--max-failures", "0"], "--pause and --max-failures need --batch or --canary"),
        (["call", "calc.add", "--seed", "x"], "--seed needs --limit"),
        (["get", "Host"], "mhsh get: a CLASS and a PROPERTY are needed, and nothing else"),
        (["get", "Host", "load", "more"], "a CLASS and a PROPERTY are needed, and nothing else"),
        (["hosts", "--explain"], "mhsh hosts: --explain needs a FILTER"),
        (["events"], "mhsh events: when shall it end?"),
        (["-c", "list hosts", "hosts"], "-c is for scripts, and hosts is a direct command; a script of that name"),
        (["-e", "hosts"], "-e is for scripts"),
        (["-x", "hosts"], "-x is for scripts"),
        (["--completion", "tcsh"], "invalid choice: 'tcsh'"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(argv)
    assert ended.value.code == ExitStatus.USAGE
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("word", DIRECT_WORDS)
def test_each_direct_command_explains_itself(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse([word, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: mhsh {word} ")
    assert "--json" in shown and "--broker" in shown and "rest" not in shown.split("options:")[1]
    helps = []
    for argv in (["--help"], ["--help", word]):
        with pytest.raises(SystemExit):
            parse(argv)
        helps.append(capsys.readouterr().out)
    assert helps[0] == helps[1]


def test_the_help_names_the_direct_commands_and_how_a_script_of_their_name_is_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    shown = capsys.readouterr().out
    assert all(f"\n  {word} " in shown for word in DIRECT_WORDS)
    assert "A script of such a name is run as ./NAME." in shown


@pytest.mark.parametrize("share", ["1", "25%", "0.5%", "100%"])
def test_numbers_of_hosts_and_shares_are_taken(share: str) -> None:
    options = parse(["call", "calc.add", "--batch", share, "--limit", share, "--seed", "7", "--max-failures", "0"])
    taken = share if share.endswith("%") else int(share)
    assert (options.batch, options.limit, options.max_failures, options.seed) == (taken, taken, 0, "7")

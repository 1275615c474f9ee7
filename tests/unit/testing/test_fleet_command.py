"""The command line of the simulated fleet, and what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from matahari.testing.fleet import AsyncFleet, Rule
from matahari.testing.fleet.command import main, read_options


def test_options_are_read() -> None:
    count, options = read_options(
        ["--hosts", "5", "-b", "unix:x", "--facts", "role=web,db", "--facts", "port=80,2.5,true,null", "--label", "r=b",
         "--class", "web", "--plugin", "calls.py", "--plugin", "other=x/y.py", "--rule", "delay=1", "--agents", "rpc",
         "--processes", "0", "--prefix", "h"]
    )  # fmt: skip
    assert count == 5
    assert options["facts"] == {"role": ["web", "db"], "port": [80, 2.5, True, "null"]}
    assert options["plugins"] == {"calls": Path("calls.py"), "other": Path("x/y.py")}
    assert options["rules"] == [Rule(delay=1.0)]
    assert (options["labels"], options["classes"], options["agents"]) == ({"r": "b"}, ["web"], ["rpc"])
    assert (options["broker"], options["processes"], options["prefix"]) == ("unix:x", 0, "h")


def test_without_options_there_are_hundred_hosts_on_the_usual_broker() -> None:
    count, options = read_options([])
    assert (count, options["broker"], options["processes"]) == (100, None, None)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--facts", "role"], "a fact is given as NAME=VALUE, not 'role'"),
        (["--label", "=b"], "a label is given as NAME=VALUE, not '=b'"),
        (["--rule", "x=1"], "'x=1' is not one of"),
        (["--hosts", "many"], "argument --hosts: invalid int value: 'many'"),
        (["--processes", "-1"], "processes are 0 or more, not -1"),
        (["--timeout", "0"], "a timeout is a number of seconds above 0, not 0"),
        (["--hosts", "0"], "a fleet has from 1 to"),
        (["--agents", "host,lab"], "a host has one or both of the agents host and rpc"),
    ],
)
def test_wrong_options_are_named(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 64
    assert complaint in capsys.readouterr().err


def test_functions_need_this_process() -> None:
    with pytest.raises(ValueError, match="give processes=0"):
        AsyncFleet(1, plugins={"calls": {"pid": int}}, processes=1)

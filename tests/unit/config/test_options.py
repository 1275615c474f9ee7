"""The options that programs share (matahari-2012.md 2.1)."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from matahari.config import Program, Settings, add_options, load


def parse(which: Program, *arguments: str) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    add_options(parser, which)
    return vars(parser.parse_args(arguments))


def settings_of(which: Program, *arguments: str) -> Settings:
    return load(parse(which, *arguments), environ={"HOME": "/h"}, files=[], uid=1000)


def test_without_options_nothing_is_overridden() -> None:
    programs: tuple[Program, ...] = ("up", "broker", "agent", "console", "doctor")
    for which in programs:
        given = parse(which)
        assert {name: value for name, value in given.items() if value not in (None, 0)} == {}


def test_an_agent_takes_all_that_it_needs() -> None:
    settings = settings_of(
        "agent", "-b", "there", "-p", "5000", "--plugins", "/a", "--plugins", "/b", "--state", "/s", "--socket", "/k",
        "--hostname", "web1", "-r", "no", "-vv", "--insecure-anonymous",
    )  # fmt: skip
    assert str(settings.broker) == "amqp://there:5000"
    assert settings.plugins == (Path("/a"), Path("/b"))
    assert (settings.state, settings.socket, settings.hostname) == (Path("/s"), Path("/k"), "web1")
    assert settings.reconnect is False
    assert settings.log_level == "debug"
    assert settings.insecure_anonymous is True


def test_the_brokers_insecure_option_takes_a_port() -> None:
    settings = settings_of("broker", "--insecure-anonymous", "5672")
    assert settings.insecure_port == 5672
    assert settings.insecure_anonymous is False


def test_a_node_has_no_insecure_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse("up", "--insecure-anonymous")
    assert caught.value.code == 2
    assert "--insecure-anonymous" in capsys.readouterr().err


def test_help_names_options_variables_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse("agent", "--help")
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in (
        "-b ADDRESS, --broker ADDRESS",
        "[MATAHARI_BROKER]",
        "(default yes)",
        "--config FILE",
        "[MATAHARI_PLUGINS]",
    ):
        assert part in text

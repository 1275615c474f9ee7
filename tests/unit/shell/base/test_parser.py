"""The parser of every program: how wide its help is, and what loads nothing."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TextIO

import pytest

from matahari.shell.base.parser import HelpFormatter, LinesFormatter, Parser

TEXT = "word " * 60


def told(formatter: type[argparse.HelpFormatter]) -> str:
    parser = argparse.ArgumentParser(prog="it", description=TEXT, epilog=f"a\n{TEXT}", formatter_class=formatter)
    parser.add_argument("--option", help=TEXT)
    return parser.format_help()


@pytest.mark.parametrize("columns", ["20", "61", "200", "0", "-5", "many", "²", ""])
def test_help_is_as_wide_as_argparse_has_it(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert told(HelpFormatter) == told(argparse.HelpFormatter)
    assert told(LinesFormatter) == told(argparse.RawDescriptionHelpFormatter)


@pytest.mark.parametrize("width", [0, 48, 132])
def test_help_is_as_wide_as_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda descriptor: os.terminal_size((width, 24)))
    assert told(HelpFormatter) == told(argparse.HelpFormatter)


def test_help_needs_no_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    missing: TextIO | None = None
    monkeypatch.setattr(sys, "__stdout__", missing)
    assert told(HelpFormatter) == told(argparse.HelpFormatter)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("--foo", ""), ("--lg", "--log"), ("--jsno=1", "--json"), ("--time-out", "--timeout"), ("-q", "")],
)
def test_an_unknown_option_is_told_with_one_that_is_like_it_behind_the_dashes(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = Parser(prog="it", allow_abbrev=False)
    for name in ("--log", "--json", "--timeout", "--port"):
        parser.add_argument(name, action="store_true")
    with pytest.raises(SystemExit) as ended:
        parser.parse_args([typed])
    assert ended.value.code == 64
    hint = f"; did you mean {meant!r}?" if meant else ""
    assert capsys.readouterr().err.endswith(f"it: unrecognized arguments: {typed}{hint}\n")

"""The line that is overwritten."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable

import pytest

from matahari.shell.display.output import Output
from matahari.shell.display.statusline import StatusLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((20, 5)))


def test_it_is_overwritten_and_taken_away_once() -> None:
    stream = Terminal()
    line = StatusLine(stream, {"TERM": "xterm"})
    line.clear()
    line.show("one")
    line.show("two")
    line.clear()
    line.clear()
    assert stream.getvalue() == "\rone\x1b[K\rtwo\x1b[K\r\x1b[K"


@pytest.mark.parametrize(("text", "shown"), [("x" * 30, "x" * 19), ("界" * 30, "界" * 9)])
def test_it_never_takes_more_than_a_line(text: str, shown: str) -> None:
    stream = Terminal()
    StatusLine(stream, {"TERM": "xterm"}).show(text)
    assert stream.getvalue() == f"\r{shown}\x1b[K"


@pytest.mark.parametrize(
    ("stream", "environment"),
    [(io.StringIO(), {"TERM": "xterm"}), (Terminal(), {"TERM": "dumb"}), (Terminal(), {})],
)
def test_elsewhere_there_is_none(stream: io.StringIO, environment: dict[str, str]) -> None:
    line = StatusLine(stream, environment)
    line.show("one")
    line.clear()
    assert stream.getvalue() == ""


def test_it_gives_way_to_everything_that_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out, err = io.StringIO(), Terminal()
    output = Output(out, err)
    writes: list[Callable[[], None]] = [
        lambda: output.text("x"),
        lambda: output.remark("y"),
        lambda: output.complain(["z"]),
    ]
    for write in writes:
        output.status.show("busy")
        write()
        assert err.getvalue().removesuffix("y\n").endswith("\r\x1b[K")
    assert out.getvalue() == "x\nz\n\n"

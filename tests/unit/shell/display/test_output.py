from __future__ import annotations

import io

import pytest

from matahari.errors import RequestTimeoutError
from matahari.shell.display.output import Output, wants_colour


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(environment: dict[str, str], wanted: bool) -> None:
    assert wants_colour(Terminal(), environment) is wanted
    assert not wants_colour(io.StringIO(), environment)


def test_complaints_are_red_where_there_is_colour() -> None:
    out = io.StringIO()
    Output(out, io.StringIO(), colour=True).complain(["% a", "% b"])
    assert out.getvalue() == "\x1b[31m% a\n% b\x1b[0m\n\n"


def test_what_is_no_row_is_harmless_for_a_terminal() -> None:
    """Help has names of members in it, and a traceback the text of a remote exception."""
    out, err = io.StringIO(), io.StringIO()
    output = Output(out, err, debug=True)
    output.text(" > call \x1b[31m X")
    output.remark("\x1b[31m")
    output.error(RequestTimeoutError("\x1b]0;title\x07", timeout=1.0))
    assert "\x1b" not in out.getvalue() + err.getvalue()
    assert out.getvalue().startswith(" > call \\x1b[31m X\n")

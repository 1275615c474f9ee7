"""The bar of a call on many hosts."""

from __future__ import annotations

import io

import pytest

from matahari.shell.display.progress import ProgressBar, bar_text
from matahari.shell.display.statusline import StatusLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("answered", "failed", "text"),
    [
        (0, 0, "[..........] 0/1000 answered 0, failed 0, waiting 1000"),
        (420, 11, "[####......] 431/1000 answered 420, failed 11, waiting 569"),
        (999, 0, "[#########.] 999/1000 answered 999, failed 0, waiting 1"),
        (989, 11, "[##########] 1000/1000 answered 989, failed 11, waiting 0"),
    ],
)
def test_it_tells_what_is_in_and_what_is_missing(answered: int, failed: int, text: str) -> None:
    assert bar_text(answered, failed, 1000) == text


def test_it_fits_into_80_columns_for_10000_hosts() -> None:
    assert len(bar_text(5000, 4999, 10_000)) < 80


def test_it_is_shown_anew_with_every_answer() -> None:
    stream = Terminal()
    bar = ProgressBar(StatusLine(stream, {"TERM": "xterm"}), 2)
    bar.show()
    bar.add(is_ok=True)
    bar.add(is_ok=False)
    assert stream.getvalue().replace("\x1b[K", "").split("\r") == [
        "", bar_text(0, 0, 2), bar_text(1, 0, 2), bar_text(1, 1, 2)
    ]  # fmt: skip

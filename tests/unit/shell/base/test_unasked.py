"""What is logged about questions that nobody at the terminal asked."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from matahari.console.background import Background
from matahari.shell.base.unasked import is_wanted, unasked


@pytest.fixture
def loop() -> Iterator[Background]:
    made = Background()
    yield made
    made.close()


def record(level: int) -> logging.LogRecord:
    return logging.LogRecord("matahari.console", level, "", 0, "an agent is silent", (), None)


async def wanted(level: int) -> bool:
    return is_wanted(record(level))


def test_nobody_wants_to_read_about_what_the_background_asks_but_of_errors(loop: Background) -> None:
    with unasked():
        assert not loop.run(wanted(logging.WARNING))
        assert loop.run(wanted(logging.ERROR))
    assert loop.run(wanted(logging.WARNING))

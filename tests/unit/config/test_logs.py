"""How log lines look for a person, for the journal, and in a file."""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from matahari.config import configure_logging, load


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """What is configured here is for this process, and no other test may find it."""
    names = (None, "matahari", "matahari_extension")
    levels = [(name, logging.getLogger(name).level) for name in names]
    handlers = list(logging.getLogger().handlers)
    yield
    logging.getLogger().handlers[:] = handlers
    for name, level in levels:
        logging.getLogger(name).setLevel(level)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def configure(stream: io.TextIOBase, level: str = "info", **environ: str) -> None:
    settings = load({"log_level": level}, environ={}, files=[], uid=1000)
    configure_logging(settings, stream=stream, environ=environ)  # type: ignore[arg-type]  # a StringIO is a TextIO in all but name


def test_a_terminal_gets_short_lines() -> None:
    stream = Terminal()
    configure(stream)
    logging.getLogger("matahari.x").info("hello %s", "you")
    assert re.fullmatch(r"\d\d:\d\d:\d\d INFO    matahari\.x: hello you\n", stream.getvalue())


def test_a_file_gets_date_and_process() -> None:
    stream = io.StringIO()
    configure(stream)
    logging.getLogger("matahari.x").warning("hello")
    assert re.fullmatch(rf"\d{{4}}-\S+ WARNING matahari\.x\[{os.getpid()}\]: hello\n", stream.getvalue())


def test_the_journal_gets_a_priority_on_every_line(tmp_path: Path) -> None:
    with (tmp_path / "journal").open("w+") as stream:
        found = os.fstat(stream.fileno())
        configure(stream, JOURNAL_STREAM=f"{found.st_dev}:{found.st_ino}")
        logging.getLogger("matahari.x").error("first\nsecond")
        logging.getLogger("matahari.x").info("third")
        stream.seek(0)
        assert stream.read() == "<3>matahari.x: first\n<3>second\n<6>matahari.x: third\n"


def test_another_stream_than_the_journals_gets_no_priorities(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+") as stream:
        configure(stream, JOURNAL_STREAM="1:2")
        logging.getLogger("matahari.x").error("first")
        stream.seek(0)
        assert not stream.read().startswith("<")


def test_the_level_is_ours_and_other_libraries_only_warn() -> None:
    stream = io.StringIO()
    configure(stream, "debug")
    logging.getLogger("matahari.x").debug("ours")
    logging.getLogger("matahari_extension.x").debug("of an extension")
    logging.getLogger("somebody.else").info("theirs")
    assert "ours" in stream.getvalue()
    assert "of an extension" in stream.getvalue()
    assert "theirs" not in stream.getvalue()


def test_configuring_again_replaces_what_was_there() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure(first)
    configure(second, "error")
    logging.getLogger("matahari.x").warning("quiet")
    logging.getLogger("matahari.x").error("loud")
    assert first.getvalue() == ""
    assert second.getvalue().count("\n") == 1

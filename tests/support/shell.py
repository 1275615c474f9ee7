"""A shell on the in-memory console, with what it prints."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.display.output import Output
from matahari.shell.session import Session
from tests.support.fake_classes import PLUGINS
from tests.support.fake_console import FakeConsole, fleet

ASTERISK = f"select class package {PLUGINS} asterisk"
CALC = f"select class package {PLUGINS} calc"
OLD = f"select class package {PLUGINS} old"


@dataclass
class TestShell:
    """Runs lines; ``out`` and ``err`` hold what was printed since the last look."""

    __test__ = False

    console: FakeConsole = field(default_factory=fleet)
    as_json: bool = False
    colour: bool = False
    debug: bool = False
    sleep: Callable[[float], None] = lambda seconds: None
    clock: Callable[[], float] = lambda: 0.0

    def __post_init__(self) -> None:
        self._out = io.StringIO()
        self._err = io.StringIO()
        output = Output(self._out, self._err, as_json=self.as_json, colour=self.colour, debug=self.debug)
        self.session = Session(self.console, output, sleep=self.sleep, clock=self.clock)

    def run(self, line: str, *, stop_on_error: bool = False) -> ExitStatus:
        return self.session.execute(line, stop_on_error=stop_on_error)

    def says(self, line: str) -> str:
        """What ``line`` prints on standard output."""
        self.out()
        self.err()
        self.run(line)
        return self.out()

    def records(self, line: str) -> list[dict[str, object]]:
        return [json.loads(text) for text in self.says(line).splitlines()]

    def out(self) -> str:
        return _taken(self._out)

    def err(self) -> str:
        return _taken(self._err)


def without_time(text: str) -> str:
    """Closing lines without how long it took."""
    return re.sub(r"( silent), \d+\.\d\d s\b", r"\1", text)


def _taken(stream: io.StringIO) -> str:
    text = stream.getvalue()
    stream.seek(0)
    stream.truncate()
    return text

"""A stage of a pipe by itself, with what comes out of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from matahari.shell.display.output import Outlet, Output, Row
from matahari.shell.pipes.stages import Stage


@dataclass
class Made:
    """A stage, and the rows that it handed on."""

    stage: Stage
    rows: list[Row]
    _out: io.StringIO
    _err: io.StringIO

    def out(self) -> str:
        """What was printed and is no row."""
        return self._out.getvalue()

    def err(self) -> str:
        return self._err.getvalue()


def made(make: Callable[[Outlet, Output], Stage], *, as_json: bool = False) -> Made:
    """The stage that ``make`` gives, between nothing and a list."""
    out, err = io.StringIO(), io.StringIO()
    rows: list[Row] = []
    return Made(make(rows.append, Output(out, err, as_json=as_json)), rows, out, err)


def answer(host: str, value: object, *, ok: bool = True, object: str = "o", **more: object) -> dict[str, object]:
    """The record of an answer to a call; of a failure ``value`` is the text."""
    return {
        "host": host,
        "agent": "a",
        "class": "p:C",
        "object": object,
        "name": "m",
        "ok": ok,
        "value": value if ok else None,
        "error": None if ok else {"code": "x", "text": value, "type": "E"},
        "duration": 0.5,
        **more,
    }

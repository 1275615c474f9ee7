"""``matahari plugin run``: one call of one method, without a broker, shown while it runs.

Standard output has what the method gives: yielded values as they come, then the result. Everything else is on standard
error: progress, shown text, events, what the plugin prints. With ``--json`` all of it is on standard output, one object a
line, the outcome last.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, assert_never

from matahari.errors import PluginLoadError
from matahari.shell.author.approval import approve, risk_here
from matahari.shell.author.worker import find_plugin, find_settings, loaded
from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.display.approval import Risk
from matahari.shell.display.render import json_line, printable, value_record
from matahari.shell.syntax.arguments import IN_BOTH_QUOTES, IN_QUOTES, bind, parameters_from
from matahari.shell.syntax.lines import Word
from matahari.testing import (
    CallFailure,
    EventReport,
    OutputReport,
    PartialReport,
    PluginHarness,
    ProgressReport,
    Report,
    RunningCall,
)

__all__ = ["failure_record", "progress_text", "report_record", "result_text", "run"]

#: Seconds that a method has to let go after Ctrl-C, before its process is ended.
LET_GO: Final = 3.0
_CLEAR_LINE: Final = "\r\x1b[K"


def run(
    path: os.PathLike[str],
    method: str,
    words: Sequence[str],
    *,
    as_json: bool,
    timeout: float,
    settings: os.PathLike[str] | None = None,
    is_approved: bool = False,
) -> int:
    """Load, call, print; gives the exit status. A destructive method is asked about, unless that ``is_approved``."""
    display = _Display(as_json)

    async def call(plugin: PluginHarness) -> object:
        specs = {spec.name: spec for spec in plugin.status.methods}
        parameters = parameters_from(specs[method].params) if method in specs else None
        # The words come from another shell, which has taken the quotes away.
        given = bind([Word(text, 0, len(text)) for text in words], parameters, f"{plugin.status.name}.{method}")
        if method in specs and not is_approved:
            risk = risk_here(plugin.status.name, specs[method], given.args, given.kwargs)
            if risk is not None:
                raise _NeedsApproval(risk)
        running = plugin.begin_with(method, given.args, given.kwargs, timeout=timeout)
        with _cancelled_by_interrupt(running, display):
            async for report in running:
                display.show(report)
            return await running

    def load_and_call() -> object:
        place = find_plugin(path)
        return loaded(place, call, call_timeout=timeout, stop_timeout=LET_GO, settings=find_settings(settings))

    try:
        try:
            value = load_and_call()
        except _NeedsApproval as needed:
            # Nothing runs while somebody thinks: the plugin is loaded once more for the call.
            approve(needed.risk)
            is_approved = True
            value = load_and_call()
    except CommandError as error:
        print(f"matahari: {printable(str(error).replace(IN_QUOTES, IN_BOTH_QUOTES))}", file=sys.stderr)
        return error.status
    except (CallFailure, PluginLoadError) as failure:
        display.fail(failure_record(failure), _complete(failure))
        return ExitStatus.SOME_FAILED
    except (_Interrupted, SystemExit):
        if not display.interrupts:
            raise  # SIGTERM
        display.fail(_failure("cancelled", "Cancelled", "cancelled by Ctrl-C"), "")
        return ExitStatus.INTERRUPTED
    display.end(value)
    return ExitStatus.OK


class _NeedsApproval(Exception):
    """The call is one that somebody must have allowed."""

    def __init__(self, risk: Risk) -> None:
        super().__init__(risk.text)
        self.risk = risk


class _Interrupted(Exception):
    """The call was cancelled from the keyboard."""


@contextlib.contextmanager
def _cancelled_by_interrupt(running: RunningCall, display: _Display) -> Iterator[None]:
    """Cancel the call at the first Ctrl-C, and end everything at the second."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # a coroutine under asyncio.run is one

    def interrupt() -> None:
        display.interrupts += 1
        if display.interrupts == 1:
            display.say(f"matahari: cancelled; the method has {LET_GO:g} s to let go (Ctrl-C again ends it at once)")
            running.cancel()
        else:
            task.cancel()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        # The handler stays while the harness closes, for that is when the method lets go.
        yield
    except asyncio.CancelledError:
        if display.interrupts:
            raise _Interrupted from None
        raise


class _Display:
    """Shows what a call tells; ``interrupts`` counts Ctrl-C."""

    def __init__(self, as_json: bool) -> None:
        self.interrupts = 0
        self._as_json = as_json
        self._values = 0
        self._rewrites = sys.stderr.isatty() and not as_json
        self._has_line = False

    def show(self, report: Report) -> None:
        """Show one report."""
        if isinstance(report, PartialReport):
            self._values += 1
        if self._as_json:
            print(json_line(report_record(report)), flush=True)
            return
        match report:
            case ProgressReport():
                text = printable(progress_text(report))
                if self._rewrites:
                    print(f"{_CLEAR_LINE}{text}", end="", file=sys.stderr, flush=True)
                    self._has_line = True
                else:
                    print(text, file=sys.stderr, flush=True)
            case OutputReport():
                self._finish_line()
                print(printable(report.chunk), end="", file=sys.stderr, flush=True)
            case PartialReport():
                self._finish_line()
                print(_line(report.value), flush=True)
            case EventReport():
                self.say(f"event {report.name} (severity {report.severity}): {_line(dict(report.fields))}")
            case _:
                assert_never(report)

    def say(self, text: str) -> None:
        """Say a line on standard error."""
        self._finish_line()
        print(printable(text), file=sys.stderr, flush=True)

    def fail(self, record: Mapping[str, object], text: str) -> None:
        """There is no result."""
        if self._as_json:
            print(json_line(record))
        elif text:
            self.say(f"matahari: {text}")
        else:
            self._finish_line()

    def end(self, value: object) -> None:
        """Show the result; of a generator that returned nothing it is the number of values."""
        self._finish_line()
        if self._as_json:
            print(json_line(value_record(value)))
        elif self._values and type(value) is int and value == self._values:
            self.say(f"{value} value{'s' * (value != 1)}")
        elif value is not None:
            print(result_text(value))

    def _finish_line(self) -> None:
        if self._has_line:
            print(file=sys.stderr, flush=True)
            self._has_line = False


def progress_text(report: ProgressReport) -> str:
    """Progress in a line."""
    total = f"/{report.total:g}" if report.total is not None else ""
    return f"[{report.done:g}{total}] {report.text}".rstrip()


def report_record(report: Report) -> Mapping[str, object]:
    """A report as a record of ``--json``."""
    match report:
        case ProgressReport():
            return {"report": "progress", "done": report.done, "total": report.total, "text": report.text}
        case OutputReport():
            return {"report": "output", "chunk": report.chunk}
        case PartialReport():
            return {"report": "partial", "value": report.value}
        case EventReport():
            return {"report": "event", "name": report.name, "severity": report.severity, "fields": report.fields}
        case _:
            assert_never(report)


def result_text(value: object) -> str:
    """A result for people: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return printable(value)
    return printable(json.dumps(value, ensure_ascii=False, indent=2))


def _line(value: object) -> str:
    """A value in one line: text as it is, anything else as JSON."""
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def failure_record(failure: CallFailure | PluginLoadError) -> Mapping[str, object]:
    """A failure as the record of ``--json``; the kind of a failed load is ``not_loaded``, as on the bus."""
    if isinstance(failure, CallFailure):
        return _failure(failure.kind, failure.type, str(failure), failure.traceback)
    return _failure("not_loaded", failure.error_type, str(failure), failure.traceback)


def _failure(kind: str, remote_type: str, text: str, traceback: str = "") -> Mapping[str, object]:
    error = {"kind": kind, "type": remote_type, "text": text, "traceback": traceback}
    return {"ok": False, "value": None, "error": error}


def _complete(failure: CallFailure | PluginLoadError) -> str:
    """The failure with its frames, which are the author's own."""
    kind = failure.kind if isinstance(failure, CallFailure) else "not_loaded"
    frames = f"\n{failure.traceback.rstrip()}" if failure.traceback else ""
    return f"{kind}: {failure}{frames}"

"""The tap as a program: connection, output, recording, signals, and the closing line."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from matahari.errors import ConfigError
from matahari.net import Address, Client
from matahari.tap.filters import Filters
from matahari.tap.lines import NO_TERMINAL_COLUMNS, json_record, line
from matahari.tap.live import LiveTap
from matahari.tap.printer import Printer
from matahari.tap.recorder import MAX_MESSAGES, Recorder
from matahari.tap.sighting import Delivery, Sighting
from matahari.tap.text import harmless
from matahari.tap.traffic import Watcher

__all__ = ["TapOptions", "run_tap"]

DRAIN: Final = 2.0  # seconds for the last lines to be read by a terminal or a pipe


@dataclass(frozen=True, slots=True)
class TapOptions:
    """What to show, and how.

    Attributes:
        full: whole messages instead of lines that fit the terminal.
        record: file to write vectors to, None for none.
        count: end after so many messages, None for no end; likewise ``duration`` in seconds.
        show_secrets: mask nothing.
        insecure_anonymous, broker_kind, virtual_host: as the settings of these names.
    """

    filters: Filters = field(default_factory=Filters)
    as_json: bool = False
    full: bool = False
    record: Path | None = None
    count: int | None = None
    duration: float | None = None
    show_secrets: bool = False
    colour: bool = False
    insecure_anonymous: bool = False
    broker_kind: str = "auto"
    virtual_host: str = ""


async def run_tap(address: Address, options: TapOptions, *, out: int, err: int) -> int:
    """Show traffic until SIGINT or SIGTERM, the count, the time, or nobody reads any more.

    Args:
        out, err: file descriptors of lines and of remarks.

    Returns:
        Exit status: 0, or 1 when the recording failed.

    Raises:
        ConfigError: the recording cannot be begun.
        TransportError: the broker cannot be reached at first, or refuses us for good.
    """
    program = _Program(address, options, out, err)
    return await program.run()


class _Program:
    def __init__(self, address: Address, options: TapOptions, out: int, err: int) -> None:
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._is_read = True
        self._failed = False
        self._shown = 0
        self._columns = _columns(out, full=options.full)
        self._recorder = None if options.record is None else Recorder(options.record, _about(address, options))
        self._printer = Printer(out, err, gap=self._gap, broken=self._broken)
        self._live = LiveTap(str(address), kind=options.broker_kind, see=self._see, remark=self._remark)
        self._watcher = Watcher(show_secrets=options.show_secrets, own_key=self._live.own_key)
        self._client = Client(
            address,
            self._live,
            container=lambda: f"matahari.tap.{secrets.token_hex(8)}",
            hostname=options.virtual_host,
            properties={"product": "matahari"},
            insecure_anonymous=options.insecure_anonymous,
            must_start=True,
        )
        self._live.client = self._client

    async def run(self) -> int:
        """See :func:`run_tap`."""
        if self._options.show_secrets:
            self._remark("WARNING: passwords and other secrets are shown as they are")
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._stop.set)
        running = self._loop.create_task(self._client.run(), name="connection")
        stopping = self._loop.create_task(self._stop.wait(), name="stop")
        try:
            await asyncio.wait((running, stopping), timeout=self._options.duration, return_when="FIRST_COMPLETED")
            if running.done():
                running.result()
                if self._live.refused is not None:
                    raise self._live.refused
        finally:
            self._live.is_closing = True
            await self._client.close()
            running.cancel()
            stopping.cancel()
            await asyncio.wait((running, stopping))
            self._finish()
        return 1 if self._failed else 0

    def _finish(self) -> None:
        recorded = self._close_recording()
        if self._is_read:
            plural = "" if self._shown == 1 else "s"
            self._remark(f"{self._shown} message{plural}, {self._printer.dropped} dropped{recorded}")
        self._printer.close(DRAIN)

    def _close_recording(self) -> str:
        if self._recorder is None:
            return ""
        try:
            self._recorder.close()
        except ConfigError as error:
            self._record_failed(error)
        return f", {self._recorder.count} recorded in {self._recorder.path}"

    # --- messages -------------------------------------------------------------------------------------------

    def _see(self, delivery: Delivery) -> Sighting:
        seen = self._watcher.see(delivery, time.time_ns(), self._loop.time())
        if not seen.is_own and not self._stop.is_set() and self._options.filters.admits(seen):
            self._show(seen)
        return seen

    def _show(self, seen: Sighting) -> None:
        options = self._options
        text = json_record(seen) if options.as_json else line(seen, columns=self._columns(), colour=options.colour)
        self._printer.line(text)
        self._shown += 1
        if self._recorder is not None:
            self._record(self._recorder, seen)
        if options.count is not None and self._shown >= options.count:
            self._stop.set()

    def _record(self, recorder: Recorder, seen: Sighting) -> None:
        was_full = recorder.is_full
        try:
            recorder.add(seen)
        except ConfigError as error:
            self._record_failed(error)
        if recorder.is_full and not was_full:
            self._remark(
                f"the recording is full ({recorder.count} messages of {MAX_MESSAGES}); nothing more is recorded"
            )

    def _record_failed(self, error: ConfigError) -> None:
        self._failed = True
        self._remark(f"{error}; nothing more is recorded")

    # --- output ---------------------------------------------------------------------------------------------

    def _remark(self, text: str) -> None:
        self._printer.remark(f"matahari tap: {harmless(text)}")

    def _gap(self, dropped: int) -> str:
        if self._options.as_json:
            return f'{{"dropped": {dropped}}}'
        return f"... {dropped} messages are not shown: the output is too slow"

    def _broken(self) -> None:
        """From the printer's thread: nobody reads any more."""
        try:
            self._loop.call_soon_threadsafe(self._unread)
        except RuntimeError:
            pass  # the loop has ended already

    def _unread(self) -> None:
        self._is_read = False
        self._stop.set()


def _columns(out: int, *, full: bool) -> Callable[[], int | None]:
    """Asked for each line: people change the size of their windows."""
    if full:
        return lambda: None
    if not os.isatty(out):
        return lambda: NO_TERMINAL_COLUMNS

    def of_terminal() -> int:
        try:
            return os.get_terminal_size(out).columns or 80
        except OSError:
            return 80  # the terminal has gone; the next line will find out

    return of_terminal


def _about(address: Address, options: TapOptions) -> str:
    when = datetime.now(UTC).isoformat(timespec="seconds")
    secret = "with secrets as they are" if options.show_secrets else "secrets masked"
    return f"Recorded by matahari tap from {address}, {when}, {secret}."

"""The audit log: records as JSON lines in a file of their own, and to the extensions that want them.

Nothing here waits on the event loop. A full queue, a full disk or a broken extension costs records, never calls;
what is lost is counted, logged, and told in the file by a ``gap`` record as soon as it can be written again.
Whoever must not run what is not written uses :meth:`AuditLog.write` and looks at the answer
(:class:`~matahari.hooks.order.ActionSteps` with ``audit_required``).

No refusal is left out or summed up, however many there are: each is what somebody tried, and one among ten thousand
would be hidden best where they are not written one by one. What a flood of them can do is to fill the files that are
kept, as a flood of allowed calls can; who must have all of them for longer sends them elsewhere by the hook.

Records are handed to the kernel, not forced onto the disk: they survive the agent, not a loss of power.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

from matahari.errors import ConfigError

from .auditfile import AuditFile
from .calls import call_all
from .extensions import Extensions
from .queueing import Worker
from .records import JsonValue
from .specifications import AUDIT
from .trail import encode_record

__all__ = ["AuditLog", "AuditStatistics"]

_log = logging.getLogger(__name__)

MAX_QUEUED: Final = 4096  # a record is at most some KiB: bounds the memory while a disk hangs, to about 32 MiB
WRITE_TIMEOUT: Final = 5.0  # of one record that somebody waits for; a healthy disk needs a millisecond
CLOSE_TIMEOUT: Final = 5.0
MAX_WRITE: Final = 256 * 1024  # bytes appended at once
LINGER: Final = 0.05
"""Seconds that a record nobody waits for may wait for others: each write of its own would cost a call as much again."""

_Item: TypeAlias = tuple[bytes, dict[str, JsonValue], "asyncio.Future[bool] | None"]
"""A line, its record, and who waits for it. Encoded by whoever hands it over: a thread that computes takes the
interpreter away from the event loop for longer than that takes, one that writes does not."""


@dataclass(frozen=True, slots=True)
class AuditStatistics:
    """Counts since the start.

    Attributes:
        written: records in the file.
        overflowed: lost because the queue was full.
        failed: lost because the file could not be written.
        rotations: times a new file was begun.
        hook_failures: times an extension failed or had no room for a record.
    """

    written: int
    overflowed: int
    failed: int
    rotations: int
    hook_failures: int


class AuditLog:
    """Writes audit records in a thread of its own. All methods are for one event loop.

    Args:
        path: the file; made with mode 0600. Old ones are ``path.1`` (newest) and so on.
        extensions: those whose ``audit`` hook gets each record after the file did.
        limit_bytes: size at which a new file is begun.
        keep: number of old files.
        consequence: what follows when the file cannot be written, for the log line that says so.
        clock_ns: nanoseconds since the epoch.
    """

    def __init__(
        self,
        path: Path,
        extensions: Extensions | None = None,
        *,
        limit_bytes: int = 16 * 1024 * 1024,
        keep: int = 5,
        queue_limit: int = MAX_QUEUED,
        consequence: str = "calls go on",
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._file = AuditFile(path, limit_bytes=limit_bytes, keep=keep)
        self._extensions = extensions
        self._clock_ns = clock_ns
        self._consequence = consequence
        self._writer: Worker[_Item] = Worker("matahari-audit", self._write, limit=queue_limit)
        self._teller: Worker[dict[str, JsonValue]] = Worker("matahari-audit-hooks", self._tell, limit=queue_limit)
        self._overflowed = 0
        self._written = 0
        self._failed = 0
        self._lost = 0  # since the last record in the file
        self._unencoded = 0
        self._told = 0  # of the two counts above, those that a gap record tells
        self._second = (-1, "")
        self._is_failing = False
        self._trouble = ""
        self._hook_failures = 0
        self._untold = 0
        self._blamed: set[tuple[str, str]] = set()
        self._is_lingering = self._wakes_soon = False
        self._is_crowded = False  # several waited at once: the next ones are let gather as well

    @property
    def path(self) -> Path:
        """The file in use."""
        return self._file.path

    @property
    def trouble(self) -> str:
        """Why the last records could not be written to the file, empty when they were."""
        return self._trouble

    def start(self) -> None:
        """Open the file and begin to write.

        Raises:
            ConfigError: it cannot be opened, is a link or no regular file, or others can reach it.
        """
        try:
            self._file.open()
        except OSError as error:
            raise ConfigError(f"the audit log cannot be opened: {error.strerror}", file=str(self._file.path)) from error
        self._writer.start()
        if self._extensions is not None and self._extensions.implementations(AUDIT.name):
            self._teller.start()

    def submit(self, record: Mapping[str, JsonValue]) -> bool:
        """Hand over a record without waiting; False when it is lost because the queue is full.

        It is written with the next one that somebody waits for, and within ``LINGER`` seconds.
        """
        return self._put(record, None)

    async def write(self, record: Mapping[str, JsonValue], *, timeout: float = WRITE_TIMEOUT) -> bool:
        """Hand over a record and wait until it is written; False when it is not, or not within ``timeout`` seconds."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()

        if not self._put(record, future):
            return False
        late = loop.call_later(timeout, _settle, [(future, False)])
        try:
            return await future
        finally:
            late.cancel()

    def close(self, timeout: float = CLOSE_TIMEOUT) -> bool:
        """Write what is queued and close the file; False if that took longer than ``timeout`` seconds. It blocks."""
        deadline = time.monotonic() + timeout
        is_done = self._writer.stop(timeout)
        is_told = self._teller.stop(max(0.0, deadline - time.monotonic()))
        if is_done:
            self._file.close()
        else:
            _log.error("%s: records of the last calls are not written yet and may be lost", self._file.path)
        return is_done and is_told

    def statistics(self) -> AuditStatistics:
        failures = self._hook_failures + self._untold
        return AuditStatistics(
            self._written, self._overflowed, self._failed + self._unencoded, self._file.rotations, failures
        )

    def _put(self, record: Mapping[str, JsonValue], waiting: asyncio.Future[bool] | None) -> bool:
        timed = {"time": self._time(), **record}
        try:
            line = encode_record(timed)
        except (TypeError, ValueError, RecursionError) as error:
            self._unencoded += 1
            _log.error("%s: a record cannot be written: %s", self._file.path, error)
            return False
        if self._writer.put((line, timed, waiting), wake=False):
            self._wake(is_urgent=waiting is not None)
            return True
        self._overflowed += 1
        if self._overflowed.bit_count() == 1:  # at 1, 2, 4, 8 ...: a flood of calls must not become one of lines
            _log.error("%s: %d records are lost, the queue is full", self._file.path, self._overflowed)
        return False

    def _time(self) -> str:
        milliseconds = self._clock_ns() // 1_000_000
        second, rest = divmod(milliseconds, 1000)
        if second != self._second[0]:
            self._second = (second, f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}")
        return f"{self._second[1]}.{rest:03d}Z"

    def _wake(self, *, is_urgent: bool) -> None:
        """Have the writer write: at once, or in a crowd when this turn of the loop is over, or somewhat later."""
        if self._wakes_soon or (self._is_lingering and not is_urgent):
            return
        if is_urgent and not self._is_crowded:
            self._writer.wake()
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._writer.wake()
            return
        if is_urgent:
            self._wakes_soon = True
            loop.call_soon(self._wake_soon)
        else:
            self._is_lingering = True
            loop.call_later(LINGER, self._wake_late)

    def _wake_soon(self) -> None:
        self._wakes_soon = False
        self._writer.wake()

    def _wake_late(self) -> None:
        self._is_lingering = False
        self._writer.wake()

    # In the writer's thread

    def _write(self, items: list[_Item]) -> None:
        batch: list[_Item] = []
        size = 0
        for item in items:
            if size + len(item[0]) > MAX_WRITE:
                self._write_batch(batch)
                batch, size = [], 0
            batch.append(item)
            size += len(item[0])
        self._write_batch(batch)
        if self._teller.is_running:
            # Counted apart: the teller counts what extensions failed at, in its own thread.
            self._untold += sum(not self._teller.put(record) for _, record, _ in items)

    def _write_batch(self, batch: list[_Item]) -> None:
        if batch:
            is_written = self._are_appended([line for line, _, _ in batch], batch[0][1]["time"])
            self._is_crowded = _tell_waiting(batch, is_written=is_written) > 1

    def _are_appended(self, lines: list[bytes], time: JsonValue) -> bool:
        lost_before = self._overflowed + self._unencoded
        lost = self._lost + lost_before - self._told
        gap = encode_record({"time": time, "event": "gap", "lost": lost}) if lost else b""
        try:
            self._file.append(gap + b"".join(lines))
        except OSError as error:
            self._failed += len(lines)
            self._lost += len(lines)
            if not self._is_failing:
                _log.error("%s: cannot be written, %s: %s", self._file.path, self._consequence, error.strerror)
            self._is_failing = True
            self._trouble = error.strerror or str(error)
            return False
        if self._is_failing:
            _log.warning("%s: is written again, %d records are lost", self._file.path, lost)
        self._is_failing, self._trouble = False, ""
        self._written += len(lines)
        self._lost, self._told = 0, lost_before
        return True

    # In the teller's thread

    def _tell(self, records: list[dict[str, JsonValue]]) -> None:
        assert self._extensions is not None
        for record in records:
            for failure in call_all(self._extensions, AUDIT, record=dict(record)).failures:
                self._hook_failures += 1
                if (key := (failure.provider, failure.error_type)) not in self._blamed:  # bounded by code, not by calls
                    self._blamed.add(key)
                    _log.error("%s (further ones are only counted)", failure)


def _tell_waiting(items: list[_Item], *, is_written: bool) -> int:
    """In the writer's thread: wake those who wait, all in one go, and say how many they are."""
    outcomes = [(waiting, is_written) for _, _, waiting in items if waiting is not None]
    if outcomes:
        try:
            outcomes[0][0].get_loop().call_soon_threadsafe(_settle, outcomes)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more
    return len(outcomes)


def _settle(outcomes: list[tuple[asyncio.Future[bool], bool]]) -> None:
    for waiting, is_written in outcomes:
        if not waiting.done():
            waiting.set_result(is_written)

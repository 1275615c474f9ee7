"""The audit log: records as JSON lines in a file of their own, and to the extensions that want them.

Nothing here waits on the event loop. A full queue, a full disk or a broken extension costs records, never calls;
what is lost is counted, logged, and told in the file by a ``gap`` record as soon as it can be written again.
Whoever must not run what is not written uses :meth:`AuditLog.write` and looks at the answer
(:class:`~matahari.hooks.order.ActionSteps` with ``audit_required``).

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
from typing import Final

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
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._file = AuditFile(path, limit_bytes=limit_bytes, keep=keep)
        self._extensions = extensions
        self._clock_ns = clock_ns
        self._writer: Worker[tuple[dict[str, JsonValue], Callable[[bool], None] | None]] = Worker(
            "matahari-audit", self._write, limit=queue_limit
        )
        self._teller: Worker[dict[str, JsonValue]] = Worker("matahari-audit-hooks", self._tell, limit=queue_limit)
        self._overflowed = 0
        self._written = 0
        self._failed = 0
        self._lost = 0  # since the last record in the file
        self._told_overflow = 0
        self._is_failing = False
        self._hook_failures = 0
        self._blamed: set[tuple[str, str]] = set()

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
        """Hand over a record without waiting; False when it is lost because the queue is full."""
        return self._put(record, None)

    async def write(self, record: Mapping[str, JsonValue], *, timeout: float = WRITE_TIMEOUT) -> bool:
        """Hand over a record and wait until it is written; False when it is not, or not within ``timeout`` seconds."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()

        def settle(is_written: bool) -> None:
            if not future.done():
                future.set_result(is_written)

        def done(is_written: bool) -> None:
            try:
                loop.call_soon_threadsafe(settle, is_written)
            except RuntimeError:
                pass  # the loop is closed: nobody waits any more

        if not self._put(record, done):
            return False
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            return False

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
        return AuditStatistics(self._written, self._overflowed, self._failed, self._file.rotations, self._hook_failures)

    def _put(self, record: Mapping[str, JsonValue], done: Callable[[bool], None] | None) -> bool:
        if self._writer.put(({"time": _time(self._clock_ns()), **record}, done)):
            return True
        self._overflowed += 1
        if self._overflowed.bit_count() == 1:  # at 1, 2, 4, 8 ...: a flood of calls must not become one of lines
            _log.error("%s: %d records are lost, the queue is full", self._file.path, self._overflowed)
        return False

    # In the writer's thread

    def _write(self, item: tuple[dict[str, JsonValue], Callable[[bool], None] | None]) -> None:
        record, done = item
        is_written = self._written_to_file(record)
        if done is not None:
            done(is_written)
        if self._teller.is_running and not self._teller.put(record):
            self._hook_failures += 1

    def _written_to_file(self, record: dict[str, JsonValue]) -> bool:
        try:
            line = encode_record(record)
        except (TypeError, ValueError, RecursionError) as error:
            self._failed += 1
            self._lost += 1
            _log.error("%s: a record cannot be written: %s", self._file.path, error)
            return False
        overflowed = self._overflowed
        lost = self._lost + overflowed - self._told_overflow
        gap = encode_record({"time": record["time"], "event": "gap", "lost": lost}) if lost else b""
        try:
            self._file.append(gap + line)
        except OSError as error:
            self._failed += 1
            self._lost += 1
            if not self._is_failing:
                _log.error("%s: cannot be written, calls go on: %s", self._file.path, error.strerror)
            self._is_failing = True
            return False
        if self._is_failing:
            _log.warning("%s: is written again, %d records are lost", self._file.path, lost)
        self._is_failing = False
        self._written += 1
        self._lost, self._told_overflow = 0, overflowed
        return True

    # In the teller's thread

    def _tell(self, record: dict[str, JsonValue]) -> None:
        assert self._extensions is not None
        for failure in call_all(self._extensions, AUDIT, record=dict(record)).failures:
            self._hook_failures += 1
            if (key := (failure.provider, failure.error_type)) not in self._blamed:  # bounded by code, not by calls
                self._blamed.add(key)
                _log.error("%s (further ones are only counted)", failure)


def _time(ns: int) -> str:
    moment = datetime.fromtimestamp(ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns // 1_000_000 % 1000:03d}Z"

"""The audit log: never in the way, and honest about what it lost."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from matahari.errors import ConfigError
from matahari.hooks import AuditLog, Extensions, JsonValue, hookimpl
from matahari.hooks.auditfile import AuditFile


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_records_are_written_with_their_time(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit", clock_ns=lambda: 1_700_000_000_123_456_789)
    log.start()
    assert log.submit({"event": "intent", "id": "1"})
    assert log.close()
    assert lines(tmp_path / "audit") == [{"time": "2023-11-14T22:13:20.123Z", "event": "intent", "id": "1"}]
    assert log.statistics().written == 1


def test_who_waits_learns_that_it_is_written(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    log.start()

    async def scenario() -> None:
        assert await log.write({"id": "1"})
        assert lines(tmp_path / "audit")[0]["id"] == "1"

    asyncio.run(scenario())
    log.close()


def test_a_file_that_cannot_be_used_is_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be opened"):
        AuditLog(tmp_path / "missing/audit").start()


def test_a_full_disk_costs_records_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = AuditLog(tmp_path / "audit")
    log.start()

    def full(self: AuditFile, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def scenario() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(AuditFile, "append", full)
            assert not await log.write({"id": "1"})
            assert not await log.write({"id": "2"})
        assert log.trouble == "No space left on device"
        assert await log.write({"id": "3"})
        assert log.trouble == ""

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    log.close()
    gap, record = lines(tmp_path / "audit")
    assert (gap["event"], gap["lost"], record["id"]) == ("gap", 2, "3")
    assert log.statistics().failed == 2
    assert ["calls go on" in message for message in caplog.messages] == [True, False]


def test_a_full_queue_costs_records_and_never_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    entered, gate = threading.Event(), threading.Event()
    append = AuditFile.append

    def slow(self: AuditFile, data: bytes) -> None:
        entered.set()
        gate.wait()
        append(self, data)

    monkeypatch.setattr(AuditFile, "append", slow)
    log = AuditLog(tmp_path / "audit", queue_limit=2)
    log.start()
    assert log.submit({"id": "0"})
    assert entered.wait(5)  # the writer has taken it, and hangs

    assert [log.submit({"id": str(number)}) for number in range(1, 6)] == [True, True, False, False, False]

    async def waits() -> None:
        assert not await log.write({"id": "6"})

    asyncio.run(waits())
    gate.set()
    log.close()
    assert log.statistics().overflowed == 4
    assert [(line["event"], line["lost"]) for line in lines(tmp_path / "audit") if "lost" in line] == [("gap", 4)]
    assert [line["id"] for line in lines(tmp_path / "audit") if "id" in line] == ["0", "1", "2"]
    assert len([message for message in caplog.messages if "queue is full" in message]) == 3  # at 1, 2 and 4


def test_a_disk_that_hangs_holds_up_neither_caller_nor_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(AuditFile, "append", lambda self, data: gate.wait())
    log = AuditLog(tmp_path / "audit")
    log.start()

    async def scenario() -> None:
        assert not await log.write({"id": "1"}, timeout=0.05)

    asyncio.run(scenario())
    assert not log.close(timeout=0.05)
    gate.set()
    assert log.close()


def test_after_the_end_nothing_is_taken(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    log.start()
    log.close()
    assert not log.submit({"id": "1"})


def test_records_that_somebody_waits_for_are_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    appended: list[bytes] = []
    append, are_put = AuditFile.append, threading.Event()

    def counted(self: AuditFile, data: bytes) -> None:
        assert are_put.wait(5)  # the first write takes until all are there
        appended.append(data)
        append(self, data)

    monkeypatch.setattr(AuditFile, "append", counted)
    log = AuditLog(tmp_path / "audit")
    log.start()

    async def scenario() -> None:
        log.submit({"id": "first"})
        writes = [asyncio.ensure_future(log.write({"id": str(number)})) for number in range(50)]
        await asyncio.sleep(0)
        are_put.set()
        assert all(await asyncio.gather(*writes))

    asyncio.run(scenario())
    assert [line["id"] for line in lines(tmp_path / "audit")] == ["first", *map(str, range(50))]
    assert len(appended) <= 2
    log.close()


def test_a_record_that_nobody_waits_for_is_written_soon(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    log.start()

    async def scenario() -> None:
        log.submit({"id": "1"})
        async with asyncio.timeout(10):
            while not (tmp_path / "audit").stat().st_size:
                await asyncio.sleep(0.01)

    asyncio.run(scenario())
    log.close()


def test_a_record_that_cannot_be_written_fails_alone(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit")
    log.start()

    async def scenario() -> tuple[bool, bool, bool]:
        odd: dict[str, JsonValue] = {"id": {1, 2}}  # type: ignore[dict-item]  # that is the point
        first, bad, second = await asyncio.gather(log.write({"id": "1"}), log.write(odd), log.write({"id": "2"}))
        return first, bad, second

    assert asyncio.run(scenario()) == (True, False, True)
    log.close()
    assert [line["id"] for line in lines(tmp_path / "audit") if "id" in line] == ["1", "2"]


class Copies:
    def __init__(self) -> None:
        self.seen: list[JsonValue] = []

    @hookimpl
    def audit(self, record: Mapping[str, JsonValue]) -> None:
        self.seen.append(record["id"])
        if record["id"] != "2":
            raise ConnectionError("no server")


def test_extensions_get_each_record_and_one_that_fails_is_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copies, extensions = Copies(), Extensions()
    extensions.register(copies, name="copies", origin="test")
    log = AuditLog(tmp_path / "audit", extensions)
    log.start()
    for number in range(1, 4):
        log.submit({"id": str(number)})
    assert log.close()
    assert copies.seen == ["1", "2", "3"]
    assert log.statistics().hook_failures == 2
    assert [message.partition(" (")[0] for message in caplog.messages] == [
        "hook audit of copies: ConnectionError: no server"
    ]

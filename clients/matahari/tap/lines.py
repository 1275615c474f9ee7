"""Sightings as lines for people and as JSON records for programs. Pure."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from matahari.qmf import Value
from matahari.tap.opcodes import HEARTBEAT, WORDS
from matahari.tap.reports import reports_in_words
from matahari.tap.sighting import Sighting
from matahari.tap.text import compact, cut, harmless, width

__all__ = ["NO_TERMINAL_COLUMNS", "json_record", "line"]

NO_TERMINAL_COLUMNS = 1000  # of a line that goes into a file or a pipe: whole calls, but no megabytes
_ANNOUNCEMENTS = ("located", HEARTBEAT)
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_RED, _DIM, _BOLD, _PLAIN = "\x1b[31m", "\x1b[2m", "\x1b[1m", "\x1b[0m"
_WORD_COLUMNS = max(len(word) for word in WORDS if not word.startswith("v1-"))
_NAME_COLUMNS = 40  # of each of the two names; longer ones are cut
_LEAST_DETAIL = 16  # columns for what a message is about, however narrow the terminal is


def line(seen: Sighting, *, columns: int | None, colour: bool = False) -> str:
    """One line: time, who to whom, what about what, size, and on answers the latency.

    Args:
        columns: cut the middle so that the line has no more; None for everything.
    """
    clock = _clock(seen.time_ns)
    who = f"{_name(seen.sender)} -> {_name(seen.receiver)}" if seen.receiver else _name(seen.sender)
    word = f"{seen.opcode:<{_WORD_COLUMNS}}"
    tail = _tail(seen)
    room = None
    if columns is not None:
        room = max(_LEAST_DETAIL, columns - sum(map(width, (clock, who, word, tail))) - 2 * 4)
    detail = _detail(seen, room)
    if colour:
        clock = f"{_DIM}{clock}{_PLAIN}"
        word = f"{_RED if seen.failed else _BOLD}{word}{_PLAIN}"
        detail = f"{_RED}{detail}{_PLAIN}" if seen.failed else detail
        tail = f"{_DIM}{tail}{_PLAIN}"
    return "  ".join(part for part in (clock, who, word, detail, tail) if part)


def json_record(seen: Sighting) -> str:
    """One JSON object in ASCII without line breaks; the guide explains its members."""
    packet, delivery, agent = seen.reading.packet, seen.delivery, seen.agent
    record = {
        "time": datetime.fromtimestamp(seen.time_ns // 1_000_000 / 1000, UTC).isoformat(timespec="milliseconds"),
        "time_ns": seen.time_ns,
        "opcode": seen.opcode,
        "from": seen.sender,
        "to": seen.receiver,
        "agent": agent.name if agent else None,
        "host": agent.host or None if agent else None,
        "product": agent.product or None if agent else None,
        "login": delivery.login or None,
        "user_id": seen.reading.user_id or None,
        "node": delivery.node,
        "key": delivery.key,
        "reply_to": packet.reply_to,
        "correlation_id": packet.correlation_id,
        "package": seen.package or None,
        "class": seen.class_name or None,
        "object": seen.object_name or None,
        "method": seen.method or None,
        "contents": _plain(seen.contents),
        "items": seen.items,
        "part": seen.part or None,
        "last": seen.is_last,
        "error": seen.error or None,
        "malformed": bool(seen.reading.fault),
        "size": seen.size,
        "latency_ms": None if seen.latency is None else round(seen.latency * 1000, 3),
        "request": seen.number or None,
        "delivered": delivery.delivered,
        "masked": seen.reading.masked,
    }
    return json.dumps(record, allow_nan=False)


def _clock(time_ns: int) -> str:
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return time.strftime("%H:%M:%S", time.localtime(seconds)) + f".{rest // 1_000_000:03d}"


def _name(name: str) -> str:
    return cut(harmless(name), _NAME_COLUMNS)


def _tail(seen: Sighting) -> str:
    parts = [f"{seen.size} B"]
    if seen.part:
        parts.insert(0, f"part {seen.part}{', last' if seen.is_last else ''}")
    if seen.latency is not None:
        parts.append(_duration(seen.latency))
    return "  ".join(parts)


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _detail(seen: Sighting, room: int | None) -> str:
    """What the message is about, in ``room`` columns."""
    if room is None:
        return _joined(seen, _subject(seen, is_full=True), _contents(seen, seen.contents, 1 << 30))
    shown = seen.contents
    if seen.opcode in _ANNOUNCEMENTS and isinstance(shown, dict):
        # what the label does not say already: an announcement's own attributes
        shown = {key: value for key, value in shown.items() if not key.startswith(("_", "qmf."))}
    return cut(_joined(seen, _subject(seen, is_full=False), _contents(seen, shown, room)), room)


def _joined(seen: Sighting, subject: str, contents: str) -> str:
    is_close = contents.startswith(":") or (seen.method and contents.startswith("("))
    space = " " if subject and contents and not is_close else ""
    return f"{subject}{space}{contents}"


def _subject(seen: Sighting, *, is_full: bool) -> str:
    """Class, object and method: ``Class[object].method``; the package and the whole of a UUID in full lines only."""
    text = harmless(
        f"{seen.package}:{seen.class_name}" if seen.package and is_full else seen.class_name or seen.package
    )
    is_answer = seen.opcode in (
        "result",
        "exception",
        "report",
        "end-call",
    )  # of which the request was shown with its object
    if seen.object_name and (is_full or not is_answer):
        is_short = not is_full and _UUID.fullmatch(seen.object_name)
        text += f"[{harmless(seen.object_name[:8] if is_short else seen.object_name)}]"
    if seen.method:
        text += ("." if text else "") + harmless(seen.method)
    if (seen.items > 1 and seen.opcode != "report") or (
        seen.items == 0 and seen.opcode in ("objects", "schemas", "classes")
    ):
        text += f"{' ' if text else ''}({seen.items})"
    return text


def _contents(seen: Sighting, contents: Value, limit: int) -> str:
    if seen.error:
        return f"ERROR {harmless(seen.error[: limit + 1])}"
    if seen.opcode == "call":
        return f"({_members(contents, limit)})"
    if contents is None or contents in ({}, []):
        return harmless(seen.reading.packet.opcode) if seen.opcode == "other" else ""
    if seen.opcode == "result":
        return f"= {_members(contents, limit)}"
    if seen.opcode == "report":
        return f": {reports_in_words(contents, limit)}"
    if seen.opcode == "other":
        return f"{harmless(seen.reading.packet.opcode)} {compact(contents, limit)}"
    return compact(contents, limit)


def _members(contents: Value, limit: int) -> str:
    """A map without its braces: arguments in a call, and what came back."""
    if contents is None:
        return ""
    text = compact(contents, limit)
    return text.removeprefix("{").removesuffix("}") if isinstance(contents, dict) else text


def _plain(value: Value) -> object:
    """The value in JSON's types: text that came as binary as text, other binary in hex, UUIDs as text."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"hex": value.hex()}
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value

"""Sightings as a file of vectors: the format in which captured traffic is kept for tests.

The file is complete after every message, so that whatever ends the program leaves something to read: the closing
brackets are written with each message and overwritten by the next. It gets its name at the end; until then, and after
a crash, it is ``FILE.part``.

Source: tests/vectors/qmf2/README.md (format)
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from matahari.errors import ConfigError
from matahari.tap.amqp10 import Section, fields
from matahari.tap.nodes import node_json
from matahari.tap.qmf1 import Frame1
from matahari.tap.reading import Reading
from matahari.tap.sighting import Sighting

__all__ = ["MAX_MESSAGES", "Recorder", "chained", "message_record"]

MAX_MESSAGES: Final = 10_000  # a test reads its vectors whole; the largest captured file has some dozens
MAX_BYTES: Final = 64 << 20  # for the same reason; hex and JSON make ten bytes of one
_END = b"\n ]\n}\n"
_BODIES = ("data", "amqp-value", "amqp-sequence")
_FIELD_SECTIONS = ("header", "properties")
_MAP_SECTIONS = ("delivery-annotations", "message-annotations", "application-properties", "footer")


class Recorder:
    """Writes one file. Any failure to write ends the recording and is raised once.

    Attributes:
        count: messages written.
        is_full: a limit was reached; further messages are not written.
    """

    def __init__(self, path: Path, about: str) -> None:
        """Begin ``path``, which must not exist.

        Raises:
            ConfigError: it exists, or cannot be made.
        """
        self.path = path
        self.count = 0
        self.is_full = False
        self._part = path.with_name(f"{path.name}.part")
        self._names: dict[str, int] = {}
        self._descriptor = -1
        if path.exists():
            raise ConfigError("exists already; name another file or move it away", file=str(path), key="--record")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._descriptor = os.open(self._part, flags, 0o600)
        except FileExistsError as error:
            raise ConfigError(
                "exists already: another tap is recording, or one has crashed and left it; move it away",
                file=str(self._part),
                key="--record",
            ) from error
        except OSError as error:
            raise self._failure(error) from error
        self._size = 0
        self._write(b"{\n " + b'"about": ' + json.dumps(about).encode() + b',\n "messages": [')

    def add(self, seen: Sighting) -> bool:
        """Write one message; False when the file is full or closed.

        Raises:
            ConfigError: the file cannot be written any more.
        """
        if self._descriptor < 0 or self.is_full:
            return False
        record = json.dumps(message_record(seen, self._unique(seen))).encode()
        if self.count >= MAX_MESSAGES or self._size + len(record) > MAX_BYTES:
            self.is_full = True
            return False
        self._write((b",\n  " if self.count else b"\n  ") + record)
        self.count += 1
        return True

    def close(self) -> None:
        """Give the file its name.

        Raises:
            ConfigError: that cannot be done; the recording is in ``FILE.part``.
        """
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        try:
            os.fsync(descriptor)
            os.close(descriptor)
            os.rename(self._part, self.path)
        except OSError as error:
            raise self._failure(error) from error

    def _write(self, data: bytes) -> None:
        """Put ``data`` where the closing brackets were, and new ones behind it."""
        whole = memoryview(data + _END)
        written = 0
        try:
            while written < len(whole):
                written += os.pwrite(self._descriptor, whole[written:], self._size + written)
        except OSError as error:
            self._abandon()
            raise self._failure(error) from error
        self._size += len(data)

    def _abandon(self) -> None:
        """Leave the file as it was before the last message."""
        descriptor, self._descriptor = self._descriptor, -1
        try:
            os.ftruncate(descriptor, self._size)
            os.pwrite(descriptor, _END, self._size)
        except OSError:
            pass  # the same failure again: what is there stays as it is, and the first failure is told
        finally:
            os.close(descriptor)

    def _failure(self, error: OSError) -> ConfigError:
        return ConfigError(f"cannot be written: {error.strerror}", file=str(self._part), key="--record")

    def _unique(self, seen: Sighting) -> str:
        name = _name(seen)
        number = self._names[name] = self._names.get(name, 0) + 1
        return name if number == 1 else f"{name}-{number}"


def message_record(seen: Sighting, name: str) -> dict[str, object]:
    """One message as vector files have it. ``masked`` tells that values were replaced, also in ``raw``."""
    reading = seen.reading
    record: dict[str, object] = {
        "name": name,
        "note": _note(seen),
        "seen_on": seen.delivery.node,
        "seen_with_binding": seen.delivery.binding,
    }
    if not reading.sections:
        record["malformed"] = reading.fault
    else:
        _add_sections(record, reading)
    if reading.masked:
        record["masked"] = True
    if reading.raw is not None:
        record["raw"] = reading.raw.hex()
    return record


def _add_sections(record: dict[str, object], reading: Reading) -> None:
    sections = reading.sections
    if reading.raw is None:
        # what nobody could look into may hold secrets; the format leaves out what is too large in the same way
        sections = tuple(one for one in sections if one.name not in _BODIES)
        record["sections"] = [_section_json(one) for one in sections]
        record["body_items_left_out"] = 0
        return
    record["sections"] = [_section_json(one) for one in sections]
    if reading.body_010 is not None:
        record["body_amqp_0_10"] = node_json(reading.body_010)
    if reading.frames:
        record["body_qmf_v1"] = chained(reading.frames)


def _section_json(section: Section) -> list[object]:
    if section.name in _FIELD_SECTIONS:
        return [section.name, {name: node_json(node) for name, node in fields(section).items()}]
    content = node_json(section.content)
    return [section.name, content["v"] if section.name in _MAP_SECTIONS else content]


def chained(frames: tuple[Frame1, ...]) -> Frame1:
    """The first frame, each with the following one as ``next``."""
    chain: Frame1 = {}
    for frame in reversed(frames):
        chain = {**frame, "next": chain} if chain else dict(frame)
    return chain


def _name(seen: Sighting) -> str:
    """``request-7`` and ``response-7`` belong together; others have their kind."""
    if not seen.number:
        return seen.opcode
    kind = "response" if seen.latency is not None else "request"
    return f"{kind}-{seen.number}" + (f"-part-{seen.part}" if seen.part else "")


def _note(seen: Sighting) -> str:
    what = f"{seen.package}:{seen.class_name}" if seen.package else seen.class_name
    what = ".".join(part for part in (what, seen.method) if part)
    words = [
        seen.opcode,
        what,
        f"from {seen.sender}" if seen.sender else "",
        f"to {seen.receiver}" if seen.receiver else "",
    ]
    if seen.latency is not None:
        words.append(f"after {seen.latency * 1000:.1f} ms")
    if seen.reading.fault and seen.reading.sections:
        words.append(f"({seen.reading.fault})")
    return " ".join(word for word in words if word)

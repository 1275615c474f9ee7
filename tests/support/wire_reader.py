"""A reader of AMQP 1.0 messages, of AMQP 0-10 maps and lists, and of QMFv1 frames that keeps every type.

It shares no code with the product, so that what the product sends can be judged by somebody else. What it reads has
the form of the captured messages (``vectors/qmf2/README.md``), and it is checked against all of them. Only well-formed
input is understood; anything else raises :class:`Unreadable`.

Source: AMQP 1.0 part 1 and part 3, section 3.2; qmf2.md 1.10, 3.12 and 4.7
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

SECTIONS = {0x70: "header", 0x73: "properties", 0x74: "application-properties", 0x75: "data", 0x77: "amqp-value"}
HEADER = ("durable", "priority", "ttl", "first-acquirer", "delivery-count")
PROPERTIES = (
    "message-id", "user-id", "to", "subject", "reply-to", "correlation-id", "content-type", "content-encoding",
    "absolute-expiry-time", "creation-time", "group-id", "group-sequence", "reply-to-group-id",
)  # fmt: skip


class Unreadable(Exception):
    """Bytes that are not what they should be."""


@dataclass(frozen=True)
class Typed:
    """A value with its type: a list holds such values, a map pairs of them (and of text, in AMQP 0-10)."""

    kind: str
    value: object


Pairs: TypeAlias = "list[tuple[Typed, Typed]]"


@dataclass(frozen=True)
class Reading:
    """A message: its sections, and what a ``data`` section holds.

    Attributes:
        order: names of the sections as they came.
        section: kind of the body section, empty without one.
        body: value of an ``amqp-value`` section, or of a ``data`` section with content type amqp/map or amqp/list.
        data: bytes of a ``data`` section.
        frames: QMFv1 frames in a ``data`` section, in the form of ``body_qmf_v1`` of the captured messages.
    """

    order: list[str] = field(default_factory=list)
    header: dict[str, Typed] = field(default_factory=dict)
    properties: dict[str, Typed] = field(default_factory=dict)
    application: dict[str, Typed] = field(default_factory=dict)
    section: str = ""
    body: Typed | None = None
    data: bytes = b""
    frames: list[dict[str, object]] = field(default_factory=list)


class Bytes:
    """Bytes that are taken from the front."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise Unreadable(f"truncated at {self.at}")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "big")

    def text(self, width: int) -> str:
        return self.take(self.number(width)).decode()

    @property
    def left(self) -> int:
        return len(self.data) - self.at


def read_message(data: bytes) -> Reading:
    """Read all sections of a delivery."""
    source, found = Bytes(data), Reading()
    section, body = "", None
    raw: object = b""
    while source.left:
        if source.number(1) != 0:
            raise Unreadable(f"no descriptor at {source.at - 1}")
        name = SECTIONS.get(int(str(read_value(source).value)))
        if name is None:
            raise Unreadable("a section that nobody sends")
        found.order.append(name)
        content = read_value(source)
        if name in ("header", "properties"):
            fields = zip(HEADER if name == "header" else PROPERTIES, elements(content), strict=False)
            target = found.header if name == "header" else found.properties
            target.update({key: value for key, value in fields if value.kind != "null"})
        elif name == "application-properties":
            found.application.update({str(key.value): value for key, value in pairs(content)})
        else:
            section = name
            body, raw = (None, content.value) if name == "data" else (content, b"")
    assert isinstance(raw, bytes)
    frames: list[dict[str, object]] = []
    content_type = found.properties.get("content-type", Typed("", "")).value
    if raw and content_type in ("amqp/map", "amqp/list"):
        body = read_0_10(raw, str(content_type).removeprefix("amqp/"))
    elif raw.startswith(b"AM2"):
        frames = read_frames(raw)
    return Reading(found.order, found.header, found.properties, found.application, section, body, raw, frames)


def elements(value: Typed) -> list[Typed]:
    assert isinstance(value.value, list)
    return value.value


def pairs(value: Typed) -> Pairs:
    assert isinstance(value.value, list)
    return value.value


# -- AMQP 1.0 --------------------------------------------------------------------------------------------------------

_FIXED: dict[int, tuple[str, str]] = {
    0x56: ("boolean", ">?"), 0x50: ("ubyte", ">B"), 0x60: ("ushort", ">H"), 0x70: ("uint", ">I"), 0x52: ("uint", ">B"),
    0x80: ("ulong", ">Q"), 0x53: ("ulong", ">B"), 0x51: ("byte", ">b"), 0x61: ("short", ">h"), 0x71: ("int", ">i"),
    0x54: ("int", ">b"), 0x81: ("long", ">q"), 0x55: ("long", ">b"), 0x72: ("float", ">f"), 0x82: ("double", ">d"),
    0x83: ("timestamp", ">q"),
}  # fmt: skip
_CONSTANT: dict[int, Typed] = {
    0x40: Typed("null", None), 0x41: Typed("boolean", True), 0x42: Typed("boolean", False), 0x43: Typed("uint", 0),
    0x44: Typed("ulong", 0), 0x45: Typed("list", []),
}  # fmt: skip
_VARIABLE = {0xA0: "binary", 0xB0: "binary", 0xA1: "string", 0xB1: "string", 0xA3: "symbol", 0xB3: "symbol"}


def read_value(source: Bytes) -> Typed:
    """Read one value in the AMQP 1.0 encoding."""
    code = source.number(1)
    if code in _CONSTANT:
        return _CONSTANT[code]
    if code in _FIXED:
        kind, layout = _FIXED[code]
        return Typed(kind, struct.unpack(layout, source.take(struct.calcsize(layout)))[0])
    if code == 0x98:
        return Typed("uuid", uuid.UUID(bytes=source.take(16)))
    width = 1 if code < 0xB0 or 0xC0 <= code < 0xD0 else 4
    if code in _VARIABLE:
        raw = source.take(source.number(width))
        return Typed(_VARIABLE[code], raw if _VARIABLE[code] == "binary" else raw.decode())
    if code in (0xC0, 0xC1, 0xD0, 0xD1):
        end = source.number(width) + source.at
        found = [read_value(source) for _ in range(source.number(width))]
        if source.at != end:
            raise Unreadable(f"a container ends at {source.at} and not at {end}")
        if code in (0xC0, 0xD0):
            return Typed("list", found)
        return Typed("map", list(zip(found[::2], found[1::2], strict=True)))
    raise Unreadable(f"unknown constructor {code:02x}")


# -- AMQP 0-10 -------------------------------------------------------------------------------------------------------

_NUMBERS_0_10: dict[int, tuple[str, str]] = {
    0x01: ("int8", ">b"), 0x02: ("uint8", ">B"), 0x08: ("boolean", ">?"), 0x11: ("int16", ">h"), 0x12: ("uint16", ">H"),
    0x21: ("int32", ">i"), 0x22: ("uint32", ">I"), 0x23: ("float", ">f"), 0x31: ("int64", ">q"), 0x32: ("uint64", ">Q"),
    0x33: ("double", ">d"),
}  # fmt: skip
_TEXTS_0_10: dict[int, tuple[str, int]] = {
    0x80: ("vbin8", 1), 0x90: ("vbin16", 2), 0xA0: ("vbin32", 4), 0x85: ("str8", 1), 0x95: ("str16", 2),
}  # fmt: skip


def read_0_10(data: bytes, kind: str) -> Typed:
    """Read a body, ``map`` or ``list``, in the AMQP 0-10 encoding."""
    source = Bytes(data)
    value = _container_0_10(source, kind)
    if source.left:
        raise Unreadable(f"{source.left} bytes after the body")
    return value


def _container_0_10(source: Bytes, kind: str) -> Typed:
    end = source.number(4) + source.at
    count = source.number(4)
    found: list[object] = []
    for _ in range(count):
        key = Typed("key", source.text(1)) if kind == "map" else None
        value = _value_0_10(source)
        found.append(value if key is None else (key, value))
    if source.at != end:
        raise Unreadable(f"a container ends at {source.at} and not at {end}")
    return Typed(kind, found)


def _value_0_10(source: Bytes) -> Typed:
    code = source.number(1)
    if code in _NUMBERS_0_10:
        kind, layout = _NUMBERS_0_10[code]
        return Typed(kind, struct.unpack(layout, source.take(struct.calcsize(layout)))[0])
    if code in _TEXTS_0_10:
        kind, width = _TEXTS_0_10[code]
        raw = source.take(source.number(width))
        return Typed(kind, raw.decode() if kind.startswith("str") else raw)
    if code == 0x48:
        return Typed("uuid", uuid.UUID(bytes=source.take(16)))
    if code == 0xF0:
        return Typed("void", None)
    if code in (0xA8, 0xA9):
        return _container_0_10(source, "map" if code == 0xA8 else "list")
    raise Unreadable(f"unknown type code {code:02x}")


# -- QMFv1 -----------------------------------------------------------------------------------------------------------


def read_frames(data: bytes) -> list[dict[str, object]]:
    """Read all frames of a QMFv1 message; maps of a schema are lists of pairs, as in the captured messages."""
    source, frames = Bytes(data), []
    while source.left:
        if source.take(3) != b"AM2":
            raise Unreadable("no AM2")
        opcode = chr(source.number(1))
        frame: dict[str, object] = {"opcode": opcode, "sequence": source.number(4)}
        _FRAMES[opcode](source, frame)
        frames.append(frame)
    return frames


def _class(source: Bytes, frame: dict[str, object]) -> None:
    frame |= {"package": source.text(1), "class": source.text(1), "hash": source.take(16).hex()}


def _kind_and_class(source: Bytes, frame: dict[str, object]) -> None:
    frame["kind"] = source.number(1)
    _class(source, frame)


def _schema(source: Bytes, frame: dict[str, object]) -> None:
    _kind_and_class(source, frame)
    names = ("arguments",) if frame["kind"] == 2 else ("properties", "statistics", "methods")
    counts = {name: source.number(2) for name in names}
    frame["counts"] = counts
    for name in names[:2]:
        frame[name] = [_map(source) for _ in range(counts[name])]
    if "methods" in counts:
        frame["methods"] = [_method(source) for _ in range(counts["methods"])]


def _method(source: Bytes) -> dict[str, object]:
    method = _map(source)
    count = next(value.value for key, value in method if key.value == "argCount")
    assert isinstance(count, int)
    return {"method": method, "arguments": [_map(source) for _ in range(count)]}


def _map(source: Bytes) -> Pairs:
    return pairs(_container_0_10(source, "map"))


_FRAMES: dict[str, Callable[[Bytes, dict[str, object]], None]] = {
    "B": lambda source, frame: None,
    "P": lambda source, frame: None,
    "b": lambda source, frame: frame.update({"broker-uuid": source.take(16).hex()}),
    "p": lambda source, frame: frame.update({"package": source.text(1)}),
    "Q": lambda source, frame: frame.update({"package": source.text(1)}),
    "q": _kind_and_class,
    "S": _class,
    "s": _schema,
    "z": lambda source, frame: frame.update({"status": source.number(4), "text": source.text(1)}),
}

"""The sections of an AMQP 1.0 message with types and constructors kept, read and written.

Stricter than proton: sections in their order, every byte accounted for, text that is UTF-8.

Source: AMQP 1.0 part 1 section 1.6 (types) and part 3 section 3.2 (message format)
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from matahari.errors import RemoteProtocolError
from matahari.tap.nodes import MAX_NODES, Node, Scalar

__all__ = ["Section", "fields", "read_sections", "write_sections"]

MAX_DEPTH = 64  # as the product's message reader allows; no real message has a tenth

_SECTIONS = {
    0x70: "header",
    0x71: "delivery-annotations",
    0x72: "message-annotations",
    0x73: "properties",
    0x74: "application-properties",
    0x75: "data",
    0x76: "amqp-sequence",
    0x77: "amqp-value",
    0x78: "footer",
}
_CODES = {name: code for code, name in _SECTIONS.items()}
_REPEATABLE = ("data", "amqp-sequence")
_BODIES = ("data", "amqp-sequence", "amqp-value")
_FIELDS = {
    "header": ("durable", "priority", "ttl", "first-acquirer", "delivery-count"),
    "properties": (
        "message-id", "user-id", "to", "subject", "reply-to", "correlation-id", "content-type", "content-encoding",
        "absolute-expiry-time", "creation-time", "group-id", "group-sequence", "reply-to-group-id",
    ),
}  # fmt: skip
_CONTENT = {"data": ("binary",), "amqp-sequence": ("list",), "header": ("list",), "properties": ("list",)} | {
    name: ("map",) for name in ("delivery-annotations", "message-annotations", "application-properties", "footer")
}

#: Constructor -> (type, struct format) of values with a fixed width.
_FIXED: dict[int, tuple[str, struct.Struct]] = {
    code: (name, struct.Struct(form))
    for code, name, form in (
        (0x50, "ubyte", ">B"), (0x51, "byte", ">b"), (0x52, "uint", ">B"), (0x53, "ulong", ">B"),
        (0x54, "int", ">b"), (0x55, "long", ">b"), (0x60, "ushort", ">H"), (0x61, "short", ">h"),
        (0x70, "uint", ">I"), (0x71, "int", ">i"), (0x72, "float", ">f"), (0x73, "char", ">I"),
        (0x80, "ulong", ">Q"), (0x81, "long", ">q"), (0x82, "double", ">d"), (0x83, "timestamp", ">q"),
    )
}  # fmt: skip
_EMPTY: dict[int, tuple[str, Scalar]] = {
    0x40: ("null", None),
    0x41: ("boolean", True),
    0x42: ("boolean", False),
    0x43: ("uint", 0),
    0x44: ("ulong", 0),
}
_OPAQUE = {0x74: ("decimal32", 4), 0x84: ("decimal64", 8), 0x94: ("decimal128", 16)}
_VARIABLE = {0xA0: "binary", 0xA1: "string", 0xA3: "symbol", 0xB0: "binary", 0xB1: "string", 0xB3: "symbol"}
_COMPOUND = {0xC0: "list", 0xC1: "map", 0xD0: "list", 0xD1: "map", 0xE0: "array", 0xF0: "array"}
_U32 = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its name as in the specification, and its content."""

    name: str
    content: Node


def fields(section: Section) -> dict[str, Node]:
    """The fields of a header or properties section by name; absent ones (null, or cut off) are left out."""
    return {
        name: node
        for name, node in zip(_FIELDS[section.name], section.content.items, strict=False)
        if node.type != "null"
    }


def read_sections(data: bytes) -> list[Section]:
    """All sections of one message, in wire order.

    Raises:
        RemoteProtocolError: the bytes are not an AMQP 1.0 message, or it holds more than ``MAX_NODES`` values or
            nests deeper than ``MAX_DEPTH``; the message names the byte.
    """
    reader = _Reader(data)
    sections: list[Section] = []
    last = 0
    try:
        while reader.position < len(data):
            start = reader.position
            node = reader.value(0)
            code = _section_code(node)
            if code is None:
                raise RemoteProtocolError(f"byte {start}: no section begins here")
            name, content = _SECTIONS[code], node.items[1]
            if code < last or (code == last and name not in _REPEATABLE) or _second_body(name, last):
                raise RemoteProtocolError(f"byte {start}: section {name} out of its order")
            if name in _CONTENT and content.type not in _CONTENT[name]:
                raise RemoteProtocolError(f"byte {start}: section {name} holds a {content.type}")
            if name in _FIELDS and len(content.items) > len(_FIELDS[name]):
                raise RemoteProtocolError(f"byte {start}: section {name} with {len(content.items)} fields")
            last = code
            sections.append(Section(name, content))
    except (IndexError, struct.error):
        raise RemoteProtocolError(f"truncated at byte {len(data)}") from None
    return sections


def write_sections(sections: Iterable[Section]) -> bytes:
    """The bytes of these sections: what was read, where nothing was changed, byte for byte.

    A changed value keeps its constructor where it fits, and gets the wider one of its type where it does not.
    """
    out = bytearray()
    for section in sections:
        out += bytes((0x00, 0x53, _CODES[section.name]))
        out += _value_bytes(section.content)
    return bytes(out)


def _second_body(name: str, last: int) -> bool:
    return name in _BODIES and _SECTIONS.get(last) in _BODIES and _SECTIONS[last] != name


def _section_code(node: Node) -> int | None:
    if node.type != "described":
        return None
    value = node.items[0].value
    if node.items[0].type == "ulong" and isinstance(value, int):
        return value if value in _SECTIONS else None
    if node.items[0].type == "symbol" and isinstance(value, str):
        name = value.removeprefix("amqp:").rpartition(":")[0]
        return _CODES.get(name)
    return None


class _Reader:
    """A position in the bytes, and how many more values may come."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._room = MAX_NODES
        self.position = 0

    def value(self, depth: int) -> Node:
        """The value at the position, with its constructor."""
        code = self._byte()
        if code != 0x00:
            return self._contents(code, depth)
        if depth > MAX_DEPTH:
            raise RemoteProtocolError(f"byte {self.position}: nested deeper than {MAX_DEPTH} levels")
        descriptor = self.value(depth + 1)
        return Node("described", 0x00, items=(descriptor, self.value(depth + 1)))

    def _contents(self, code: int, depth: int) -> Node:
        self._room -= 1
        if self._room < 0:
            raise RemoteProtocolError(f"more than {MAX_NODES} values")
        if code in _EMPTY:
            return Node(_EMPTY[code][0], code, _EMPTY[code][1])
        if code in _FIXED:
            name, form = _FIXED[code]
            value: Scalar = form.unpack(self._take(form.size))[0]
            return Node(name, code, value)
        if code in _VARIABLE:
            raw = self._take(self._size(code))
            return Node(_VARIABLE[code], code, raw if _VARIABLE[code] == "binary" else self._text(code, raw))
        if code == 0x45:
            return Node("list", code)
        if code in _COMPOUND:
            return self._container(code, depth)
        if code == 0x56:
            return Node("boolean", code, self._truth())
        if code == 0x98:
            return Node("uuid", code, UUID(bytes=self._take(16)))
        if code in _OPAQUE:
            return Node(_OPAQUE[code][0], code, self._take(_OPAQUE[code][1]))
        raise RemoteProtocolError(f"byte {self.position - 1}: unknown constructor {code:02x}")

    def _container(self, code: int, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise RemoteProtocolError(f"byte {self.position}: nested deeper than {MAX_DEPTH} levels")
        size = self._size(code)
        start = self.position
        end = start + size
        count = self._size(code)
        if end > len(self._data):
            raise RemoteProtocolError(f"truncated at byte {len(self._data)}")
        if count > self._room:
            raise RemoteProtocolError(f"byte {start}: {count} values announced")
        name = _COMPOUND[code]
        if name == "map" and count % 2:
            raise RemoteProtocolError(f"byte {start}: a map with a key that has no value")
        items = self._array(count, depth) if name == "array" else [self.value(depth + 1) for _ in range(count)]
        if self.position != end:
            raise RemoteProtocolError(f"byte {start}: a {name} that ends {self.position - end:+d} bytes from its size")
        return Node(name, code, items=tuple(items))

    def _array(self, count: int, depth: int) -> list[Node]:
        """The elements, each with the constructor that stands before them all."""
        code = self._byte()
        if code != 0x00:
            return [self._contents(code, depth + 1) for _ in range(count)]
        descriptor = self.value(depth + 1)
        code = self._byte()
        if code == 0x00:
            raise RemoteProtocolError(f"byte {self.position - 1}: a described value within a descriptor")
        return [Node("described", 0x00, items=(descriptor, self._contents(code, depth + 1))) for _ in range(count)]

    def _byte(self) -> int:
        value = self._data[self.position]
        self.position += 1
        return value

    def _size(self, code: int) -> int:
        """A length or count, of one byte in the narrow forms and four in the wide ones."""
        if code & 0x10:
            value: int = _U32.unpack(self._take(4))[0]
            return value
        return self._byte()

    def _take(self, size: int) -> bytes:
        end = self.position + size
        if end > len(self._data):
            raise RemoteProtocolError(f"truncated at byte {len(self._data)}")
        raw = self._data[self.position : end]
        self.position = end
        return raw

    def _text(self, code: int, raw: bytes) -> str:
        try:
            return raw.decode("ascii" if _VARIABLE[code] == "symbol" else "utf-8")
        except UnicodeDecodeError:
            raise RemoteProtocolError(f"byte {self.position - len(raw)}: a {_VARIABLE[code]} that is no text") from None

    def _truth(self) -> bool:
        value = self._byte()
        if value > 1:
            raise RemoteProtocolError(f"byte {self.position - 1}: a boolean of {value}")
        return value == 1


def _value_bytes(node: Node) -> bytes:
    if node.type == "described":
        return b"\x00" + _value_bytes(node.items[0]) + _value_bytes(node.items[1])
    code = node.code
    assert code is not None  # every value of AMQP 1.0 has a constructor
    contents = _contents_bytes(node, code)
    if contents is None:
        code |= 0x10
        contents = _contents_bytes(node, code)
        assert contents is not None
    return bytes((code,)) + contents


def _contents_bytes(node: Node, code: int) -> bytes | None:
    """What follows the constructor; None when it does not fit the narrow form."""
    if code in _EMPTY or code == 0x45:
        return b""
    if code in _FIXED:
        return _FIXED[code][1].pack(node.value)
    if code == 0x56:
        return b"\x01" if node.value else b"\x00"
    if code in _COMPOUND:
        body = _array_bytes(node) if node.type == "array" else b"".join(map(_value_bytes, node.items))
        return _sized(code, len(node.items), body)
    raw = node.value
    if isinstance(raw, UUID):
        return raw.bytes
    if isinstance(raw, str):
        raw = raw.encode()
    assert isinstance(raw, bytes)  # all other types are bytes
    return raw if code in _OPAQUE else _sized(code, None, raw)


def _sized(code: int, count: int | None, body: bytes) -> bytes | None:
    """A length, a count if there is one, and the body; None when the narrow form has no room for them."""
    wide = code & 0x10
    width = 4 if wide else 1
    size = len(body) + (0 if count is None else width)
    if not wide and max(size, count or 0) > 0xFF:
        return None
    numbers = [size] if count is None else [size, count]
    return b"".join(number.to_bytes(width, "big") for number in numbers) + body


def _array_bytes(node: Node) -> bytes:
    if not node.items:
        return b"\x40"  # an empty array's element type is not kept: nothing depends on it
    described = node.items[0].type == "described"
    elements = [item.items[1] for item in node.items] if described else list(node.items)
    prefix = b"\x00" + _value_bytes(node.items[0].items[0]) if described else b""
    code = elements[0].code
    assert code is not None
    parts = [_contents_bytes(item, code) for item in elements]
    if None in parts:  # one element outgrew the narrow form, and all have the same
        code |= 0x10
        parts = [_contents_bytes(item, code) for item in elements]
    return prefix + bytes((code,)) + b"".join(part for part in parts if part is not None)

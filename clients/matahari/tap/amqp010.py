"""Bodies in the AMQP 0-10 encoding with types and constructors kept, read and written.

The product's own codec reads the same bytes to plain values; this one is for recordings and runs only where somebody
looks. Text that is no UTF-8 is kept with surrogates, since readers take it for binary.

Source: qmf2.md 1.7 and 1.10; AMQP 0-10 section 3.3 (types)
"""

from __future__ import annotations

import struct
from uuid import UUID

from matahari.errors import RemoteProtocolError
from matahari.qmf import MAX_DEPTH
from matahari.tap.nodes import MAX_NODES, Node, Scalar

__all__ = ["Reader010", "read_body", "write_body"]

_FIXED: dict[int, tuple[str, struct.Struct]] = {
    code: (name, struct.Struct(form))
    for code, name, form in (
        (0x00, "bin8", ">b"), (0x01, "int8", ">b"), (0x02, "uint8", ">B"), (0x08, "boolean", ">?"),
        (0x10, "bin16", ">h"), (0x11, "int16", ">h"), (0x12, "uint16", ">H"),
        (0x20, "bin32", ">i"), (0x21, "int32", ">i"), (0x22, "uint32", ">I"), (0x23, "float", ">f"),
        (0x30, "bin64", ">q"), (0x31, "int64", ">q"), (0x32, "uint64", ">Q"), (0x33, "double", ">d"),
        (0x38, "datetime", ">Q"),
    )
}  # fmt: skip
_NAMES = {
    0x04: "char", 0x27: "char-utf32", 0x48: "uuid", 0x40: "bin128", 0x50: "bin256", 0x60: "bin512", 0x70: "bin1024",
    0x80: "vbin8", 0x84: "str8-latin", 0x85: "str8", 0x86: "str8-utf16", 0x90: "vbin16", 0x94: "str16-latin",
    0x95: "str16", 0x96: "str16-utf16", 0xA0: "vbin32", 0xAB: "struct32", 0xC8: "bin40", 0xC9: "dec32",
    0xD8: "bin72", 0xD9: "dec64", 0xF0: "void", 0xF1: "bit",
}  # fmt: skip
_TEXT = (0x85, 0x95)
_CONTAINERS = {0xA8: "map", 0xA9: "list", 0xAA: "array"}
#: Codes from 0x80 on: bytes of the length in front, or the width itself. Below, the high half is the width's logarithm.
_LENGTHS = {0x8: 1, 0x9: 2, 0xA: 4}
_WIDTHS = {0xC: 5, 0xD: 9, 0xF: 0}
_SIZE_COUNT = struct.Struct(">II")


def read_body(data: bytes, kind: str) -> Node:
    """The map or list (``kind``) in a body; no bytes at all are an empty one.

    Raises:
        RemoteProtocolError: truncated, bytes left over, nested deeper than ``MAX_DEPTH``, or more than ``MAX_NODES``
            values; the message names the byte.
    """
    if not data:
        return Node(kind, None)
    reader = Reader010(data)
    node = reader.container(kind, None, 1)
    if reader.position != len(data):
        raise RemoteProtocolError(f"{len(data) - reader.position} bytes after the end of the {kind}")
    return node


def write_body(node: Node) -> bytes:
    """The bytes of a map or list; a changed value gets the wider form of its type where it does not fit."""
    return _container_bytes(node)


class Reader010:
    """Reads values one after another; also those within QMFv1 frames, which use parts of the same encoding."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._room = MAX_NODES
        self.position = 0

    def value(self, depth: int) -> Node:
        """A type code and its value."""
        return self._contents(self.number(1), depth)

    def container(self, kind: str, code: int | None, depth: int) -> Node:
        """Size, count and contents of a ``map``, ``list`` or ``array``."""
        start = self.position
        if depth > MAX_DEPTH:
            raise RemoteProtocolError(f"byte {start}: nested deeper than {MAX_DEPTH} levels")
        size = self.number(4)
        end = self.position + size
        if end > len(self._data):
            raise RemoteProtocolError(
                f"byte {start}: a {kind} of {size} bytes, {len(self._data) - start - 4} are there"
            )
        if size == 0:  # some encoders write an empty container without its count
            return Node(kind, code)
        element = self.number(1) if kind == "array" else None
        count = self.number(4)
        if count > self._room:
            raise RemoteProtocolError(f"byte {start}: {count} entries in {size} bytes")
        items: list[Node] = []
        for _ in range(count):
            if self.position > end:
                break
            if kind == "map":
                items.append(Node("key", None, self.short_text()))
            items.append(self.value(depth + 1) if element is None else self._contents(element, depth + 1))
        if self.position != end:
            raise RemoteProtocolError(f"byte {start}: a {kind} that ends {self.position - end:+d} bytes from its size")
        return Node(kind, code, items=tuple(items))

    def short_text(self) -> str:
        """Text with a length of one byte, as map keys are."""
        start = self.position
        raw = self.take(self.number(1))
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise RemoteProtocolError(f"byte {start}: a name that is not UTF-8") from None

    def number(self, width: int) -> int:
        """An unsigned integer of ``width`` bytes."""
        return int.from_bytes(self.take(width), "big")

    def take(self, size: int) -> bytes:
        """The next bytes."""
        end = self.position + size
        if end > len(self._data):
            raise RemoteProtocolError(f"truncated at byte {len(self._data)}")
        raw = self._data[self.position : end]
        self.position = end
        return raw

    def _contents(self, code: int, depth: int) -> Node:
        self._room -= 1
        if self._room < 0:
            raise RemoteProtocolError(f"more than {MAX_NODES} values")
        if code in _CONTAINERS:
            return self.container(_CONTAINERS[code], code, depth)
        if code in _FIXED:
            name, form = _FIXED[code]
            value: Scalar = form.unpack(self.take(form.size))[0]
            return Node(name, code, value)
        raw = self.take(self._width(code))
        name = _NAMES.get(code, f"code-{code:02x}")
        if code in _TEXT:
            return Node(name, code, raw.decode("utf-8", "surrogateescape"))
        if code == 0x48:
            return Node(name, code, UUID(bytes=raw))
        return Node(name, code, None if code in (0xF0, 0xF1) else raw)

    def _width(self, code: int) -> int:
        high = code >> 4
        if high in _LENGTHS:
            return self.number(_LENGTHS[high])
        if high < 0x8:
            return 1 << high
        if high not in _WIDTHS:
            raise RemoteProtocolError(f"byte {self.position - 1}: unknown type code {code:02x}")
        return _WIDTHS[high]


def _container_bytes(node: Node) -> bytes:
    count = len(node.items)
    body = bytearray()
    if node.type == "array":
        return _array_bytes(node)
    for item in node.items:
        if item.type == "key":
            name = str(item.value).encode()
            body.append(len(name))
            body += name
            count -= 1
        else:
            body += _value_bytes(item)
    return _SIZE_COUNT.pack(len(body) + 4, count) + bytes(body)


def _array_bytes(node: Node) -> bytes:
    if not node.items:
        return bytes(4)
    code = max(item.code or 0 for item in node.items)  # elements have one code; a masked one may have outgrown it
    body = b"".join(_contents_bytes(item, code) for item in node.items)
    return struct.pack(">IBI", len(body) + 5, code, len(node.items)) + body


def _value_bytes(node: Node) -> bytes:
    code = node.code
    assert code is not None  # only keys and the body itself have none
    return bytes((code,)) + _contents_bytes(node, code)


def _contents_bytes(node: Node, code: int) -> bytes:
    if code in _CONTAINERS:
        return _container_bytes(node)
    if code in _FIXED:
        return _FIXED[code][1].pack(node.value)
    value = node.value
    if isinstance(value, UUID):
        return value.bytes
    if value is None:
        return b""
    raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    assert isinstance(raw, bytes)  # numbers have a fixed width
    length = _LENGTHS.get(code >> 4)
    return raw if length is None else len(raw).to_bytes(length, "big") + raw

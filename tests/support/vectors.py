"""The captured QMF messages as packets, for tests of the ``qmf`` room.

A small mapping of its own: how the product maps AMQP messages is tested where that is done.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

from matahari.qmf import Packet, Value, decode_list, decode_map, text

FOLDER = Path(__file__).parent.parent / "vectors" / "qmf2"


class Node(TypedDict, total=False):
    """One captured value: type, value, and for maps and lists nodes again (see README.md of the vectors)."""

    t: str
    v: object


@dataclass(frozen=True)
class Vector:
    """One captured message.

    Attributes:
        packet: the message; None when it is malformed or its body was left out for size.
        section: kind of the body section, empty without a body.
        data: the bytes of a ``data`` section.
        stated: the body as the capture's own decoder understood it, where there is a body.
        binding: key with which the capturing receiver was bound.
    """

    file: str
    name: str
    packet: Packet | None
    section: str
    data: bytes
    stated: Value
    binding: str

    @property
    def label(self) -> str:
        return f"{self.file}:{self.name}"


def load(*files: str) -> list[Vector]:
    """Return the messages of the named files (all files by default), in order."""
    names = files or tuple(path.stem for path in sorted(FOLDER.glob("*.json")))
    return [vector for name in names for vector in _load_file(name)]


def find(file: str, name: str) -> Packet:
    """Return the packet of one message that is known to be there."""
    packet = next(vector.packet for vector in load(file) if vector.name == name)
    assert packet is not None
    return packet


def to_value(node: Node) -> Value:
    """Turn a captured node into the value that a decoder must give for it."""
    kind, content = node["t"], node["v"]
    if kind == "map":
        pairs = cast("list[tuple[Node, Node]]", content)
        return {str(to_value(key)): to_value(value) for key, value in pairs}
    if kind in ("list", "array"):
        return [to_value(item) for item in cast("list[Node]", content)]
    if kind == "binary" or kind.startswith("vbin"):
        return bytes.fromhex(cast(str, content))
    if kind == "uuid":
        return uuid.UUID(cast(str, content))
    return cast(Value, content)


def _load_file(file: str) -> Iterator[Vector]:
    for message in json.loads((FOLDER / f"{file}.json").read_text())["messages"]:
        yield _vector(file, message)


def _vector(file: str, message: dict[str, object]) -> Vector:
    name, binding = str(message["name"]), str(message.get("seen_with_binding") or "")
    sections = dict(cast("list[tuple[str, object]]", message.get("sections", [])))
    properties = {key: to_value(node) for key, node in cast("dict[str, Node]", sections.get("properties", {})).items()}
    headers: dict[str, Value] = {}
    for key, node in cast("list[tuple[Node, Node]]", sections.get("application-properties", [])):
        headers[str(to_value(key))] = to_value(node)
    content_type = text(properties.get("content-type"))
    data, stated, section, body = b"", cast(Value, None), "", cast(Value, None)
    if "amqp-value" in sections:
        section, stated = "amqp-value", to_value(cast(Node, sections["amqp-value"]))
        body = stated
    elif "data" in sections:
        section, data = "data", cast(bytes, to_value(cast(Node, sections["data"])))
        body = data
        if "body_amqp_0_10" in message:
            stated = to_value(cast(Node, message["body_amqp_0_10"]))
            body = decode_list(data) if content_type == "amqp/list" else decode_map(data)
    left_out = "malformed" in message or "body_items_left_out" in message
    packet = Packet(
        text(headers.get("qmf.opcode")) or "",
        body,
        content=text(headers.get("qmf.content")),
        agent=text(headers.get("qmf.agent")),
        correlation_id=text(properties.get("correlation-id")),
        reply_to=text(properties.get("reply-to")),
        subject=text(properties.get("subject")) or "",
        partial="partial" in headers,
        method=text(headers.get("method")),
        user_id=text(properties.get("user-id")) or None,
        form_a=section == "amqp-value" and content_type is None,
    )
    return Vector(file, name, None if left_out else packet, section, data, stated, binding)

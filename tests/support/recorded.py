"""The captured messages with every type as the capture states it (``vectors/qmf2/README.md``)."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from functools import cache
from typing import cast

from matahari.qmf import Value
from tests.support.vectors import FOLDER
from tests.support.wire_reader import Reading, Typed, elements, pairs

__all__ = ["FILES", "Recorded", "find", "load", "plain", "readable", "stated_text"]

FILES = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


@dataclass(frozen=True)
class Recorded:
    """One captured message.

    Attributes:
        position: in the file; names may be there twice.
        exchange, binding: where it was seen, and with which key our receiver was bound.
        raw: all sections as on the wire, empty when left out for size.
        stated: what the capture's own decoder read; empty when malformed.
        malformed: why ``raw`` is not valid AMQP 1.0, empty when it is.
    """

    file: str
    position: int
    name: str
    exchange: str
    binding: str
    raw: bytes
    stated: Reading
    malformed: str

    @property
    def label(self) -> str:
        return f"{self.file}:{self.position:02}:{self.name}"

    @property
    def native(self) -> bool:
        """Sent by a 1.0 peer with the body in the 0-10 encoding, and not translated by qpidd."""
        return self.stated.section == "data" and not self.stated.frames

    def said(self, name: str) -> str | None:
        """Return an application property as text."""
        return stated_text(self.stated.application.get(name))

    def property(self, name: str) -> str | None:
        """Return one of the properties as text."""
        return stated_text(self.stated.properties.get(name))


@cache
def load(*files: str) -> tuple[Recorded, ...]:
    """Return the messages of the named files (all files by default), in order."""
    return tuple(
        _recorded(file, position, message)
        for file in files or FILES
        for position, message in enumerate(json.loads((FOLDER / f"{file}.json").read_text())["messages"])
    )


def readable(*files: str) -> tuple[Recorded, ...]:
    """Return those that are well-formed and complete."""
    return tuple(item for item in load(*files) if item.raw and not item.malformed)


def find(file: str, name: str) -> Recorded:
    """Return the first message of that name, which is known to be there."""
    return next(item for item in load(file) if item.name == name)


def stated_text(value: Typed | None) -> str | None:
    """Return stated text or binary as text; an empty one and null count as absent."""
    if value is None or not value.value:
        return None
    return value.value.decode() if isinstance(value.value, bytes) else str(value.value)


def plain(value: Typed | None) -> Value:
    """Return a typed value as the product's readers should give it: types forgotten, containers as Python's."""
    if value is None:
        return None
    if value.kind == "map":
        return {str(key.value): plain(item) for key, item in pairs(value)}
    if value.kind == "list":
        return [plain(item) for item in elements(value)]
    return cast(Value, value.value)


def _recorded(file: str, position: int, message: dict[str, object]) -> Recorded:
    return Recorded(
        file,
        position,
        str(message["name"]),
        str(message["seen_on"]),
        str(message.get("seen_with_binding") or ""),
        bytes.fromhex(str(message.get("raw", ""))),
        _reading(message),
        str(message.get("malformed", "")),
    )


def _reading(message: dict[str, object]) -> Reading:
    sections = cast("list[tuple[str, object]]", message.get("sections", []))
    found = dict(sections)
    section = next((name for name in ("data", "amqp-value") if name in found), "")
    content = _typed(found[section]) if section else None
    body, data = (content, b"") if section == "amqp-value" else (None, b"")
    if section == "data":
        assert content is not None
        data = cast(bytes, content.value)
        body = _typed(message["body_amqp_0_10"]) if "body_amqp_0_10" in message else None
    frames: list[dict[str, object]] = []
    frame = cast("dict[str, object] | None", message.get("body_qmf_v1"))
    while frame is not None:
        frames.append({key: _members(value) for key, value in frame.items() if key != "next"})
        frame = cast("dict[str, object] | None", frame.get("next"))
    return Reading(
        [name for name, _ in sections],
        _fields(found.get("header")),
        _fields(found.get("properties")),
        {
            str(_typed(key).value): _typed(value)
            for key, value in cast("list[list[object]]", found.get("application-properties", []))
        },
        section,
        body,
        data,
        frames,
    )


def _fields(section: object) -> dict[str, Typed]:
    return {name: _typed(node) for name, node in cast("dict[str, object]", section or {}).items()}


def _typed(node: object) -> Typed:
    found = cast("dict[str, object]", node)
    kind, content = str(found["t"]), found["v"]
    if kind == "map":
        return Typed(kind, [(_typed(key), _typed(value)) for key, value in cast("list[list[object]]", content)])
    if kind == "list":
        return Typed(kind, [_typed(item) for item in cast("list[object]", content)])
    if kind == "binary" or kind.startswith("vbin"):
        return Typed(kind, bytes.fromhex(str(content)))
    if kind == "uuid":
        return Typed(kind, uuid.UUID(str(content)))
    return Typed(kind, content)


def _members(value: object) -> object:
    """Turn the maps of a QMFv1 schema into pairs of typed values."""
    if not isinstance(value, list):
        return value
    return [
        {key: _pairs(part) if key == "method" else _members(part) for key, part in item.items()}
        if isinstance(item, dict)
        else _pairs(item)
        for item in value
    ]


def _pairs(entries: object) -> list[tuple[Typed, Typed]]:
    return [(_typed(key), _typed(value)) for key, value in cast("list[list[object]]", entries)]

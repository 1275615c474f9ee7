"""Messages as flat tables of fields, and what differs between two of them.

A field's type is that of AMQP 1.0: types of a body in the 0-10 encoding are named as they arrive after translation
(``qmf2.md`` 1.7), so that a translated message, a native one and one of ours can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import cast

from tests.support.wire_reader import Pairs, Reading, Typed, elements, pairs

#: 0-10 to 1.0, where the names are not the same.
TRANSLATED = {
    "str8": "string", "str16": "string", "vbin8": "binary", "vbin16": "binary", "vbin32": "binary", "void": "null",
    "int8": "byte", "int16": "short", "int32": "int", "int64": "long",
    "uint8": "ubyte", "uint16": "ushort", "uint32": "uint", "uint64": "ulong",
}  # fmt: skip
ABSENT = "absent"


@dataclass(frozen=True)
class Field:
    """Type and content of one field; the content of a list is its length, that of a map nothing."""

    kind: str
    content: object


@dataclass(frozen=True)
class Difference:
    """One field in which ours is not like theirs: its type, ``absent``, or ``=`` and the content."""

    path: str
    theirs: str
    ours: str

    def __str__(self) -> str:
        return f"{self.path}: theirs {self.theirs}, ours {self.ours}"


@dataclass(frozen=True)
class Allowed:
    """A difference that is meant, in fields that fit a pattern.

    Attributes:
        path, theirs, ours: patterns of ``fnmatch``; several of theirs are divided by ``|``.
        kinds: of messages in which it occurs, and must occur.
        senders: of whose messages this is true.
        why: the reason, with the section of ``qmf2.md``.
    """

    path: str
    theirs: str
    ours: str
    kinds: tuple[str, ...]
    senders: tuple[str, ...]
    why: str

    def covers(self, kind: str, sender: str, found: Difference) -> bool:
        """Tell whether this difference is the one that is allowed."""
        return (
            kind in self.kinds
            and sender in self.senders
            and fnmatchcase(found.path, self.path)
            and any(fnmatchcase(found.theirs, one) for one in self.theirs.split("|"))
            and fnmatchcase(found.ours, self.ours)
        )


def fields(message: Reading) -> dict[str, Field]:
    """Return all fields of a message by their path, e.g. ``body/0/_object_id/_agent_epoch``."""
    found = {"section": Field(message.section or "none", None)}
    for section, values in (
        ("header", message.header),
        ("properties", message.properties),
        ("application", message.application),
    ):
        for name, value in values.items():
            found.update(_fields(f"{section}/{name}", value))
    if message.body is not None:
        found.update(_fields("body", message.body))
    for number, frame in enumerate(message.frames):
        found.update(_frame_fields(f"frame/{number}", frame))
    return found


def differences(theirs: Reading, ours: Reading) -> list[Difference]:
    """Return what differs, by path; what lies below an absent field is not listed."""
    left, right = fields(theirs), fields(ours)
    found: list[Difference] = []
    for path in sorted(left.keys() | right.keys()):
        if (
            found
            and found[-1].path + "/" == path[: len(found[-1].path) + 1]
            and ABSENT
            in (
                found[-1].theirs,
                found[-1].ours,
            )
        ):
            continue
        a, b = left.get(path), right.get(path)
        if a is None or b is None:
            found.append(Difference(path, ABSENT if a is None else a.kind, ABSENT if b is None else b.kind))
            continue
        if a.kind != b.kind:
            found.append(Difference(path, a.kind, b.kind))
        if a.content != b.content:
            found.append(Difference(path, f"={a.content!r}", f"={b.content!r}"))
    return found


def _fields(path: str, value: Typed) -> Iterator[tuple[str, Field]]:
    kind = TRANSLATED.get(value.kind, value.kind)
    if kind == "map":
        yield path, Field(kind, None)
        for key, item in pairs(value):
            yield from _fields(f"{path}/{key.value}", item)
    elif kind == "list":
        items = elements(value)
        yield path, Field(kind, len(items))
        for number, item in enumerate(items):
            yield from _fields(f"{path}/{number}", item)
    else:
        yield path, Field(kind, _content(value.value))


def _content(value: object) -> object:
    """Text as text, whether it came as binary or not."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    return value


def _frame_fields(path: str, frame: dict[str, object]) -> Iterator[tuple[str, Field]]:
    for name, value in frame.items():
        if name in ("properties", "statistics", "arguments"):
            for number, entries in enumerate(cast("list[Pairs]", value)):
                yield from _map_fields(f"{path}/{name}/{number}", entries)
        elif name == "methods":
            for number, method in enumerate(cast("list[dict[str, object]]", value)):
                yield from _map_fields(f"{path}/{name}/{number}", cast(Pairs, method["method"]))
                for place, entries in enumerate(cast("list[Pairs]", method["arguments"])):
                    yield from _map_fields(f"{path}/{name}/{number}/arguments/{place}", entries)
        else:
            yield f"{path}/{name}", Field("fixed", value)


def _map_fields(path: str, entries: Pairs) -> Iterator[tuple[str, Field]]:
    for key, value in entries:
        yield from _fields(f"{path}/{key.value}", value)

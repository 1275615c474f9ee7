"""Properties of classes, which are fields of events and arguments of methods too, and the eight types they have.

Beyond libqmf2's members a property carries bounds, a default and the marks *optional* and *statistic* under keys of
our own, which foreign parsers skip. Of these only *optional* is part of the hash.

Source: qmf2.md 4.1, 4.2 and 4.4
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, TypeAlias

from matahari.errors import RemoteProtocolError
from matahari.qmf.values import Value, integer, text

Access: TypeAlias = Literal["RO", "RW", "RC"]
Direction: TypeAlias = Literal["I", "O", "IO"]

_ACCESS_CODES: Final[dict[str, int]] = {"RC": 1, "RW": 2, "RO": 3}
_DIRECTION_CODES: Final[dict[str, int]] = {"I": 1, "O": 2, "IO": 3}


class PropertyType(Enum):
    """The eight QMF types; values are the texts on the wire, ``hash_code`` is what the schema hash takes."""

    VOID = "TYPE_VOID"
    BOOL = "TYPE_BOOL"
    INT = "TYPE_INT"
    FLOAT = "TYPE_FLOAT"
    STRING = "TYPE_STRING"
    MAP = "TYPE_MAP"
    LIST = "TYPE_LIST"
    UUID = "TYPE_UUID"

    @property
    def hash_code(self) -> int:
        """Number of the type, 1 for VOID to 8 for UUID."""
        return _TYPE_CODES[self]

    def accepts(self, value: Value) -> bool:
        """Tell whether a value has this type; integers pass for FLOAT, binary for STRING, null only for VOID."""
        kind = type(value)
        if kind is bool:
            return self is PropertyType.BOOL
        return isinstance(value, _PYTHON_TYPES[self])


_TYPE_CODES: Final = {member: number for number, member in enumerate(PropertyType, 1)}
_PYTHON_TYPES: Final[dict[PropertyType, tuple[type, ...]]] = {
    PropertyType.VOID: (type(None),),
    PropertyType.BOOL: (bool,),
    PropertyType.INT: (int,),
    PropertyType.FLOAT: (float, int),
    PropertyType.STRING: (str, bytes),
    PropertyType.MAP: (dict,),
    PropertyType.LIST: (list,),
    PropertyType.UUID: (uuid.UUID,),
}


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a class, a field of an event, or an argument of a method.

    Attributes:
        access: ``RO``, ``RW`` or ``RC`` (create only).
        index: part of what makes an object unique.
        optional: may be absent or null.
        unit: free text, e.g. ``seconds``.
        subtype: libqmf2's refinement, e.g. ``abstime``, ``reference``.
        direction: arguments only: ``I``, ``O`` or ``IO``.
        minimum, maximum: bounds of a number.
        max_length: longest text, in characters.
        default: what a missing argument means; None is no default.
        statistic: a property that counts or measures.
    """

    name: str
    type: PropertyType
    access: Access = "RO"
    index: bool = False
    optional: bool = False
    unit: str = ""
    description: str = ""
    subtype: str = ""
    direction: Direction = "I"
    minimum: int | float | None = None
    maximum: int | float | None = None
    max_length: int | None = None
    default: Value = field(default=None, hash=False)
    statistic: bool = False

    def hash_input(self) -> bytes:
        """Return this member's share of what the schema hash is taken over."""
        return b"".join(
            (
                self.name.encode(),
                bytes((self.type.hash_code,)),
                self.subtype.encode(),
                bytes((_ACCESS_CODES[self.access], self.index, self.optional)),
                self.unit.encode(),
                self.description.encode(),
                bytes((_DIRECTION_CODES[self.direction],)),
            )
        )

    def to_map(self) -> dict[str, Value]:
        """Return the map on the wire; unset members are left out."""
        result: dict[str, Value] = {
            "_name": self.name,
            "_type": self.type.value,
            "_access": self.access,
            "_dir": self.direction,
        }
        extras: tuple[tuple[str, Value], ...] = (
            ("_unit", self.unit or None),
            ("_desc", self.description or None),
            ("_subtype", self.subtype or None),
            ("_index", self.index or None),
            ("_optional", self.optional or None),
            ("_statistic", self.statistic or None),
            ("_min", self.minimum),
            ("_max", self.maximum),
            ("_maxlen", self.max_length),
            ("_default", self.default),
        )
        for key, value in extras:
            if value is not None:
                result[key] = value
        return result

    @classmethod
    def from_map(cls, value: Value, path: str = "_properties") -> Property:
        """Read a property map; an unknown access or direction counts as the default.

        Raises:
            RemoteProtocolError: not a map, no name, or an unknown type.
        """
        if not isinstance(value, dict):
            raise RemoteProtocolError("not a map", path=path)
        name = text(value.get("_name"))
        if not name:
            raise RemoteProtocolError("no name", path=f"{path}._name")
        kind = _TYPES_BY_TEXT.get(text(value.get("_type")) or "")
        if kind is None:
            raise RemoteProtocolError("unknown type", path=f"{path}._type")
        access = text(value.get("_access"))
        direction = text(value.get("_dir"))
        longest = value.get("_maxlen")
        return cls(
            name,
            kind,
            access="RW" if access == "RW" else "RC" if access == "RC" else "RO",
            index=value.get("_index") is True,
            optional=value.get("_optional") is True,
            unit=text(value.get("_unit")) or "",
            description=text(value.get("_desc")) or "",
            subtype=text(value.get("_subtype")) or "",
            direction="O" if direction == "O" else "IO" if direction == "IO" else "I",
            minimum=_number(value.get("_min")),
            maximum=_number(value.get("_max")),
            max_length=None if longest is None else integer(longest),
            default=value.get("_default"),
            statistic=value.get("_statistic") is True,
        )


_TYPES_BY_TEXT: Final = {member.value: member for member in PropertyType}


def _number(value: Value) -> int | float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def properties_from(value: Value, path: str) -> tuple[Property, ...]:
    """Read a list of property maps; null is an empty list.

    Raises:
        RemoteProtocolError: not a list, or a malformed property.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise RemoteProtocolError("not a list", path=path)
    return tuple(Property.from_map(item, f"{path}[{number}]") for number, item in enumerate(value))

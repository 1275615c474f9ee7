"""Schemas in the form of QMFv1: counted lists of maps in the AMQP 0-10 encoding.

Written as libqmf2 does it, all properties in one list and none called a statistic, but with texts as str16: binary
breaks consoles on Python 3. The eight types become QMFv1's by the same table, so a class with VOID arguments or with
subtypes other than ``timestamp``, ``duration``, ``reference`` and ``data`` does not come back the same.

Source: qmf2.md 4.7
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from types import MappingProxyType
from typing import Final

from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf._cursor import Cursor
from matahari.qmf.codec import encode_map
from matahari.qmf.property import Access, Direction, Property, PropertyType
from matahari.qmf.schema import Kind, Method, Schema, SchemaId
from matahari.qmf.values import ULong, Value, integer, text

KIND_CODES: Final[dict[str, int]] = {"_data": 1, "_event": 2}

_MAX_COUNT: Final = 0xFFFF
_MAX_SHORT_TEXT: Final = 0xFF

_NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
_HEAD = Struct(">II").pack
_COUNT = Struct(">H").pack
_INT32 = Struct(">Bi").pack

# v2 to v1. qmf-gen's subtypes abstime and deltatime stay plain integers, as from libqmf2: Matahari's hold seconds,
# and a console would show QMFv1's times as nanoseconds.
_CODES: Final = {
    PropertyType.VOID: 1,
    PropertyType.BOOL: 11,
    PropertyType.INT: 19,
    PropertyType.FLOAT: 13,
    PropertyType.STRING: 7,
    PropertyType.MAP: 15,
    PropertyType.LIST: 21,
    PropertyType.UUID: 14,
}
_SUBTYPE_CODES: Final = {
    (PropertyType.INT, "timestamp"): 8,
    (PropertyType.INT, "duration"): 9,
    (PropertyType.MAP, "reference"): 10,
    (PropertyType.MAP, "data"): 20,
}
# v1 to v2; 5 is not used.
_TYPES: Final[dict[int, tuple[PropertyType, str]]] = {
    **{code: (PropertyType.INT, "") for code in (1, 2, 3, 4, 16, 17, 18, 19)},
    6: (PropertyType.STRING, ""),
    7: (PropertyType.STRING, ""),
    8: (PropertyType.INT, "timestamp"),
    9: (PropertyType.INT, "duration"),
    10: (PropertyType.MAP, "reference"),
    11: (PropertyType.BOOL, ""),
    12: (PropertyType.FLOAT, ""),
    13: (PropertyType.FLOAT, ""),
    14: (PropertyType.UUID, ""),
    15: (PropertyType.MAP, ""),
    20: (PropertyType.MAP, "data"),
    21: (PropertyType.LIST, ""),
    22: (PropertyType.LIST, ""),
}
_ACCESS_CODES: Final[dict[Access, int]] = {"RC": 1, "RW": 2, "RO": 3}
_ACCESSES: Final[dict[int, Access]] = {code: access for access, code in _ACCESS_CODES.items()}


def put_text(out: bytearray, value: str) -> None:
    """Append a ``str8``; SchemaError above 255 bytes."""
    try:
        raw = value.encode()
    except UnicodeEncodeError:
        raise SchemaError("text has no UTF-8 form (lone surrogates)") from None
    if len(raw) > _MAX_SHORT_TEXT:
        raise SchemaError(f"{value[:40]!r}... is longer than {_MAX_SHORT_TEXT} bytes")
    out.append(len(raw))
    out += raw


def put_schema(out: bytearray, schema: Schema) -> None:
    """Append the body of an ``s`` frame.

    Raises:
        SchemaError: a name above 255 bytes, more than 65,535 members, or a default that has no encoding.
    """
    assert schema.id.hash is not None  # computed when it was not given
    out.append(KIND_CODES[schema.id.kind])
    put_text(out, schema.id.package)
    put_text(out, schema.id.name)
    out += schema.id.hash.bytes
    if schema.id.kind == "_event":
        counts: tuple[int, ...] = (len(schema.properties),)
    else:
        counts = (len(schema.properties), 0, len(schema.methods))
    if max(counts) > _MAX_COUNT:
        raise SchemaError(f"more than {_MAX_COUNT} members", path=schema.id.name)
    for count in counts:
        out += _COUNT(count)
    for item in schema.properties:
        out += _event_field(item) if schema.id.kind == "_event" else _property(item)
    if schema.id.kind == "_event":
        return
    for method in schema.methods:
        count = ULong(len(method.arguments))
        out += _map({"name": method.name, "desc": method.description or None, "argCount": count})
        for argument in method.arguments:
            out += _argument(argument)


def take_schema(cursor: Cursor) -> Schema:
    """Read the body of an ``s`` frame; binary texts, any width of integers and statistics are fine.

    Raises:
        RemoteProtocolError: truncated, an unknown kind or type, or a member without a name.
    """
    schema_id = take_class(cursor)
    if schema_id.kind == "_event":
        return Schema(schema_id, _take_properties(cursor, cursor.number(2), "arguments"))
    counts = cursor.number(2), cursor.number(2), cursor.number(2)
    properties = _take_properties(cursor, counts[0], "properties")
    properties += _take_properties(cursor, counts[1], "statistics", statistic=True)
    return Schema(schema_id, properties, tuple(_take_method(cursor, f"methods[{n}]") for n in range(counts[2])))


def take_class(cursor: Cursor) -> SchemaId:
    """Read kind, package, class and hash; RemoteProtocolError for an unknown kind or an empty name."""
    code = cursor.number(1)
    kind: Kind | None = "_data" if code == 1 else "_event" if code == 2 else None
    if kind is None:
        raise RemoteProtocolError(f"unknown kind of class {code}")
    package, name, digest = cursor.text(), cursor.text(), cursor.uuid()
    if not package or not name:
        raise RemoteProtocolError("a class without package or name")
    return SchemaId(package, name, kind, digest)


def skip_schema(cursor: Cursor) -> None:
    """Move past the body of an ``s`` frame, reading no more than that takes."""
    if take_class(cursor).kind == "_event":
        maps, methods = cursor.number(2), 0
    else:
        maps, methods = cursor.number(2) + cursor.number(2), cursor.number(2)
    for _ in range(maps):
        cursor.skip_map()
    for number in range(methods):
        for _ in range(_argument_count(cursor.map(), f"methods[{number}]")):
            cursor.skip_map()


# -- writing ---------------------------------------------------------------------------------------------------------


def _property(item: Property) -> bytes:
    codes = {"access": _ACCESS_CODES[item.access], "index": int(item.index), "optional": int(item.optional)}
    return _map(_extras(item), numbers=codes, code=_code(item))


def _argument(item: Property) -> bytes:
    return _map({**_extras(item), "dir": item.direction, "default": item.default}, code=_code(item))


def _event_field(item: Property) -> bytes:
    return _map(_extras(item), code=_code(item))


def _extras(item: Property) -> dict[str, Value]:
    return {
        "name": item.name,
        "unit": item.unit or None,
        "desc": item.description or None,
        "min": item.minimum,
        "max": item.maximum,
        "maxlen": item.max_length,
    }


def _code(item: Property) -> int:
    return _SUBTYPE_CODES.get((item.type, item.subtype), _CODES[item.type])


def _map(values: dict[str, Value], *, numbers: Mapping[str, int] = _NOTHING, code: int | None = None) -> bytes:
    """Encode a map whose keys are in alphabetical order, as from libqmf2.

    Args:
        values: what the codec encodes; None is left out.
        numbers: what goes out as int32, the width in which consoles have always got these.
        code: the type, as uint8.
    """
    # Behind size and count (8 bytes) a map of one entry is that entry.
    entries = {key: encode_map({key: value})[8:] for key, value in values.items() if value is not None}
    entries |= {key: _key(key) + _INT32(0x21, number) for key, number in numbers.items()}
    if code is not None:
        entries["type"] = _key("type") + bytes((0x02, code))
    content = b"".join(entries[key] for key in sorted(entries))
    return _HEAD(len(content) + 4, len(entries)) + content


def _key(name: str) -> bytes:
    return bytes((len(name),)) + name.encode()


# -- reading ---------------------------------------------------------------------------------------------------------


def _take_properties(cursor: Cursor, count: int, path: str, *, statistic: bool = False) -> tuple[Property, ...]:
    return tuple(_read_property(cursor.map(), f"{path}[{n}]", statistic=statistic) for n in range(count))


def _take_method(cursor: Cursor, path: str) -> Method:
    value = cursor.map()
    count = _argument_count(value, path)
    arguments = _take_properties(cursor, count, f"{path}.arguments")
    return Method(_name(value, path), text(value.get("desc")) or "", arguments)


def _argument_count(value: dict[str, Value], path: str) -> int:
    count = integer(value.get("argCount"), -1)
    if count < 0:
        raise RemoteProtocolError("no number of arguments", path=f"{path}.argCount")
    return count  # no need for a limit: each argument takes bytes of the message


def _read_property(value: dict[str, Value], path: str, *, statistic: bool) -> Property:
    name = _name(value, path)
    found = _TYPES.get(integer(value.get("type")))
    if found is None:
        raise RemoteProtocolError("unknown type", path=f"{path}.type")
    kind, subtype = found
    said = (text(value.get("dir")) or "").upper()
    direction: Direction = "O" if said == "O" else "IO" if said == "IO" else "I"
    longest = integer(value.get("maxlen"), -1)
    return Property(
        name,
        kind,
        access=_ACCESSES.get(integer(value.get("access")), "RO"),
        index=bool(value.get("index")),
        optional=bool(value.get("optional")),
        unit=text(value.get("unit")) or "",
        description=text(value.get("desc")) or "",
        subtype=subtype,
        direction=direction,
        minimum=_bound(value.get("min")),
        maximum=_bound(value.get("max")),
        max_length=longest if longest >= 0 else None,
        default=value.get("default"),
        statistic=statistic,
    )


def _name(value: dict[str, Value], path: str) -> str:
    name = text(value.get("name"))
    if not name:
        raise RemoteProtocolError("no name", path=f"{path}.name")
    return name


def _bound(value: Value) -> int | float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

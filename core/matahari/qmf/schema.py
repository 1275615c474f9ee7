"""Classes of objects and events: their name, properties and methods, as maps and as hash.

Source: qmf2.md 2.3 and 4
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf._hash import shift_hash
from matahari.qmf.property import Property, properties_from
from matahari.qmf.values import UInt, Value, integer, text

Kind: TypeAlias = Literal["_data", "_event"]

#: Longest name of a package, class, property, method or argument: it becomes a map key or part of a subject.
MAX_NAME_BYTES: Final = 255

_KIND_CODES: Final[dict[str, int]] = {"_data": 1, "_event": 2}


@dataclass(frozen=True, slots=True)
class SchemaId:
    """Names a class. Without ``hash`` it means any version; in queries an empty package or name means any."""

    package: str
    name: str
    kind: Kind = "_data"
    hash: uuid.UUID | None = None

    def to_map(self) -> dict[str, Value]:
        """Return the map on the wire; empty names are left out."""
        result: dict[str, Value] = {}
        if self.package:
            result["_package_name"] = self.package
        if self.name:
            result["_class_name"] = self.name
        result["_type"] = self.kind
        if self.hash is not None:
            result["_hash"] = self.hash
        return result

    @classmethod
    def from_map(cls, value: Value, path: str = "_schema_id") -> SchemaId:
        """Read a schema id; a missing type means data, a hash that is no uuid in any form counts as absent.

        Raises:
            RemoteProtocolError: not a map, or neither package nor class is named.
        """
        if not isinstance(value, dict):
            raise RemoteProtocolError("not a map", path=path)
        package = text(value.get("_package_name")) or ""
        name = text(value.get("_class_name")) or ""
        if not package and not name:
            raise RemoteProtocolError("names neither a package nor a class", path=path)
        kind: Kind = "_event" if text(value.get("_type")) == "_event" else "_data"
        return cls(package, name, kind, _digest(value.get("_hash")))

    def matches(self, wanted: SchemaId) -> bool:
        """Tell whether a query for ``wanted`` means this class: package and class, where given; not hash nor kind."""
        return wanted.name in ("", self.name) and wanted.package in ("", self.package)


@dataclass(frozen=True, slots=True)
class Method:
    """A method and its arguments in order."""

    name: str
    description: str = ""
    arguments: tuple[Property, ...] = ()

    def to_map(self) -> dict[str, Value]:
        """Return the map on the wire."""
        result: dict[str, Value] = {"_name": self.name}
        if self.description:
            result["_desc"] = self.description
        result["_arguments"] = [argument.to_map() for argument in self.arguments]
        return result

    @classmethod
    def from_map(cls, value: Value, path: str = "_methods") -> Method:
        """Read a method map; missing arguments are none.

        Raises:
            RemoteProtocolError: not a map, no name, or a malformed argument.
        """
        if not isinstance(value, dict):
            raise RemoteProtocolError("not a map", path=path)
        name = text(value.get("_name"))
        if not name:
            raise RemoteProtocolError("no name", path=f"{path}._name")
        arguments = properties_from(value.get("_arguments"), f"{path}._arguments")
        return cls(name, text(value.get("_desc")) or "", arguments)


@dataclass(frozen=True, slots=True)
class Schema:
    """A class with all its members.

    ``id.hash`` is computed when it is not given, so locally written schemas need none and received ones keep theirs
    (foreign hashes are opaque).

    Attributes:
        default_severity: of events, 0 (emergency) to 7 (debug); None when not said.
    """

    id: SchemaId
    properties: tuple[Property, ...] = ()
    methods: tuple[Method, ...] = ()
    description: str = ""
    default_severity: int | None = None

    def __post_init__(self) -> None:
        if self.id.hash is None:
            object.__setattr__(self, "id", replace(self.id, hash=schema_hash(self)))

    def find_method(self, name: str) -> Method | None:
        """Return the method of that name, or None."""
        return next((method for method in self.methods if method.name == name), None)

    def find_property(self, name: str) -> Property | None:
        """Return the property of that name, or None."""
        return next((item for item in self.properties if item.name == name), None)

    def check(self) -> None:
        """Raise SchemaError unless the schema is fit to be published.

        Names must be there, at most ``MAX_NAME_BYTES`` long, and different from their siblings.
        """
        _check_name(self.id.package, "_package_name")
        _check_name(self.id.name, "_class_name")
        _check_names((item.name for item in self.properties), "properties")
        _check_names((method.name for method in self.methods), "methods")
        for method in self.methods:
            _check_names((item.name for item in method.arguments), f"methods.{method.name}")

    def to_map(self) -> dict[str, Value]:
        """Return the map on the wire."""
        result: dict[str, Value] = {"_schema_id": self.id.to_map()}
        if self.description:
            result["_desc"] = self.description
        if self.default_severity is not None:
            result["_default_severity"] = UInt(self.default_severity)
        result["_properties"] = [item.to_map() for item in self.properties]
        result["_methods"] = [method.to_map() for method in self.methods]
        return result

    @classmethod
    def from_map(cls, value: Value, path: str = "") -> Schema:
        """Read a schema map; only the id is required. A severity out of range counts as not said (libqmf2 may send any).

        Raises:
            RemoteProtocolError: no schema id, or a malformed property or method.
        """
        if not isinstance(value, dict):
            raise RemoteProtocolError("not a map", path=path or "schema")
        prefix = f"{path}." if path else ""
        methods = value.get("_methods")
        if methods is not None and not isinstance(methods, list):
            raise RemoteProtocolError("not a list", path=f"{prefix}_methods")
        severity = integer(value.get("_default_severity"), -1)
        return cls(
            SchemaId.from_map(value.get("_schema_id"), f"{prefix}_schema_id"),
            properties_from(value.get("_properties"), f"{prefix}_properties"),
            tuple(Method.from_map(item, f"{prefix}_methods[{n}]") for n, item in enumerate(methods or ())),
            text(value.get("_desc")) or "",
            severity if 0 <= severity <= 7 else None,
        )


def schema_hash(schema: Schema) -> uuid.UUID:
    """Compute the hash over a schema, whatever hash its id holds.

    Source: qmf2.md 4.2; the vectors there come from libqmf2 itself
    """
    parts = [bytes((_KIND_CODES[schema.id.kind],)), schema.id.package.encode(), schema.id.name.encode()]
    parts.extend(item.hash_input() for item in schema.properties)
    for method in schema.methods:
        parts += (method.name.encode(), method.description.encode())
        parts.extend(argument.hash_input() for argument in method.arguments)
    return shift_hash(b"".join(parts))


def _digest(value: Value) -> uuid.UUID | None:
    """Read a hash: a uuid, but consoles written by hand send its 16 bytes or its text."""
    if isinstance(value, uuid.UUID):
        return value
    if isinstance(value, bytes) and len(value) == 16:
        return uuid.UUID(bytes=value)
    try:
        return uuid.UUID(text(value) or "")
    except ValueError:
        return None


def _check_names(names: Iterable[str], path: str) -> None:
    seen: set[str] = set()
    for name in names:
        _check_name(name, path)
        if name in seen:
            raise SchemaError(f"{name} is there twice", path=path)
        seen.add(name)


def _check_name(name: str, path: str) -> None:
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        raise SchemaError("a name has no UTF-8 form", path=path) from None
    if not 0 < length <= MAX_NAME_BYTES:
        raise SchemaError(f"a name must have 1 to {MAX_NAME_BYTES} bytes, not {length}", path=path)

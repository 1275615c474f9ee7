"""Object ids and data: what query answers, events and exceptions are made of.

Values are kept as received. Foreign agents send text as binary; :meth:`Data.decoded` undoes that.

Source: qmf2.md 2.2, 2.4, 3.7, 3.8 and 3.9
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from matahari.errors import RemoteProtocolError
from matahari.qmf.packet import CODE_EXCEPTION
from matahari.qmf.property import PropertyType
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import UInt, ULong, Value, decode_text, integer, text

#: Severity of an event whose sender gave none: notice.
DEFAULT_SEVERITY: Final = 5

_TEXTUAL = (PropertyType.STRING, PropertyType.MAP, PropertyType.LIST)


@dataclass(frozen=True, slots=True)
class ObjectId:
    """Address of an object. Two are equal when agent and object name are; epochs differ between restarts and senders.

    Attributes:
        agent_name: empty when the sender left it out, as the broker's agent does.
    """

    agent_name: str
    object_name: str
    agent_epoch: int | None = field(default=None, compare=False)

    def to_map(self) -> dict[str, Value]:
        """Return the map on the wire."""
        result: dict[str, Value] = {}
        if self.agent_name:
            result["_agent_name"] = self.agent_name
        result["_object_name"] = self.object_name
        if self.agent_epoch:
            result["_agent_epoch"] = UInt(self.agent_epoch)
        return result

    @classmethod
    def from_map(cls, value: Value, path: str = "_object_id") -> ObjectId:
        """Read an object id; any integer, or none, serves as epoch.

        Raises:
            RemoteProtocolError: not a map, or without an object name.
        """
        if not isinstance(value, dict):
            raise RemoteProtocolError("not a map", path=path)
        name = text(value.get("_object_name"))
        if name is None:
            raise RemoteProtocolError("no object name", path=f"{path}._object_name")
        epoch = integer(value.get("_agent_epoch"), 0)
        # Only what can be sent back as uint32 is kept; nobody compares epochs.
        return cls(text(value.get("_agent_name")) or "", name, epoch if 0 < epoch <= 0xFFFFFFFF else None)


@dataclass(frozen=True, slots=True)
class Data:
    """An object's state, an event, or the contents of an exception.

    Attributes:
        values: by name, as received.
        create_ns, update_ns, delete_ns: nanoseconds since 1970; ``delete_ns`` above 0 marks a deleted object.
        severity: of an event, 0 (emergency) to 7 (debug).
        timestamp_ns: of an event, nanoseconds since 1970.
        subtypes: refined types of values, by name.
    """

    values: Mapping[str, Value]
    object_id: ObjectId | None = None
    schema_id: SchemaId | None = None
    create_ns: int | None = None
    update_ns: int | None = None
    delete_ns: int | None = None
    severity: int | None = None
    timestamp_ns: int | None = None
    subtypes: Mapping[str, str] = field(default_factory=dict)

    def to_map(self) -> dict[str, Value]:
        """Return the map on the wire; what is None or empty is left out, but for ``_values``."""
        result: dict[str, Value] = {"_values": dict(self.values)}
        if self.object_id is not None:
            result["_object_id"] = self.object_id.to_map()
        if self.schema_id is not None:
            result["_schema_id"] = self.schema_id.to_map()
        for key, moment in (
            ("_create_ts", self.create_ns),
            ("_update_ts", self.update_ns),
            ("_delete_ts", self.delete_ns),
            ("_timestamp", self.timestamp_ns),
        ):
            if moment is not None:
                result[key] = ULong(moment)
        if self.severity is not None:
            result["_severity"] = self.severity
        if self.subtypes:
            result["_subtypes"] = dict(self.subtypes)
        return result

    @classmethod
    def from_map(cls, value: Value, path: str = "") -> Data:
        """Read a data map. The values are shared with it, not copied.

        Raises:
            RemoteProtocolError: not a map, no ``_values``, or a malformed object or schema id.
        """
        if not isinstance(value, dict):
            raise RemoteProtocolError("not a map", path=path or "data")
        prefix = f"{path}." if path else ""
        values = value.get("_values")
        if not isinstance(values, dict):
            raise RemoteProtocolError("no map of values", path=f"{prefix}_values")
        object_id, schema_id = value.get("_object_id"), value.get("_schema_id")
        severity = integer(value.get("_severity"), -1)
        return cls(
            values,
            None if object_id is None else ObjectId.from_map(object_id, f"{prefix}_object_id"),
            None if schema_id is None else SchemaId.from_map(schema_id, f"{prefix}_schema_id"),
            _moment(value.get("_create_ts")),
            _moment(value.get("_update_ts")),
            _moment(value.get("_delete_ts")),
            severity if 0 <= severity <= 7 else None,
            _moment(value.get("_timestamp")),
            _subtypes(value.get("_subtypes")),
        )

    def decoded(self, schema: Schema | None = None) -> dict[str, Value]:
        """Return the values with binary that is valid UTF-8 turned into text.

        Args:
            schema: limits this to properties that may hold text (strings, maps, lists) and to names it does not
                know; without a schema all values are decoded.
        """
        kept: set[str] = set()
        if schema is not None:
            kept = {item.name for item in schema.properties if item.type not in _TEXTUAL}
        return {name: value if name in kept else decode_text(value) for name, value in self.values.items()}

    def at(self, agent: str) -> Data:
        """Return the same data with ``agent`` filled into an object id that names none (the broker's never do)."""
        if self.object_id is None or self.object_id.agent_name:
            return self
        return replace(self, object_id=replace(self.object_id, agent_name=agent))


def failure_text(data: Data) -> str:
    """Return what an exception says for humans, made of its parts when the sender gave no ``error_text``."""
    said = text(data.values.get("error_text"))
    if said:
        return said
    parts = (text(data.values.get("type")), text(data.values.get("value")))
    return ": ".join(part for part in parts if part) or "error"


def failure_code(data: Data) -> int:
    """Return the ``error_code`` of an exception, 7 (exception inside the call) when the sender gave none."""
    return integer(data.values.get("error_code"), CODE_EXCEPTION)


def _moment(value: Value) -> int | None:
    moment = integer(value, -1)
    return moment if 0 <= moment <= 0xFFFFFFFFFFFFFFFF else None


def _subtypes(value: Value) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    named = ((name, text(item)) for name, item in value.items())
    return {name: item for name, item in named if item is not None}

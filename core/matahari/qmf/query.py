"""Queries for objects and schemas, as maps.

Source: qmf2.md 2.6
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from matahari.errors import RemoteProtocolError
from matahari.qmf.data import ObjectId
from matahari.qmf.schema import SchemaId
from matahari.qmf.values import Value, text


class QueryTarget(Enum):
    """What a query asks for; values are the texts on the wire. OBJECT_ID is answered like OBJECT, as libqmf2 does."""

    OBJECT = "OBJECT"
    OBJECT_ID = "OBJECT_ID"
    SCHEMA = "SCHEMA"
    SCHEMA_ID = "SCHEMA_ID"


_TARGETS = {member.value: member for member in QueryTarget}


@dataclass(frozen=True, slots=True)
class Query:
    """A question to one agent.

    Attributes:
        object_id: the one object asked for; goes before ``schema_id``.
        schema_id: class of the objects, or the schema, asked for.
        where: predicate on the values of objects, empty for all (see ``predicate``).
    """

    what: QueryTarget
    object_id: ObjectId | None = None
    schema_id: SchemaId | None = None
    where: Sequence[Value] = field(default=(), hash=False)

    def to_map(self) -> dict[str, Value]:
        """Return the map on the wire."""
        result: dict[str, Value] = {"_what": self.what.value}
        if self.object_id is not None:
            result["_object_id"] = self.object_id.to_map()
        if self.schema_id is not None:
            result["_schema_id"] = self.schema_id.to_map()
        if self.where:
            result["_where"] = list(self.where)
        return result

    @classmethod
    def from_map(cls, value: Value) -> Query:
        """Read a query map. The predicate is not checked here.

        Raises:
            RemoteProtocolError: not a map, ``_what`` missing or unknown, or a malformed id or predicate list.
        """
        if not isinstance(value, dict):
            raise RemoteProtocolError("not a map", path="query")
        what = _TARGETS.get(text(value.get("_what")) or "")
        if what is None:
            raise RemoteProtocolError("missing, or not a kind of query", path="_what")
        object_id, schema_id, where = value.get("_object_id"), value.get("_schema_id"), value.get("_where")
        if where is not None and not isinstance(where, list):
            raise RemoteProtocolError("not a list", path="_where")
        return cls(
            what,
            None if object_id is None else ObjectId.from_map(object_id),
            None if schema_id is None else SchemaId.from_map(schema_id),
            where or (),
        )

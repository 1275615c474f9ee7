"""Schemas that a console has fetched, by package, class and hash: whichever agent told one, it serves for all.

That is what the hash is for. A foreign hash cannot be checked, so an agent that answers with another schema under the
hash it was asked for misleads this console about that class; it could as well answer its calls wrongly.
"""

from __future__ import annotations

import uuid
from typing import Final, TypeAlias

from matahari.qmf.schema import Schema, SchemaId

#: Most schemas, and bytes as received, that are kept: a fleet has some hundred of 1 to 10 KiB; agents that invent
#: classes must not fill our memory. The one not used for longest goes first.
MAX_SCHEMAS: Final = 10_000
MAX_SCHEMA_BYTES: Final = 64 * 1024 * 1024

_Key: TypeAlias = tuple[str, str, uuid.UUID | None]


class SchemaCache:
    """See the module."""

    def __init__(self) -> None:
        self._schemas: dict[_Key, tuple[Schema, int]] = {}  # in the order of their last use
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._schemas)

    def find(self, schema_id: SchemaId) -> Schema | None:
        """Return the schema of that package, class and hash; without a hash none is found."""
        key = _key(schema_id)
        found = self._schemas.pop(key, None)
        if found is None:
            return None
        self._schemas[key] = found
        return found[0]

    def put(self, schema: Schema, size: int) -> None:
        """Remember a schema that took ``size`` bytes on the wire; one above the limit is not kept."""
        key = _key(schema.id)
        self._drop(key)
        if size > MAX_SCHEMA_BYTES:
            return
        while self._schemas and (len(self._schemas) >= MAX_SCHEMAS or self._bytes + size > MAX_SCHEMA_BYTES):
            self._drop(next(iter(self._schemas)))
        self._schemas[key] = schema, size
        self._bytes += size

    def _drop(self, key: _Key) -> None:
        _, size = self._schemas.pop(key, (None, 0))
        self._bytes -= size


def is_same_class(one: SchemaId, other: SchemaId) -> bool:
    """Tell whether two ids name the same version of a class; senders leave the kind out, so it does not count."""
    return _key(one) == _key(other)


def _key(schema_id: SchemaId) -> _Key:
    return schema_id.package, schema_id.name, schema_id.hash

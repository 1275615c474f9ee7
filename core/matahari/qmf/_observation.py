"""All objects of an agent at one moment, for whoever wants to tell others about them."""

from __future__ import annotations

from collections.abc import Iterator

from matahari.qmf._objects import ObjectTable, Observed
from matahari.qmf.predicate import Predicate
from matahari.qmf.query import Query
from matahari.qmf.schema import SchemaId
from matahari.qmf.values import Value


class Observation:
    """One look at the objects. Nothing is asked of an object before it is needed, and then only once.

    Args:
        wall_ns: the moment, in nanoseconds since 1970.
    """

    def __init__(self, table: ObjectTable, wall_ns: int) -> None:
        self._table = table
        self._wall_ns = wall_ns
        self._seen: dict[str, Observed | None] = {}

    def find(self, name: str) -> Observed | None:
        """Return an object as it is, None when it is not there or its values cannot be had."""
        if name not in self._seen:
            self._seen[name] = self._table.observe(name, self._wall_ns)
        return self._seen[name]

    def has(self, name: str) -> bool:
        """Tell whether the object is there, also if its values cannot be had."""
        return name in self._table.objects

    def names(self) -> list[str]:
        """Return the names of all objects."""
        return list(self._table.objects)

    def matching(self, query: Query, predicate: Predicate) -> Iterator[Observed]:
        """Return the objects that a query by id or class means; the predicate is for those by class."""
        for item in self._table.chosen(query):
            seen = self.find(item.name)
            if seen is not None and (query.object_id is not None or predicate(seen.values)):
                yield seen

    def deleted(self, name: str, schema_id: SchemaId) -> Value:
        """Return the data map of an object that is gone at this moment."""
        return self._table.deleted(name, schema_id, self._wall_ns)

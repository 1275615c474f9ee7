"""The objects and schemas of one agent: what they answer to queries, allow in calls, and look like at one moment."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from matahari.errors import LocalProtocolError, RemoteProtocolError, SchemaError
from matahari.qmf.codec import encode_map
from matahari.qmf.data import Data, ObjectId
from matahari.qmf.packet import CONTENT_DATA, CONTENT_SCHEMA, CONTENT_SCHEMA_ID
from matahari.qmf.predicate import compile_predicate
from matahari.qmf.property import Property
from matahari.qmf.query import Query, QueryTarget
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import Value

_LOG = logging.getLogger(__name__)

_Arguments = Mapping[str, Property]


@dataclass(frozen=True, slots=True)
class ManagedObject:
    """An object that an agent offers.

    Attributes:
        name: unique within the agent.
        schema: its class; it must have been added to the agent.
        values: by property name, or a function that returns them whenever a query asks. It must not block.
    """

    name: str
    schema: Schema
    values: Mapping[str, Value] | Callable[[], Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class Observed:
    """An object as it was at one moment.

    Attributes:
        values: by property name.
        digest: differs when the values do.
        body: the data map with object id, schema id and times, as it is indicated.
    """

    name: str
    schema_id: SchemaId
    values: Mapping[str, Value]
    digest: bytes
    body: dict[str, Value]


@dataclass(slots=True)
class _Record:
    """What is kept of an object between two looks at it; the digest is empty when ``update_ns`` is known to be right."""

    item: ManagedObject
    create_ns: int
    update_ns: int
    digest: bytes = b""
    is_failing: bool = False


class ValuesFailed(Exception):
    """The function that gives an object's values failed; the query is answered with an exception."""


class ObjectTable:
    """Objects by name with, for each method, the arguments that may be sent."""

    def __init__(self, agent_name: str, epoch: int) -> None:
        self._agent_name = agent_name
        self._epoch = epoch
        self._schemas: dict[SchemaId, Schema] = {}
        self._methods: dict[SchemaId, dict[str, _Arguments]] = {}
        self._objects: dict[str, ManagedObject] = {}
        self._records: dict[str, _Record] = {}

    @property
    def schemas(self) -> Mapping[SchemaId, Schema]:
        return self._schemas

    @property
    def objects(self) -> Mapping[str, ManagedObject]:
        return self._objects

    def add_schema(self, schema: Schema) -> bool:
        """Add a schema, once checked; False when this very class was there already."""
        schema.check()
        if self._schemas.get(schema.id) == schema:
            return False
        self._schemas[schema.id] = schema
        self._methods[schema.id] = {
            method.name: {item.name: item for item in method.arguments if item.direction != "O"}
            for method in schema.methods
        }
        return True

    def remove_schema(self, schema_id: SchemaId) -> None:
        if schema_id not in self._schemas:
            raise LocalProtocolError(f"there is no schema {schema_id.package}:{schema_id.name} to remove")
        if any(item.schema.id == schema_id for item in self._objects.values()):
            raise LocalProtocolError(f"objects of {schema_id.package}:{schema_id.name} are still there")
        del self._schemas[schema_id], self._methods[schema_id]

    def add_object(self, item: ManagedObject, wall_ns: int) -> Value:
        """Add an object, or replace the one of the same name (a new generation of a plugin) in one step.

        Returns:
            The last data map of the replaced object when it was of another class and so is gone, else None.
        """
        if item.schema.id not in self._schemas:
            raise LocalProtocolError(f"the schema of {item.name} was not added")
        old = self._records.get(item.name)
        gone: Value = None
        if old is not None and is_same_class(old.item.schema.id, item.schema.id):
            self._records[item.name] = _Record(item, old.create_ns, max(wall_ns, old.create_ns))
        else:
            if old is not None:
                gone = self._last_words(old, wall_ns)
            self._records[item.name] = _Record(item, wall_ns, wall_ns)
        self._objects[item.name] = item
        return gone

    def remove_object(self, name: str, wall_ns: int) -> tuple[SchemaId, Value]:
        """Remove an object and return its class and its last data map, which tells when it was deleted."""
        record = self._records.pop(name, None)
        if record is None:
            raise LocalProtocolError(f"there is no object {name} to remove")
        del self._objects[name]
        return record.item.schema.id, self._last_words(record, wall_ns)

    def touch_object(self, name: str, wall_ns: int) -> None:
        """Note that an object's values have changed."""
        record = self._records.get(name)
        if record is None:
            raise LocalProtocolError(f"there is no object {name} that could change")
        record.update_ns = max(wall_ns, record.create_ns)
        record.digest = b""

    def arguments_of(self, item: ManagedObject, method: str) -> Mapping[str, Property] | None:
        """Return the arguments that may be sent to a method, by name; None when the schema does not know it."""
        return self._methods[item.schema.id].get(method)

    def answer(self, query: Query) -> tuple[str, list[Value]]:
        """Return what a query asks for: the content word and the maps.

        Raises:
            RemoteProtocolError: the query lacks what its kind needs.
            SchemaError: a malformed predicate.
            ValuesFailed: an object could not tell its values.
        """
        if query.what is QueryTarget.SCHEMA_ID:
            return CONTENT_SCHEMA_ID, [schema_id.to_map() for schema_id in self._schemas]
        if query.what is QueryTarget.SCHEMA:
            return CONTENT_SCHEMA, self._schema_maps(query.schema_id)
        # An OBJECT_ID query gets whole objects too, as from libqmf2.
        predicate = compile_predicate(query.where)
        result: list[Value] = []
        for item in self.chosen(query):
            values = _values_of(item)
            if query.object_id is not None or predicate(values):
                result.append(self._data(item, values).to_map())
        return CONTENT_DATA, result

    def chosen(self, query: Query) -> Iterable[ManagedObject]:
        """Return the objects that a query asks for by id or else by class; its predicate is not considered.

        Raises:
            RemoteProtocolError: it has neither.
        """
        if query.object_id is not None:
            found = self.find(query.object_id)
            return () if found is None else (found,)
        wanted = query.schema_id
        if wanted is None:
            raise RemoteProtocolError("a query for objects needs an object id or a schema id", path="query")
        return [item for item in self._objects.values() if item.schema.id.matches(wanted)]

    def find_schema(self, wanted: SchemaId) -> Schema | None:
        """Return a schema by package, class and, if given, hash; else the newest of that class.

        So a console that asks after a plugin was reloaded, by the hash that it saw before, is not left without any.
        """
        found: Schema | None = None
        for schema_id, schema in self._schemas.items():
            if is_same_class(schema_id, wanted):
                found = schema
                if schema_id.hash == wanted.hash:
                    break
        return found

    def _schema_maps(self, wanted: SchemaId | None) -> list[Value]:
        if wanted is None:
            raise RemoteProtocolError("a query for a schema needs its id", path="_schema_id")
        return [
            schema.to_map()
            for schema_id, schema in self._schemas.items()
            if schema_id.matches(wanted) and wanted.hash in (None, schema_id.hash)
        ]

    def find(self, wanted: ObjectId) -> ManagedObject | None:
        """Return the object meant by an id, which may lack the agent's name; epochs do not count."""
        if wanted.agent_name not in ("", self._agent_name):
            return None
        return self._objects.get(wanted.object_name)

    def observe(self, name: str, wall_ns: int) -> Observed | None:
        """Look at an object, and move its time of update on if its values differ from those of the last look.

        Returns:
            None when it is not there, or its values cannot be had or sent; that is logged once, until it is over.
        """
        record = self._records.get(name)
        seen = None if record is None else _look_at(record)
        if record is None or seen is None:
            return None
        values, digest = seen
        if record.digest not in (b"", digest):
            record.update_ns = max(wall_ns, record.create_ns)
        record.digest = digest
        schema_id = record.item.schema.id
        return Observed(name, schema_id, values, digest, self._timed(record, values, 0))

    def deleted(self, name: str, schema_id: SchemaId, wall_ns: int) -> Value:
        """Return the data map that tells of an object of which no more is known that it is gone."""
        return Data({}, self._object_id(name), schema_id, delete_ns=wall_ns).to_map()

    def _last_words(self, record: _Record, wall_ns: int) -> Value:
        # With the last values, if they can be had: consoles that tell properties from statistics by what is there
        # take no notice of an object without any.
        seen = _look_at(record)
        return self._timed(record, {} if seen is None else seen[0], wall_ns)

    def _timed(self, record: _Record, values: Mapping[str, Value], delete_ns: int) -> dict[str, Value]:
        data = self._data(record.item, values)
        return replace(data, create_ns=record.create_ns, update_ns=record.update_ns, delete_ns=delete_ns).to_map()

    def _data(self, item: ManagedObject, values: Mapping[str, Value]) -> Data:
        return Data(values, self._object_id(item.name), item.schema.id)

    def _object_id(self, name: str) -> ObjectId:
        return ObjectId(self._agent_name, name, self._epoch)


def is_same_class(one: SchemaId, other: SchemaId) -> bool:
    """Tell whether two ids name the same class, be it in different versions."""
    return one.package == other.package and one.name == other.name


def _look_at(record: _Record) -> tuple[Mapping[str, Value], bytes] | None:
    """Return the values of an object and a digest of them.

    None when they cannot be had, or not be sent, which would take other objects in the same message along.
    Either is logged once, until it is over.
    """
    item = record.item
    try:
        values = _values_of(item, log=not record.is_failing)
        digest = blake2b(encode_map(values), digest_size=16).digest()
    except ValuesFailed:
        record.is_failing = True
    except SchemaError as error:
        if not record.is_failing:
            _LOG.error("the values of object %s cannot be sent: %s", item.name, error)
        record.is_failing = True
    else:
        record.is_failing = False
        return values, digest
    return None


def _values_of(item: ManagedObject, *, log: bool = True) -> Mapping[str, Value]:
    if not callable(item.values):
        return item.values
    try:
        return item.values()
    except Exception as error:  # the application's function: its failure is answered, and must not stop the agent
        if log:
            _LOG.exception("the values of object %s cannot be had", item.name)
        raise ValuesFailed(f"the values of {item.name} cannot be had: {error}") from error

"""The objects and schemas of one agent, and what they answer to queries and allow in calls."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from matahari.errors import LocalProtocolError, RemoteProtocolError
from matahari.qmf.data import Data, ObjectId
from matahari.qmf.packet import CONTENT_DATA, CONTENT_SCHEMA, CONTENT_SCHEMA_ID
from matahari.qmf.predicate import Predicate, compile_predicate
from matahari.qmf.property import Property, PropertyType
from matahari.qmf.query import Query, QueryTarget
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import Value, estimate_size

_LOG = logging.getLogger(__name__)

#: Most items in one message of a query answer, as the broker's own agent does it.
OBJECTS_PER_PART: Final = 100
#: Where a part is closed early, in bytes as estimated: half of the largest message, for text beyond ASCII.
PART_BYTES: Final = 512 * 1024

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


class ValuesFailed(Exception):
    """The function that gives an object's values failed; the query is answered with an exception."""


class InvalidArgument(Exception):
    """An argument that the schema does not allow; the text is its name."""


class ObjectTable:
    """Objects by name with, for each method, the arguments that may be sent."""

    def __init__(self, agent_name: str, epoch: int) -> None:
        self._agent_name = agent_name
        self._epoch = epoch
        self._schemas: dict[SchemaId, Schema] = {}
        self._methods: dict[SchemaId, dict[str, _Arguments]] = {}
        self._objects: dict[str, ManagedObject] = {}

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

    def add_object(self, item: ManagedObject) -> None:
        """Add an object, or replace the one of the same name (a new generation of a plugin) in one step."""
        if item.schema.id not in self._schemas:
            raise LocalProtocolError(f"the schema of {item.name} was not added")
        self._objects[item.name] = item

    def remove_object(self, name: str) -> None:
        if self._objects.pop(name, None) is None:
            raise LocalProtocolError(f"there is no object {name} to remove")

    def arguments_for(self, item: ManagedObject, method: str, given: dict[str, Value]) -> dict[str, Value]:
        """Check arguments against the schema and return them with strings decoded; missing ones are allowed.

        A method that the schema does not know takes anything: whether it exists is the application's to say.

        Raises:
            InvalidArgument: unknown, an output argument, or of another type.
        """
        known = self._methods[item.schema.id].get(method)
        if known is None:
            return given
        checked: dict[str, Value] = {}
        for name, value in given.items():
            argument = known.get(name)
            if argument is None:
                raise InvalidArgument(name)
            if not argument.type.accepts(value) and not (value is None and argument.optional):
                raise InvalidArgument(name)
            if argument.type is PropertyType.STRING and isinstance(value, bytes):
                try:
                    value = value.decode()
                except UnicodeDecodeError:
                    raise InvalidArgument(name) from None
            checked[name] = value
        return checked

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
        if query.object_id is not None:
            return CONTENT_DATA, self._one_object(query.object_id)
        if query.schema_id is None:
            raise RemoteProtocolError("a query for objects needs an object id or a schema id", path="query")
        return CONTENT_DATA, self._class_objects(query.schema_id, compile_predicate(query.where))

    def _schema_maps(self, wanted: SchemaId | None) -> list[Value]:
        if wanted is None:
            raise RemoteProtocolError("a query for a schema needs its id", path="_schema_id")
        return [
            schema.to_map()
            for schema_id, schema in self._schemas.items()
            if schema_id.matches(wanted) and wanted.hash in (None, schema_id.hash)
        ]

    def _one_object(self, wanted: ObjectId) -> list[Value]:
        item = self.find(wanted)
        return [] if item is None else [self._object_map(item, _values_of(item))]

    def _class_objects(self, wanted: SchemaId, predicate: Predicate) -> list[Value]:
        result: list[Value] = []
        for item in self._objects.values():
            if item.schema.id.matches(wanted):
                values = _values_of(item)
                if predicate(values):
                    result.append(self._object_map(item, values))
        return result

    def find(self, wanted: ObjectId) -> ManagedObject | None:
        """Return the object meant by an id, which may lack the agent's name; epochs do not count."""
        if wanted.agent_name not in ("", self._agent_name):
            return None
        return self._objects.get(wanted.object_name)

    def _object_map(self, item: ManagedObject, values: Mapping[str, Value]) -> Value:
        return Data(values, ObjectId(self._agent_name, item.name, self._epoch), item.schema.id).to_map()


def _values_of(item: ManagedObject) -> Mapping[str, Value]:
    if not callable(item.values):
        return item.values
    try:
        return item.values()
    except Exception as error:  # the application's function: its failure is answered, and must not stop the agent
        _LOG.exception("the values of object %s cannot be had", item.name)
        raise ValuesFailed(f"the values of {item.name} cannot be had: {error}") from error


def split_parts(items: list[Value]) -> Iterator[list[Value]]:
    """Cut an answer into messages of at most ``OBJECTS_PER_PART`` items and about ``PART_BYTES``; none is one empty."""
    part: list[Value] = []
    size = 0
    for item in items:
        weight = estimate_size(item, PART_BYTES)
        if part and (len(part) == OBJECTS_PER_PART or size + weight > PART_BYTES):
            yield part
            part, size = [], 0
        part.append(item)
        size += weight
    yield part

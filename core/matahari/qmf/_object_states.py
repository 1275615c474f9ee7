"""States of objects that agents publish unasked or to a subscription, put together from what each message holds.

The broker's agent sends an object's properties and its statistics apart, and the notice of an immediate deletion does
not say which object it is about.

Source: qmf2.md 3.9, quirk 17
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeAlias, TypeVar

from matahari.qmf.data import Data, ObjectId
from matahari.qmf.schema import Schema
from matahari.qmf.values import Value, estimate_size, text

#: Most objects, and bytes of values as estimated, whose states are kept: all queues, bindings and sessions of a large
#: broker. The one not heard of for longest goes first; of it a later half stays a half.
MAX_OBJECT_STATES: Final = 50_000
MAX_STATE_BYTES: Final = 64 * 1024 * 1024
#: Most values of one object that are put together from several messages: the broker's have some 60. Above, copying
#: them for each message would be work that small messages can cause.
MAX_MERGED_VALUES: Final = 1000

#: Agent, package, class and name: the broker's agent has objects of several classes under one name.
_Key: TypeAlias = tuple[str, str, str, str]
_Birth: TypeAlias = tuple[str, str, str, int]
_Group = TypeVar("_Group")
_Item = TypeVar("_Item")

#: Left out of the names that the broker's agent gives to its objects, though part of their index (qmf2.md 2.2).
_NOT_IN_NAMES: Final = "vhostRef"


class ObjectStates:
    """See the module."""

    def __init__(self) -> None:
        self._states: dict[_Key, tuple[Data, int]] = {}  # in the order of the latest messages
        self._by_agent: dict[str, set[_Key]] = {}
        self._births: dict[_Birth, set[str]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._states)

    def merge(self, agent: str, data: Data) -> Data:
        """Add what one message says to what is known and return all of it; a deleted object is forgotten.

        Data without an object id are returned as they are.
        """
        if data.object_id is None:
            return data
        key = _key(agent, data, data.object_id)
        size = _size(data.values)
        known, known_size = self._states.get(key, (None, 0))
        self._drop(key)
        if known is not None and _is_joinable(known, data):
            # Only what comes and what it replaces is looked at, so that a large object costs no more than its news.
            size += known_size - _size({name: known.values[name] for name in data.values if name in known.values})
            data = _joined(known, data)
        if not data.delete_ns:
            self._keep(key, data, size)
        return data

    def named(self, agent: str, data: Data, schema: Schema | None) -> Data:
        """Return the notice of a deletion with the object id that it lacks, if that can be told.

        Args:
            schema: of the object's class, if it is known.
        """
        if data.object_id is not None or not data.delete_ns or data.schema_id is None:
            return data
        birth = _birth(agent, data)
        names = self._births.get(birth, set()) if birth is not None else set()
        # Objects made in the same nanosecond cannot be told apart by that.
        name = next(iter(names)) if len(names) == 1 else None
        if name is None and schema is not None:
            name = _broker_name(data, schema)
        return data if name is None else replace(data, object_id=ObjectId(agent, name))

    def forget(self, agent: str) -> None:
        """Drop all that an agent published: it has gone or begins anew."""
        for key in self._by_agent.pop(agent, ()):
            self._drop(key)

    def _keep(self, key: _Key, data: Data, size: int) -> None:
        if size > MAX_STATE_BYTES:
            return
        while self._states and (len(self._states) >= MAX_OBJECT_STATES or self._bytes + size > MAX_STATE_BYTES):
            self._drop(next(iter(self._states)))
        self._states[key] = data, size
        self._bytes += size
        self._by_agent.setdefault(key[0], set()).add(key)
        birth = _birth(key[0], data)
        if birth is not None:
            self._births.setdefault(birth, set()).add(key[3])

    def _drop(self, key: _Key) -> None:
        found = self._states.pop(key, None)
        if found is None:
            return
        data, size = found
        self._bytes -= size
        _discard(self._by_agent, key[0], key)
        birth = _birth(key[0], data)
        if birth is not None:
            _discard(self._births, birth, key[3])


def _key(agent: str, data: Data, object_id: ObjectId) -> _Key:
    schema_id = data.schema_id
    if schema_id is None:
        return agent, "", "", object_id.object_name
    return agent, schema_id.package, schema_id.name, object_id.object_name


def _discard(groups: dict[_Group, set[_Item]], group: _Group, item: _Item) -> None:
    some = groups.get(group)
    if some is not None:
        some.discard(item)
        if not some:
            del groups[group]


def _size(values: Mapping[str, Value]) -> int:
    return estimate_size(dict(values), MAX_STATE_BYTES)


def _is_joinable(known: Data, data: Data) -> bool:
    """Tell whether two messages are about one object and not about two of the same name, one after the other."""
    if len(known.values) + len(data.values) > MAX_MERGED_VALUES:
        return False
    return not known.create_ns or not data.create_ns or known.create_ns == data.create_ns


def _joined(known: Data, data: Data) -> Data:
    return replace(
        data,
        values={**known.values, **data.values},
        schema_id=data.schema_id or known.schema_id,
        create_ns=data.create_ns or known.create_ns,
        update_ns=data.update_ns or known.update_ns,
        subtypes={**known.subtypes, **data.subtypes},
    )


def _birth(agent: str, data: Data) -> _Birth | None:
    if data.schema_id is None or not data.create_ns:
        return None
    return agent, data.schema_id.package, data.schema_id.name, data.create_ns


def _broker_name(data: Data, schema: Schema) -> str | None:
    """Return the name that the broker's agent gives to an object, from its class and index; None if a part is missing."""
    parts: list[str] = []
    for item in schema.properties:
        if not item.index or item.name == _NOT_IN_NAMES:
            continue
        value = data.values.get(item.name)
        if isinstance(value, dict):  # a reference to another object
            value = value.get("_object_name")
        said = str(value) if isinstance(value, int) else text(value)
        if said is None:
            return None
        parts.append(said)
    return f"{schema.id.package}:{schema.id.name}:{','.join(parts)}" if parts else None

"""States of objects put together from what each message holds."""

from __future__ import annotations

import uuid

import pytest

from matahari.qmf import _object_states as module
from matahari.qmf._object_states import ObjectStates
from matahari.qmf.data import Data, ObjectId
from matahari.qmf.property import Property, PropertyType
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import Value

BROKER = "apache.org:qpidd:1"
QUEUE = SchemaId("org.apache.qpid.broker", "queue", hash=uuid.UUID(int=1))
NAME = "org.apache.qpid.broker:queue:q"


def queue(
    name: str = NAME, /, born: int | None = 5, died: int = 0, schema_id: SchemaId | None = QUEUE, **values: Value
) -> Data:
    return Data(values, ObjectId(BROKER, name), schema_id, create_ns=born, update_ns=9, delete_ns=died)


def test_properties_and_statistics_that_come_apart_are_joined() -> None:
    states = ObjectStates()
    assert states.merge(BROKER, queue(name="q", durable=True)).values == {"name": "q", "durable": True}
    assert states.merge(BROKER, queue(depth=1)).values == {"name": "q", "durable": True, "depth": 1}
    assert states.merge(BROKER, queue(depth=2, born=None)) == queue(name="q", durable=True, depth=2)


def test_a_deleted_object_comes_whole_and_is_forgotten() -> None:
    states = ObjectStates()
    states.merge(BROKER, queue(name="q"))
    assert states.merge(BROKER, queue(died=7)).values == {"name": "q"}
    assert len(states) == 0
    assert states.merge(BROKER, queue(depth=1)).values == {"depth": 1}


def test_another_object_under_the_same_name_begins_anew() -> None:
    states = ObjectStates()
    states.merge(BROKER, queue(name="q"))
    assert states.merge(BROKER, queue(born=6, depth=0)).values == {"depth": 0}


def test_objects_of_other_agents_and_classes_are_others() -> None:
    """The broker calls one object of class ``broker`` and one of class ``memory`` by the same name."""
    states = ObjectStates()
    states.merge(BROKER, queue(a=1))
    assert states.merge("other:x:1", queue(b=1)).values == {"b": 1}
    assert states.merge(BROKER, queue(b=1, schema_id=SchemaId("p", "memory"))).values == {"b": 1}
    assert states.merge(BROKER, queue(b=1, schema_id=None)).values == {"b": 1}


def test_data_without_an_object_id_is_not_kept() -> None:
    states = ObjectStates()
    data = Data({"a": 1})
    assert states.merge(BROKER, data) is data
    assert states.named(BROKER, data, None) is data
    assert len(states) == 0


def test_quirk_17_a_deletion_without_object_id_is_told_apart_by_its_time_of_creation() -> None:
    states = ObjectStates()
    states.merge(BROKER, queue(name="q"))
    notice = Data({"name": "q"}, None, QUEUE, create_ns=5, delete_ns=7)
    assert states.named(BROKER, notice, None).object_id == ObjectId(BROKER, NAME)
    assert states.named("other:x:1", notice, None).object_id is None
    assert states.named(BROKER, Data({}, None, QUEUE, create_ns=6, delete_ns=7), None).object_id is None
    alive = Data({}, None, QUEUE, create_ns=5)
    assert states.named(BROKER, alive, None) is alive


def test_quirk_17_objects_made_at_the_same_moment_are_not_confused() -> None:
    states = ObjectStates()
    states.merge(BROKER, queue("one"))
    states.merge(BROKER, queue("two"))
    states.merge(BROKER, queue("one", depth=1))
    notice = Data({"name": "two"}, None, QUEUE, create_ns=5, delete_ns=7)
    assert states.named(BROKER, notice, None).object_id is None
    states.merge(BROKER, queue("one", died=6))
    assert states.named(BROKER, notice, None).object_id == ObjectId(BROKER, "two")


BINDING = Schema(
    SchemaId("org.apache.qpid.broker", "binding"),
    (
        Property("vhostRef", PropertyType.MAP, index=True),
        Property("exchangeRef", PropertyType.MAP, index=True),
        Property("key", PropertyType.STRING, index=True),
        Property("number", PropertyType.INT, index=True),
        Property("origin", PropertyType.STRING),
    ),
)


def test_quirk_17_a_deletion_may_be_told_by_the_index_of_its_class() -> None:
    """Names are ``package:class:key``, the key without ``vhostRef`` (qmf2.md 2.2)."""
    states = ObjectStates()
    values: dict[str, Value] = {"exchangeRef": {"_object_name": b"e"}, "key": b"k", "number": 3}
    notice = Data(values, None, BINDING.id, delete_ns=7)
    named = states.named(BROKER, notice, BINDING)
    assert named.object_id == ObjectId(BROKER, "org.apache.qpid.broker:binding:e,k,3")
    for missing in values:
        less = Data({key: value for key, value in values.items() if key != missing}, None, BINDING.id, delete_ns=7)
        assert states.named(BROKER, less, BINDING).object_id is None
    assert states.named(BROKER, notice, Schema(BINDING.id)).object_id is None


def test_an_agents_objects_are_forgotten_with_it() -> None:
    states = ObjectStates()
    states.merge(BROKER, queue(a=1))
    states.merge("other:x:1", queue(a=1))
    states.forget(BROKER)
    states.forget("never:heard:1")
    assert len(states) == 1
    assert states.merge(BROKER, queue(b=1)).values == {"b": 1}


def test_the_object_not_heard_of_for_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OBJECT_STATES", 2)
    states = ObjectStates()
    for name in ("one", "two", "one", "three"):
        states.merge(BROKER, queue(name, a=1))
    assert len(states) == 2
    assert states.merge(BROKER, queue("one", b=1)).values == {"a": 1, "b": 1}
    assert states.merge(BROKER, queue("two", b=1)).values == {"b": 1}


def test_the_states_are_limited_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_STATE_BYTES", 1000)
    states = ObjectStates()
    states.merge(BROKER, queue("one", a="x" * 600))
    states.merge(BROKER, queue("two", a="x" * 600))
    assert len(states) == 1
    for _ in range(5):
        states.merge(BROKER, queue("two", a="y" * 600))  # replaced, so not counted twice
    assert len(states) == 1
    states.merge(BROKER, queue("three", a="x" * 2000))
    assert len(states) == 1
    states.merge(BROKER, queue("two", died=1))
    assert (len(states), states._bytes, states._by_agent, states._births) == (0, 0, {}, {})


def test_an_object_of_more_values_than_anybody_has_is_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MERGED_VALUES", 2)
    states = ObjectStates()
    states.merge(BROKER, queue(a=1, b=1))
    assert states.merge(BROKER, queue(c=1)).values == {"c": 1}

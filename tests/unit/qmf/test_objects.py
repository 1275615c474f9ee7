"""An agent's table of objects, and cutting answers into parts."""

from __future__ import annotations

import pytest

from matahari.errors import LocalProtocolError, SchemaError
from matahari.qmf._objects import ManagedObject, ObjectTable
from matahari.qmf._parts import OBJECTS_PER_PART, PART_BYTES, split_parts
from matahari.qmf.property import Property, PropertyType
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import Value

THING = Schema(SchemaId("p", "Thing"), (Property("a", PropertyType.INT),))


def test_an_empty_answer_is_one_empty_part() -> None:
    assert list(split_parts([])) == [[]]


def test_parts_hold_a_limited_number_of_items() -> None:
    items: list[Value] = list(range(2 * OBJECTS_PER_PART + 1))
    parts = list(split_parts(items))
    assert [len(part) for part in parts] == [OBJECTS_PER_PART, OBJECTS_PER_PART, 1]
    assert [item for part in parts for item in part] == items


def test_parts_hold_a_limited_number_of_bytes() -> None:
    third = "x" * (PART_BYTES // 3)
    huge = "x" * (2 * PART_BYTES)
    assert [len(part) for part in split_parts([third, third, third, huge, "x"])] == [2, 1, 1, 1]


def test_a_schema_is_added_once_and_checked() -> None:
    table = ObjectTable("a:b:c", 1)
    assert table.add_schema(THING)
    assert not table.add_schema(THING)
    described = Schema(THING.id, THING.properties, description="now described")
    assert table.add_schema(described)
    assert table.schemas == {THING.id: described}
    with pytest.raises(SchemaError):
        table.add_schema(Schema(SchemaId("p", "")))


def test_objects_and_schemas_come_and_go_in_order() -> None:
    table = ObjectTable("a:b:c", 1)
    with pytest.raises(LocalProtocolError, match="was not added"):
        table.add_object(ManagedObject("o", THING, {}), 1)
    table.add_schema(THING)
    table.add_object(ManagedObject("o", THING, {"a": 1}), 1)
    table.add_object(ManagedObject("o", THING, {"a": 2}), 1)
    assert table.objects["o"].values == {"a": 2}
    with pytest.raises(LocalProtocolError, match="still there"):
        table.remove_schema(THING.id)
    table.remove_object("o", 2)
    with pytest.raises(LocalProtocolError, match="no object"):
        table.remove_object("o", 2)
    with pytest.raises(LocalProtocolError, match="no object"):
        table.touch_object("o", 2)
    table.remove_schema(THING.id)
    with pytest.raises(LocalProtocolError, match="no schema"):
        table.remove_schema(THING.id)


def test_a_clock_that_is_set_back_does_not_update_an_object_before_it_was_created() -> None:
    table = ObjectTable("a:b:c", 1)
    table.add_schema(THING)
    table.add_object(ManagedObject("o", THING, {"a": 1}), 100)
    for wall_ns in (50, 60):
        table.touch_object("o", wall_ns)
        table.add_object(ManagedObject("o", THING, {}), wall_ns)
        seen = table.observe("o", 70)
        assert seen is not None
        assert (seen.body["_create_ts"], seen.body["_update_ts"]) == (100, 100)


def test_what_is_not_there_cannot_be_observed() -> None:
    assert ObjectTable("a:b:c", 1).observe("o", 1) is None

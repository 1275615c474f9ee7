"""Object ids, data, and what an exception says."""

from __future__ import annotations

import pytest

from matahari.errors import RemoteProtocolError
from matahari.qmf.data import Data, ObjectId, failure_code, failure_text
from matahari.qmf.property import Property, PropertyType
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import Value


def test_object_ids_are_equal_when_agent_and_object_are() -> None:
    assert ObjectId("a", "o", 1) == ObjectId("a", "o", 2) == ObjectId("a", "o")
    assert hash(ObjectId("a", "o", 1)) == hash(ObjectId("a", "o"))
    assert ObjectId("a", "o") != ObjectId("b", "o")


@pytest.mark.parametrize(("epoch", "kept"), [(1, 1), (0, None), (None, None), (-1, None), (2**32, None), ("1", None)])
def test_any_epoch_is_tolerated_and_only_a_usable_one_kept(epoch: Value, kept: int | None) -> None:
    read = ObjectId.from_map({"_object_name": b"o", "_agent_epoch": epoch})
    assert (read.agent_name, read.object_name, read.agent_epoch) == ("", "o", kept)


def test_an_object_id_leaves_out_what_it_does_not_know() -> None:
    assert ObjectId("", "o").to_map() == {"_object_name": "o"}
    assert ObjectId("a", "o", 3).to_map() == {"_agent_name": "a", "_object_name": "o", "_agent_epoch": 3}


@pytest.mark.parametrize("value", [None, [], {}, {"_object_name": 5}])
def test_an_object_id_without_object_name_is_refused(value: Value) -> None:
    with pytest.raises(RemoteProtocolError):
        ObjectId.from_map(value)


def test_data_survives_the_wire() -> None:
    full = Data({"a": 1}, ObjectId("a", "o", 1), SchemaId("p", "c"), 1, 2, 0, 3, 4, {"a": "s"})
    again = Data.from_map(full.to_map())
    assert again == full
    assert again.object_id is not None and again.object_id.agent_epoch == 1
    assert Data({}).to_map() == {"_values": {}}


def test_odd_members_of_foreign_data_are_left_out() -> None:
    read = Data.from_map(
        {"_values": {}, "_severity": 9, "_timestamp": -1, "_create_ts": "x", "_subtypes": {"a": 1, "b": b"c"}}
    )
    assert read == Data({}, subtypes={"b": "c"})
    assert Data.from_map({"_values": {}, "_subtypes": []}) == Data({})


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([], "data"),
        ({}, "_values"),
        ({"_values": []}, "_values"),
        ({"_values": {}, "_object_id": {}}, "_object_id._object_name"),
        ({"_values": {}, "_schema_id": 1}, "_schema_id"),
    ],
)
def test_malformed_data_is_refused_with_its_place(value: Value, path: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        Data.from_map(value)
    assert caught.value.path == path
    with pytest.raises(RemoteProtocolError) as caught:
        Data.from_map(value, "[0]")
    assert caught.value.path.startswith("[0]")


def test_text_of_foreign_agents_is_decoded_where_the_schema_has_text() -> None:
    schema = Schema(
        SchemaId("p", "c"),
        (Property("name", PropertyType.STRING), Property("id", PropertyType.UUID), Property("tags", PropertyType.LIST)),
    )
    data = Data({"name": b"x", "id": b"y", "tags": [b"z"], "other": b"w", "raw": b"\xff"})
    assert data.decoded() == {"name": "x", "id": "y", "tags": ["z"], "other": "w", "raw": b"\xff"}
    assert data.decoded(schema) == {"name": "x", "id": b"y", "tags": ["z"], "other": "w", "raw": b"\xff"}
    assert data.values["name"] == b"x"


def test_an_object_id_without_agent_gets_the_agent_it_came_from() -> None:
    assert Data({}, ObjectId("", "o")).at("a").object_id == ObjectId("a", "o")
    assert Data({}, ObjectId("b", "o")).at("a").object_id == ObjectId("b", "o")
    assert Data({}).at("a") == Data({})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"error_text": b"plain trouble"}, "plain trouble"),
        ({"error_text": "", "type": b"ValueError", "value": "boom"}, "ValueError: boom"),
        ({"type": "ValueError"}, "ValueError"),
        ({}, "error"),
    ],
)
def test_an_exception_says_something_in_any_case(values: dict[str, Value], said: str) -> None:
    assert failure_text(Data(values)) == said


def test_an_exception_without_code_has_code_seven() -> None:
    assert failure_code(Data({"error_code": 42})) == 42
    assert failure_code(Data({})) == failure_code(Data({"error_code": "x"})) == 7

"""Schema ids, methods and schemas: hashes, maps, checks."""

from __future__ import annotations

import uuid

import pytest

from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf.property import Property, PropertyType
from matahari.qmf.schema import Method, Schema, SchemaId, schema_hash
from matahari.qmf.values import Value

STRING, INT = PropertyType.STRING, PropertyType.INT

AGENT = Schema(
    SchemaId("org.matahariproject", "Agent"),
    (
        Property("hostname", STRING, index=True, description="Hostname"),
        Property("uuid", STRING, index=True, description="Filesystem Host UUID"),
    ),
)
PLUGIN_EXCEPTION = Schema(
    SchemaId("org.matahariproject.rpc", "PluginException"),
    (Property("type", STRING), Property("value", STRING), Property("traceback", STRING)),
)
HEARTBEAT = Schema(
    SchemaId("org.matahariproject", "heartbeat", "_event"),
    (
        Property("timestamp", INT, subtype="abstime"),
        Property("sequence", INT),
        Property("hostname", STRING),
        Property("uuid", STRING),
    ),
)
COUNTER = Schema(
    SchemaId("com.example", "Counter"),
    (Property("count", INT, access="RW", unit="hits", description="Number of hits"),),
    (
        Method(
            "reset",
            "Reset the counter",
            (Property("to", INT, description="New value"), Property("old", INT, direction="O")),
        ),
    ),
)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (AGENT, "01435a6f-2c98-3fad-a7e0-b41909af1027"),
        (PLUGIN_EXCEPTION, "a79dae88-2478-5901-a677-9c91ab0aa185"),
        (HEARTBEAT, "326b8c1a-a103-a419-1b9c-98fdf815eb7f"),
        (COUNTER, "47e0a310-ab6b-b0f0-23cc-f8e65a94c93d"),
    ],
)
def test_the_hash_of_a_schema_equals_that_of_libqmf2(schema: Schema, expected: str) -> None:
    assert schema.id.hash == uuid.UUID(expected)
    assert schema_hash(schema) == schema.id.hash


def test_bounds_and_defaults_are_no_part_of_the_hash_but_optional_is() -> None:
    plain = Property("a", INT)
    bound = Property("a", INT, minimum=1, maximum=2, default=1, statistic=True)
    optional = Property("a", INT, optional=True)
    hashes = [Schema(SchemaId("p", "c"), (member,)).id.hash for member in (plain, bound, optional)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_given_hash_is_kept() -> None:
    given = uuid.UUID(int=5)
    assert Schema(SchemaId("p", "c", hash=given)).id.hash == given


def test_a_schema_survives_the_wire() -> None:
    for schema in (AGENT, HEARTBEAT, COUNTER, Schema(SchemaId("p", "e", "_event"), (), (), "what it is", 3)):
        assert Schema.from_map(schema.to_map()) == schema


def test_members_can_be_looked_up_by_name() -> None:
    assert COUNTER.find_method("reset") is COUNTER.methods[0]
    assert COUNTER.find_method("other") is None
    assert AGENT.find_property("uuid") is AGENT.properties[1]
    assert AGENT.find_property("other") is None


def test_a_schema_of_which_only_the_id_is_there_is_read() -> None:
    read = Schema.from_map({"_schema_id": {"_class_name": b"c"}, "_default_severity": 2**31})
    assert read == Schema(SchemaId("", "c"))
    assert read.default_severity is None


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([], "schema"),
        ({}, "_schema_id"),
        ({"_schema_id": {"_class_name": "c"}, "_methods": {}}, "_methods"),
        ({"_schema_id": {"_class_name": "c"}, "_methods": [1]}, "_methods[0]"),
        ({"_schema_id": {"_class_name": "c"}, "_methods": [{}]}, "_methods[0]._name"),
        (
            {"_schema_id": {"_class_name": "c"}, "_methods": [{"_name": "m", "_arguments": 1}]},
            "_methods[0]._arguments",
        ),
        ({"_schema_id": {"_class_name": "c"}, "_properties": [{"_name": "m"}]}, "_properties[0]._type"),
    ],
)
def test_a_malformed_schema_is_refused_with_its_place(value: Value, path: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        Schema.from_map(value)
    assert caught.value.path == path
    with pytest.raises(RemoteProtocolError) as caught:
        Schema.from_map(value, "[3]")
    assert caught.value.path.startswith("[3]")


@pytest.mark.parametrize("names", [("",), ("a" * 256,), ("a", "a"), ("\ud800",)])
def test_names_must_be_there_short_and_different(names: tuple[str, ...]) -> None:
    members = tuple(Property(name, INT) for name in names)
    given = uuid.UUID(int=1)
    for schema in (
        Schema(SchemaId("p", "c", hash=given), members),
        Schema(SchemaId("p", "c", hash=given), (), tuple(Method(name) for name in names)),
        Schema(SchemaId("p", "c", hash=given), (), (Method("m", "", members),)),
    ):
        with pytest.raises(SchemaError):
            schema.check()
    for nameless in (SchemaId("", "c"), SchemaId("p", "")):
        with pytest.raises(SchemaError):
            Schema(nameless).check()
    COUNTER.check()


def test_a_schema_id_is_read_leniently() -> None:
    value: Value = {"_package_name": b"p", "_class_name": b"c", "_type": b"_event", "_hash": "no uuid"}
    assert SchemaId.from_map(value) == SchemaId("p", "c", "_event")
    assert SchemaId.from_map({"_package_name": "p"}) == SchemaId("p", "", "_data")
    assert SchemaId("p", "").to_map() == {"_package_name": "p", "_type": "_data"}


@pytest.mark.parametrize("value", [None, 1, {}, {"_package_name": 1}])
def test_a_schema_id_without_any_name_is_refused(value: Value) -> None:
    with pytest.raises(RemoteProtocolError):
        SchemaId.from_map(value)


def test_a_query_means_a_class_by_the_names_it_gives() -> None:
    ours = SchemaId("p", "c", hash=uuid.UUID(int=1))
    for wanted in (
        SchemaId("p", "c"),
        SchemaId("", "c"),
        SchemaId("p", ""),
        SchemaId("p", "c", "_event", uuid.UUID(int=2)),
    ):
        assert ours.matches(wanted)
    for wanted in (SchemaId("q", "c"), SchemaId("p", "d"), SchemaId("", "C")):
        assert not ours.matches(wanted)

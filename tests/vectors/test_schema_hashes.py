"""Schema hashes: the algorithm against the original's results, and the product's classes against those of 2012.

A hash is the name of a version of a class. Where the product says that it has a class of 2012 the hash must be that of
2012; where it has more, the hash must differ, or consoles would use the wrong schema from their cache.

Source: qmf2.md 4.2; schema-ids.json, schema.json, schema-qmfv1.json, events.json
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from matahari.agent import AGENT_SCHEMA
from matahari.agents.host.schema import HEARTBEAT_SCHEMA, HOST_SCHEMA, SCHEMA_2012
from matahari.qmf import Method, Property, PropertyType, Schema, SchemaId, Value, schema_hash, v1
from matahari.qmf._hash import shift_hash
from matahari.rpcagent import MethodSpec, PluginService, PluginStatus
from matahari.rpcagent.face import PLUGIN_EXCEPTION, PLUGIN_PACKAGE, PluginObject
from tests.support.recorded import find, plain, readable

STRING, INT = PropertyType.STRING, PropertyType.INT

#: The rows of qmf2.md 4.2 that are bytes, and then those that are schemas.
INPUTS = {
    b"": "5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a",
    b"a": "bb5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a",
    b"abcdefghijklmnopqrstuvwxyz": "3e3d3b39-3735-3331-2f2d-cbc9c8c7c6c5",
    bytes.fromhex("C3A9"): "031d5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a",
}
DOCUMENTED = [
    (
        Schema(
            SchemaId("org.matahariproject", "Agent"),
            (
                Property("hostname", STRING, index=True, description="Hostname"),
                Property("uuid", STRING, index=True, description="Filesystem Host UUID"),
            ),
        ),
        "01435a6f-2c98-3fad-a7e0-b41909af1027",
    ),
    (
        Schema(
            SchemaId("org.matahariproject.rpc", "PluginException"),
            (Property("type", STRING), Property("value", STRING), Property("traceback", STRING)),
        ),
        "a79dae88-2478-5901-a677-9c91ab0aa185",
    ),
    (
        Schema(
            SchemaId("org.matahariproject", "heartbeat", "_event"),
            (
                Property("timestamp", INT, subtype="abstime"),
                Property("sequence", INT),
                Property("hostname", STRING),
                Property("uuid", STRING),
            ),
        ),
        "326b8c1a-a103-a419-1b9c-98fdf815eb7f",
    ),
    (
        Schema(
            SchemaId("com.example", "Counter"),
            (Property("count", INT, access="RW", unit="hits", description="Number of hits"),),
            (
                Method(
                    "reset",
                    "Reset the counter",
                    (Property("to", INT, description="New value"), Property("old", INT, direction="O")),
                ),
            ),
        ),
        "47e0a310-ab6b-b0f0-23cc-f8e65a94c93d",
    ),
]


@pytest.mark.parametrize(("data", "expected"), INPUTS.items(), ids=repr)
def test_the_hash_of_bytes_is_that_of_the_original(data: bytes, expected: str) -> None:
    assert shift_hash(data) == uuid.UUID(expected)


@pytest.mark.parametrize(
    ("schema", "expected"), DOCUMENTED, ids=lambda case: getattr(getattr(case, "id", 0), "name", "")
)
def test_the_hash_of_a_documented_schema_is_that_of_the_original(schema: Schema, expected: str) -> None:
    assert schema_hash(schema) == uuid.UUID(expected)


# -- recorded classes ------------------------------------------------------------------------------------------------


def ids_in(value: Value) -> set[SchemaId]:
    """All schema ids that a body mentions, however deep."""
    found: set[SchemaId] = set()
    if isinstance(value, dict):
        if "_class_name" in value and "_hash" in value:
            found.add(SchemaId.from_map(value))
        for item in value.values():
            found |= ids_in(item)
    elif isinstance(value, list):
        for item in value:
            found |= ids_in(item)
    return found


def recorded_ids() -> dict[tuple[str, str], set[SchemaId]]:
    """Every class that any recorded message names, and the ids that it had."""
    found: dict[tuple[str, str], set[SchemaId]] = {}
    for item in readable():
        for schema_id in ids_in(plain(item.stated.body)):
            found.setdefault((schema_id.package, schema_id.name), set()).add(schema_id)
    return found


RECORDED = recorded_ids()


def test_a_recorded_class_has_the_same_hash_in_every_message() -> None:
    assert {name: len(ids) for name, ids in RECORDED.items()} == dict.fromkeys(RECORDED, 1)
    assert len(RECORDED) == 13


V2 = [item for item in readable("schema") if item.said("qmf.content") == "_schema"]


@pytest.mark.parametrize("label", [item.label for item in V2])
def test_a_recorded_schema_hashes_to_the_id_it_came_with(label: str) -> None:
    """What libqmf2 sends keeps all that it hashed, but for *optional*, which none of these classes uses."""
    body = plain(next(item for item in V2 if item.label == label).stated.body)
    assert isinstance(body, list)
    (schema,) = (Schema.from_map(item) for item in body)
    assert schema_hash(schema) == schema.id.hash
    assert schema.id in RECORDED[schema.id.package, schema.id.name]


@pytest.mark.parametrize("name", ["Agent", "example", "asterisk", "Sampler", "Poked"])
def test_a_recorded_qmfv1_schema_hashes_to_the_id_it_came_with(name: str) -> None:
    """QMFv1 loses subtypes of times; none of these has one. Others have, see below."""
    found = v1_schema(f"response-{name}")
    assert schema_hash(found) == found.id.hash


@pytest.mark.parametrize("schema", [HEARTBEAT_SCHEMA, SCHEMA_2012], ids=lambda schema: schema.id.name)
def test_a_recorded_qmfv1_schema_with_times_has_lost_their_subtype(schema: Schema) -> None:
    """Only by that does it differ from ours, which has the recorded hash."""
    found = v1_schema(f"response-{schema.id.name}")
    assert schema_hash(found) != found.id.hash == schema.id.hash
    timeless = tuple(replace(item, subtype="") for item in schema.properties)
    assert schema_hash(replace(schema, properties=timeless)) == schema_hash(found)


def v1_schema(name: str) -> Schema:
    (frame,) = v1.decode_frames(find("schema-qmfv1", name).stated.data)
    return v1.read_schema(frame.payload)


# -- the product's own classes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "schema", [AGENT_SCHEMA, PLUGIN_EXCEPTION, HEARTBEAT_SCHEMA, SCHEMA_2012], ids=lambda schema: schema.id.name
)
def test_a_class_that_is_that_of_2012_has_its_hash(schema: Schema) -> None:
    assert RECORDED[schema.id.package, schema.id.name] == {schema.id}
    assert schema_hash(schema) == schema.id.hash


def test_the_host_class_has_a_hash_of_its_own_because_it_says_more_of_the_host_and_has_one_method_more() -> None:
    """``set_properties`` writes what 2012 could not. Old members are unchanged, so old consoles find what they know."""
    (recorded,) = RECORDED["org.matahariproject", "Host"]
    assert (HOST_SCHEMA.id.package, HOST_SCHEMA.id.name) == (recorded.package, recorded.name)
    assert HOST_SCHEMA.id.hash != recorded.hash
    known = len(SCHEMA_2012.properties)
    assert HOST_SCHEMA.properties[:known] == SCHEMA_2012.properties
    assert [item.name for item in HOST_SCHEMA.properties[known:]] == ["facts", "labels", "classes"]
    assert HOST_SCHEMA.methods[:-1] == SCHEMA_2012.methods
    assert HOST_SCHEMA.methods[-1].name == "set_properties"
    described = Schema(SchemaId(recorded.package, recorded.name), SCHEMA_2012.properties, SCHEMA_2012.methods, "text")
    assert described.id == recorded, "the class's description is no part of the hash"


@pytest.mark.parametrize("name", ["asterisk", "example"])
def test_a_plugin_class_has_a_hash_of_its_own_because_it_tells_about_the_plugin(name: str) -> None:
    """In 2012 it had no properties at all. Every method has the same three arguments, as it had then."""
    (recorded,) = RECORDED[PLUGIN_PACKAGE, name]
    of_2012 = v1_schema(f"response-{name}")
    ours = published(name, [method.name for method in of_2012.methods])
    assert of_2012.id == recorded
    assert (ours.id.package, ours.id.name) == (recorded.package, recorded.name)
    assert ours.id.hash != recorded.hash
    assert of_2012.properties == () != ours.properties
    assert [method.name for method in ours.methods] == [method.name for method in of_2012.methods]
    for method in (*of_2012.methods, *ours.methods):
        assert [(item.name, item.type, item.direction) for item in method.arguments] == ARGUMENTS


def published(name: str, methods: list[str]) -> Schema:
    """The class that the RPC agent publishes for a plugin."""
    specs = tuple(MethodSpec(method, {}) for method in methods)
    status = PluginStatus(name, Path(name), "python", "", 1, "", "ready", None, "local", specs, 1)
    return PluginObject(status, cast(PluginService, None), "box", "f00d").schema  # nothing is called


ARGUMENTS = [
    ("args", PropertyType.LIST, "I"),
    ("kwargs", PropertyType.MAP, "I"),
    ("result", PropertyType.STRING, "O"),
]

"""The published classes against those of an original agent (vectors/qmf2/schema-qmfv1.json)."""

from __future__ import annotations

import uuid

from matahari.agents.host.schema import EFFECTS, HEARTBEAT_SCHEMA, HOST_SCHEMA, SCHEMA_2012


def test_the_part_of_2012_has_the_hash_of_2012() -> None:
    """Equal hashes mean equal names, types, access, units and descriptions (qmf2.md 4.2)."""
    assert SCHEMA_2012.id.hash == uuid.UUID("7f769429-24e1-71e3-b0c9-50d2be280700")


def test_the_heartbeat_event_is_that_of_2012() -> None:
    assert HEARTBEAT_SCHEMA.id.hash == uuid.UUID("326b8c1a-a103-a419-1b9c-98fdf815eb7f")
    assert HEARTBEAT_SCHEMA.default_severity == 6


def test_our_class_adds_three_properties_and_one_method_and_is_fit_to_be_published() -> None:
    HOST_SCHEMA.check()
    HEARTBEAT_SCHEMA.check()
    known = len(SCHEMA_2012.properties)
    assert HOST_SCHEMA.properties[:known] == SCHEMA_2012.properties
    assert [item.name for item in HOST_SCHEMA.properties[known:]] == ["facts", "labels", "classes"]
    assert [method.name for method in HOST_SCHEMA.methods[len(SCHEMA_2012.methods) :]] == ["set_properties"]


def test_exactly_one_property_can_be_written() -> None:
    assert [item.name for item in HOST_SCHEMA.properties if item.access == "RW"] == ["update_interval"]


def test_effects_are_those_of_methods_that_there_are() -> None:
    assert set(EFFECTS) <= {method.name for method in HOST_SCHEMA.methods}
    assert EFFECTS["shutdown"].destructive
    assert EFFECTS["reboot"].destructive
    assert [name for name, effects in EFFECTS.items() if effects.read_only] == ["get_uuid"]

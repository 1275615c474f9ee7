"""Properties and arguments as maps, and which values fit their types."""

from __future__ import annotations

import uuid

import pytest

from matahari.errors import RemoteProtocolError
from matahari.qmf.property import Property, PropertyType, properties_from
from matahari.qmf.values import UInt, Value

SAMPLES: dict[PropertyType, list[Value]] = {
    PropertyType.VOID: [None],
    PropertyType.BOOL: [True],
    PropertyType.INT: [1, UInt(2)],
    PropertyType.FLOAT: [1.5],
    PropertyType.STRING: ["a", b"a"],
    PropertyType.MAP: [{}],
    PropertyType.LIST: [[]],
    PropertyType.UUID: [uuid.UUID(int=1)],
}


@pytest.mark.parametrize("kind", PropertyType)
def test_a_type_accepts_its_own_values_only(kind: PropertyType) -> None:
    for other, samples in SAMPLES.items():
        for sample in samples:
            fits = other is kind or (kind is PropertyType.FLOAT and other is PropertyType.INT)
            assert kind.accepts(sample) is fits


def test_types_are_numbered_for_the_hash() -> None:
    assert [kind.hash_code for kind in PropertyType] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_plain_property_has_the_four_members_that_libqmf2_requires() -> None:
    assert Property("a", PropertyType.INT).to_map() == {
        "_name": "a",
        "_type": "TYPE_INT",
        "_access": "RO",
        "_dir": "I",
    }


def test_a_full_property_survives_the_wire() -> None:
    full = Property("a", PropertyType.STRING, "RW", True, True, "u", "d", "s", "IO", 1, 2.5, 7, "x", True)
    assert Property.from_map(full.to_map()) == full
    assert set(full.to_map()) > {"_optional", "_min", "_max", "_maxlen", "_default", "_statistic"}
    created = Property("a", PropertyType.INT, access="RC", direction="O", minimum=0, default=False)
    assert Property.from_map(created.to_map()) == created


def test_a_binary_map_of_a_foreign_agent_is_read() -> None:
    value: Value = {"_name": b"a", "_type": b"TYPE_LIST", "_access": b"XX", "_dir": b"YY", "_min": True, "_maxlen": "z"}
    assert Property.from_map(value) == Property("a", PropertyType.LIST, max_length=0)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("x", "p"),
        ({"_type": "TYPE_INT"}, "p._name"),
        ({"_name": "a"}, "p._type"),
        ({"_name": "a", "_type": "TYPE_NONE"}, "p._type"),
    ],
)
def test_a_malformed_property_is_refused_with_its_place(value: Value, path: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        Property.from_map(value, "p")
    assert caught.value.path == path


def test_lists_of_properties_may_be_missing_but_not_be_something_else() -> None:
    assert properties_from(None, "p") == ()
    with pytest.raises(RemoteProtocolError, match="p: not a list"):
        properties_from({}, "p")
    with pytest.raises(RemoteProtocolError, match=r"p\[0\]"):
        properties_from([1], "p")

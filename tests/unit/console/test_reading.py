"""Values as a schema names and types them."""

from __future__ import annotations

import pytest

from matahari.console.reading import values_of
from matahari.qmf import Data, Property, PropertyType, Schema, SchemaId, Value


def schema(*names: str, kind: PropertyType = PropertyType.INT) -> Schema:
    return Schema(SchemaId("p", "c"), tuple(Property(name, kind) for name in names))


def test_text_is_decoded_where_the_schema_has_text_and_where_it_says_nothing() -> None:
    members = (Property("a", PropertyType.STRING), Property("m", PropertyType.MAP), Property("u", PropertyType.UUID))
    values: dict[str, Value] = {"a": b"x", "m": {"k": [b"y"]}, "u": b"z", "other": b"o", "raw": b"\xff"}
    assert values_of(Data(values), Schema(SchemaId("p", "c"), members)) == {
        "a": "x", "m": {"k": ["y"]}, "u": b"z", "other": "o", "raw": b"\xff",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "sent", "expected"),
    [
        (("tSamples", "tAverage"), {"tCount": 3, "tAvg": 2}, {"tSamples": 3, "tAverage": 2}),
        (("tSamples", "tCount"), {"tCount": 3}, {"tCount": 3}),
        (("tSamples",), {"tCount": 3, "tSamples": 4}, {"tCount": 3, "tSamples": 4}),
        (("queueCount", "missing"), {"queueCount": 3}, {"queueCount": 3}),
        (("missing",), {"tCount": 3, "Avg": 1}, {"tCount": 3, "Avg": 1}),
    ],
)
def test_quirk_18_only_what_the_schema_calls_otherwise_is_renamed(
    declared: tuple[str, ...], sent: dict[str, Value], expected: dict[str, Value]
) -> None:
    data = Data(dict(sent))
    assert values_of(data, schema(*declared)) == expected
    assert data.values == sent

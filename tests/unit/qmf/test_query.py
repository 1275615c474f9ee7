"""Queries as maps."""

from __future__ import annotations

import pytest

from matahari.errors import RemoteProtocolError
from matahari.qmf.data import ObjectId
from matahari.qmf.query import Query, QueryTarget
from matahari.qmf.schema import SchemaId
from matahari.qmf.values import Value


def test_a_query_survives_the_wire() -> None:
    where: list[Value] = ["exists", "a"]
    full = Query(QueryTarget.OBJECT, ObjectId("a", "o"), SchemaId("p", "c"), where)
    assert Query.from_map(full.to_map()) == full
    assert Query(QueryTarget.SCHEMA_ID).to_map() == {"_what": "SCHEMA_ID"}
    assert Query.from_map({"_what": b"SCHEMA_ID"}) == Query(QueryTarget.SCHEMA_ID)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (None, "query"),
        ({}, "_what"),
        ({"_what": "AGENT"}, "_what"),
        ({"_what": "OBJECT", "_object_id": {}}, "_object_id._object_name"),
        ({"_what": "OBJECT", "_schema_id": {}}, "_schema_id"),
        ({"_what": "OBJECT", "_where": {}}, "_where"),
    ],
)
def test_a_malformed_query_is_refused_with_its_place(value: Value, path: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        Query.from_map(value)
    assert caught.value.path == path

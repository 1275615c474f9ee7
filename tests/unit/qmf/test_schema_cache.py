"""Remembered schemas."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from matahari.qmf import _schema_cache as module
from matahari.qmf._schema_cache import SchemaCache, is_same_class
from matahari.qmf.schema import Schema, SchemaId


def schema(number: int, description: str = "") -> Schema:
    return Schema(SchemaId("p", "c", hash=uuid.UUID(int=number)), description=description)


def test_a_schema_is_found_by_package_class_and_hash() -> None:
    cache, one = SchemaCache(), schema(1)
    cache.put(one, 10)
    assert cache.find(one.id) is one
    assert cache.find(replace(one.id, kind="_event")) is one
    for other in (schema(2).id, replace(one.id, hash=None), replace(one.id, name="d"), replace(one.id, package="q")):
        assert cache.find(other) is None
        assert not is_same_class(one.id, other)


def test_the_schema_not_used_for_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SCHEMAS", 2)
    cache = SchemaCache()
    one, two, three = (schema(number) for number in (1, 2, 3))
    cache.put(one, 1)
    cache.put(two, 1)
    cache.find(one.id)
    cache.put(three, 1)
    assert [cache.find(item.id) for item in (one, two, three)] == [one, None, three]


def test_the_cache_is_limited_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SCHEMA_BYTES", 100)
    cache = SchemaCache()
    for number in range(10):
        cache.put(schema(number), 40)
    assert len(cache) == 2
    cache.put(schema(9, "new"), 50)
    assert len(cache) == 2
    cache.put(schema(99), 101)
    assert len(cache) == 2
    found = cache.find(schema(9).id)
    assert found is not None and found.description == "new"

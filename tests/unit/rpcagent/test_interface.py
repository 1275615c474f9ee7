"""What is published of methods, and the digest by which a change is seen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import cast

import pytest

from matahari.hostproto import MethodSpec
from matahari.rpcagent.interface import described, schema_digest

SPEC = MethodSpec(
    "copy",
    {"type": "object", "properties": {"b": {"type": "string", "description": "Größe"}, "a": {"type": "integer"}}},
    {"type": "integer"},
    "Copy.",
    {"read_only": False},
    5.0,
    ("b",),
    streams=True,
)
OTHER = MethodSpec("list", {})


def test_whoever_reads_the_methods_can_compute_the_digest() -> None:
    published = {spec.name: described(spec) for spec in (OTHER, SPEC)}
    whole: dict[str, dict[str, object]] = {}
    for name, entry in published.items():
        whole[name] = {key: value for key, value in entry.items() if key != "doc"}
        for key in {"params", "result"} & set(entry):
            whole[name][key] = json.loads(cast(str, entry[key]))
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert schema_digest([SPEC, OTHER]) == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def test_neither_text_nor_order_changes_it() -> None:
    same = replace(SPEC, doc="Other words.", params=dict(reversed(SPEC.params.items())))
    assert schema_digest([OTHER, same]) == schema_digest([SPEC, OTHER])


@pytest.mark.parametrize(
    "changed",
    [
        replace(SPEC, name="move"),
        replace(SPEC, params={}),
        replace(SPEC, result=None),
        replace(SPEC, effects={}),
        replace(SPEC, timeout=6.0),
        replace(SPEC, sensitive=()),
        replace(SPEC, streams=False),
    ],
)
def test_all_else_does(changed: MethodSpec) -> None:
    assert schema_digest([changed]) != schema_digest([SPEC])
    assert schema_digest([]) != schema_digest([SPEC]) != schema_digest([SPEC, OTHER])

"""Predicates: the rules of qmf2.md 2.7 one by one, and every refusal."""

from __future__ import annotations

import uuid

import pytest

from matahari.errors import SchemaError
from matahari.qmf.predicate import MAX_PREDICATE_DEPTH, MAX_PREDICATE_SIZE, compile_predicate
from matahari.qmf.values import Value

VALUES: dict[str, Value] = {
    "vendor": b"example.org",
    "n": 5,
    "big": 2**63,
    "f": 0.1,
    "yes": True,
    "none": None,
    "id": uuid.UUID("01435A6F-2c98-3fad-a7e0-b41909af1027"),
    "raw": b"\xff",
    "list": [1],
}


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ([], True),
        (["true"], True),
        (["false"], False),
        ([b"eq", b"vendor", [b"quote", "example.org"]], True),
        (["ne", "vendor", ["quote", "x"]], True),
        (["ne", "missing", ["quote", "x"]], False),
        (["eq", ["quote", "x"], "missing"], False),
        (["eq", "n", ["quote", "5"]], True),
        (["eq", "yes", ["quote", "True"]], True),
        (["eq", "yes", ["quote", 1]], False),
        (["eq", "f", ["quote", "0.10000000000000001"]], True),
        (["eq", "id", ["quote", "01435a6f-2c98-3fad-a7e0-b41909af1027"]], True),
        (["eq", "none", ["quote"]], True),
        (["eq", "none", ["quote", ""]], False),
        (["eq", "list", ["quote", [1]]], True),
        (["eq", "raw", ["quote", b"\xff"]], True),
        (["lt", "n", ["quote", 6]], True),
        (["le", "n", ["quote", 5]], True),
        (["gt", "n", ["quote", 5]], False),
        (["ge", "n", ["quote", "5"]], True),
        (["ge", ["quote", "6"], "n"], True),
        (["ge", "n", ["quote", "five"]], False),
        (["ge", "n", ["quote", "1" * 30]], False),
        (["ge", "big", ["quote", 5]], True),
        (["gt", "f", ["quote", 0]], False),
        (["gt", "f", ["quote", 0.0]], True),
        (["gt", "f", ["quote", "0.05"]], True),
        (["gt", "f", ["quote", "x"]], False),
        (["lt", "vendor", ["quote", "f"]], True),
        (["lt", "yes", ["quote", 5]], False),
        (["lt", "none", ["quote", 5]], False),
        (["lt", "raw", ["quote", "a"]], False),
        (["lt", "missing", ["quote", 5]], False),
        (["re_match", "vendor", ["quote", ".*"]], False),
        (["exists", "none"], True),
        (["exists", "missing"], False),
        (["exists", ["quote"]], True),
        (["and"], True),
        (["or"], False),
        (["not"], True),
        (["and", ["true"], ["false"]], False),
        (["or", ["true"], ["false"]], True),
        (["not", ["true"], ["false"]], False),
        (["not", ["false"], ["false"]], True),
        (["and", []], True),
    ],
)
def test_a_predicate_is(predicate: list[Value], expected: bool) -> None:
    assert compile_predicate(predicate)(VALUES) is expected


@pytest.mark.parametrize(
    ("predicate", "path"),
    [
        (["like", "a", "b"], "[0]"),
        ([5], "[0]"),
        ([[]], "[0]"),
        (["eq", "a"], ""),
        (["eq", "a", "b", "c"], ""),
        (["exists"], ""),
        (["true", "a"], ""),
        (["eq", "a", 5], "[2]"),
        (["eq", [], "a"], "[1]"),
        (["eq", ["quote", 1, 2], "a"], "[1]"),
        (["eq", ["unquote", 1], "a"], "[1]"),
        (["and", "a"], "[1]"),
        (["and", ["true"], ["not", ["eq"]]], "[2][1]"),
    ],
)
def test_a_malformed_predicate_is_refused_with_its_place(predicate: list[Value], path: str) -> None:
    with pytest.raises(SchemaError) as caught:
        compile_predicate(predicate)
    assert caught.value.path == path


def test_depth_and_size_are_limited() -> None:
    deep: list[Value] = ["true"]
    for _ in range(MAX_PREDICATE_DEPTH - 1):
        deep = ["not", deep]
    compile_predicate(deep)
    with pytest.raises(SchemaError, match="nested deeper"):
        compile_predicate(["not", deep])
    one: Value = ["true"]
    compile_predicate(["and", *([one] * (MAX_PREDICATE_SIZE - 1))])
    with pytest.raises(SchemaError, match="more than"):
        compile_predicate(["and", *([one] * MAX_PREDICATE_SIZE)])

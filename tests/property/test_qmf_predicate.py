"""Compiled predicates against an evaluator that follows the description word by word."""

from __future__ import annotations

import uuid

from hypothesis import given, settings
from hypothesis import strategies as st

from matahari.errors import SchemaError
from matahari.qmf import Value, compile_predicate
from tests.support import strategies as own

ABSENT = object()


def naive(predicate: Value, values: dict[str, Value]) -> bool:
    """Evaluate as qmf2.md 2.7 says, without any thought of speed."""
    assert isinstance(predicate, list)
    if not predicate:
        return True
    name, *rest = predicate
    if name in ("true", "false"):
        return name == "true"
    if name in ("and", "or", "not"):
        results = [naive(part, values) for part in rest]
        return all(results) if name == "and" else any(results) if name == "or" else True not in results
    found = [operand(part, values) for part in rest]
    if ABSENT in found or name == "re_match":
        return False
    if name == "exists":
        return True
    left, right = found
    if name in ("eq", "ne"):
        return (as_text(left) == as_text(right)) is (name == "eq")
    pair = comparable(left, right)
    if pair is None:
        return False
    a, b = pair
    below = a < b  # type: ignore[operator]  # comparable() gives two of one kind
    return {"lt": below, "le": below or a == b, "gt": not (below or a == b), "ge": not below}[str(name)]


def operand(source: Value, values: dict[str, Value]) -> object:
    if isinstance(source, list):
        return source[1] if len(source) == 2 else None
    name = source.decode() if isinstance(source, bytes) else str(source)
    return values.get(name, ABSENT)


def words(value: object) -> str | None:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    return value if isinstance(value, str) else None


def as_text(value: object) -> object:
    if isinstance(value, (bool, int, uuid.UUID)):
        return str(value)
    if isinstance(value, float):
        return format(value, ".17g")
    said = words(value)
    return value if said is None else said


def comparable(left: object, right: object) -> tuple[float, float] | tuple[bytes, bytes] | None:
    a, b = words(left), words(right)
    if a is not None and b is not None:
        return a.encode(), b.encode()
    for kind in (int, float):
        try:
            x = kind(a) if a is not None and type(right) is kind else left
            y = kind(b) if b is not None and type(left) is kind else right
        except ValueError:
            continue
        if type(x) is kind and type(y) is kind:
            return x, y
    return None


@settings(max_examples=400)
@given(own.predicates(), st.dictionaries(st.sampled_from(["a", "b", "c"]), own.comparands()))
def test_a_compiled_predicate_equals_the_naive_evaluation(predicate: list[Value], values: dict[str, Value]) -> None:
    assert compile_predicate(predicate)(values) is naive(predicate, values)


@given(own.wirelike(), own.maps(4))
def test_any_list_is_either_malformed_or_evaluates(source: Value, values: dict[str, Value]) -> None:
    try:
        predicate = compile_predicate(source if isinstance(source, list) else [source])
    except SchemaError:
        return
    assert predicate(values) in (True, False)

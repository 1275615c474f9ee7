"""Random predicates against an evaluator that is a transcript of qmf2.md 2.7 and nothing else."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from random import Random

from hypothesis import given

from matahari.errors import SchemaError
from matahari.qmf import Value, compile_predicate
from tests.support import random_values as make
from tests.support.fuzzing import TIME_LIMIT, cases, seeds

pytestmark = TIME_LIMIT

MISSING = object()


def holds(expression: Value, values: Mapping[str, Value]) -> bool:
    """Tell whether a well-formed predicate is true."""
    assert isinstance(expression, list)
    if expression == []:
        return True
    word = expression[0]
    if word == "true":
        return True
    if word == "false":
        return False
    if word == "and":
        return all(holds(part, values) for part in expression[1:])
    if word == "or":
        return any(holds(part, values) for part in expression[1:])
    if word == "not":
        return not any(holds(part, values) for part in expression[1:])
    operands = [meaning(part, values) for part in expression[1:]]
    if any(operand is MISSING for operand in operands):
        return False
    if word == "exists":
        return True
    if word == "re_match":
        return False
    left, right = operands
    if word == "eq":
        return text_form(left) == text_form(right)
    if word == "ne":
        return text_form(left) != text_form(right)
    order = compared(left, right)
    return order is not None and {"lt": order < 0, "le": order <= 0, "gt": order > 0, "ge": order >= 0}[str(word)]


def meaning(operand: Value, values: Mapping[str, Value]) -> object:
    """Return the value of a name or of a quoted literal."""
    if isinstance(operand, list):
        assert operand[0] == "quote"
        return None if len(operand) == 1 else operand[1]
    return values.get(words(operand) or "", MISSING)


def words(value: object) -> str | None:
    """Return text, sent as such or as binary."""
    if isinstance(value, str):
        return value
    try:
        return value.decode() if isinstance(value, bytes) else None
    except UnicodeDecodeError:
        return None


def text_form(value: object) -> object:
    """Return what eq and ne compare: integers decimal, True and False, uuids, floats with 17 digits."""
    match value:
        case bool() | int() | uuid.UUID():
            return str(value)
        case float():
            return f"{value:.17g}"
        case str() | bytes():
            said = words(value)
            return value if said is None else said
    return value


def compared(left: object, right: object) -> int | None:
    """Return -1, 0 or 1, or None where an order makes no sense, as between an integer and a fraction."""
    texts = words(left), words(right)
    if texts[0] is not None and texts[1] is not None:
        return sign(texts[0].encode(), texts[1].encode())
    for kind in (int, float):
        if type(left) is kind and type(right) is kind:
            return sign(left, right)
        if type(left) is kind and texts[1] is not None:
            return sign(left, number(texts[1], kind))
        if type(right) is kind and texts[0] is not None:
            return sign(number(texts[0], kind), right)
    return None


def number(said: str, kind: type[int | float]) -> float | None:
    """Read text as the kind of number that it stands beside."""
    try:
        return kind(said)
    except ValueError:
        return None


def sign(a: object, b: object) -> int | None:
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return None if math.isnan(a) or math.isnan(b) else (a > b) - (a < b)
    if isinstance(a, bytes) and isinstance(b, bytes):
        return (a > b) - (a < b)
    return None


@cases("a predicate against the naive evaluation")
@given(seeds)
def test_a_predicate_means_what_the_description_says(random: Random) -> None:
    predicate, values = make.predicate(random), make.attributes(random)
    assert compile_predicate(predicate)(values) is holds(predicate, values), (predicate, values)


@cases("a malformed predicate")
@given(seeds)
def test_any_value_is_a_predicate_or_one_kind_of_error(random: Random) -> None:
    source = make.wirelike(random)
    try:
        predicate = compile_predicate(source if isinstance(source, list) else [source])
    except SchemaError:
        return
    assert predicate(make.attributes(random)) in (True, False)

"""Every keyword of the schemas that plugins publish: a wrong value gives one line with place, value, rule and remedy."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import ipaddress
import json
import uuid
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import AwareDatetime, ByteSize, Field, SecretStr
from typing_extensions import TypedDict

from matahari.pluginhost.describe import examine
from matahari.pluginhost.forms import BadArgument, Form
from matahari.validation import HIDDEN, ActionSchema, JsonValue, Rule
from matahari.validation import faults as faults_room


class Level(enum.Enum):
    LOW = 1
    HIGH = 2


class Mode(enum.StrEnum):
    FAST = "fast"
    SAFE = "safe"


class Circle(TypedDict):
    kind: Literal["circle"]
    radius: int


class Square(TypedDict):
    kind: Literal["square"]
    side: int


@dataclasses.dataclass
class Volume:
    path: Path
    size: Annotated[int, Field(ge=1, le=9)] = 1
    inner: Volume | None = None


@dataclasses.dataclass
class Login:
    user: str
    password: SecretStr


Shape = Annotated[Circle | Square, Field(discriminator="kind")]
Percent = Annotated[int, Field(ge=1, le=100)]
Ratio = Annotated[float, Field(gt=0, lt=1)]
Code = Annotated[str, Field(min_length=2, max_length=5)]
Tags = Annotated[dict[str, int], Field(min_length=1, max_length=2)]
ISO = "(ISO 8601, such as 2024-05-17T14:30:00Z)"

#: What a parameter is annotated with, a value, and what is said behind "argument 'x': ".
CASES: list[tuple[object, object, str]] = [
    # type
    (str, 5, "5 is an integer; give a string"),
    (int, "5", "'5' is a string; give an integer"),
    (int, True, "True is a boolean; give an integer"),
    (int, 1.0, "1.0 is a float; give an integer"),
    (float, None, "None is null; give a number"),
    (bool, "yes", "'yes' is a string; give a boolean (true or false)"),
    (list, {"a": 1}, "{'a': 1} is an object; give a list"),
    (dict, [1], "[1] is a list; give an object"),
    (None, 1, "1 is an integer; give null"),
    (int | None, "x", "'x' is a string; give an integer or null"),
    (int | str, [1], "[1] is a list; give an integer or a string"),
    (Percent, "x", "'x' is a string; give an integer (1 to 100)"),
    (datetime.datetime, 5.5, f"5.5 is a float; give a string {ISO}"),
    # items, prefixItems, additionalProperties as a schema
    (list[int], [1, "b"], "at [1]: 'b' is a string; give an integer"),
    (list[int], "b", "'b' is a string; give a list of integers"),
    (tuple[int, str], [1, 2], "at [1]: 2 is an integer; give a string"),
    (tuple[int, ...], ["a"], "at [0]: 'a' is a string; give an integer"),
    (dict[str, list[int]], {"a b": [1, "x"]}, "at ['a b'][1]: 'x' is a string; give an integer"),
    # enum, const
    (Literal["fast", "safe"], "fsat", "'fsat' is not one of 'fast', 'safe'; did you mean 'fast'?"),
    (Literal["fast", "safe"], "FAST", "'FAST' is not one of 'fast', 'safe'; did you mean 'fast'?"),
    (Literal["fast", "safe"], 5, "5 is not one of 'fast', 'safe'"),
    (Literal[1, 2], "2", "'2' is not one of 1, 2; did you mean 2?"),
    (Level, "HIGH", "'HIGH' is not one of 1 (LOW), 2 (HIGH); did you mean 2?"),
    (Level, 3, "3 is not one of 1 (LOW), 2 (HIGH)"),
    (Mode, "sofe", "'sofe' is not one of 'fast', 'safe'; did you mean 'safe'?"),
    (dict[Mode, int], {"sofe": 1}, "the key 'sofe' is not one of 'fast', 'safe'; did you mean 'safe'?"),
    (Literal["only"], "x", "'x' is not 'only', the only value that is allowed"),
    # minimum, maximum, exclusive ones, multipleOf
    (Percent, 0, "0 is less than the minimum of 1; give 1 to 100"),
    (Percent, 200, "200 is greater than the maximum of 100; give 1 to 100"),
    (Annotated[int, Field(ge=1)], 0, "0 is less than the minimum of 1; give at least 1"),
    (Ratio, 0, "0 is not more than 0; give more than 0 and less than 1"),
    (Ratio, 1.5, "1.5 is not less than 1; give more than 0 and less than 1"),
    (Annotated[int, Field(multiple_of=5)], 7, "7 is not a multiple of 5; give a multiple of 5, such as 5 or 10"),
    (Annotated[float, Field(multiple_of=0.5)], 0.7, "0.7 is not a multiple of 0.5; give a multiple of 0.5"),
    # minLength, maxLength, pattern
    (Code, "abcdefg", "'abcdefg' has 7 characters; give 2 to 5"),
    (Code, "a", "'a' has 1 character; give 2 to 5"),
    (Annotated[str, Field(pattern="^a+$")], "ab", "'ab' does not match '^a+$'; give a text that fits this regular expression"),
    # minItems, maxItems, minProperties, maxProperties
    (Annotated[list[int], Field(max_length=2)], [1, 2, 3], "[1, 2, 3] has 3 elements; give at most 2"),
    (tuple[int, str], [1], "[1] has 1 element; give exactly 2"),
    (Tags, {}, "{} has 0 entries; give 1 to 2"),
    (Tags, {"a": 1, "b": 2, "c": 3}, "{'a': 1, 'b': 2, 'c': 3} has 3 entries; give 1 to 2"),
    # required, additionalProperties, $ref
    (Volume, {"size": 1}, "{'size': 1} lacks the field 'path'; give it"),
    (Volume, {"path": "/", "sise": 1}, "there is no field 'sise', only 'path', 'size', 'inner'; did you mean 'size'?"),
    (Volume, {"pth": "/"}, "there is no field 'pth', only 'path', 'size', 'inner'; did you mean 'path'?"),
    (Volume, {"path": "/", "zzz": 1}, "there is no field 'zzz', only 'path', 'size', 'inner'"),
    (Volume, {"path": "/", "inner": {"path": 5}}, "at inner.path: 5 is an integer; give a string"),
    (Volume, {"path": "/", "inner": {"path": "/", "size": 10}}, "at inner.size: 10 is greater than the maximum of 9; give 1 to 9"),
    (list[Volume], [{"path": "/", "size": "x"}], "at [0].size: 'x' is a string; give an integer (1 to 9)"),
    (Volume, 5, "5 is an integer; give an object"),
    # anyOf, oneOf: the branch that was most likely meant
    (Volume | None, {"path": "/", "size": 0}, "at size: 0 is less than the minimum of 1; give 1 to 9"),
    (Literal["fast", "safe"] | None, "fsat", "'fsat' is not one of 'fast', 'safe'; did you mean 'fast'?"),
    (Literal["fast", "safe"] | None, 5, "5 is an integer; give 'fast', 'safe' or null"),
    (int | list[str], ["a", 1], "at [1]: 1 is an integer; give a string"),
    (int | list[str], {}, "{} is an object; give an integer or a list of strings"),
    (int | datetime.date, "now", "'now' is not a valid date or datetime, input is too short (ISO 8601, such as 2024-05-17)"),
    (decimal.Decimal, [], "[] is a list; give a number or a string"),
    (Circle | Square, {"kind": "square", "sid": 1}, "there is no field 'sid', only 'kind', 'side'; did you mean 'side'?"),
    (Shape, {"kind": "square", "side": "x"}, "at side: 'x' is a string; give an integer"),
    (Shape, {"kind": "triangle"}, "at kind: 'triangle' is not one of 'circle', 'square'"),
    (Shape, {"kind": "squar", "side": 1}, "at kind: 'squar' is not one of 'circle', 'square'; did you mean 'square'?"),
    (ByteSize, -1, "-1 is less than the minimum of 0; give at least 0"),
    # format
    (datetime.datetime, "now", f"'now' is not a valid datetime or date, input is too short {ISO}"),
    (ipaddress.IPv4Address, "1.2.3", "'1.2.3' is not a valid IPv4 address"),
    (uuid.UUID, "x", "'x' is not a valid UUID, invalid character: found `x` at 0"),
]  # fmt: skip


def action_of(annotation: object, *, is_sensitive: bool = False) -> tuple[ActionSchema, Form]:
    """The check of a method with one parameter, and how its worker reads that."""

    def method(x):  # type: ignore[no-untyped-def]
        pass

    method.__annotations__["x"] = annotation
    notes: list[str] = []
    found = examine("method", method, notes.append)
    assert notes == []
    return ActionSchema("p", "m", found.spec.params, sensitive=["x"] if is_sensitive else []), found.form


@pytest.mark.parametrize(("annotation", "value", "text"), CASES)
def test_a_wrong_value_is_told_with_place_value_rule_and_remedy(annotation: object, value: object, text: str) -> None:
    action, _ = action_of(annotation)
    refusal = action.find_refusal([json.dumps(value)], {})
    assert refusal is not None
    assert refusal.text == f"p.m, argument 'x': {text}"
    assert "\n" not in refusal.text


@pytest.mark.parametrize(("annotation", "value", "text"), CASES)
def test_of_a_secret_the_rule_alone_is_told(annotation: object, value: object, text: str) -> None:
    action, _ = action_of(annotation, is_sensitive=True)
    refusal = action.find_refusal([json.dumps(value)], {})
    assert refusal is not None
    said = refusal.text.removeprefix("p.m, argument 'x': ")
    assert said.startswith(f"{HIDDEN} does not fit; give ")
    assert "did you mean" not in said
    for part in ("fsat", "sofe", "sise", "pth", "zzz", "sid'", "triangle", "abcdefg", "now", "1.2.3"):
        assert part not in said


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (datetime.datetime, "now", f"'now' is not a valid datetime or date, input is too short {ISO}"),
        (ipaddress.IPv4Address, "1.2.3", "'1.2.3' is not a valid IPv4 address"),
        (Volume, {"size": 1}, "{'size': 1} lacks the field 'path'; give it"),
        (Volume, {"path": "/", "zzz": 1}, "there is no field 'zzz'"),
        (AwareDatetime, "2020-01-02", "'2020-01-02' should have timezone info"),
        (Volume, {"path": "/", "inner": {}}, "at inner: {} lacks"),
        (list[Volume], [{"path": "/", "size": 0}], "at [0].size: 0 is not greater than or equal to 1"),
    ],
)
def test_a_worker_names_place_and_value_too(annotation: object, value: object, text: str) -> None:
    _, form = action_of(annotation)
    with pytest.raises(BadArgument) as caught:
        form.read([json.dumps(value)], {})
    assert str(caught.value).startswith(f"argument 'x': {text}")


@pytest.mark.parametrize("kind", [set[int], frozenset[int]])
def test_a_set_takes_equal_elements_everywhere(kind: object) -> None:
    action, form = action_of(kind)
    assert action.find_refusal(["[1, 1, 2]"], {}) is None
    assert form.read(["[1, 1, 2]"], {}) == ([{1, 2}], {})


def test_where_elements_must_differ_it_is_told_which_does_not() -> None:
    rule: JsonValue = {"type": "array", "uniqueItems": True}
    assert Rule(rule).find_fault([3, 1, 2, 1]) == "[3, 1, 2, 1] has 1 twice, at [1] and [3]; give each element once"
    assert Rule(rule, is_sensitive=True).find_fault([3, 3]) == "<hidden> does not fit; give each element once"


def test_a_key_that_fits_no_pattern_is_told() -> None:
    schema: JsonValue = {"patternProperties": {"^a+$": {"type": "integer"}}, "additionalProperties": False}
    assert Rule(schema).find_fault({"b": 1}) == "the key 'b' does not match '^a+$'"
    slow: JsonValue = {"patternProperties": {"^(a+)+$": True}, "additionalProperties": False}
    assert Rule(slow).find_fault({"a" * 60_000 + "!": 1}) is not None


def test_what_takes_no_fields_says_so() -> None:
    assert Rule({"additionalProperties": False}).find_fault({"a": 1}) == "there is no field 'a', nor any other"


def test_what_holds_a_secret_is_not_repeated() -> None:
    action, _ = action_of(Login)
    for value in ({"password": "canary"}, {"user": "u", "password": ["canary"]}, {"user": "u", "canary": 1}):
        refusal = action.find_refusal([json.dumps(value)], {})
        assert refusal is not None
        assert "canary" not in refusal.text


def test_a_keyword_that_no_type_of_ours_has_is_told_as_the_library_does() -> None:
    rule: JsonValue = {"contains": {"type": "string"}}
    fault = Rule(rule).find_fault([1])
    assert fault is not None
    assert fault.startswith("[1] does not contain")
    assert (
        Rule(rule, is_sensitive=True).find_fault([1])
        == "<hidden> does not fit; the rule is contains {'type': 'string'}"
    )


def test_long_values_and_long_enumerations_are_cut() -> None:
    for schema, value in (
        ({"maxLength": 5}, "x" * 100_000),
        ({"maxItems": 5}, ["x"] * 100_000),
        ({"additionalProperties": False}, {"x" * 100_000: 1}),
        ({"required": ["y"]}, {"x" * 100_000: 1}),
        ({"enum": [f"value {number}" for number in range(10_000)]}, "x"),
    ):
        fault = Rule(schema).find_fault(value)  # type: ignore[arg-type]  # mypy joins the rows
        assert fault is not None
        assert len(fault) < 800


def test_of_an_enumeration_some_values_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults_room, "MAX_COMPARED", 2)
    fault = Rule({"enum": ["a", "b", "full"]}).find_fault("ful")
    assert fault == "'ful' is not one of 'a', 'b', 'full'"


def keyword_only(a: int, b: int = 2, *, c: bool = False) -> None: ...
def position_only(a: int, /, b: int = 2) -> None: ...
def none() -> None: ...


@pytest.mark.parametrize(
    ("method", "args", "kwargs", "text"),
    [
        (keyword_only, ["1", "2", "true"], {}, "p.m takes 2 positional arguments, 3 were given; 'c' is given by name"),
        (keyword_only, ["1"], {"d": "1"}, "p.m has no argument 'd'; it takes 'a', 'b', 'c'"),
        (position_only, [], {"a": "1"}, "p.m takes argument 'a' by position only; give the value without the name"),
        (position_only, ["1"], {"zz": "1"}, "p.m has no argument 'zz'; it takes 'b'"),
        (none, ["1"], {}, "p.m takes 0 positional arguments, 1 was given"),
        (none, [], {"zz": "1"}, "p.m has no argument 'zz'; it takes none by name"),
        (lambda a: None, ["1", "2"], {}, "p.m takes 1 positional argument, 2 were given"),
    ],
)
def test_an_argument_in_the_wrong_place_is_told_how_it_is_given(
    method: object, args: list[str], kwargs: dict[str, str], text: str
) -> None:
    params = examine("m", method, print).spec.params  # type: ignore[arg-type]  # callables of several kinds
    refusal = ActionSchema("p", "m", params).find_refusal(args, kwargs)
    assert refusal is not None
    assert refusal.text == text

"""Calls against the schema of their action. The schemas are made from real functions."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from matahari.hostproto import TEXT_LIMIT, MethodSpec
from matahari.pluginhost import describe
from matahari.rpcagent import CallFailure
from matahari.rpcagent.binding import MAX_CHECKED, Action, did_you_mean, prepare, unknown_action


def plain(a, b=1): ...  # type: ignore[no-untyped-def]
def typed(count: int, ratio: float = 1.0, *, name: str = "x", tags: list[str] | None = None) -> None: ...
def only(a: int, /, b: int) -> None: ...
def mixed(a: int, /, *rest: int, **others: str) -> None: ...
def anything(*args, **kwargs): ...  # type: ignore[no-untyped-def]


def check(action: Callable[..., object], *args: object, **kwargs: object) -> None:
    spec = describe(action.__name__, action)
    Action("demo", spec).check([json.dumps(arg) for arg in args], {k: json.dumps(v) for k, v in kwargs.items()})


@pytest.mark.parametrize(
    ("action", "args", "kwargs"),
    [
        (plain, [1], {}),
        (plain, [[1, {}], None], {}),
        (plain, [], {"a": 1, "b": 2}),
        (typed, [1, 2], {"name": "n", "tags": ["a"]}),
        (typed, [1, 2.5], {"tags": None}),
        (only, [1], {"b": 2}),
        (mixed, [1, 2, 3], {"a": "no clash", "z": "text"}),
        (anything, [1, "a", None], {"self": 1, "args": 2, "kwargs": 3}),
    ],
)
def test_good_calls_pass(action: Callable[..., object], args: list[object], kwargs: dict[str, object]) -> None:
    check(action, *args, **kwargs)


@pytest.mark.parametrize(
    ("action", "args", "kwargs", "kind", "text"),
    [
        (plain, [], {}, "missing_argument", "demo.plain needs argument 'a'"),
        (only, [], {}, "missing_argument", "demo.only needs arguments 'a', 'b'"),
        (typed, [], {"ratio": 1}, "missing_argument", "demo.typed needs argument 'count'"),
        (plain, [1, 2, 3], {}, "invalid_argument", "demo.plain takes 2 positional arguments, 3 were given"),
        (plain, [1], {"a": 1}, "invalid_argument", "demo.plain got argument 'a' twice, by position and by name"),
        (typed, [1], {"nane": 1}, "invalid_argument", "demo.typed has no argument 'nane'; did you mean 'name'?"),
        (plain, [1], {"zzz": 1}, "invalid_argument", "demo.plain has no argument 'zzz'; it takes 'a', 'b'"),
        (
            only,
            [],
            {"a": 1, "b": 2},
            "invalid_argument",
            "demo.only takes argument 'a' by position only; give the value without the name",
        ),
        (typed, ["x"], {}, "invalid_argument", "demo.typed, argument 'count': 'x' is a string; give an integer"),
        (typed, [True], {}, "invalid_argument", "demo.typed, argument 'count': True is a boolean; give an integer"),
        (
            typed,
            [1],
            {"tags": ["a", 2]},
            "invalid_argument",
            "demo.typed, argument 'tags': at [1]: 2 is an integer; give a string",
        ),
        (mixed, [1, 2, "x"], {}, "invalid_argument", "demo.mixed, argument '#3': 'x' is a string; give an integer"),
        (mixed, [1], {"k": 1}, "invalid_argument", "demo.mixed, argument 'k': 1 is an integer; give a string"),
    ],
)
def test_a_bad_call_is_refused_with_argument_value_and_rule(
    action: Callable[..., object], args: list[object], kwargs: dict[str, object], kind: str, text: str
) -> None:
    with pytest.raises(CallFailure) as caught:
        check(action, *args, **kwargs)
    assert (caught.value.kind, caught.value.text) == (kind, text)


@pytest.mark.parametrize("text", ["", "{", "nope", "NaN", "[1", "\ud800", "[" * 100_000])
def test_a_text_that_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(CallFailure, match="is not JSON") as caught:
        Action("demo", describe("plain", plain)).check([text], {})
    assert caught.value.kind == "invalid_argument"
    assert len(caught.value.text) < 500


def test_long_values_are_not_repeated_in_full() -> None:
    with pytest.raises(CallFailure) as caught:
        check(typed, "x" * 100_000)
    assert len(caught.value.text) < 600


def test_a_value_that_is_too_deep_for_validation_is_refused_not_fatal() -> None:
    text = "[" * 600 + "]" * 600
    spec = MethodSpec("m", {"properties": {"a": {"items": {"$ref": "#"}}}, "x-positional": ["a"]})
    with pytest.raises(CallFailure):
        Action("demo", spec).check([text], {})


def test_the_size_of_all_arguments_is_limited() -> None:
    half = json.dumps("x" * (TEXT_LIMIT // 2))
    with pytest.raises(CallFailure) as caught:
        Action("demo", describe("anything", anything)).check([half, half], {})
    assert caught.value.kind == "too_large"
    wide = json.dumps("\u20ac" * (TEXT_LIMIT // 2), ensure_ascii=False)
    with pytest.raises(CallFailure) as caught:
        Action("demo", describe("anything", anything)).check([], {"a": wide})
    assert caught.value.kind == "too_large"


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"properties": [], "required": 5, "x-positional": {"a": 1}},
        {"properties": {"a": {"type": "no-such-type"}}, "x-positional": ["a"]},
        {"properties": {"a": {"pattern": "("}}, "x-positional": ["a"]},
        {"properties": {"a": {"$ref": "http://example.org/schema"}}, "x-positional": ["a"]},
        {"properties": {"a": 5}, "x-positional": ["a"]},
        {"properties": {"a": False}, "x-positional": ["a", 7]},
    ],
)
def test_a_useless_schema_from_a_worker_is_at_worst_a_refusal(params: dict[str, object]) -> None:
    action = Action("demo", MethodSpec("m", params))  # type: ignore[arg-type]  # what a worker might send
    for args in ([], ['"x"'], ["1", "2"]):
        try:
            action.check(args, {})
        except CallFailure as failure:
            assert failure.kind == "invalid_argument"


def test_close_names_are_offered() -> None:
    assert did_you_mean("usge", ["usage", "mount"]) == "; did you mean 'usage'?"
    assert did_you_mean("zzz", ["usage"]) == ""
    failure = unknown_action("disk", "usge", ["usage"])
    assert (failure.kind, failure.text) == ("unknown_action", "disk has no method 'usge'; did you mean 'usage'?")


def test_a_generation_is_prepared_by_name() -> None:
    assert set(prepare("demo", [describe("plain", plain), describe("typed", typed)])) == {"plain", "typed"}


@pytest.mark.parametrize("value", [1.0, [1.0]])
def test_a_float_is_no_integer_even_when_it_is_whole(value: object) -> None:
    """JSON Schema says it is; ``range(1.0)`` says it is not."""

    def many(values: list[int]) -> None: ...

    with pytest.raises(CallFailure, match="is a float; give an integer"):
        check(typed if value == 1.0 else many, value)


class TestResults:
    def check(self, result: dict[str, object] | None, text: str) -> str:
        return Action("demo", MethodSpec("m", {}, result)).check_result(text)  # type: ignore[arg-type]  # a schema

    def test_what_fits_or_is_not_declared_is_not_flagged(self) -> None:
        assert self.check({"type": "array", "items": {"type": "integer"}}, "[1, 2]") == ""
        assert self.check(None, '"anything"') == ""
        assert self.check({}, '"anything"') == ""

    def test_what_does_not_fit_is_told_with_its_place(self) -> None:
        text = self.check({"type": "array", "items": {"type": "integer"}}, '[1, "x"]')
        assert text == "the result of demo.m is not as declared: at [1]: 'x' is a string; give an integer"

    def test_a_very_long_result_is_not_checked(self) -> None:
        assert self.check({"type": "integer"}, '"' + MAX_CHECKED * "x" + '"') == ""


def test_references_to_named_types_are_followed() -> None:
    params = {
        "properties": {"place": {"$ref": "#/$defs/Place"}},
        "x-positional": ["place"],
        "$defs": {"Place": {"type": "object", "required": ["x"]}},
    }
    action = Action("demo", MethodSpec("m", params))  # type: ignore[arg-type]  # a schema
    action.check(['{"x": 1}'], {})
    with pytest.raises(CallFailure, match="lacks the field 'x'"):
        action.check(["{}"], {})

"""Calls of plugins as those who decide and write see them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence

from matahari.hooks import Problem
from matahari.hostproto import MethodSpec
from matahari.qmf import Value
from matahari.rpcagent.action import bind, not_run, plugin_action, sensitive_names

COPY = MethodSpec(
    "copy",
    {
        "type": "object",
        "properties": {"source": {"type": "string"}, "target": {"type": "string"}, "password": {}},
        "x-positional": ["source", "target"],
        "x-positional-only": ["source"],
        "x-varargs": True,
        "x-varkw": True,
    },
    effects={"destructive": True, "read_only": False},
    sensitive=("password",),
)


async def done() -> Mapping[str, Value]:
    return {"result": "1"}


def test_positional_arguments_get_their_names_and_further_ones_their_numbers() -> None:
    assert bind(COPY, ['"a"', '"b"', "3", "[4]"], {"x": "true"}) == {
        "source": "a",
        "target": "b",
        "#3": 3,
        "#4": [4],
        "x": True,
    }


def test_a_named_argument_with_the_name_of_a_positional_only_one_hides_nothing() -> None:
    assert bind(COPY, ['"a"'], {"source": '"b"'}) == {"source": "a", "source=": "b"}


def test_no_name_that_a_caller_invents_hides_another_argument() -> None:
    arguments = bind(COPY, ['"a"', '"b"', "3"], {"source=": '"c"', "source": '"d"', "#3=": '"e"', "#3": '"f"'})
    assert sorted(map(str, arguments.values())) == ["3", "a", "b", "c", "d", "e", "f"]


def test_what_an_invented_name_makes_of_a_sensitive_one_is_sensitive_too() -> None:
    spec = MethodSpec("f", COPY.params, sensitive=("source",))
    arguments = bind(spec, ['"a"'], {"source=": '"b"', "source": '"c"', "other": '"d"'})
    assert {name for name in arguments if name not in sensitive_names(spec, arguments)} == {"other"}


def test_a_method_without_a_schema_of_positions_still_binds() -> None:
    assert bind(MethodSpec("f", {}), ["1"], {"b": "2"}) == {"#1": 1, "b": 2}


def test_sensitive_arguments_are_known_by_the_names_they_are_bound_to() -> None:
    arguments = bind(COPY, ['"a"'], {"password": '"s3cret"'})
    assert "password" in sensitive_names(COPY, arguments)
    assert not sensitive_names(MethodSpec("f", {}), {"a": 1})


def test_a_sensitive_rest_hides_all_that_has_no_name_in_the_schema() -> None:
    spec = MethodSpec("f", {**COPY.params, "properties": {"source": {}}}, sensitive=("secrets",))
    arguments = bind(spec, ['"a"', '"b"', '"c"'], {"token": '"d"'})
    assert {"target", "#3", "token"} <= sensitive_names(spec, arguments)
    assert "source" not in sensitive_names(spec, arguments)


def test_effects_are_those_that_the_author_declared() -> None:
    effects = plugin_action(COPY, {"source": "a"}, done).effects
    assert (effects.read_only, effects.destructive, effects.idempotent) == (False, True, None)


def test_a_mismatch_is_a_problem_of_the_reply() -> None:
    check = plugin_action(COPY, {"source": "a"}, done).check_reply
    assert check is not None
    assert asyncio.run(_problems(check({"result": "1"}))) == []
    assert asyncio.run(_problems(check({"result": "1", "mismatch": "no text"}))) == ["no text"]


async def _problems(found: Awaitable[Sequence[Problem]]) -> list[str]:
    return [problem.text for problem in await found]


def test_what_was_not_run_is_an_outcome_like_others() -> None:
    refused = not_run("refused", "not at night")
    assert (refused.kind, refused.type, refused.text) == ("refused", "Refused", "not at night")
    assert not_run("invalid_argument", "no address").type == "InvalidArgument"

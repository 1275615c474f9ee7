"""Calls and results against published schemas. What each schema means is told in ``tests/unit/rpcagent/test_binding.py``."""

from __future__ import annotations

import json

import pytest

from matahari.hostproto import TEXT_LIMIT
from matahari.validation import ARGUMENTS_LIMIT, MAX_CHECKED, ActionSchema, JsonValue, Refusal

PARAMS: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "user": {"type": "string"},
        "password": {"type": "string", "minLength": 8},
        "mode": {"enum": ["fast", "safe"], "default": "safe"},
    },
    "required": ["user", "password"],
    "additionalProperties": False,
    "x-positional": ["user", "password", "mode"],
}
REST: dict[str, JsonValue] = {
    "properties": {},
    "x-varargs": True,
    "x-varargs-items": {"type": "integer"},
    "x-varkw": True,
    "additionalProperties": {"type": "integer"},
}


def refusal(schema: ActionSchema, *args: object, **kwargs: object) -> Refusal | None:
    return schema.find_refusal(
        [json.dumps(one) for one in args], {name: json.dumps(one) for name, one in kwargs.items()}
    )


LOGIN = ActionSchema("web", "login", PARAMS, sensitive=["password"])


def test_a_call_that_fits_is_not_refused() -> None:
    assert refusal(LOGIN, "me", "longenough") is None
    assert refusal(LOGIN, "me", password="longenough", mode="fast") is None


@pytest.mark.parametrize(
    ("args", "kwargs", "kind", "text"),
    [
        (("me",), {}, "missing_argument", "web.login needs argument 'password'"),
        ((), {}, "missing_argument", "web.login needs arguments 'user', 'password'"),
        ((5, "longenough"), {}, "invalid_argument", "web.login, argument 'user': 5 is an integer; give a string"),
        (
            ("me", "longenough", "slow"),
            {},
            "invalid_argument",
            "web.login, argument 'mode': 'slow' is not one of 'fast', 'safe'",
        ),
        (
            ("me",),
            {"pasword": "x"},
            "invalid_argument",
            "web.login has no argument 'pasword'; did you mean 'password'?",
        ),
    ],
)
def test_a_refusal_names_argument_value_and_rule(
    args: tuple[object, ...], kwargs: dict[str, object], kind: str, text: str
) -> None:
    assert refusal(LOGIN, *args, **kwargs) == Refusal(kind, text)  # type: ignore[arg-type]  # one of the kinds


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("short", "<hidden> does not fit; give at least 8 characters"),
        (12345678, "<hidden> does not fit; give a string"),
        ({"canary": 1}, "<hidden> does not fit; give a string"),
    ],
)
def test_the_value_of_a_sensitive_argument_is_in_no_text(value: object, rule: str) -> None:
    for found in (refusal(LOGIN, "me", value), refusal(LOGIN, "me", password=value)):
        assert found == Refusal("invalid_argument", f"web.login, argument 'password': {rule}")


def test_a_sensitive_text_that_is_no_json_is_hidden_too() -> None:
    found = LOGIN.find_refusal(['"me"', "canary"], {})
    assert found is not None
    assert "canary" not in found.text
    assert "<hidden> is not JSON" in found.text


def test_a_sensitive_name_that_is_no_parameter_hides_what_has_no_name() -> None:
    """``*args`` and ``**kwargs`` are not in the schema by their own names."""
    for found in (
        refusal(ActionSchema("p", "m", REST, sensitive=["secrets"]), "canary"),
        refusal(ActionSchema("p", "m", REST, sensitive=["secrets"]), key="canary"),
    ):
        assert found is not None
        assert "canary" not in found.text
    shown = refusal(ActionSchema("p", "m", REST), "canary")
    assert shown is not None
    assert "'canary' is a string; give an integer" in shown.text


def test_a_schema_that_allows_nothing_hides_as_well() -> None:
    schema = ActionSchema("p", "m", {"properties": {"a": False}, "x-positional": ["a"]}, sensitive=["a"])
    found = refusal(schema, "canary")
    assert found is not None
    assert found.text == "p.m, argument 'a': <hidden> is not allowed"


def test_all_arguments_together_have_a_limit_which_is_that_of_the_host_protocol() -> None:
    assert ARGUMENTS_LIMIT == TEXT_LIMIT
    schema = ActionSchema("p", "m", {"x-varargs": True})
    assert schema.find_refusal(["1"] * 10, {}, limit_bytes=10) is None
    found = schema.find_refusal(["1"] * 11, {}, limit_bytes=10)
    assert found == Refusal("too_large", "the arguments of p.m have 11 bytes of JSON, at most 10 are allowed")


def test_a_result_that_is_not_as_declared_is_told() -> None:
    schema = ActionSchema("p", "m", {}, {"type": "array", "items": {"type": "integer"}})
    assert schema.find_mismatch("[1]") == ""
    assert (
        schema.find_mismatch('[1, "x"]')
        == "the result of p.m is not as declared: at [1]: 'x' is a string; give an integer"
    )
    assert "not JSON" in schema.find_mismatch("nope")
    assert schema.find_mismatch('"' + MAX_CHECKED * "x" + '"') == ""

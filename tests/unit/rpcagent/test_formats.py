"""Validators of extensions where a plugin's schema names them."""

from __future__ import annotations

import asyncio
import threading

import pytest

from matahari.errors import HookError
from matahari.hooks import JsonValue, NamedCheck, Problem, Threads, Validator
from matahari.hostproto import Json, MethodSpec
from matahari.rpcagent import formats as module
from matahari.rpcagent.formats import FormatChecks
from matahari.validation import MAX_CHECKED


def even(value: JsonValue) -> str:
    return "" if isinstance(value, int) and value % 2 == 0 else f"{value!r} is odd"


def broken(value: JsonValue) -> str:
    raise ZeroDivisionError("oops")


CHECKS = FormatChecks(
    {name: NamedCheck("numbers", Validator(name, "", check)) for name, check in (("even", even), ("broken", broken))},
    Threads(),
)


def spec(
    properties: dict[str, Json], *, result: dict[str, Json] | None = None, more: dict[str, Json] | None = None
) -> MethodSpec:
    return MethodSpec("f", {"properties": properties, **(more or {})}, result)


def problems(method: MethodSpec, **arguments: JsonValue) -> list[str]:
    formats = CHECKS.of(method)
    assert formats is not None
    return [problem.text for problem in asyncio.run(_checked(formats, arguments))]


async def _checked(formats: module.MethodFormats, arguments: dict[str, JsonValue]) -> list[Problem]:
    return list(await formats.check(arguments))


def test_methods_that_name_no_validator_are_not_looked_at() -> None:
    assert CHECKS.of(spec({"a": {"type": "string", "format": "date-time"}})) is None
    assert FormatChecks({}, Threads()).of(spec({"a": {"format": "even"}})) is None


def test_an_argument_whose_validator_objects_is_a_problem() -> None:
    method = spec({"a": {"type": "integer", "format": "even"}, "b": {"type": "integer"}})
    assert problems(method, a=2, b=3) == []
    assert problems(method, a=3, b=3) == ["argument 'a': 3 is odd (format even)"]


def test_validators_work_inside_lists_references_and_alternatives() -> None:
    method = spec(
        {
            "several": {"type": "array", "items": {"$ref": "#/$defs/Even"}},
            "maybe": {"anyOf": [{"type": "integer", "format": "even"}, {"type": "null"}]},
        },
        more={"$defs": {"Even": {"type": "integer", "format": "even"}}},
    )
    assert problems(method, several=[2, 4], maybe=None) == []
    assert problems(method, several=[2, 5]) == ["argument 'several': at [1]: 5 is odd (format even)"]
    assert len(problems(method, maybe=5)) == 1


def test_validators_work_on_further_arguments() -> None:
    method = spec({}, more={"additionalProperties": {"format": "even"}, "x-varargs-items": {"format": "even"}})
    assert len(problems(method, **{"#1": 1, "x": 3, "y": 2})) == 2


def test_a_validator_that_raises_lets_nothing_pass_and_is_named() -> None:
    assert problems(spec({"a": {"format": "broken"}}), a=1) == [
        "argument 'a': cannot be checked: hook validators of numbers: ZeroDivisionError: oops (format broken)"
    ]


def test_a_sensitive_value_is_in_no_text() -> None:
    method = MethodSpec("f", {"properties": {"pin": {"format": "even"}}}, sensitive=("pin",))
    [text] = problems(method, pin=1357)
    assert "1357" not in text
    assert "even" in text


def test_results_are_checked_too() -> None:
    formats = CHECKS.of(spec({}, result={"type": "integer", "format": "even"}))
    assert formats is not None

    async def scenario() -> list[int]:
        return [len(await formats.check_result(text)) for text in ("2", "3", "3" * (MAX_CHECKED + 1))]

    assert asyncio.run(scenario()) == [0, 1, 0]
    assert CHECKS.of(spec({"a": {"format": "even"}})) is not None


def test_validators_that_take_too_long_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(module, "HOOK_TIMEOUT", 0.01)
    checks = {"slow": NamedCheck("tar", Validator("slow", "", lambda value: str(gate.wait(10))))}
    formats = FormatChecks(checks, Threads()).of(spec({"a": {"format": "slow"}}))
    assert formats is not None
    with pytest.raises(HookError, match=r"hook validators of tar: TimeoutError: not ended within 0\.01 s"):
        asyncio.run(_checked(formats, {"a": 1}))
    gate.set()

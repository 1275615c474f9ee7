"""Does a call fit its action, and its result what was declared? Decided from the published schema.

Positional arguments are bound to names as Python would, then each argument is validated with jsonschema. The
worker gets the original texts: nothing is converted here, only refused.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NoReturn

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import best_match
from referencing.jsonschema import EMPTY_REGISTRY

from matahari.hostproto import TEXT_LIMIT, Json, MethodSpec

from .records import CallFailure

__all__ = ["MAX_CHECKED", "Action", "did_you_mean", "prepare", "unknown_action"]

#: Most of a value that an error text repeats, in characters.
_MAX_SHOWN: Final = 200
#: Longest result that is checked, in characters: checking takes the agent's own time, unlike making it.
MAX_CHECKED: Final = 128 * 1024
#: The JSON type that a Python value of exactly this class has: the common case, without jsonschema.
_EXACT: Final[Mapping[str, type]] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list,
    "object": dict,
}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_parse = json.JSONDecoder(parse_constant=_refuse_constant).decode


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give ``; did you mean 'x'?`` for names close to ``name``, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=2)
    return f"; did you mean {' or '.join(repr(each) for each in close)}?" if close else ""


def unknown_action(plugin: str, name: str, known: Iterable[str]) -> CallFailure:
    """Make the failure for a method that the plugin has not."""
    text = f"{plugin} has no action {_shown(name)}{did_you_mean(name[:_MAX_SHOWN], known)}"
    return CallFailure("unknown_action", "UnknownAction", text, text=text)


def prepare(plugin: str, specs: Iterable[MethodSpec]) -> dict[str, Action]:
    """Make the actions of one generation, by name."""
    return {spec.name: Action(plugin, spec) for spec in specs}


# JSON Schema calls 1.0 an integer; a function that takes an int does not.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda checker, value: isinstance(value, int) and not isinstance(value, bool)
)
_Validator = validators.extend(Draft202012Validator, type_checker=_TYPES)  # type: ignore[no-untyped-call] # not in its stubs


class _Rule:
    """Validates one argument."""

    def __init__(self, schema: Json, named: Json = None) -> None:
        if isinstance(schema, dict) and isinstance(named, dict) and "$defs" not in schema and "#/$defs/" in str(schema):
            schema = {**schema, "$defs": named}  # references to named types lead there
        self._schema = schema
        self._exact: type | None = None
        if isinstance(schema, dict) and set(schema) <= {"type", "default", "description"}:
            kind = schema.get("type")
            self._exact = _EXACT.get(kind) if isinstance(kind, str) else None
        self.takes_all = schema is True or schema == {} or (isinstance(schema, dict) and set(schema) == {"default"})
        self._validator: Draft202012Validator | None = None

    def find_fault(self, value: object) -> str | None:
        """Give the broken rule in words, or None."""
        if self.takes_all or type(value) is self._exact:
            return None
        if self._validator is None:
            schema = self._schema if isinstance(self._schema, bool | dict) else {}
            # The registry is given so that a "$ref" is never fetched from anywhere.
            self._validator = _Validator(schema, registry=EMPTY_REGISTRY)
        try:
            error = best_match(self._validator.iter_errors(value))
        except Exception as fault:  # noqa: BLE001  # the schema came from a worker and was never checked
            return f"its schema cannot be used ({type(fault).__name__})"
        if error is None:
            return None
        place = error.json_path.removeprefix("$").removeprefix(".")
        message = error.message if len(error.message) <= 2 * _MAX_SHOWN else f"{error.message[: 2 * _MAX_SHOWN]}…"
        return f"at {place}: {message}" if place else message


class Action:
    """One action of one generation, ready to check calls."""

    def __init__(self, plugin: str, spec: MethodSpec) -> None:
        self.name = spec.name
        self.timeout = spec.timeout
        self._full_name = f"{plugin}.{spec.name}"
        params = spec.params
        named = params.get("$defs")
        self._result = None if spec.result is None else _Rule(spec.result)
        properties = params.get("properties")
        self._rules = (
            {name: _Rule(schema, named) for name, schema in properties.items()} if isinstance(properties, dict) else {}
        )
        self._required = _names(params.get("required"))
        self._positional = _names(params.get("x-positional"))
        self._positional_only = frozenset(_names(params.get("x-positional-only")))
        self._takes_more = params.get("x-varargs") is True
        self._more = _Rule(params.get("x-varargs-items", {}), named)
        self._takes_others = params.get("x-varkw") is True
        self._others = _Rule(params.get("additionalProperties", True), named)

    def check(self, args: Sequence[str], kwargs: Mapping[str, str]) -> None:
        """Check one call.

        Args:
            args: JSON texts, by position.
            kwargs: JSON texts, by name.

        Raises:
            CallFailure: ``missing_argument``, ``invalid_argument`` or ``too_large``, naming argument, value and rule.
        """
        size = sum(map(len, args)) + sum(len(name) + len(text) for name, text in kwargs.items())
        if size > TEXT_LIMIT // 4:  # characters have up to four bytes; only then they are worth counting
            size = sum(len(text.encode("utf-8", "replace")) for text in (*args, *kwargs, *kwargs.values()))
            if size > TEXT_LIMIT:
                text = f"the arguments of {self._full_name} have {size} bytes of JSON, at most {TEXT_LIMIT} are allowed"
                raise CallFailure("too_large", "TooLarge", text, text=text)
        positional, rules = self._positional, self._rules
        if len(args) > len(positional) and not self._takes_more:
            self._refuse(f"takes {len(positional)} positional arguments, {len(args)} were given")
        for index, text in enumerate(args):
            if index < len(positional):
                self._check_value(positional[index], text, rules.get(positional[index], self._more))
            else:
                self._check_value(f"#{index + 1}", text, self._more)
        given = positional[: len(args)]
        for name, text in kwargs.items():
            if name in rules and name not in self._positional_only:
                if name in given:
                    self._refuse(f"got argument {name!r} twice, by position and by name")
                self._check_value(name, text, rules[name])
            elif self._takes_others:
                self._check_value(name, text, self._others)
            elif name in self._positional_only:
                self._refuse(f"takes argument {name!r} by position only")
            else:
                self._refuse(f"has no argument {_shown(name)}{did_you_mean(name[:_MAX_SHOWN], rules)}")
        missing = [name for name in self._required if name not in given and not self._is_named(name, kwargs)]
        if missing:
            names = ", ".join(repr(name) for name in missing)
            text = f"{self._full_name} needs argument{'s' if len(missing) > 1 else ''} {names}"
            raise CallFailure("missing_argument", "MissingArgument", text, text=text)

    def check_result(self, text: str) -> str:
        """Say how a result (JSON text) differs from what the action declares.

        Returns:
            The broken rule in words; empty when it fits, when nothing is declared, or when it is too long to check.
        """
        if self._result is None or self._result.takes_all or len(text) > MAX_CHECKED:
            return ""
        try:
            fault = self._result.find_fault(_parse(text))
        except (ValueError, RecursionError) as error:
            fault = "nested too deeply" if isinstance(error, RecursionError) else f"not JSON: {error}"
        return f"the result of {self._full_name} is not as declared: {fault}" if fault is not None else ""

    def _is_named(self, name: str, kwargs: Mapping[str, str]) -> bool:
        return name in kwargs and name not in self._positional_only

    def _check_value(self, name: str, text: str, rule: _Rule) -> None:
        try:
            value = _parse(text)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            self._refuse(f"argument {_shown(name)}: {_shown(text)} is not JSON: {reason}")
        try:
            fault = rule.find_fault(value)
        except RecursionError:
            fault = "nested too deeply"
        if fault is not None:
            self._refuse(f"argument {_shown(name)}: {fault}")

    def _refuse(self, text: str) -> NoReturn:
        separator = "" if text.startswith(("takes", "got", "has")) else ", "
        text = f"{self._full_name}{separator or ' '}{text}"
        raise CallFailure("invalid_argument", "InvalidArgument", text, text=text)


def _names(value: Json) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]!r}…"

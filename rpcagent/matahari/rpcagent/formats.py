"""Validators of extensions in the schemas of plugins: where a schema names one as its ``format``.

They are foreign code that may block, so they never run on the event loop. A call whose schema names none of them is not
looked at a second time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from matahari.errors import HookError
from matahari.hooks import HOOK_TIMEOUT, VALIDATORS, JsonValue, NamedCheck, Problem, Threads
from matahari.hostproto import MethodSpec
from matahari.validation import MAX_CHECKED, Rule

__all__ = ["FormatChecks", "MethodFormats"]

_MAX_DEPTH: Final = 64  # of a schema; a worker's are bounded below that


class FormatChecks:
    """The validators of this process, by name."""

    def __init__(self, checks: Mapping[str, NamedCheck], threads: Threads) -> None:
        self.checks = checks
        self.threads = threads

    def of(self, spec: MethodSpec) -> MethodFormats | None:
        """What is to be looked at in calls of a method; None when its schema names no validator."""
        if not self.checks or not (self.used_by(spec.params) or self.used_by(spec.result)):
            return None
        return MethodFormats(spec, self)

    def used_by(self, schema: JsonValue, depth: int = 0) -> frozenset[str]:
        """Names of the validators that occur in a schema."""
        found: frozenset[str] = frozenset()
        if depth > _MAX_DEPTH:
            return found
        if isinstance(schema, dict):
            name = schema.get("format")
            if isinstance(name, str) and name in self.checks:
                found |= {name}
            for part in schema.values():
                found |= self.used_by(part, depth + 1)
        elif isinstance(schema, list):
            for part in schema:
                found |= self.used_by(part, depth + 1)
        return found


class MethodFormats:
    """One method whose schema names validators."""

    def __init__(self, spec: MethodSpec, formats: FormatChecks) -> None:
        params = spec.params
        named = params.get("$defs")
        properties = params.get("properties")
        schemas = properties if isinstance(properties, dict) else {}
        hidden = frozenset(spec.sensitive)
        hides_rest = not hidden <= set(schemas)
        checks = formats.checks
        self._threads = formats.threads
        self._providers = sorted(
            {checks[name].provider for name in formats.used_by(spec.params) | formats.used_by(spec.result)}
        )
        self._rules = {
            name: Rule(schema, named, is_sensitive=name in hidden, formats=checks) for name, schema in schemas.items()
        }
        more, others = params.get("x-varargs-items", {}), params.get("additionalProperties", True)
        self._more = Rule(more, named, is_sensitive=hides_rest, formats=checks)
        self._others = Rule(others, named, is_sensitive=hides_rest, formats=checks)
        self._checks_arguments = bool(formats.used_by(spec.params))
        self._result = Rule(spec.result, formats=checks) if formats.used_by(spec.result) else None

    async def check(self, arguments: Mapping[str, JsonValue]) -> Sequence[Problem]:
        """Problems of a call's arguments, which are given by name and fit the schema otherwise.

        Raises:
            HookError: the validators took too long.
        """
        if not self._checks_arguments:
            return ()
        return await self._beside(lambda: self._argument_problems(arguments))

    async def check_result(self, text: str) -> Sequence[Problem]:
        """Problems of a result; one that is too long to check has none.

        Raises:
            HookError: the validators took too long.
        """
        rule = self._result
        if rule is None or len(text) > MAX_CHECKED:
            return ()
        return await self._beside(lambda: _result_problems(rule, text))

    async def _beside(self, look: Callable[[], list[Problem]]) -> list[Problem]:
        try:
            return await self._threads.run(look, timeout=HOOK_TIMEOUT)
        except TimeoutError as error:
            who = ", ".join(self._providers)
            raise HookError(str(error), hook=VALIDATORS.name, provider=who, error_type="TimeoutError") from error

    def _argument_problems(self, arguments: Mapping[str, JsonValue]) -> list[Problem]:
        problems = []
        for name, value in arguments.items():
            rule = self._rules.get(name) or (self._more if name.startswith("#") else self._others)
            fault = rule.find_fault(value)
            if fault is not None:
                problems.append(Problem(name, "format", f"argument {name!r}: {fault}"))
        return problems


def _result_problems(rule: Rule, text: str) -> list[Problem]:
    fault = rule.find_fault(json.loads(text))
    return [] if fault is None else [Problem("", "format", f"the result is not as declared: {fault}")]

"""A call against the published schema of its method, and a result against what the method declares.

Positional arguments are bound to names as Python would, then each argument is validated. Nothing is converted here:
who runs the method gets the original texts.

Source: PROTOCOL.md section 4 (the ``x-`` keywords)
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NoReturn, TypeAlias

from .faults import HIDDEN
from .kinds import counted, listed
from .names import did_you_mean, shown
from .rules import JsonValue, Rule

__all__ = ["ARGUMENTS_LIMIT", "MAX_CHECKED", "ActionSchema", "Refusal", "RefusalKind"]

#: Longest result that is checked, in characters: checking takes the agent's own time, unlike making it.
MAX_CHECKED: Final = 128 * 1024
#: Most bytes of all arguments of a call: what an agent can hand on to a plugin (PROTOCOL.md section 2, ``TEXT_LIMIT``).
ARGUMENTS_LIMIT: Final = 1024 * 1024

RefusalKind: TypeAlias = Literal["missing_argument", "invalid_argument", "too_large"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call does not fit: ``text`` names argument, value and rule."""

    kind: RefusalKind
    text: str


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_parse = json.JSONDecoder(parse_constant=_refuse_constant).decode


class ActionSchema:
    """One method of a plugin, ready to check calls.

    Args:
        plugin, name: of the plugin and the method, for texts.
        params: JSON Schema of the parameters, with the ``x-`` keywords; whatever is of no use in it refuses nothing.
        result: JSON Schema of the result, None when nothing is declared.
        sensitive: parameters whose values no text repeats.
    """

    def __init__(
        self,
        plugin: str,
        name: str,
        params: Mapping[str, JsonValue],
        result: JsonValue = None,
        *,
        sensitive: Collection[str] = (),
    ) -> None:
        self.full_name = f"{plugin}.{name}"
        named = params.get("$defs")
        self._result = None if result is None else Rule(result)
        properties = params.get("properties")
        schemas = properties if isinstance(properties, dict) else {}
        self._rules = {one: Rule(schema, named, is_sensitive=one in sensitive) for one, schema in schemas.items()}
        # *args and **kwargs have no name in the schema: one that is sensitive hides all that they take.
        hides_rest = not set(sensitive) <= set(schemas)
        self._required = _names(params.get("required"))
        self._positional = _names(params.get("x-positional"))
        self._positional_only = frozenset(_names(params.get("x-positional-only")))
        self._takes_more = params.get("x-varargs") is True
        self._more = Rule(params.get("x-varargs-items", {}), named, is_sensitive=hides_rest)
        self._takes_others = params.get("x-varkw") is True
        self._others = Rule(params.get("additionalProperties", True), named, is_sensitive=hides_rest)

    @property
    def positional(self) -> Sequence[str]:
        """Names of the parameters that may be given by position, in order."""
        return tuple(self._positional)

    @property
    def is_simple(self) -> bool:
        """Whether calls that fit are found to fit without the library (see :func:`preload`)."""
        rules = [*self._rules.values()]
        rules += [self._result] if self._result is not None else []
        rules += [self._more] if self._takes_more else []
        rules += [self._others] if self._takes_others else []
        return all(rule.is_simple for rule in rules)

    def find_refusal(
        self, args: Sequence[str], kwargs: Mapping[str, str], *, limit_bytes: int = ARGUMENTS_LIMIT
    ) -> Refusal | None:
        """Why this call would be refused, or None.

        Args:
            args: JSON texts, by position.
            kwargs: JSON texts, by name.
            limit_bytes: most bytes of all names and texts.
        """
        if (size := _size(args, kwargs, limit_bytes)) > limit_bytes:
            allowed = f"at most {limit_bytes} are allowed"
            return Refusal("too_large", f"the arguments of {self.full_name} have {size} bytes of JSON, {allowed}")
        fault = self._positional_fault(args) or self._named_fault(args, kwargs)
        if fault is not None:
            separator = " " if fault.startswith(("takes", "got", "has")) else ", "
            return Refusal("invalid_argument", f"{self.full_name}{separator}{fault}")
        given = self._positional[: len(args)]
        missing = [name for name in self._required if name not in given and not self._is_named(name, kwargs)]
        if missing:
            names = ", ".join(repr(name) for name in missing)
            return Refusal("missing_argument", f"{self.full_name} needs argument{'s' * (len(missing) > 1)} {names}")
        return None

    def looks_at(self, text: str) -> bool:
        """Whether a result (JSON text) may be found to differ: something is declared, and it is not too long to check."""
        return self._result is not None and not self._result.takes_all and len(text) <= MAX_CHECKED

    def find_mismatch(self, text: str) -> str:
        """Say how a result (JSON text) differs from what the method declares.

        Returns:
            The broken rule in words; empty when it fits, when nothing is declared, or when it is too long to check.
        """
        if self._result is None or not self.looks_at(text):
            return ""
        try:
            fault = self._result.find_fault(_parse(text))
        except (ValueError, RecursionError) as error:
            fault = "nested too deeply" if isinstance(error, RecursionError) else f"not JSON: {error}"
        return f"the result of {self.full_name} is not as declared: {fault}" if fault is not None else ""

    def _positional_fault(self, args: Sequence[str]) -> str | None:
        positional = self._positional
        if len(args) > len(positional) and not self._takes_more:
            return self._too_many(len(args))
        for index, text in enumerate(args):
            if index < len(positional):
                fault = _value_fault(positional[index], text, self._rules.get(positional[index], self._more))
            else:
                fault = _value_fault(f"#{index + 1}", text, self._more)
            if fault is not None:
                return fault
        return None

    def _named_fault(self, args: Sequence[str], kwargs: Mapping[str, str]) -> str | None:
        given = self._positional[: len(args)]
        for name, text in kwargs.items():
            fault: str | None = None
            if name in self._rules and name not in self._positional_only:
                if name in given:
                    return f"got argument {name!r} twice, by position and by name"
                fault = _value_fault(name, text, self._rules[name])
            elif self._takes_others:
                fault = _value_fault(name, text, self._others)
            elif name in self._positional_only:
                return f"takes argument {name!r} by position only; give the value without the name"
            else:
                return f"has no argument {shown(name)}{self._known_names(name)}"
            if fault is not None:
                return fault
        return None

    def _too_many(self, number: int) -> str:
        count = len(self._positional)
        given = f"{number} {'was' if number == 1 else 'were'} given"
        named = [name for name in self._rules if name not in self._positional]
        by_name = f"; {listed(named, [])} {'is' if len(named) == 1 else 'are'} given by name" if named else ""
        return f"takes {counted(count, 'positional argument')}, {given}{by_name}"

    def _known_names(self, name: str) -> str:
        known = [one for one in self._rules if one not in self._positional_only]
        return did_you_mean(name, known) or f"; it takes {listed(known, []) or 'none by name'}"

    def _is_named(self, name: str, kwargs: Mapping[str, str]) -> bool:
        return name in kwargs and name not in self._positional_only


def _value_fault(name: str, text: str, rule: Rule) -> str | None:
    try:
        value = _parse(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return f"argument {shown(name)}: {HIDDEN if rule.is_sensitive else shown(text)} is not JSON: {reason}"
    try:
        fault = rule.find_fault(value)
    except RecursionError:
        fault = "nested too deeply"
    return None if fault is None else f"argument {shown(name)}: {fault}"


def _size(args: Sequence[str], kwargs: Mapping[str, str], limit_bytes: int) -> int:
    size = sum(map(len, args)) + sum(len(name) + len(text) for name, text in kwargs.items())
    if size <= limit_bytes // 4:  # characters have up to four bytes; only then they are worth counting
        return size
    return sum(len(text.encode("utf-8", "replace")) for text in (*args, *kwargs, *kwargs.values()))


def _names(value: JsonValue) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []

"""The only importer of ``jsonschema``; see :mod:`matahari.validation.rules`.

Keywords of its own, because values come from callers and schemas from strangers, and both are looked at on event
loops: regular expressions are those of the Rust crate ``regex``, as pydantic has them, which cannot backtrack; and
``uniqueItems`` compares each element once instead of with all others.
What ``uniqueItems`` and ``additionalProperties`` have found is put into words where all the words are (``faults.py``).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, cast

from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import FormatError, ValidationError
from referencing.jsonschema import EMPTY_REGISTRY

from .formats import format_fault

if TYPE_CHECKING:
    from .rules import FormatCheck, JsonValue

__all__ = ["make_validator"]

# JSON Schema calls 1.0 an integer; a function that takes an int does not.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda checker, value: isinstance(value, int) and not isinstance(value, bool)
)
_MAX_COMPILED: Final = 256  # patterns kept compiled; the plugins of a host have some


@functools.lru_cache(_MAX_COMPILED)
def _finder(pattern: str) -> Callable[[str], bool]:
    """Finds a pattern in a text. One that needs backtracking is found everywhere: it is for whoever runs the method.

    Raises:
        re.error: it is no regular expression at all.
    """
    from pydantic_core import SchemaError, SchemaValidator  # of no use to schemas without patterns

    try:
        validator = SchemaValidator({"type": "str", "pattern": pattern, "regex_engine": "rust-regex", "strict": True})
    except SchemaError:
        re.compile(pattern)
        return lambda text: True
    return validator.isinstance_python


def _pattern(
    validator: Draft202012Validator, pattern: str, instance: object, schema: object
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _finder(pattern)(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Draft202012Validator,
    patterns: Mapping[str, bool | Mapping[str, object]],
    instance: object,
    schema: object,
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, below in patterns.items():
        for name, value in instance.items():
            if _finder(pattern)(name):
                yield from validator.descend(value, below, path=name, schema_path=pattern)


def _unique_items(
    validator: Draft202012Validator, is_wanted: object, instance: object, schema: object
) -> Iterator[ValidationError]:
    if not is_wanted or not isinstance(instance, list):
        return
    seen: dict[str, int] = {}
    for at, one in enumerate(instance):
        first = seen.setdefault(json.dumps(_canonical(one), sort_keys=True), at)
        if first != at:
            yield ValidationError(f"[{first}, {at}]")  # put into words in faults.py
            return


def _additional_properties(
    validator: Draft202012Validator, below: object, instance: object, schema: Mapping[str, object]
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict) or below is True:
        return
    fields, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    finders = [_finder(pattern) for pattern in patterns] if isinstance(patterns, dict) else []
    for name, value in instance.items():
        if (isinstance(fields, dict) and name in fields) or any(find(name) for find in finders):
            continue
        if isinstance(below, dict):
            yield from validator.descend(value, below, path=name)
        else:
            yield ValidationError(name)  # put into words in faults.py


def _canonical(value: object) -> object:
    """``1.0`` is the number 1."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_canonical(one) for one in value]
        case dict():
            return {name: _canonical(one) for name, one in value.items()}
    return value


_KEYWORDS = {
    "additionalProperties": _additional_properties,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "uniqueItems": _unique_items,
}
_Validator = validators.extend(Draft202012Validator, _KEYWORDS, type_checker=_TYPES)  # type: ignore[no-untyped-call] # not in its stubs


class _Formats(FormatChecker):
    """The given formats and those of :mod:`.formats`, without those that jsonschema brings."""

    def __init__(self, checks: Mapping[str, FormatCheck]) -> None:
        super().__init__(formats=())
        self._checks = checks

    def check(self, instance: object, format: str) -> None:
        found = self._checks.get(format)
        if found is not None and (fault := found(cast("JsonValue", instance))):
            raise FormatError(f"{fault} (format {format})")
        if found is None and (fault := format_fault(format, instance)):
            raise FormatError(fault)


def make_validator(
    schema: bool | dict[str, JsonValue], formats: Mapping[str, FormatCheck] | None = None
) -> Draft202012Validator:
    """A validator that never fetches a "$ref" from anywhere; ``formats`` go before those that are known anyway."""
    checker = _Formats({} if formats is None else formats)
    validator: Draft202012Validator = _Validator(schema, registry=EMPTY_REGISTRY, format_checker=checker)
    return validator

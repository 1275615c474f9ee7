"""The only importer of ``jsonschema``; see :mod:`matahari.validation.rules`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import FormatError, best_match
from referencing.jsonschema import EMPTY_REGISTRY

if TYPE_CHECKING:
    from .rules import FormatCheck, JsonValue

__all__ = ["best_match", "make_validator"]

# JSON Schema calls 1.0 an integer; a function that takes an int does not.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda checker, value: isinstance(value, int) and not isinstance(value, bool)
)
_Validator = validators.extend(Draft202012Validator, type_checker=_TYPES)  # type: ignore[no-untyped-call] # not in its stubs


class _Formats(FormatChecker):
    """Only the given formats, without those that jsonschema brings."""

    def __init__(self, checks: Mapping[str, FormatCheck]) -> None:
        super().__init__(formats=())
        self._checks = checks

    def check(self, instance: object, format: str) -> None:
        found = self._checks.get(format)
        fault = "" if found is None else found(cast("JsonValue", instance))
        if fault:
            raise FormatError(f"{fault} (format {format})")


def make_validator(
    schema: bool | dict[str, JsonValue], formats: Mapping[str, FormatCheck] | None = None
) -> Draft202012Validator:
    """A validator that never fetches a "$ref" from anywhere; without ``formats`` it looks at no format."""
    checker = None if formats is None else _Formats(formats)
    validator: Draft202012Validator = _Validator(schema, registry=EMPTY_REGISTRY, format_checker=checker)
    return validator

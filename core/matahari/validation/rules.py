"""One JSON Schema and the values that it allows.

``jsonschema`` takes longer to import than a whole command of the shell may last, and most values are of the plain type
that their schema names: so it is imported when the first value really needs it. An agent calls :func:`preload` when it
has a schema that says more than types; the library takes 3 MiB.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from .faults import HIDDEN, fault_text

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

__all__ = ["HIDDEN", "FormatCheck", "JsonValue", "Rule", "preload"]

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

#: A check of a value: what is wrong with it as a sentence, empty when nothing is.
FormatCheck: TypeAlias = Callable[[JsonValue], str]

#: Faults of one value of which the text names the best: a megabyte may have hundreds of thousands.
MAX_ERRORS: Final = 100
#: The JSON type -> the Python classes of which exactly a value may be: the common case, without jsonschema.
_EXACT: Final[Mapping[JsonValue, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (float, int),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def preload() -> None:
    """Import what validation needs now rather than at the first value that needs it, on an event loop."""
    from . import _jsonschema  # noqa: F401


class Rule:
    """Validates one value.

    Args:
        schema: JSON Schema 2020-12; it may come from a stranger and be of any form.
        named: its ``$defs``, where it refers to some and has none of its own.
        is_sensitive: no text repeats the value.
        formats: checks of values whose schema names them as their ``format``, beside those of :mod:`.formats`.

    Attributes:
        takes_all: every value fits.
        is_simple: it takes the library to word a refusal only, never to find that a value fits.
    """

    def __init__(
        self,
        schema: JsonValue,
        named: JsonValue = None,
        *,
        is_sensitive: bool = False,
        formats: Mapping[str, FormatCheck] | None = None,
    ) -> None:
        mentions_secret = _mentions(schema, "'writeOnly': True")
        if (
            isinstance(schema, dict)
            and isinstance(named, dict)
            and "$defs" not in schema
            and _mentions(schema, "#/$defs/")
        ):
            mentions_secret = mentions_secret or _mentions(named, "'writeOnly': True")
            schema = {**schema, "$defs": named}  # references to named types lead there
        self._schema = schema
        self._exact = _exact_types(schema)
        self.takes_all = schema is True or (isinstance(schema, dict) and set(schema) <= {"default", "description"})
        self.is_simple = self.takes_all or bool(self._exact)
        # A secret anywhere in the value may be the secret in a wrong place.
        self.is_sensitive = is_sensitive or mentions_secret
        self._formats = formats
        self._validator: Draft202012Validator | None = None

    def find_fault(self, value: JsonValue) -> str | None:
        """Give the broken rule in words, or None."""
        if self.takes_all or type(value) in self._exact:
            return None
        from ._jsonschema import make_validator

        if self._validator is None:
            self._validator = make_validator(
                self._schema if isinstance(self._schema, bool | dict) else {}, self._formats
            )
        try:
            errors = itertools.islice(self._validator.iter_errors(value), MAX_ERRORS)
            return fault_text(errors, is_hidden=self.is_sensitive)
        except Exception as fault:  # noqa: BLE001  # the schema came from a stranger and was never checked
            return f"its schema cannot be used ({type(fault).__name__})"


def _mentions(schema: JsonValue, part: str) -> bool:
    """Whether the text of a schema has this part; one that is nested too deeply for a text counts as if it had."""
    try:
        return part in str(schema)
    except RecursionError:
        return True


def _exact_types(schema: JsonValue) -> tuple[type, ...]:
    if not isinstance(schema, dict) or not set(schema) <= {"type", "default", "description"}:
        return ()
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if not all(isinstance(each, str) and each in _EXACT for each in kinds):
        return ()
    return tuple(one for each in kinds for one in _EXACT[each])

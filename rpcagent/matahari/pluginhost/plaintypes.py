"""Annotations that need no conversion: what JSON gives is already of the type. Standard library only.

Most plugins have no others, and their workers never load the library for the rest.
"""

from __future__ import annotations

import collections.abc
import types
import typing
from collections.abc import Mapping
from typing import Final

from matahari.hostproto import Json

__all__ = ["Schema", "any_of", "plain_schema"]

Schema = dict[str, Json]

_SIMPLE: Final[Mapping[object, str]] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    None: "null",
    type(None): "null",
    list: "array",
    dict: "object",
    collections.abc.Sequence: "array",
    collections.abc.Iterable: "array",
    collections.abc.Collection: "array",
    collections.abc.Mapping: "object",
    collections.abc.MutableMapping: "object",
}
_ANYTHING: Final = (object, typing.Any)


def plain_schema(annotation: object) -> Schema | None:
    """Give the schema of an annotation, ``{}`` for any JSON; None when it is none of the plain ones.

    Each call gives a new dict.
    """
    try:
        if annotation in _ANYTHING:
            return {}
        if annotation in _SIMPLE:
            return {"type": _SIMPLE[annotation]}
    except TypeError:
        return None  # not hashable, so no type
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        # Texts are remarks; anything else may be a rule.
        return plain_schema(arguments[0]) if all(isinstance(each, str) for each in arguments[1:]) else None
    if origin is typing.Literal:
        is_json = all(type(each) in (str, int, bool, type(None)) for each in arguments)
        return {"enum": list(arguments)} if is_json else None
    inner = [plain_schema(argument) for argument in arguments]
    schemas = [schema for schema in inner if schema is not None]
    if len(schemas) < len(inner):
        return None
    if origin is typing.Union or origin is types.UnionType:
        return any_of(schemas)
    kind = _SIMPLE.get(origin)
    if kind == "object" and len(schemas) == 2 and arguments[0] is str:
        return {"type": "object", "additionalProperties": schemas[1]} if schemas[1] else {"type": "object"}
    if kind == "array" and len(schemas) == 1:
        return {"type": "array", "items": schemas[0]} if schemas[0] else {"type": "array"}
    return None


def any_of(schemas: list[Schema]) -> Schema:
    """Give the schema of what fits one of ``schemas``, as short as it can be said."""
    kinds: list[Json] = []
    for schema in schemas:
        if not schema:
            return {}
        if set(schema) == {"type"}:
            kind = schema["type"]
            kinds += [each for each in (kind if isinstance(kind, list) else [kind]) if each not in kinds]
    if all(set(schema) == {"type"} for schema in schemas):
        return {"type": kinds[0] if len(kinds) == 1 else kinds}
    alternatives: list[Json] = []
    for schema in schemas:
        inner = schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
        alternatives += inner if isinstance(inner, list) else [inner]
    return {"anyOf": alternatives}

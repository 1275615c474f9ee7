"""From a callable to its schema: JSON Schema 2020-12 of the parameters and of the result.

Deliberately basic: builtins, their generics, unions and literals. Any other annotation, and none, is "any
JSON". The ``x-…`` keywords are specified in the host protocol (PROTOCOL.md section 4).
"""

from __future__ import annotations

import collections.abc
import inspect
import json
import types
import typing
from collections.abc import Callable, Mapping
from typing import Final

from matahari.hostproto import Json, MethodSpec

__all__ = ["describe"]

#: Longest docstring that is published, in characters; a page of help is far below.
MAX_DOC: Final = 16 * 1024
#: Longest default value that is published, in characters of JSON.
_MAX_DEFAULT: Final = 4096

Schema = dict[str, Json]

_SIMPLE: Final[Mapping[object, str]] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    None: "null",
    type(None): "null",
    list: "array",
    tuple: "array",
    dict: "object",
    collections.abc.Sequence: "array",
    collections.abc.Iterable: "array",
    collections.abc.Collection: "array",
    collections.abc.Mapping: "object",
    collections.abc.MutableMapping: "object",
}
_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_EMPTY: Final = inspect.Parameter.empty


def describe(name: str, action: Callable[..., object]) -> MethodSpec:
    """Give the schema of one action; never fails for a callable that can be called.

    Args:
        name: as published.
        action: the callable. A callable without a readable signature takes anything.
    """
    doc = _doc(action)
    signature = _signature(action)
    if signature is None:
        params = _params([], doc) | {"x-varargs": True, "x-varkw": True, "additionalProperties": True}
        return MethodSpec(name, params, None, doc)
    params = _params(list(signature.parameters.values()), doc)
    if inspect.iscoroutinefunction(action):
        params["x-async"] = True
    returned = signature.return_annotation
    result = None if returned is inspect.Signature.empty else (_schema(returned) or None)
    return MethodSpec(name, params, result, doc)


def _signature(action: Callable[..., object]) -> inspect.Signature | None:
    try:
        return inspect.signature(action, eval_str=True)
    except Exception:  # noqa: BLE001  # annotations are the plugin's code: evaluating them may raise anything
        try:
            return inspect.signature(action)
        except (TypeError, ValueError):
            return None


def _doc(action: Callable[..., object]) -> str:
    # A partial or an instance would show the docstring of its class, which says nothing.
    own = action if inspect.isroutine(action) or inspect.isclass(action) else getattr(action, "func", None)
    text = inspect.getdoc(own) if own is not None else None
    return _clean((text or "")[:MAX_DOC])


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _params(parameters: list[inspect.Parameter], doc: str) -> Schema:
    properties: Schema = {}
    required: list[Json] = []
    positional: list[Json] = []
    positional_only: list[Json] = []
    schema: Schema = {"type": "object"}
    if doc:
        schema["description"] = doc.split("\n\n", 1)[0]
    varargs: Schema | None = None
    additional: Json = False
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            varargs = _schema(parameter.annotation)
            continue
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            additional = _schema(parameter.annotation) or True
            continue
        properties[parameter.name] = _property(parameter)
        if parameter.default is _EMPTY:
            required.append(parameter.name)
        if parameter.kind in _POSITIONAL:
            positional.append(parameter.name)
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            positional_only.append(parameter.name)
    schema |= {"properties": properties, "required": required, "additionalProperties": additional}
    schema |= {"x-positional": positional, "x-positional-only": positional_only}
    schema |= {"x-varargs": varargs is not None, "x-varkw": additional is not False}
    if varargs:
        schema["x-varargs-items"] = varargs
    return schema


def _property(parameter: inspect.Parameter) -> Schema:
    schema = _schema(parameter.annotation)
    if parameter.default is _EMPTY:
        return schema
    if parameter.default is None and schema:
        schema = _any_of([schema, {"type": "null"}])  # "x: int = None" has always meant an optional int
    try:
        text = json.dumps(parameter.default, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return schema  # the default stays in force, it only cannot be shown
    if len(text) <= _MAX_DEFAULT:
        schema["default"] = json.loads(text)
    return schema


def _schema(annotation: object) -> Schema:
    """Give the schema of an annotation, ``{}`` for any JSON. Each call gives a new dict."""
    try:
        if annotation in _SIMPLE:
            return {"type": _SIMPLE[annotation]}
    except TypeError:
        return {}  # not hashable, so no type
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _schema(arguments[0])
    if origin is typing.Literal:
        return {"enum": list(arguments)} if all(type(a) in (str, int, bool, type(None)) for a in arguments) else {}
    if origin is typing.Union or origin is types.UnionType:
        return _any_of([_schema(argument) for argument in arguments])
    kind = _SIMPLE.get(origin)
    if kind == "object":
        values = _schema(arguments[1]) if len(arguments) == 2 else {}
        return {"type": "object", "additionalProperties": values} if values else {"type": "object"}
    if kind == "array":
        if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
            return _tuple(arguments)
        items = _schema(arguments[0]) if arguments else {}
        return {"type": "array", "items": items} if items else {"type": "array"}
    return {}


def _tuple(arguments: tuple[object, ...]) -> Schema:
    prefix: list[Json] = [_schema(argument) for argument in arguments]
    return {"type": "array", "prefixItems": prefix, "minItems": len(prefix), "maxItems": len(prefix)}


def _any_of(schemas: list[Schema]) -> Schema:
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

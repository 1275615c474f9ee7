"""From Python arguments to QMF's and back. Pure.

Plugins take ``args`` (list) and ``kwargs`` (map) of JSON texts and return one (``matahari-2012.md`` 10.3). Methods of
other classes take typed arguments by name; values are brought to the schema's types because libqmf2 agents refuse
an integer for a float, and null for whatever is not VOID (``qmf2.md`` 3.5).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from matahari.console.names import PLUGIN_PACKAGE
from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf import Method, Property, PropertyType, Schema, Value, decode_text, text
from matahari.validation import did_you_mean

__all__ = ["PLUGIN_PACKAGE", "bind", "coerce", "is_plugin", "may_be_missing", "mismatch_of", "result_of"]

MIN_INTEGER: Final = -(2**63)  # QMF has int64 and uint64
MAX_INTEGER: Final = 2**64 - 1


def is_plugin(schema: Schema) -> bool:
    return schema.id.package == PLUGIN_PACKAGE


def bind(
    schema: Schema,
    method: Method,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    *,
    positional: Sequence[str] = (),
) -> dict[str, Value]:
    """The input arguments of a call.

    ``None`` leaves an argument out, so that the agent takes its default; for what is VOID it is the value.

    Args:
        positional: names of a plugin's positional parameters, for errors.

    Raises:
        SchemaError: too many, unknown, given twice, or of a type that does not fit; names argument and rule.
    """
    if is_plugin(schema):
        owner = f"{schema.id.name}.{method.name}"
        names = [*positional, *(f"#{at + 1}" for at in range(len(positional), len(args)))]
        return {
            "args": [_json(value, owner, name) for name, value in zip(names, args, strict=False)],
            "kwargs": {name: _json(value, owner, name) for name, value in kwargs.items()},
        }
    inputs = [one for one in method.arguments if one.direction != "O"]
    if len(args) > len(inputs):
        raise SchemaError(f"Incorrect number of arguments: expected {len(inputs)}, got {len(args)}", path=method.name)
    given: dict[str, object] = {one.name: value for one, value in zip(inputs, args, strict=False)}
    known = {one.name: one for one in inputs}
    for name, value in kwargs.items():
        if name not in known:
            hint = did_you_mean(name, known) or f"; it takes {', '.join(known) or 'none'}"
            raise SchemaError(f"has no argument {name!r}{hint}", path=method.name)
        if name in given:
            raise SchemaError(f"argument {name!r} is given twice", path=method.name)
        given[name] = value
    missing = [one.name for one in inputs if one.name not in given and not may_be_missing(one)]
    if missing:
        raise SchemaError(
            f"Incorrect number of arguments: expected {len(inputs)}, got {len(given)} (missing: {', '.join(missing)})",
            path=method.name,
        )
    void = PropertyType.VOID
    return {
        name: coerce(known[name], value)
        for name, value in given.items()
        if value is not None or known[name].type is void
    }


def coerce(argument: Property, value: object) -> Value:
    """``value`` in the type that ``argument`` has on the wire.

    Raises:
        SchemaError: the value does not fit the type or its bounds.
    """
    kind = argument.type
    if kind is PropertyType.FLOAT and isinstance(value, int) and not isinstance(value, bool):
        value = _float(value, argument.name)
    elif kind is PropertyType.INT and isinstance(value, float) and value.is_integer():
        value = int(value)
    elif kind is PropertyType.UUID and isinstance(value, str):
        try:
            value = UUID(value)
        except ValueError as error:
            raise SchemaError(f"{value!r} is not a UUID", path=argument.name) from error
    elif kind is PropertyType.LIST and isinstance(value, tuple):
        value = list(value)
    plain = _plain(value, argument.name)
    if plain is None and argument.optional:
        return None
    if not kind.accepts(plain):
        raise SchemaError(f"{value!r} is not of type {kind.value.removeprefix('TYPE_').lower()}", path=argument.name)
    if isinstance(plain, int) and not MIN_INTEGER <= plain <= MAX_INTEGER:
        raise SchemaError(f"{plain} does not fit 64 bits", path=argument.name)
    if isinstance(plain, int | float) and not isinstance(plain, bool):
        if argument.minimum is not None and plain < argument.minimum:
            raise SchemaError(f"Value {plain} underflows minimum of range ({argument.minimum})", path=argument.name)
        if argument.maximum is not None and plain > argument.maximum:
            raise SchemaError(f"Value {plain} overflows maximum of range ({argument.maximum})", path=argument.name)
    if isinstance(plain, str) and argument.max_length is not None and len(plain) > argument.max_length:
        said = f"{len(plain)} characters, at most {argument.max_length} are allowed"
        raise SchemaError(f"Parameter is too long: {said}", path=argument.name)
    return plain


def result_of(schema: Schema, arguments: Mapping[str, Value]) -> object:
    """What a call returned, from its output arguments.

    Raises:
        RemoteProtocolError: a plugin's result is missing or is not JSON.
    """
    if is_plugin(schema):
        said = text(arguments.get("result"))
        if said is None:
            raise RemoteProtocolError("the answer has no result", path="_arguments.result")
        try:
            return json.loads(said)
        except (ValueError, RecursionError) as error:
            raise RemoteProtocolError(f"the result is not JSON: {error}", path="_arguments.result") from error
    decoded = {name: decode_text(value) for name, value in arguments.items()}
    if not decoded:
        return None
    if len(decoded) == 1:
        return next(iter(decoded.values()))
    return decoded


def mismatch_of(schema: Schema, arguments: Mapping[str, Value]) -> str:
    """How a plugin's result differs from what its method declares, as its agent says; empty when it does not."""
    return (text(arguments.get("mismatch")) or "") if is_plugin(schema) else ""


def may_be_missing(argument: Property) -> bool:
    """Whether a call may leave the argument out."""
    return argument.default is not None or argument.optional or argument.type is PropertyType.VOID


def _float(value: int, path: str) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise SchemaError(f"{value} is too large for a float", path=path) from error


def _json(value: object, owner: str, name: str) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):  # what follows can tell the reason
        from matahari.console.json_values import NoJsonError, json_text  # most values are JSON's own

    try:
        return json_text(value)
    except NoJsonError as error:
        raise SchemaError(str(error), path=f"{owner}, argument {name!r}") from error


def _plain(value: object, path: str) -> Value:
    """``value`` if QMF can carry it."""
    if value is None or isinstance(value, bool | int | float | str | bytes | UUID):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{at}]") for at, item in enumerate(value)]
    from matahari.console.json_values import NoJsonError, json_form  # most values are QMF's own

    try:
        return _plain(json_form(value), path)
    except NoJsonError as error:
        raise SchemaError(str(error), path=path) from error

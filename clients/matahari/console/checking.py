"""Calls as they are about to be sent: the arguments for each object, or why that object would refuse them.

An agent checks each call too, with the schema in force there and in the same words. Checking here spares a fleet what
no host can take, and every object is judged by what it published itself, as hosts may run different versions. A refusal
only counts when a fresh copy of the object says the same: a plugin may have been saved since it was selected.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from matahari.console.arguments import bind, is_plugin
from matahari.console.values import ClassName, RemoteObject
from matahari.errors import (
    InvalidArgumentError,
    MatahariError,
    MissingArgumentError,
    RemoteError,
    SchemaError,
    UnexpectedError,
    UnknownActionError,
)
from matahari.qmf import Method, Value
from matahari.validation import ActionSchema, did_you_mean, unknown_action

__all__ = ["OUT_OF_SERVICE", "RECHECK_TIMEOUT", "Prepared", "prepare", "require_properties", "require_timeout"]

#: Seconds for a fresh copy of the objects that would refuse; an agent that is slower keeps its refusal.
RECHECK_TIMEOUT: Final = 2.0
#: Schemas kept ready for the next call, oldest out first; a program that needs more reads some again and again.
MAX_SCHEMAS: Final = 256
#: States in which a plugin has nothing that could run.
OUT_OF_SERVICE: Final = ("loading", "failed", "quarantined", "inactive")
_ERRORS: Final[Mapping[str, type[RemoteError]]] = {
    "missing_argument": MissingArgumentError,
    "invalid_argument": InvalidArgumentError,
    "too_large": UnexpectedError,
}

Prepared: TypeAlias = "dict[str, Value] | MatahariError"
"""The input arguments for one object, or why it is not called."""

Fresh: TypeAlias = Callable[[Sequence[RemoteObject]], Awaitable[Iterable[RemoteObject]]]
"""Fetches these objects again; those that do not answer are left out."""


def require_timeout(timeout: float) -> None:
    """Refuse what is no time to wait.

    Raises:
        ValueError: ``timeout`` is not above 0.
    """
    if not timeout > 0:
        raise ValueError(f"a timeout is a number of seconds above 0, not {timeout!r}")


def require_properties(name: ClassName, objects: Iterable[RemoteObject], properties: Iterable[str]) -> None:
    """Tell a property that no object has from one that has another value; without objects, nothing can be told.

    Raises:
        SchemaError: there is no such property; the message names close matches.
    """
    known = list({one.name: None for item in objects for one in item.schema.properties})
    for wanted in properties:
        if known and wanted not in known:
            raise SchemaError(f"{name} has no property {wanted!r}{did_you_mean(wanted, known)}")


async def prepare(
    objects: Sequence[RemoteObject], method: str, args: Sequence[object], kwargs: Mapping[str, object], fresh: Fresh
) -> list[Prepared]:
    """The arguments for each object, in order, or why it would refuse them.

    Raises:
        UnknownActionError, MissingArgumentError, InvalidArgumentError, SchemaError: every object would refuse; this
            is what the first one says.
    """
    prepared = [_prepared(item, method, args, kwargs) for item in objects]
    refused = [
        at
        for at, one in enumerate(prepared)
        if isinstance(one, MatahariError) and is_plugin(objects[at].schema) and not isinstance(one, SchemaError)
    ]
    if refused:
        by_id = {one.object_id: one for one in await fresh([objects[at] for at in refused])}
        for at in refused:
            item = by_id.get(objects[at].object_id)
            if item is not None:
                prepared[at] = _prepared(item, method, args, kwargs)
    errors = [one for one in prepared if isinstance(one, MatahariError)]
    if errors and len(errors) == len(prepared):
        raise errors[0]
    return [
        _as_answer(one, item, method) if isinstance(one, SchemaError) else one
        for one, item in zip(prepared, objects, strict=True)
    ]


def _prepared(item: RemoteObject, method: str, args: Sequence[object], kwargs: Mapping[str, object]) -> Prepared:
    try:
        return _arguments(item, method, args, kwargs)
    except (RemoteError, SchemaError) as error:
        return error


def _arguments(
    item: RemoteObject, method: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> dict[str, Value]:
    if is_plugin(item.schema):
        return _plugin_arguments(item, method, args, kwargs)
    found = item.schema.find_method(method)
    if found is None:
        names = [one.name for one in item.schema.methods]
        hint = did_you_mean(method, names) or f"; it has {', '.join(names) or 'none'}"
        raise UnknownActionError(f"{item.class_name} has no method {method!r}{hint}", agent=item.agent, action=method)
    return bind(item.schema, found, args, kwargs)


def _plugin_arguments(
    item: RemoteObject, method: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> dict[str, Value]:
    schema = _published(item, method)
    bound = bind(item.schema, Method(method), args, kwargs, positional=schema.positional if schema is not None else ())
    if item.values.get("state") in OUT_OF_SERVICE:
        return bound  # only the agent knows why it does not run, and whether that is still so
    if item.schema.find_method(method) is None:
        text = unknown_action(item.name, method, [one.name for one in item.schema.methods])
        raise UnknownActionError(text, agent=item.agent, action=method, kind="unknown_action")
    if schema is not None:
        positional, named = _texts(bound)
        refusal = schema.find_refusal(positional, named)
        if refusal is not None:
            raise _ERRORS[refusal.kind](refusal.text, agent=item.agent, action=method, kind=refusal.kind)
    return bound


def _texts(bound: Mapping[str, Value]) -> tuple[list[str], dict[str, str]]:
    args, kwargs = bound["args"], bound["kwargs"]
    assert isinstance(args, list)
    assert isinstance(kwargs, dict)
    return [str(text) for text in args], {name: str(text) for name, text in kwargs.items()}


def _published(item: RemoteObject, method: str) -> ActionSchema | None:
    """What the object says of the method; None when it says nothing that could be read, as agents of 2012 do."""
    methods = item.values.get("methods")
    entry = methods.get(method) if isinstance(methods, dict) else None
    params = entry.get("params") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(params, str):
        return None
    sensitive = entry.get("sensitive")
    names = tuple(one for one in sensitive if isinstance(one, str)) if isinstance(sensitive, list) else ()
    return _read_schema(item.name, method, params, names)


@functools.lru_cache(maxsize=MAX_SCHEMAS)
def _read_schema(plugin: str, method: str, params: str, sensitive: tuple[str, ...]) -> ActionSchema | None:
    try:
        read = json.loads(params)
    except (ValueError, RecursionError):
        return None
    return ActionSchema(plugin, method, read, sensitive=sensitive) if isinstance(read, dict) else None


def _as_answer(error: SchemaError, item: RemoteObject, method: str) -> InvalidArgumentError:
    """As the agent would say it, beside the answers of others."""
    made = InvalidArgumentError(str(error), agent=item.agent, action=method, kind="invalid_argument")
    made.__cause__ = error
    return made

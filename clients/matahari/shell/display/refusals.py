"""Whether a call would be refused on every host, before anybody is asked whether it may be made. Pure.

The console checks each call too, with fresh copies of the objects; this only spares a question that needs no answer.
Imported before such a question.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from matahari.errors import InvalidArgumentError, MissingArgumentError, RemoteError, UnexpectedError
from matahari.shell.base.ports import PLUGIN_PACKAGE, ObjectsLike
from matahari.shell.syntax.arguments import entries_of
from matahari.shell.syntax.values import parse_json
from matahari.validation import ActionSchema

__all__ = ["refusal_of", "require_takers"]

_ERRORS: Final[Mapping[str, type[RemoteError]]] = {
    "missing_argument": MissingArgumentError,
    "invalid_argument": InvalidArgumentError,
    "too_large": UnexpectedError,
}


def require_takers(
    objects: ObjectsLike,
    method: str,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    renewed: Callable[[], ObjectsLike],
) -> None:
    """Refuse a call that no host would take: nobody need be asked about it.

    Args:
        renewed: gives the objects as they are now; the plugin may have changed since it was selected.

    Raises:
        RemoteError: what the first object says.
    """
    if refusal_of(objects, method, args, kwargs) is None:
        return
    if (error := refusal_of(renewed(), method, args, kwargs)) is not None:
        raise error


def refusal_of(
    objects: ObjectsLike, method: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> RemoteError | None:
    """What the first object says where all of them would refuse the call; None where one takes it, or may take it."""
    if objects.class_name.package != PLUGIN_PACKAGE:
        return None  # what such a class takes is known where the words are read
    entries = list(entries_of(objects, method))
    if not entries or len(entries) < len(objects):
        return None
    positional = [json.dumps(value) for value in args]
    named = {name: json.dumps(value) for name, value in kwargs.items()}
    first: RemoteError | None = None
    for entry in _distinct(entries):
        schema = _schema(objects.class_name.name, method, entry)
        refusal = None if schema is None else schema.find_refusal(positional, named)
        if refusal is None:
            return None
        first = first or _ERRORS[refusal.kind](refusal.text, action=method, kind=refusal.kind)
    return first


def _distinct(entries: Sequence[Mapping[str, object]]) -> Sequence[Mapping[str, object]]:
    """One of each version: a fleet has few."""
    return list({(str(entry.get("params")), str(entry.get("sensitive"))): entry for entry in entries}.values())


def _schema(plugin: str, method: str, entry: Mapping[str, object]) -> ActionSchema | None:
    params, sensitive = entry.get("params"), entry.get("sensitive")
    try:
        read = parse_json(params) if isinstance(params, str) else params
    except ValueError:
        return None
    names = [name for name in sensitive if isinstance(name, str)] if isinstance(sensitive, list) else []
    return ActionSchema(plugin, method, read, sensitive=names) if isinstance(read, dict) else None

"""Methods of a plugin as Python shows them: signature and documentation, from what its objects publish. Pure."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from matahari.console.values import RemoteObject

__all__ = ["PublishedMethod", "published_methods"]

_TYPES: Final[Mapping[str, type | None]] = {
    "integer": int,
    "number": float,
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": None,
}
#: What an agent of 2012 says of every method: nothing.
_ANYTHING: Final = inspect.Signature(
    [
        inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL),
        inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
    ]
)


class _Unstated:
    """A default that is not published: JSON cannot carry it."""

    def __repr__(self) -> str:
        return "..."


_UNSTATED: Final = _Unstated()


@dataclass(frozen=True, slots=True)
class PublishedMethod:
    """A method as the first object that publishes it says.

    Attributes:
        doc: its docstring, empty for none.
        hosts: those that have it.
    """

    name: str
    doc: str
    signature: inspect.Signature
    hosts: tuple[str, ...]


def published_methods(objects: Iterable[RemoteObject]) -> dict[str, PublishedMethod]:
    """Methods of a plugin over all its objects, by name."""
    entries: dict[str, tuple[Mapping[str, object], list[str]]] = {}
    for item in objects:
        published = item.values.get("methods")
        described = published if isinstance(published, Mapping) else {}
        for method in item.schema.methods:
            entry = described.get(method.name)
            known = entry if isinstance(entry, Mapping) else {}
            entries.setdefault(method.name, (known, []))[1].append(item.host or item.agent)
    return {name: _published(name, entry, hosts) for name, (entry, hosts) in sorted(entries.items())}


def _published(name: str, entry: Mapping[str, object], hosts: list[str]) -> PublishedMethod:
    doc = entry.get("doc")
    return PublishedMethod(name, doc if isinstance(doc, str) else "", _signature(entry.get("params")), tuple(hosts))


def _signature(params: object) -> inspect.Signature:
    try:
        schema = json.loads(params) if isinstance(params, str) else None
        return _read(schema) if isinstance(schema, dict) else _ANYTHING
    except (ValueError, RecursionError):  # no JSON, or names and an order that no function of Python has
        return _ANYTHING


def _read(schema: Mapping[str, object]) -> inspect.Signature:
    properties = schema.get("properties")
    members = properties if isinstance(properties, dict) else {}
    positional = _names(schema.get("x-positional"))
    only = _names(schema.get("x-positional-only"))
    required = _names(schema.get("required"))

    def parameter(name: str, kind: inspect._ParameterKind) -> inspect.Parameter:
        said = members[name] if isinstance(members[name], dict) else {}
        default = inspect.Parameter.empty if name in required else said.get("default", _UNSTATED)
        return inspect.Parameter(name, kind, default=default, annotation=_annotation(said))

    parameters = [
        parameter(name, inspect.Parameter.POSITIONAL_ONLY if name in only else inspect.Parameter.POSITIONAL_OR_KEYWORD)
        for name in positional
        if name in members
    ]
    if schema.get("x-varargs") is True:
        parameters.append(inspect.Parameter(_free("args", members), inspect.Parameter.VAR_POSITIONAL))
    parameters += [parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in members if name not in positional]
    if schema.get("x-varkw") is True:
        parameters.append(inspect.Parameter(_free("kwargs", members), inspect.Parameter.VAR_KEYWORD))
    return inspect.Signature(parameters)


def _annotation(schema: Mapping[str, object]) -> object:
    said = schema.get("type")
    names = said if isinstance(said, list) else [said]
    if not names or not all(isinstance(name, str) and name in _TYPES for name in names):
        return inspect.Parameter.empty
    found: object = _TYPES[str(names[0])]
    for name in names[1:]:
        found = found | _TYPES[str(name)]  # type: ignore[operator]  # a type or a union of types
    return found


def _names(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _free(name: str, taken: Iterable[str]) -> str:
    while name in taken:
        name += "_"
    return name

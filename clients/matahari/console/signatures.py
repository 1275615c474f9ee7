"""Methods as Python shows them: signature and documentation, from what objects publish. Pure.

A plugin publishes a JSON Schema of each method's parameters; other classes have typed arguments in their QMF schema.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from matahari.console.arguments import is_plugin, may_be_missing
from matahari.console.values import ClassName, RemoteObject
from matahari.qmf import Method, PropertyType

__all__ = ["ANYTHING", "PublishedMethod", "method_function", "published_methods", "read_signature"]

C = TypeVar("C")

_TYPES: Final[Mapping[str, type | None]] = {
    "integer": int,
    "number": float,
    "string": str,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": None,
}
_QMF_TYPES: Final[Mapping[PropertyType, type]] = {
    PropertyType.BOOL: bool,
    PropertyType.INT: int,
    PropertyType.FLOAT: float,
    PropertyType.STRING: str,
    PropertyType.MAP: dict,
    PropertyType.LIST: list,
    PropertyType.UUID: UUID,
}
#: The signature of a method of which nothing is said, as agents of 2012 do.
ANYTHING: Final = inspect.Signature(
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
    """Methods of a class over all its objects, by name."""
    entries: dict[str, tuple[Mapping[str, object] | Method, list[str]]] = {}
    for item in objects:
        published = item.values.get("methods")
        described = published if isinstance(published, Mapping) else {}
        for method in item.schema.methods:
            entry = described.get(method.name)
            known = (entry if isinstance(entry, Mapping) else {}) if is_plugin(item.schema) else method
            entries.setdefault(method.name, (known, []))[1].append(item.host or item.agent)
    return {name: _published(name, entry, hosts) for name, (entry, hosts) in sorted(entries.items())}


def method_function(
    published: PublishedMethod,
    class_name: ClassName,
    begin: Callable[[str, Sequence[object], dict[str, object]], C],
) -> Callable[..., C]:
    """A function that makes a call, with the name, signature and documentation that the class publishes."""
    owner = class_name.name

    def method(*args: object, **kwargs: object) -> C:
        return begin(published.name, args, kwargs)

    method.__name__ = published.name
    method.__qualname__ = f"{owner}.{published.name}"
    method.__module__ = class_name.package
    method.__doc__ = published.doc or f"{owner}.{published.name}: no documentation of it is published."
    vars(method)["__signature__"] = published.signature
    return method


def _published(name: str, entry: Mapping[str, object] | Method, hosts: list[str]) -> PublishedMethod:
    if isinstance(entry, Method):
        return PublishedMethod(name, entry.description, _typed_signature(entry), tuple(hosts))
    doc = entry.get("doc")
    return PublishedMethod(name, doc if isinstance(doc, str) else "", _signature(entry.get("params")), tuple(hosts))


def _signature(params: object) -> inspect.Signature:
    try:
        schema = json.loads(params) if isinstance(params, str) else None
        return read_signature(schema, _annotation) if isinstance(schema, dict) else ANYTHING
    except (ValueError, RecursionError):  # no JSON, or names and an order that no function of Python has
        return ANYTHING


def _typed_signature(method: Method) -> inspect.Signature:
    parameters: list[inspect.Parameter] = []
    kind: inspect._ParameterKind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    has_default = False
    try:
        for one in method.arguments:
            if one.direction == "O":
                continue
            default: object = inspect.Parameter.empty
            if may_be_missing(one):
                default, has_default = (_UNSTATED if one.default is None else one.default), True
            elif has_default:
                kind = inspect.Parameter.KEYWORD_ONLY  # Python has no other place for it
            annotation = _QMF_TYPES.get(one.type, inspect.Parameter.empty)
            parameters.append(inspect.Parameter(one.name, kind, default=default, annotation=annotation))
        return inspect.Signature(parameters)
    except ValueError:  # names that no function of Python has
        return ANYTHING


def read_signature(
    schema: Mapping[str, object], annotate: Callable[[Mapping[str, object]], object]
) -> inspect.Signature:
    """The signature that a JSON Schema of parameters describes, as plugins publish it.

    Args:
        annotate: gives the annotation for the schema of one parameter.

    Raises:
        ValueError: the names or their order are none that a function of Python has.
    """
    properties = schema.get("properties")
    members = properties if isinstance(properties, dict) else {}
    positional = _names(schema.get("x-positional"))
    only = _names(schema.get("x-positional-only"))
    required = _names(schema.get("required"))

    def parameter(name: str, kind: inspect._ParameterKind) -> inspect.Parameter:
        if not name:
            raise ValueError("a parameter without a name")  # inspect has another error for it
        said = members[name] if isinstance(members[name], dict) else {}
        default = inspect.Parameter.empty if name in required else said.get("default", _UNSTATED)
        return inspect.Parameter(name, kind, default=default, annotation=annotate(said))

    def more(name: str, kind: inspect._ParameterKind, said: object) -> inspect.Parameter:
        return inspect.Parameter(
            _free(name, members), kind, annotation=annotate(said if isinstance(said, dict) else {})
        )

    parameters = [
        parameter(name, inspect.Parameter.POSITIONAL_ONLY if name in only else inspect.Parameter.POSITIONAL_OR_KEYWORD)
        for name in positional
        if name in members
    ]
    if schema.get("x-varargs") is True:
        parameters.append(more("args", inspect.Parameter.VAR_POSITIONAL, schema.get("x-varargs-items")))
    parameters += [parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in members if name not in positional]
    if schema.get("x-varkw") is True:
        parameters.append(more("kwargs", inspect.Parameter.VAR_KEYWORD, schema.get("additionalProperties")))
    return inspect.Signature(parameters)


def _annotation(schema: Mapping[str, object]) -> object:
    said = schema.get("type")
    names = said if isinstance(said, list) else [said]
    if not names or not all(isinstance(name, str) and name in _TYPES for name in names):
        return inspect.Parameter.empty
    first, *others = dict.fromkeys(map(str, names))  # each once: None has no union with itself
    found: object = _TYPES[first]
    for name in others:
        found = found | _TYPES[name]  # type: ignore[operator]  # a type or a union of types
    return found


def _names(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _free(name: str, taken: Iterable[str]) -> str:
    while name in taken:
        name += "_"
    return name

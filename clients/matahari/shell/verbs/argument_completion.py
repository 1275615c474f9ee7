"""What may stand where an argument of a plugin's method is typed: names, values of enumerations, truth values. Pure.

The method's published JSON Schema says it; where there is none, an agent of 2012 runs the plugin and anything may be
given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from matahari.shell.display.schema_text import definitions, parameter_rows
from matahari.shell.syntax.arguments import Parameters, names_of, parameters_from
from matahari.shell.syntax.lines import NAME_BEFORE_VALUE, Word

__all__ = ["END", "argument_hints", "complete_arguments"]

END: Final = "<cr>"
"""What help shows where a line may end."""

_REFERENCE: Final = "#/$defs/"


def complete_arguments(schema: Mapping[str, object] | None, words: Sequence[Word], fragment: str) -> list[str]:
    """Continuations of ``fragment`` behind the arguments ``words``: values with a final blank, names with ``=``."""
    echo = [f"{fragment} " if fragment else ""]
    if schema is None:
        return echo
    parameters = parameters_from(schema)
    given = names_of(words, parameters)
    begun = NAME_BEFORE_VALUE.match(fragment)
    if begun is not None and (begun[0][:-1] in parameters.named or parameters.varkw):
        kind = parameters.schemas.get(begun[0][:-1], parameters.others)
        values = [f"{begun[0]}{value} " for value in _values(kind, definitions(schema))]
        return [text for text in values if text.startswith(fragment)] or echo
    position = _next_position(given, words, parameters)
    kind = _schema_at(position, parameters)
    values = [f"{value} " for value in _values(kind, definitions(schema)) if value.startswith(fragment)]
    names = [f"{name}=" for name in parameters.named if name not in given and name.startswith(fragment)]
    return [*values, *names] or echo


def argument_hints(
    schema: Mapping[str, object] | None, words: Sequence[Word], fragment: str
) -> Sequence[tuple[str, str]]:
    """What may stand there and what it is, for help in place."""
    end = [] if fragment else [(END, "")]
    if schema is None:
        return [("[ARG]", "any JSON value or text"), *end]
    parameters = parameters_from(schema)
    rows = {name: f"{kind} {more}".rstrip() for kind, name, more in parameter_rows(parameters.schemas, schema)}
    given = names_of(words, parameters)
    begun = NAME_BEFORE_VALUE.match(fragment)
    if begun is not None and begun[0][:-1] in parameters.named:
        return [(begun[0], rows.get(begun[0][:-1], ""))]
    position = _next_position(given, words, parameters)
    following = parameters.positional[position] if position < len(parameters.positional) else ""
    hints: list[tuple[str, str]] = []
    if following:
        hints.append((following.upper(), rows.get(following, "")))
    elif parameters.varargs:
        hints.append(("[ARG]", rows.get("[ARG]", "any further value")))
    hints += [
        (f"{name}=", rows.get(name, ""))
        for name in parameters.named
        if name not in given and name.startswith(fragment) and (name != following or fragment)
    ]
    if parameters.varkw:
        hints.append(("NAME=VALUE", "any further name"))
    return [*hints, *(end if parameters.required <= set(given) else [])]


def _next_position(given: Sequence[str], words: Sequence[Word], parameters: Parameters) -> int:
    by_name = sum(word.text.startswith(f"{name}=") for name, word in zip(given, words, strict=True) if name)
    return len(given) - by_name


def _schema_at(position: int, parameters: Parameters) -> Mapping[str, object]:
    if position < len(parameters.positional):
        return parameters.schemas.get(parameters.positional[position], {})
    return parameters.items if parameters.varargs else {}


def _values(schema: Mapping[str, object], named: Mapping[str, object]) -> list[str]:
    """The values that a schema names, as they are typed: texts as they are, all else as JSON."""
    found = _named_values(schema, named, set())
    texts = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in found]
    return list(dict.fromkeys(texts))


def _named_values(schema: Mapping[str, object], named: Mapping[str, object], seen: set[str]) -> Iterator[object]:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if reference in seen:
            return  # one that leads back to itself would never end
        seen.add(reference)
        schema = _mapping(named.get(reference.removeprefix(_REFERENCE)))
    if isinstance(values := schema.get("enum"), list):
        yield from values
        return
    if "const" in schema:
        yield schema["const"]
        return
    kinds = schema.get("type")
    if "boolean" in (kinds if isinstance(kinds, list) else [kinds]):
        yield from (True, False)
    for key in ("anyOf", "oneOf"):
        alternatives = schema.get(key)
        for alternative in alternatives if isinstance(alternatives, list) else ():
            yield from _named_values(_mapping(alternative), named, seen)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}

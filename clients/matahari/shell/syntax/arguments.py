"""Arguments of plugin methods: from words to JSON values, by the JSON Schema that the plugin object publishes.

The rules, in this order:

1. Exactly two unquoted words, a JSON list and a JSON object, are the 2012 form ``[args] {kwargs}``, unless the
   method publishes parameters of which the first two take a list and an object, in that order, by position and by name.
2. ``name=value`` is a named argument when ``name`` is a parameter of the method that can be named, or when the method
   takes any name (``**kwargs``). Without published parameters there are no named arguments.
3. ``name=value`` with another name is a mistake, where parameters are published: taken for text it would be the value
   of whatever parameter is next, and an option without its dashes would go unnoticed. With its name in quotes it is
   text.
4. Anything else is the next positional argument.

A value is JSON when the word parses as JSON, else text. A quoted value is text. The parameter's schema decides where
both are possible: where it allows text and not the JSON value's type, the word stays text (``42`` for a ``str``).
Nothing is refused here for its type: the agent validates, with the schema that is in force there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from matahari.shell.base.outcome import CommandError
from matahari.shell.base.ports import ObjectsLike
from matahari.shell.syntax.lines import Word
from matahari.shell.syntax.values import parse_json
from matahari.validation import did_you_mean

__all__ = [
    "IN_BOTH_QUOTES",
    "IN_QUOTES",
    "CallArguments",
    "Parameters",
    "bind",
    "documentation_of",
    "entries_of",
    "given_name",
    "has_unknown_name",
    "names_of",
    "parameters_from",
    "parameters_of",
    "schema_of",
]

IN_QUOTES: Final = "; in quotes it is text"
IN_BOTH_QUOTES: Final = "; as text it is '\"NAME=VALUE\"'"
"""The same for words from the system's shell, which takes the outer quotes away."""

_NAMED = re.compile(r"([^\W\d]\w*)=")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a method takes, from its published JSON Schema.

    Attributes:
        schemas: parameter name -> its schema.
        positional: names that may be given by position, in order.
        named: names that may be given by name.
        required: names that must be given.
        varargs: any number of further positional arguments is taken.
        varkw: any further name is taken.
        items: schema of further positional arguments.
        others: schema of further names.
    """

    schemas: Mapping[str, Mapping[str, object]]
    positional: tuple[str, ...]
    named: tuple[str, ...]
    required: frozenset[str] = frozenset()
    varargs: bool = False
    varkw: bool = False
    items: Mapping[str, object] = field(default_factory=dict)
    others: Mapping[str, object] = field(default_factory=dict)

    @property
    def syntax(self) -> str:
        """The parameters as the shell prints a syntax; what may be left out is in parentheses."""
        shown: list[str] = []
        for name in self.positional:
            shown.append(name.upper() if name in self.required else f"({name.upper()})")
        if self.varargs:
            shown.append("([ARG])")
        for name in self.named:
            if name not in self.positional:
                pair = f"{name}={name.upper()}"
                shown.append(pair if name in self.required else f"({pair})")
        if self.varkw:
            shown.append("([NAME=VALUE])")
        return " ".join(shown)


@dataclass(frozen=True, slots=True)
class CallArguments:
    """Positional and named arguments as JSON values."""

    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)


def parameters_of(objects: ObjectsLike, method: str) -> Parameters | None:
    """What ``method`` takes, as the first object that publishes it says; None when none does (an agent of 2012)."""
    schema = schema_of(objects, method)
    return None if schema is None else parameters_from(schema)


def schema_of(objects: ObjectsLike, method: str, which: str = "params") -> Mapping[str, object] | None:
    """The JSON Schema of what ``method`` takes, or with ``result`` gives, as the first object that publishes it says."""
    for entry in entries_of(objects, method):
        schema = entry.get(which)
        if isinstance(schema, str):
            try:
                schema = parse_json(schema)
            except ValueError:
                schema = None
        if isinstance(schema, Mapping):
            return schema
    return None


def documentation_of(objects: ObjectsLike, method: str) -> str:
    """The docstring that the first object publishes for ``method``, empty for none."""
    for entry in entries_of(objects, method):
        text = entry.get("doc")
        if isinstance(text, str) and text:
            return text
    return ""


def entries_of(objects: ObjectsLike, method: str) -> Iterator[Mapping[str, object]]:
    """What each object that publishes ``method`` says of it; agents of 2012 say nothing."""
    for found in objects:
        methods = found.values.get("methods")
        entry = methods.get(method) if isinstance(methods, Mapping) else None
        if isinstance(entry, Mapping):
            yield entry


def parameters_from(schema: Mapping[str, object]) -> Parameters:
    """What a method with this JSON Schema of its parameters takes."""
    properties = schema.get("properties")
    schemas = {
        name: value if isinstance(value, Mapping) else {}
        for name, value in (properties.items() if isinstance(properties, Mapping) else ())
    }
    only_positional = _names(schema.get("x-positional-only"))
    items, others = schema.get("x-varargs-items"), schema.get("additionalProperties")
    return Parameters(
        schemas,
        positional=_names(schema["x-positional"]) if "x-positional" in schema else tuple(schemas),
        named=tuple(name for name in schemas if name not in only_positional),
        required=frozenset(_names(schema.get("required"))),
        varargs=schema.get("x-varargs") is True,
        # An absent additionalProperties means "anything" to a validator, but no promise to a caller.
        varkw=schema.get("x-varkw", schema.get("additionalProperties", False)) not in (False, None),
        items=items if isinstance(items, Mapping) else {},
        others=others if isinstance(others, Mapping) else {},
    )


def _names(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def has_unknown_name(words: Sequence[Word], parameters: Parameters | None) -> bool:
    """True when a word looks like ``name=value`` and is not known by that name: the published parameters may be old."""
    return any(given_name(word) and not _can_be_named(word, parameters) for word in words)


def names_of(words: Sequence[Word], parameters: Parameters) -> list[str]:
    """The parameter that each word is for; empty for further positional arguments."""
    names: list[str] = []
    positional = iter(parameters.positional)
    for word in words:
        named = given_name(word)
        names.append(named if named and _can_be_named(word, parameters) else next(positional, ""))
    return names


def bind(words: Sequence[Word], parameters: Parameters | None, method: str = "the method") -> CallArguments:
    """Read the arguments of a call.

    Args:
        method: what an error calls the method, as in ``calc.add``.

    Raises:
        CommandError: a name is given twice, or is none that the method takes.
    """
    if (explicit := _explicit(words)) is not None and not _takes_list_and_map(parameters):
        return explicit
    args: list[object] = []
    kwargs: dict[str, object] = {}
    for word in words:
        name = given_name(word)
        if name and _can_be_named(word, parameters):
            if name in kwargs:
                raise CommandError(f'Argument "{name}" is given twice', position=word.start)
            schema = parameters.schemas.get(name, parameters.others) if parameters else {}
            kwargs[name] = _value(word.text[len(name) + 1 :], schema, is_quoted=word.is_quoted)
        else:
            _refuse_unknown(name, word, parameters, method, len(args))
            args.append(_value(word.text, _schema_at(len(args), parameters), is_quoted=word.is_quoted))
    return CallArguments(tuple(args), kwargs)


def _explicit(words: Sequence[Word]) -> CallArguments | None:
    if len(words) != 2 or any(word.is_quoted for word in words):
        return None
    try:
        args, kwargs = (parse_json(word.text) for word in words)
    except ValueError:
        return None
    if isinstance(args, list) and isinstance(kwargs, dict):
        return CallArguments(tuple(args), kwargs)
    return None


def _takes_list_and_map(parameters: Parameters | None) -> bool:
    if parameters is None or len(parameters.positional) < 2:
        return False
    first, second = (_types(parameters.schemas.get(name, {})) for name in parameters.positional[:2])
    return (first is None or "array" in first) and (second is None or "object" in second)


def given_name(word: Word) -> str:
    """The name of ``name=value`` as written, empty when the word is no such thing; the name itself is not quoted."""
    found = _NAMED.match(word.text)
    if found is None or 0 <= word.quoted_at < found.end():
        return ""
    return found.group(1)


def _can_be_named(word: Word, parameters: Parameters | None) -> bool:
    return parameters is not None and (parameters.varkw or given_name(word) in parameters.named)


def _refuse_unknown(name: str, word: Word, parameters: Parameters | None, method: str, position: int) -> None:
    if not name or parameters is None:
        return
    if name in parameters.schemas:  # the value of one that cannot be named
        takes_text = "string" in (_types(_schema_at(position, parameters)) or ("string",))
        if not takes_text and not word.is_quoted:
            text = f"{method} takes argument {name!r} by position only; give the value without {name}="
            raise CommandError(text, position=word.start)
        return
    known = ", ".join(parameters.named)
    takes = f"; it takes {known}" if known else "; it takes none by name"
    hint = did_you_mean(name, parameters.named) or f"{takes}{IN_QUOTES}"
    raise CommandError(f"{method} has no argument {name!r}{hint}", position=word.start)


def _schema_at(position: int, parameters: Parameters | None) -> Mapping[str, object]:
    if parameters is None:
        return {}
    if position < len(parameters.positional):
        return parameters.schemas.get(parameters.positional[position], {})
    return parameters.items


def _value(text: str, schema: Mapping[str, object], *, is_quoted: bool) -> object:
    if is_quoted:
        return text
    try:
        value = parse_json(text)
    except ValueError:
        return text
    types = _types(schema)
    if types is not None and "string" in types and not _kinds(value) & types:
        return text
    return value


def _types(schema: Mapping[str, object]) -> frozenset[str] | None:
    """The JSON types that a schema allows, None when it does not say or says it in a way not read here."""
    if "enum" in schema and isinstance(schema["enum"], list):
        return frozenset(kind for item in schema["enum"] for kind in _kinds(item))
    for key in ("anyOf", "oneOf"):
        alternatives = schema.get(key)
        if isinstance(alternatives, list):
            return _union(alternatives)
    kinds = schema.get("type")
    if isinstance(kinds, str):
        return frozenset((kinds,))
    return frozenset(_names(kinds)) or None


def _union(alternatives: Sequence[object]) -> frozenset[str] | None:
    result: frozenset[str] = frozenset()
    for schema in alternatives:
        kinds = _types(schema) if isinstance(schema, Mapping) else None
        if kinds is None:
            return None
        result |= kinds
    return result


def _kinds(value: object) -> frozenset[str]:
    """The JSON Schema types that a JSON value has."""
    match value:
        case None:
            return frozenset(("null",))
        case bool():
            return frozenset(("boolean",))
        case int():
            return frozenset(("integer", "number"))
        case float():
            return frozenset(("number", "integer") if value.is_integer() else ("number",))
        case str():
            return frozenset(("string",))
        case list():
            return frozenset(("array",))
        case _:
            return frozenset(("object",))

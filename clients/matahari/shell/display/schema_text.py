"""The rules of a JSON Schema in words, for help pages. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

__all__ = ["Row", "definitions", "parameter_rows", "rules_text", "table_lines", "type_text", "yields_text"]

#: Type, name, and what else is known.
Row: TypeAlias = tuple[str, str, str]

#: Longest value, or list of values, that is shown, in characters.
_MAX_SHOWN: Final = 200
_MAX_CHOICES: Final = 60  # in place of a type, where a line has all parameters
_REFERENCE: Final = "#/$defs/"
#: How deep types within types are told; what is deeper is named by its outermost word.
_MAX_DEPTH: Final = 3


def parameter_rows(schemas: Mapping[str, Mapping[str, object]], whole: Mapping[str, object]) -> list[Row]:
    """One row for each parameter or setting, and one for further positional arguments where they have a schema.

    Args:
        schemas: by name.
        whole: the schema that they are from, for its ``$defs``.
    """
    named = definitions(whole)
    rows: list[Row] = []
    for name, schema in schemas.items():
        description = schema.get("description")
        more = [" ".join(description.split())] if isinstance(description, str) else []
        if rules := rules_text(schema, named):
            more.append(f"[{', '.join(rules)}]")
        if isinstance(examples := schema.get("examples"), list) and examples:
            more.append(f"e.g. {', '.join(json.dumps(each, ensure_ascii=False) for each in examples)}")
        if schema.get("writeOnly"):
            more.append("(secret)")
        if "default" in schema:
            more.append(f"(default {json.dumps(schema['default'], ensure_ascii=False)})")
        rows.append((type_text(schema, named), name, " ".join(more)))
    items = whole.get("x-varargs-items")
    if isinstance(items, Mapping):
        rules = rules_text(items, named)
        rows.append((type_text(items, named), "[ARG]", f"[{', '.join(rules)}]" if rules else ""))
    return rows


def table_lines(rows: Sequence[Row], indent: str) -> list[str]:
    """The rows for a terminal, types aligned to the right."""
    width = max((len(kind) for kind, _, _ in rows), default=0)
    names = max((len(name) for _, name, _ in rows), default=0)
    cells = ((f"{kind:>{width}}", *([f"{name:<{names}}"] if names else []), more) for kind, name, more in rows)
    return [f"{indent}{'  '.join(row)}".rstrip() for row in cells]


def definitions(schema: Mapping[str, object] | None) -> Mapping[str, object]:
    """Schemas by name that a schema refers to."""
    found = schema.get("$defs") if schema is not None else None
    return found if isinstance(found, Mapping) else {}


def type_text(
    schema: Mapping[str, object],
    named: Mapping[str, object] | None = None,
    depth: int = 0,
    *,
    shows_choices: bool = False,
) -> str:
    """The type in words: ``integer``, ``array of string``, ``string|null``, the name of an object's class.

    Args:
        schema: of one value.
        named: schemas by name, of ``$defs``.
        depth: for the recursion.
        shows_choices: a few short values stand for themselves: ``"fast"|"slow"``.
    """
    name = _referred(schema)
    if name:
        inner = (named or {}).get(name)
        if not isinstance(inner, Mapping) or depth > _MAX_DEPTH or inner.get("type") in (None, "object"):
            return name
        return type_text(inner, named, depth + 1, shows_choices=shows_choices)
    if shows_choices and (choices := _choices(schema)):
        return choices
    alternatives = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(alternatives, list) and depth < _MAX_DEPTH:
        inside = [each for each in alternatives if isinstance(each, Mapping)]
        texts = [type_text(each, named, depth + 1, shows_choices=shows_choices) for each in inside]
        return "|".join(dict.fromkeys(texts))
    if schema.get("properties") and isinstance(title := schema.get("title"), str) and title:
        return title
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return "|".join(str(kind) for kind in kinds)
    items = schema.get("items")
    if kinds == "array" and isinstance(items, Mapping) and items and depth < _MAX_DEPTH:
        inner_text = type_text(items, named, depth + 1, shows_choices=shows_choices)
        return f"array of ({inner_text})" if '"|"' in inner_text else f"array of {inner_text}"
    if kinds is None:
        values = schema.get("enum")
        kinds = "string" if isinstance(values, list) and all(isinstance(each, str) for each in values) else "any"
    return str(kinds)


def _choices(schema: Mapping[str, object]) -> str:
    values = schema.get("enum")
    text = "|".join(json.dumps(value, ensure_ascii=False) for value in values) if isinstance(values, list) else ""
    return text if len(text) <= _MAX_CHOICES else ""


def rules_text(schema: Mapping[str, object], named: Mapping[str, object] | None = None) -> list[str]:
    """What a value must be beside its type: ranges, lengths, patterns, choices, fields; in words, one rule each."""
    name = _referred(schema)
    inner = (named or {}).get(name) if name else None
    if isinstance(inner, Mapping):
        return rules_text({**inner, **{key: each for key, each in schema.items() if key != "$ref"}})
    found = [*_range(schema), *_sizes(schema)]
    values = schema.get("enum")
    if isinstance(values, list):
        found.append(f"one of {_shown(values)}")
    if "const" in schema:
        found.append(f"always {json.dumps(schema['const'])}")
    if "multipleOf" in schema:
        found.append(f"a multiple of {schema['multipleOf']}")
    if "pattern" in schema:
        found.append(f"matches {str(schema['pattern'])[:_MAX_SHOWN]}")
    if isinstance(kind := schema.get("format"), str):
        found.append(kind)
    for alternative in _list(schema.get("anyOf")):
        if isinstance(alternative, Mapping):
            found += [rule for rule in rules_text(alternative, named) if rule not in found]
    if fields := _fields(schema):
        found.append(f"fields {fields}")
    items = schema.get("items")
    if isinstance(items, Mapping):
        inner = (named or {}).get(_referred(items), items)
        if isinstance(inner, Mapping) and (fields := _fields(inner)):
            found.append(f"each with fields {fields}")
    return found


def _fields(schema: Mapping[str, object]) -> str:
    """Those of an object in one line, with types; what may be left out is in parentheses. Empty where none are known."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return ""
    required = _list(schema.get("required"))
    texts: list[str] = []
    for name, inner in properties.items():
        text = f"{name}: {type_text(inner)}" if isinstance(inner, Mapping) else str(name)
        texts.append(text if name in required else f"({text})")
    shown = ", ".join(texts)
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"


def _range(schema: Mapping[str, object]) -> list[str]:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return [f"{low} to {high}"]
    texts = [("at least", low), ("above", above), ("at most", high), ("below", below)]
    return (
        [" and ".join(f"{words} {value}" for words, value in texts if value is not None)]
        if any(value is not None for _, value in texts)
        else []
    )


def _sizes(schema: Mapping[str, object]) -> list[str]:
    found: list[str] = []
    for noun, low, high in (
        ("characters", schema.get("minLength"), schema.get("maxLength")),
        ("items", schema.get("minItems"), schema.get("maxItems")),
    ):
        if low is not None and high is not None:
            found.append(f"{low} to {high} {noun}" if low != high else f"{low} {noun}")
        elif low is not None:
            found.append(f"at least {low} {noun}")
        elif high is not None:
            found.append(f"at most {high} {noun}")
    return found


def _referred(schema: Mapping[str, object]) -> str:
    reference = schema.get("$ref")
    return reference.removeprefix(_REFERENCE) if isinstance(reference, str) else ""


def _shown(values: list[object]) -> str:
    text = ", ".join(value if isinstance(value, str) and value else json.dumps(value) for value in values)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def yields_text(params: Mapping[str, object]) -> str:
    """What a method yields, as it follows its parameters; empty when it yields nothing, or does not say what."""
    yields = params.get("x-yields")
    kind = type_text(yields, definitions(yields)) if isinstance(yields, Mapping) else "any"
    return "" if kind == "any" else f" yields {kind}"

"""Methods and properties of a class in words: signatures, and what is known of each argument. Pure.

What a plugin's method takes and gives is what its objects publish as JSON Schemas, of another method what the class's
schema says. Where hosts differ, the first one that says it counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from matahari.shell.base.ports import PLUGIN_PACKAGE, MethodLike, ObjectsLike, PropertyLike
from matahari.shell.display.effects import declared_of
from matahari.shell.display.schema_text import Row, definitions, parameter_rows, rules_text, type_text, yields_text
from matahari.shell.syntax.arguments import Parameters, documentation_of, parameters_from, schema_of
from matahari.shell.syntax.values import type_name

__all__ = ["MethodText", "method_text", "property_row", "property_rules"]

_UNSTATED: Final = "…"  # a default that is not published
_ANY: Final = "any"


@dataclass(frozen=True, slots=True)
class MethodText:
    """What is known of one method.

    Attributes:
        signature: ``add(x: integer, y: integer = 1) -> integer``; of a generator, ``yields Disk`` before the arrow.
        description: the author's, of any number of lines; empty for none.
        declared: effects, time limit and so on in one line, empty for none.
        rows: parameters, in order.
        result: type of what it gives, empty when that is not said.
        result_rows: what is known of the result, or of each output argument.
        parameters: the same as ``rows`` for programs, each with ``name``, ``type``, ``required``, ``description`` and
            ``rules``, and ``default`` and ``unit`` where there is one; None when the agent does not publish them.
    """

    name: str
    signature: str
    description: str
    declared: str
    rows: tuple[Row, ...]
    result: str
    result_rows: tuple[Row, ...]
    parameters: tuple[Mapping[str, object], ...] | None

    @property
    def summary(self) -> str:
        """The first line of the description."""
        return self.description.strip().split("\n", 1)[0]


def method_text(objects: ObjectsLike, method: MethodLike) -> MethodText:
    """What the objects tell of one of their methods."""
    if objects.class_name.package == PLUGIN_PACKAGE:
        return _plugin_method(objects, method)
    given = [one for one in method.arguments if "I" in one.direction]
    results = [one for one in method.arguments if "O" in one.direction]
    shown = ", ".join(_argument(one) for one in given)
    result = _results(results)
    return MethodText(
        method.name,
        f"{method.name}({shown}){_arrow(result)}",
        method.description,
        declared_of(objects, method.name),
        tuple(map(property_row, given)),
        result,
        tuple(map(property_row, results)),
        tuple(map(_argument_record, given)),
    )


def _plugin_method(objects: ObjectsLike, method: MethodLike) -> MethodText:
    schema, gives = schema_of(objects, method.name), schema_of(objects, method.name, "result")
    result = "" if gives is None else type_text(gives, definitions(gives))
    result = "" if result == _ANY else result
    rules = "" if gives is None else ", ".join(rules_text(gives, definitions(gives)))
    arrow = _arrow(type_text(gives, definitions(gives), shows_choices=True)) if gives and result else ""
    shown, rows, records = f"({_UNSTATED})", tuple[Row, ...](), None
    if schema is not None:
        parameters = parameters_from(schema)
        shown = f"({', '.join(_parameters(parameters, schema))}){yields_text(schema)}"
        rows = tuple(parameter_rows(parameters.schemas, schema))
        records = tuple(_parameter_record(name, parameters, schema) for name in parameters.schemas)
    return MethodText(
        method.name,
        f"{method.name}{shown}{arrow}",
        documentation_of(objects, method.name) or method.description,
        declared_of(objects, method.name),
        rows,
        result,
        ((result, "", f"[{rules}]"),) if result and rules else (),
        records,
    )


def _arrow(result: str) -> str:
    return f" -> {result}" if result else ""


def _parameters(parameters: Parameters, whole: Mapping[str, object]) -> list[str]:
    named = definitions(whole)
    shown = [_parameter(name, parameters, named) for name in parameters.positional if name in parameters.schemas]
    only_named = [name for name in parameters.named if name not in parameters.positional]
    if parameters.varargs:
        shown.append(_typed("*args", type_text(parameters.items, named)))
    elif only_named:
        shown.append("*")
    shown += [_parameter(name, parameters, named) for name in only_named]
    if parameters.varkw:
        shown.append(_typed("**kwargs", type_text(parameters.others, named)))
    return shown


def _parameter(name: str, parameters: Parameters, named: Mapping[str, object]) -> str:
    schema = parameters.schemas[name]
    text = _typed(name, type_text(schema, named, shows_choices=True))
    if name in parameters.required:
        return text
    return f"{text} = {json.dumps(schema['default'], ensure_ascii=False) if 'default' in schema else _UNSTATED}"


def _parameter_record(name: str, parameters: Parameters, whole: Mapping[str, object]) -> Mapping[str, object]:
    schema, named = parameters.schemas[name], definitions(whole)
    description = schema.get("description")
    return {
        "name": name,
        "type": type_text(schema, named),
        "required": name in parameters.required,
        "description": description if isinstance(description, str) else "",
        "rules": rules_text(schema, named),
        **({"default": schema["default"]} if "default" in schema else {}),
    }


def _typed(name: str, kind: str) -> str:
    return name if kind == _ANY else f"{name}: {kind}"


def _argument(member: PropertyLike) -> str:
    text = _typed(member.name, type_name(member))
    if member.default is not None:
        return f"{text} = {json.dumps(member.default, ensure_ascii=False, default=str)}"
    return f"{text} = {_UNSTATED}" if member.optional else text


def _results(members: Sequence[PropertyLike]) -> str:
    if len(members) == 1:
        return type_name(members[0])
    return f"({', '.join(_typed(one.name, type_name(one)) for one in members)})" if members else ""


def property_row(member: PropertyLike) -> Row:
    """Type, name, and what else a schema says of a property or an argument."""
    more = [" ".join(member.description.split())] if member.description else []
    if member.unit:
        more.append(f"({member.unit})")
    if rules := property_rules(member):
        more.append(f"[{', '.join(rules)}]")
    if member.default is not None:
        more.append(f"(default {json.dumps(member.default, ensure_ascii=False, default=str)})")
    return type_name(member), member.name, " ".join(more)


def property_rules(member: PropertyLike) -> list[str]:
    """What a value must be beside its type, one rule each."""
    limits = {"minimum": member.minimum, "maximum": member.maximum, "maxLength": member.max_length}
    return rules_text({name: limit for name, limit in limits.items() if limit is not None})


def _argument_record(member: PropertyLike) -> Mapping[str, object]:
    return {
        "name": member.name,
        "type": type_name(member),
        "required": not member.optional and member.default is None,
        "description": member.description,
        "rules": property_rules(member),
        **({"default": member.default} if member.default is not None else {}),
        **({"unit": member.unit} if member.unit else {}),
    }

"""Which of a value's faults is told, and in which words: place, value, rule with its numbers, remedy. One line. Pure.

Of a union, the branch speaks that the value was most likely meant for; the others would only be in the way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .formats import example_of
from .kinds import counted, is_kind, kind_of, listed, plural, span, wanted
from .names import MAX_SHOWN, did_you_mean, shown

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

__all__ = ["HIDDEN", "fault_text"]

#: What stands in texts for the value of a sensitive parameter.
HIDDEN: Final = "<hidden>"
#: Values of an enumeration that a refused one is compared with, on event loops.
MAX_COMPARED: Final = 100

#: Keywords whose fault says most, when a value breaks several at one place; all others come behind.
_TELLING: Final = ("enum", "const", "additionalProperties", "type")
_PLAIN_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
#: Keyword of an amount -> what is counted.
_AMOUNTS: Final[Mapping[str, str]] = {
    "minLength": "character",
    "maxLength": "character",
    "minItems": "element",
    "maxItems": "element",
    "minProperties": "entry",
    "maxProperties": "entry",
}


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said of one fault: with the value, and without anything of it."""

    seen: str
    remedy: str


def fault_text(errors: Iterable[ValidationError], *, is_hidden: bool) -> str | None:
    """Give the fault to mend first in words; None when there is none.

    Args:
        errors: all faults, or some of very many.
        is_hidden: neither the value nor a place within it (which may be a key of a map) is told.
    """
    error = min(errors, key=_rank, default=None)
    if error is None:
        return None
    error, others = _branch(error)
    words = _words(error, others)
    if is_hidden:
        return f"{HIDDEN} {words.remedy}" if not error.validator else f"{HIDDEN} does not fit; {words.remedy}"
    place = "".join(_part(each) for each in error.absolute_path).removeprefix(".")
    return f"at {_cut(place)}: {words.seen}" if place else words.seen


def _part(part: str | int) -> str:
    if isinstance(part, str):
        return f".{part}" if _PLAIN_NAME.fullmatch(part) else f"[{shown(part)}]"
    return f"[{part}]"


def _rank(error: ValidationError) -> tuple[int, int]:
    telling = _TELLING.index(error.validator) if error.validator in _TELLING else len(_TELLING)
    return len(error.path), telling


def _branch(error: ValidationError) -> tuple[ValidationError, list[ValidationError]]:
    """Follow unions to the fault that is told.

    Returns:
        The fault, and those of the same value in all branches when it fits none by its type or its tag: what each
        of them allows is told together.
    """
    while error.validator in ("anyOf", "oneOf") and error.context:
        branches: dict[object, list[ValidationError]] = {}
        for each in error.context:
            branches.setdefault(each.schema_path[0], []).append(each)
        best = min(branches.values(), key=_distance)
        if _distance(best)[0]:  # the value is of no branch's type
            return error, [min(one, key=_rank) for one in branches.values()]
        tags = [each for each in best if _is_tag(each)]
        if tags and all(any(_is_tag(each) for each in one) for one in branches.values()):
            places = {each.json_path for one in branches.values() for each in one if _is_tag(each)}
            if len(places) == 1:
                return tags[0], [next(filter(_is_tag, one)) for one in branches.values()]
        error = min(best, key=_rank)
    return error, []


def _distance(branch: Sequence[ValidationError]) -> tuple[bool, int, int]:
    """How far a value is from a branch: another type, another tag, more faults."""
    return any(_is_other_type(each) for each in branch), sum(map(_is_tag, branch)), len(branch)


def _is_other_type(error: ValidationError) -> bool:
    if error.relative_path:
        return False
    if error.validator in ("anyOf", "oneOf") and error.context:
        return _distance(error.context)[0]
    if error.validator in ("enum", "const"):
        return not any(is_kind(error.instance, each) for each in _choices(error))
    return error.validator in ("type", None)


def _is_tag(error: ValidationError) -> bool:
    """Whether a field has none of the values that tell the branch."""
    return len(error.relative_path) == 1 and error.validator in ("enum", "const")


def _choices(error: ValidationError) -> list[object]:
    return _list(error.validator_value) if error.validator == "enum" else [error.validator_value]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _words(error: ValidationError, others: list[ValidationError]) -> _Words:
    schema: Mapping[str, object] = error.schema if isinstance(error.schema, dict) else {}
    value = f"the key {shown(error.instance)}" if _is_key(error) else shown(error.instance)
    if others and error.validator in ("enum", "const"):
        return _of_choices(value, error.instance, [each for one in others for each in _choices(one)], {})
    if others:
        remedy = f"give {' or '.join(dict.fromkeys(_wanted_by(each) for each in others))}"
        return _Words(f"{value} is {kind_of(error.instance)}; {remedy}", remedy)
    name = error.validator if isinstance(error.validator, str) else ""
    if name in ("enum", "const"):
        return _of_choices(value, error.instance, _choices(error), schema)
    if name in _AMOUNTS:
        return _of_amount(value, error.instance, name, schema)
    said = _SAYINGS.get(name)
    if said is not None:
        return said(value, error, schema)
    if not name:
        return _Words(f"{value} is not allowed", "is not allowed")  # a schema that is just false has no rule
    limit = shown(error.validator_value)
    return _Words(_cut(error.message), f"the rule is {name} {limit}")


def _is_key(error: ValidationError) -> bool:
    return "propertyNames" in error.relative_schema_path


def _cut(text: str) -> str:
    return text if len(text) <= 2 * MAX_SHOWN else f"{text[: 2 * MAX_SHOWN]}…"


def _wanted_by(error: ValidationError) -> str:
    """What one branch of a union takes."""
    if error.validator in ("enum", "const"):
        return listed(_choices(error), _names(error.schema))
    return wanted(error.schema)


def _names(schema: object) -> list[object]:
    return _list(schema.get("x-enum-names")) if isinstance(schema, dict) else []


def _of_choices(value: str, given: object, choices: list[object], schema: Mapping[str, object]) -> _Words:
    names = _names(schema)
    text = listed(choices, names)
    if len(choices) == 1:
        return _Words(f"{value} is not {text}, the only value that is allowed", f"give {text}")
    return _Words(f"{value} is not one of {text}{_meant(given, choices, names)}", f"give one of {text}")


def _meant(given: object, choices: list[object], names: list[object]) -> str:
    """Which of the values may have been meant: by a name, in another case, with a slip, as another type."""
    text = (given if isinstance(given, str) else str(given))[:MAX_SHOWN]
    known: dict[str, object] = {}
    for at, choice in enumerate(choices[:MAX_COMPARED]):
        known.setdefault(str(choice), choice)
        if at < len(names) and isinstance(names[at], str):
            known.setdefault(str(names[at]), choice)
    same = [choice for name, choice in known.items() if name.lower() == text.lower()]
    if same:
        return f"; did you mean {same[0]!r}?"
    if not isinstance(given, str):
        return ""
    values = [name for name, choice in known.items() if isinstance(choice, str)]
    return did_you_mean(text, values)


def _of_amount(value: str, given: object, name: str, schema: Mapping[str, object]) -> _Words:
    noun = _AMOUNTS[name]
    kind = name.removeprefix("min").removeprefix("max")
    remedy = f"give {span(schema.get(f'min{kind}'), schema.get(f'max{kind}'), exact='exactly ')}"
    number = len(given) if isinstance(given, str | list | dict) else 0
    return _Words(f"{value} has {counted(number, noun)}; {remedy}", f"{remedy} {plural(noun)}")


def _of_type(value: str, error: ValidationError, schema: Mapping[str, object]) -> _Words:
    remedy = f"give {wanted({**schema, 'type': error.validator_value})}{example_of(schema.get('format'))}"
    if "boolean" in (error.validator_value, *_list(error.validator_value)) and isinstance(error.instance, str):
        remedy += " (true or false)"
    return _Words(f"{value} is {kind_of(error.instance)}; {remedy}", remedy)


def _of_range(value: str, error: ValidationError, schema: Mapping[str, object]) -> _Words:
    limit = error.validator_value
    said = {
        "minimum": f"is less than the minimum of {limit}",
        "maximum": f"is greater than the maximum of {limit}",
        "exclusiveMinimum": f"is not more than {limit}",
        "exclusiveMaximum": f"is not less than {limit}",
    }[str(error.validator)]
    remedy = f"give {_limits(schema)}"
    return _Words(f"{value} {said}; {remedy}", remedy)


def _limits(schema: Mapping[str, object]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    return span(low, high, above=schema.get("exclusiveMinimum"), below=schema.get("exclusiveMaximum"))


def _of_multiple(value: str, error: ValidationError, _schema: Mapping[str, object]) -> _Words:
    step, given = error.validator_value, error.instance
    remedy = f"give a multiple of {step}"
    near = ""
    if isinstance(step, int) and isinstance(given, int) and step > 0:
        below = given // step * step
        near = f", such as {below} or {below + step}"
    return _Words(f"{value} is not a multiple of {step}; {remedy}{near}", remedy)


def _of_pattern(value: str, error: ValidationError, _schema: Mapping[str, object]) -> _Words:
    pattern = shown(error.validator_value)
    remedy = "give a text that fits this regular expression"
    return _Words(f"{value} does not match {pattern}; {remedy}", f"give a text that matches {pattern}")


def _of_format(_value: str, error: ValidationError, schema: Mapping[str, object]) -> _Words:
    name = schema.get("format")
    return _Words(_cut(error.message), f"give a text of the format {shown(name)}{example_of(name)}")


def _of_unique(value: str, error: ValidationError, _schema: Mapping[str, object]) -> _Words:
    remedy = "give each element once"
    first, second = json.loads(error.message)  # as the keyword found them
    twice = shown(error.instance[first]) if isinstance(error.instance, list) else ""
    return _Words(f"{value} has {twice} twice, at [{first}] and [{second}]; {remedy}", remedy)


def _of_fields(_value: str, error: ValidationError, schema: Mapping[str, object]) -> _Words:
    known, patterns = schema.get("properties"), schema.get("patternProperties")
    fields = list(known) if isinstance(known, dict) else []
    name = error.message  # as the keyword found it
    if not fields and isinstance(patterns, dict) and patterns:
        rule = listed(list(patterns), [])
        return _Words(f"the key {shown(name)} does not match {rule}", f"give only keys that match {rule}")
    only = f"only {listed(fields, [])}" if fields else "nor any other"
    remedy = f"give only the fields {listed(fields, [])}" if fields else "give no fields"
    return _Words(f"there is no field {shown(name)}, {only}{did_you_mean(name, fields)}", remedy)


def _of_required(value: str, error: ValidationError, _schema: Mapping[str, object]) -> _Words:
    given = error.instance if isinstance(error.instance, dict) else {}
    needed = _list(error.validator_value)
    missing = [each for each in needed if each not in given]
    fields = f"field{'s' * (len(missing) != 1)} {listed(missing, [])}"
    all_fields = f"the field{'s' * (len(needed) != 1)} {listed(needed, [])}"
    return _Words(f"{value} lacks the {fields}; give {'it' if len(missing) == 1 else 'them'}", f"give {all_fields}")


_SAYINGS: Final[Mapping[str, Callable[[str, ValidationError, Mapping[str, object]], _Words]]] = {
    "type": _of_type,
    "minimum": _of_range,
    "maximum": _of_range,
    "exclusiveMinimum": _of_range,
    "exclusiveMaximum": _of_range,
    "multipleOf": _of_multiple,
    "pattern": _of_pattern,
    "format": _of_format,
    "uniqueItems": _of_unique,
    "additionalProperties": _of_fields,
    "required": _of_required,
}

"""What the library of ``typed.py`` finds wrong with an argument, in words: place, value, rule, example.

Nearly everything was refused by console and agent before, by the schema; what only the type itself can tell comes from
here. ``matahari.validation`` has the same words, but cannot be imported by a worker, whose memory is counted.
"""

from __future__ import annotations

import json
import re
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

__all__ = ["HIDDEN", "misfit_texts"]

#: What stands in texts for a value that is not to be shown.
HIDDEN: Final = "<hidden>"
#: Faults of one value that an error names: the first is the one to mend.
_MAX_FAULTS: Final = 3
#: Longest value that a text repeats, in characters.
_MAX_SHOWN: Final = 200
#: Beginning of the library's type of a fault -> an example.
_EXAMPLES: Final = {
    "datetime_": "2024-05-17T14:30:00Z",
    "date_": "2024-05-17",
    "time_delta_": "P1DT2H30M",
    "time_": "14:30:00",
}
#: Ends of the types of faults that are mended by writing otherwise.
_PARSING: Final = ("_parsing", "_type", "_invalid", "_inexact")
_UNKNOWN: Final = ("extra_forbidden", "unexpected_keyword_argument")
_MISSING: Final = ("missing", "missing_argument", "missing_keyword_only_argument")
_PLAIN_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")


def misfit_texts(error: ValidationError, text: str) -> tuple[str, str]:
    """What is wrong with a value.

    Args:
        error: what the library says.
        text: the value as JSON.

    Returns:
        The text for callers; and the one that repeats neither the value nor a place within it.
    """
    value = _parsed(text)
    by_place: dict[str, ErrorDetails] = {}  # of a union, each alternative has a fault at the same place
    for fault in error.errors(include_url=False, include_context=False):
        by_place.setdefault(_place(fault, value), fault)
    seen = [f"at {place}: {_seen(fault)}" if place else _seen(fault) for place, fault in by_place.items()]
    hidden = list(dict.fromkeys(_hidden(fault) for fault in by_place.values()))
    return _joined(seen), _joined(hidden)


def _joined(texts: list[str]) -> str:
    more = len(texts) - _MAX_FAULTS
    return "; ".join(texts[:_MAX_FAULTS]) + (f"; and {more} more" if more > 0 else "")


def _parsed(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _place(fault: ErrorDetails, value: object) -> str:
    """The place in the value, as in ``disks[0].size``; the library names alternatives too, which are in no value."""
    place = ""
    loc = fault["loc"]
    if fault["type"] in _MISSING or fault["type"] in _UNKNOWN:
        loc = loc[:-1]  # it is told as a fault of what lacks the field, or has it
    for part in loc:
        if isinstance(part, int) and isinstance(value, list) and part < len(value):
            place, value = f"{place}[{part}]", value[part]
        elif isinstance(value, dict) and str(part) in value:
            name = str(part)
            place, value = f"{place}.{name}" if _PLAIN_NAME.fullmatch(name) else f"{place}[{name!r}]", value[name]
    return place.removeprefix(".")


def _seen(fault: ErrorDetails) -> str:
    value = _shown(fault["input"])
    field = repr(str(fault["loc"][-1])) if fault["loc"] else ""
    if fault["type"] in _UNKNOWN:
        return f"there is no field {field}"
    if fault["type"] in _MISSING:
        return f"{value} lacks the field {field}; give it"
    message = fault["msg"]
    for start, verb in (("Input should be ", "is not "), ("Input ", "")):
        if message.startswith(start):
            return f"{value} {verb}{message.removeprefix(start)}{_example(fault['type'])}"
    return f"{value}: {_rule(fault)}"


def _hidden(fault: ErrorDetails) -> str:
    if fault["type"] in _UNKNOWN:
        return f"{HIDDEN} does not fit: there is a field too many"  # its name came from the caller
    if fault["type"].startswith("union_tag_"):
        return f"{HIDDEN} does not fit: it is none of the alternatives"
    if fault["type"].endswith("_parsing"):  # behind the comma are characters of the value
        return f"{HIDDEN} does not fit: {fault['msg'].partition(',')[0]}{_example(fault['type'])}"
    return f"{HIDDEN} does not fit: {_rule(fault)}"


def _rule(fault: ErrorDetails) -> str:
    text = fault["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return f"{text}{_example(fault['type'])}"


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(value) if len(value) <= _MAX_SHOWN else f"{value[:_MAX_SHOWN]!r}…"
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _example(kind: str) -> str:
    """How a text is written that the library does not take, for faults of this type; empty where none is needed."""
    if kind.endswith(_PARSING):
        for begin, example in _EXAMPLES.items():
            if kind.startswith(begin):
                return f" (ISO 8601, such as {example})"
    return ""

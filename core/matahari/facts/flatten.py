"""Facts as one flat map: dotted names, JSON values, and bounds on what one source may say."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Mapping
from typing import Final

from matahari.errors import SchemaError
from matahari.hooks import JsonValue

__all__ = ["MAX_DEPTH", "MAX_FACTS", "MAX_TEXT_BYTES", "flatten", "is_fact_name"]

MAX_FACTS: Final = 1024
"""Of one source: more is data, not a description, and every console that asks for facts gets all of them."""

MAX_TEXT_BYTES: Final = 128 * 1024
"""JSON text of one source; all sources together must fit a bus message."""

MAX_DEPTH: Final = 16
_MAX_NAME: Final = 200
_MAX_KEY_BYTES: Final = 255  # of a name on the bus
_NAME = re.compile(r"[^\s.\x00-\x1f\x7f=]+(\.[^\s.\x00-\x1f\x7f=]+)*")  # what a filter can name without quotes
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1  # integers on the bus


def flatten(source: Mapping[str, object]) -> dict[str, JsonValue]:
    """Turn nested maps into dotted names; lists stay values, dates become ISO texts, empty maps stay.

    Raises:
        SchemaError: a name or a value that is not possible, two values of one name, or too many or too long facts;
            ``path`` is the name.
    """
    facts: dict[str, JsonValue] = {}
    _flatten(source, "", facts, 0)
    if len(json.dumps(facts)) > MAX_TEXT_BYTES:
        raise SchemaError(f"the facts are longer than {MAX_TEXT_BYTES} bytes")
    return facts


def is_fact_name(name: str) -> bool:
    """Words joined by dots, without spaces, control characters and ``=``."""
    return len(name) <= _MAX_NAME and _NAME.fullmatch(name) is not None and _is_key(name)


def _flatten(source: Mapping[str, object], prefix: str, facts: dict[str, JsonValue], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise SchemaError(f"is nested deeper than {MAX_DEPTH} maps", path=prefix)
    for key, value in source.items():
        if not isinstance(key, str):
            raise SchemaError(f"the name {key!r} is no text", path=prefix)
        name = f"{prefix}.{key}" if prefix else key
        if not is_fact_name(name):
            raise SchemaError(f"{name[:_MAX_NAME]!r} is no name of a fact: words joined by dots, no spaces or '='")
        if isinstance(value, Mapping) and value:
            _flatten(value, name, facts, depth + 1)
            continue
        if name in facts:
            raise SchemaError("is there twice", path=name)
        if len(facts) == MAX_FACTS:
            raise SchemaError(f"there are more than {MAX_FACTS} facts", path=name)
        facts[name] = _json(value, name, depth)


def _json(value: object, name: str, depth: int) -> JsonValue:
    if depth > MAX_DEPTH:
        raise SchemaError(f"is nested deeper than {MAX_DEPTH} levels", path=name)
    match value:
        case None | bool():
            return value
        case str():
            if not _is_unicode(value):
                raise SchemaError("is not valid Unicode", path=name)
            return value
        case int():
            if not _SMALLEST <= value <= _LARGEST:
                raise SchemaError("is an integer of more than 64 bits", path=name)
            return value
        case float():
            if not math.isfinite(value):
                raise SchemaError(f"is {value}, which JSON does not have", path=name)
            return value
        case datetime.date() | datetime.time():  # a datetime is a date
            return value.isoformat()
        case list() | tuple():
            return [_json(entry, name, depth + 1) for entry in value]
        case Mapping():
            return {_key(key, name): _json(entry, name, depth + 1) for key, entry in value.items()}
    raise SchemaError(f"is a {type(value).__name__}, which JSON does not have", path=name)


def _key(key: object, name: str) -> str:
    if not isinstance(key, str):
        raise SchemaError(f"has the key {key!r}, which is no text", path=name)
    if not _is_key(key):
        raise SchemaError(f"has the key {key[:_MAX_NAME]!r}, which is too long or not valid Unicode", path=name)
    return key


def _is_key(name: str) -> bool:
    """Whether the bus can carry it as the name of something; one alone that it cannot would cost all facts."""
    return len(name) <= _MAX_KEY_BYTES and (
        name.isascii() or (_is_unicode(name) and len(name.encode()) <= _MAX_KEY_BYTES)
    )


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)

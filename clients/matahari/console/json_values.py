"""Arguments of plugins as JSON texts: values of the types that plugins declare, in the form that their agents read. Pure.

An agent makes the type that a method declares of a JSON value; here is the way back: a path is its text, a date ISO
8601, an enum's member its value, a dataclass an object of its fields, and whatever holds values in a row is a list.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections import deque
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import PurePath
from typing import Final
from uuid import UUID

__all__ = ["NoJsonError", "json_form", "json_text"]

_TEXTS: Final = (
    PurePath,
    UUID,
    Decimal,
    Fraction,
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
_NAMES: Final = (str, int, float, bool, type(None))  # keys that JSON texts have a form for


class NoJsonError(ValueError):
    """A value that JSON has no form for. The text names its type and a remedy, never the value, which may be secret."""


def json_text(value: object) -> str:
    """``value`` as JSON, of one line.

    Raises:
        NoJsonError: it, or what is in it, has no form.
    """
    try:
        try:
            return _encode(value)
        except TypeError:  # for a key alone: other values are asked of json_form
            return _encode(_with_names(value))
    except RecursionError as error:
        raise NoJsonError("it is nested too deeply for JSON; pass it in parts") from error
    except NoJsonError:
        raise
    except ValueError as error:  # of the encoder, which has one class for all its reasons
        if "float" in str(error):
            raise NoJsonError("nan and infinity have no form in JSON; pass a finite number") from error
        raise NoJsonError(f"it has no form in JSON ({error}); pass it in parts, or as text") from error


def json_form(value: object) -> object:
    """A value that JSON has no form for as the one that its agent reads; what is inside is left as it is.

    Bytes are their UTF-8 text, as which agents read them.

    Raises:
        NoJsonError: it is of none of the types that are known here.
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, _TEXTS):
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _text(bytes(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if one.init}
    if isinstance(value, AbstractSet):
        return sorted(value, key=json_text)  # one text for equal sets
    if isinstance(value, tuple | deque):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, re.Pattern):
        return json_form(value.pattern) if isinstance(value.pattern, bytes) else value.pattern
    raise NoJsonError(f"a value of type {type(value).__qualname__} has no form in JSON; {_remedy(value)}")


def _encode(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=json_form)


def _with_names(value: object) -> object:
    """The same with keys that JSON has a form for."""
    if isinstance(value, Mapping):
        return {_name(key): _with_names(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_names(inner) for inner in value]
    return value if isinstance(value, _NAMES) else _with_names(json_form(value))


def _name(key: object) -> object:
    if isinstance(key, Enum):
        key = key.value
    found = key if isinstance(key, _NAMES) else json_form(key)
    if not isinstance(found, _NAMES):
        raise NoJsonError(f"a key of type {type(key).__qualname__} has no form in JSON; pass text")
    return found


def _duration(value: timedelta) -> str:
    """ISO 8601, such as ``P1DT9000S``."""
    span = abs(value)
    part = f".{span.microseconds:06}" if span.microseconds else ""
    return f"{'-' if value < timedelta() else ''}P{span.days}DT{span.seconds}{part}S"


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        remedy = "pass base64.b64encode(…).decode() to a method that takes base64"
        raise NoJsonError(f"bytes that are not UTF-8 have no form in JSON; {remedy}") from None


def _remedy(value: object) -> str:
    if hasattr(value, "model_dump"):
        return "pass value.model_dump(mode='json')"
    if callable(value):
        return "pass what it gives"
    if hasattr(value, "__iter__"):
        return "pass a list of what it has"
    return "pass text, a number, a list, a dict or a dataclass"

"""Formats of texts: dates, times and the like, as JSON Schema names them.

They are read as the worker of a plugin reads them, by the same parsers and with the same words, so that a console and
an agent refuse nothing that the method would take. Formats that are not here, and values that are no texts, always fit.

Source: JSON Schema 2020-12 validation, section 7.3; pydantic, JSON Schema of its types
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from .names import shown

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator

__all__ = ["example_of", "format_fault"]

#: Beginning of what a parser says, in whose place come the value and "is not".
_EXPECTED: Final = "Input should be "
#: Formats of ISO 8601 -> an example.
_EXAMPLES: Final[Mapping[str, str]] = {
    "date-time": "2024-05-17T14:30:00Z",
    "date": "2024-05-17",
    "time": "14:30:00",
    "duration": "P1DT2H30M",
}
#: Format -> the parser's name for it.
_PARSED: Final[Mapping[str, str]] = {
    "date-time": "datetime",
    "date": "date",
    "time": "time",
    "duration": "timedelta",
    "uuid": "uuid",
    "uri": "url",
}
#: Format -> the class of :mod:`ipaddress` that reads it, and how it is called in texts.
_ADDRESSES: Final[Mapping[str, tuple[str, str]]] = {
    "ipv4": ("IPv4Address", "IPv4 address"),
    "ipv6": ("IPv6Address", "IPv6 address"),
    "ipv4network": ("IPv4Network", "IPv4 network"),
    "ipv6network": ("IPv6Network", "IPv6 network"),
    "ipv4interface": ("IPv4Interface", "IPv4 interface"),
    "ipv6interface": ("IPv6Interface", "IPv6 interface"),
}


def format_fault(name: str, value: object) -> str:
    """What is wrong with ``value`` as a text of the format ``name``; empty when nothing is."""
    if not isinstance(value, str):
        return ""
    if name in _ADDRESSES:
        return _address_fault(name, value)
    return _parse_fault(name, value) if name in _PARSED else ""


def example_of(name: object) -> str:
    """The end of a sentence that shows how a text of the format ``name`` is written; empty where none is needed."""
    found = _EXAMPLES.get(name) if isinstance(name, str) else None
    return "" if found is None else f" (ISO 8601, such as {found})"


def _address_fault(name: str, value: str) -> str:
    import ipaddress  # of no use to a shell at its start

    kind, called = _ADDRESSES[name]
    try:
        getattr(ipaddress, kind)(value)
    except ValueError:
        return f"{shown(value)} is not a valid {called}"
    return ""


def _parse_fault(name: str, value: str) -> str:
    from pydantic_core import ValidationError

    try:
        # As JSON, because so the worker reads it; the words differ for values of Python.
        _parser(name).validate_json(json.dumps(value))
    except ValidationError as error:
        message = error.errors(include_url=False, include_context=False, include_input=False)[0]["msg"]
        rule = f" is not {message.removeprefix(_EXPECTED)}" if message.startswith(_EXPECTED) else f": {message}"
        return f"{shown(value)}{rule}{example_of(name)}"
    return ""


@functools.cache  # no more than there are formats
def _parser(name: str) -> SchemaValidator:
    from pydantic_core import SchemaValidator

    return SchemaValidator({"type": _PARSED[name]})

"""The arguments of a call as they are written to the audit log: masked first, and bounded.

Small ones are written as they are. Of large ones a preview is written, and the length and the digest of the whole: to find
these takes a walk through a megabyte of values, so it is done beside the event loop, and whoever cannot wait for it (a call
that is cancelled) writes the preview alone. All of it is made of the masked arguments: what is sensitive, or named like a
secret at any depth, is replaced before anything is cut, and a digest of a short secret could be guessed.

Source: security.md 3.5
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from matahari.validation import is_secret_name

from .records import ActionRequest, JsonValue

__all__ = [
    "MASK",
    "MAX_ARGUMENTS_BYTES",
    "PREVIEW",
    "are_large",
    "digested_arguments",
    "short",
    "written_arguments",
]

MASK: Final = "<hidden>"
MAX_ARGUMENTS_BYTES: Final = 4096  # so that a record stays one write and a caller cannot fill the disk with one call
MAX_TEXT: Final = 512  # of names and reasons, which a caller may choose
PREVIEW: Final = (
    512  # characters of the JSON text of large arguments: what they are can be seen, and a line stays short
)
_SLICE: Final = 16 * 1024  # characters of a text that are encoded at once: nobody else gets the interpreter meanwhile
_RUN: Final = 64  # values of a list that are encoded at once, for the same reason, and as many times faster
_SHORT: Final = 256  # characters of a text that may be one of them

#: Names that are like those of secrets, and alone mean what something is looked up by.
_LOOKED_UP_BY: Final = frozenset(("key", "keys"))

_encode: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode

_Container: TypeAlias = "list[JsonValue] | dict[str, JsonValue]"


def are_large(request: ActionRequest) -> bool:
    """Whether the arguments surely have more than ``MAX_ARGUMENTS_BYTES`` when they are written.

    It takes a bounded time. What it misses, because it is of numbers or of other than ASCII characters, is small enough
    to be encoded at once.
    """
    room = MAX_ARGUMENTS_BYTES
    levels: list[Iterator[JsonValue]] = [_parts(_masked(request))]
    while levels and room >= 0:
        for value in levels[-1]:
            match value:
                case str():
                    room -= len(value) + 2
                case int():
                    room -= value.bit_length() // 4
                case list():
                    room -= 2 * len(value) + 1  # a byte and a comma for each, before any is looked at
                    levels.append(iter(value))
                    break
                case dict():
                    room -= len(value) + 1
                    levels.append(_parts(_members(value)))
                    break
            if room < 0:
                break
        else:
            levels.pop()
    return room < 0


def written_arguments(request: ActionRequest) -> JsonValue:
    """What is written of them, found in a bounded time: themselves, or a preview."""
    if not request.arguments:
        return {}
    if are_large(request):
        return _preview(request)
    try:
        shown = {name: _finite(value) for name, value in _masked(request)}
        text = _encode(shown)
    except RecursionError:
        return _with_digest(request, "too deep")  # without recursion: to nest must be no way to have nothing written
    except (TypeError, ValueError) as error:
        return {"left_out": type(error).__name__}
    return shown if len(text) <= MAX_ARGUMENTS_BYTES else _with_digest(request)


def digested_arguments(request: ActionRequest) -> JsonValue:
    """As :func:`written_arguments`, with length and digest of large ones, however long that takes."""
    return _with_digest(request) if are_large(request) else written_arguments(request)


def short(text: str) -> str:
    """A name or a reason, cut where it is too long for a record."""
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


def _preview(request: ActionRequest, why: str = "too long") -> dict[str, JsonValue]:
    text = ""
    try:
        for piece in _pieces(request):
            text += piece
            if len(text) >= PREVIEW:
                break
    except (TypeError, ValueError) as error:
        return {"left_out": type(error).__name__}
    return {"left_out": why, "preview": text[:PREVIEW]}


def _with_digest(request: ActionRequest, why: str = "too long") -> dict[str, JsonValue]:
    found = _preview(request, why)
    digest, size = hashlib.sha256(), 0
    try:
        for piece in _pieces(request):
            digest.update(piece.encode("ascii"))
            size += len(piece)
    except (TypeError, ValueError) as error:
        return {"left_out": type(error).__name__}
    return {**found, "bytes": size, "sha256": digest.hexdigest()}


def _masked(request: ActionRequest) -> Iterator[tuple[str, JsonValue]]:
    hidden = request.sensitive
    return ((name, MASK if name in hidden else value) for name, value in _members(request.arguments))


def _members(values: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    """Names and values; authors forget to declare secrets, and some are inside of what is none."""
    return ((name, MASK if _is_secret(name[:MAX_TEXT]) else value) for name, value in values.items())


@functools.lru_cache(maxsize=1024)  # a megabyte of maps has few names, and each costs microseconds to look at
def _is_secret(name: str) -> bool:
    return is_secret_name(name) and name.lower() not in _LOOKED_UP_BY


def _parts(entries: Iterable[tuple[str, JsonValue]]) -> Iterator[JsonValue]:
    """Names and values in turn."""
    for name, value in entries:
        yield name
        yield value


def _finite(value: JsonValue) -> JsonValue:
    """As it is written. JSON has no infinity and no NaN; a reader of the log must not stumble over them."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case list():
            return [_finite(entry) for entry in value]
        case dict():
            return {name: _finite(entry) for name, entry in _members(value)}
    return value


def _pieces(request: ActionRequest) -> Iterator[str]:
    """The JSON text of the masked arguments in pieces, each found in a bounded time, however deep they nest."""
    levels: list[tuple[Iterator[str | _Container], str]] = [(_named(_masked(request)), "}")]
    yield "{"
    while levels:
        entries, end = levels[-1]
        for part in entries:
            if isinstance(part, str):
                yield part
                continue
            is_list = isinstance(part, list)
            yield "[" if is_list else "{"
            levels.append((_listed(part), "]") if isinstance(part, list) else (_named(_members(part)), "}"))
            break
        else:
            levels.pop()
            yield end


def _named(entries: Iterable[tuple[str, JsonValue]]) -> Iterator[str | _Container]:
    """Texts, and containers that stand for their own text, which together are the inside of an object."""
    separator = ""
    for name, value in entries:
        yield separator
        yield from _text(name)
        yield ":"
        separator = ","
        if isinstance(value, list | dict):
            yield value
        elif isinstance(value, str):
            yield from _text(value)
        else:
            yield _encode(_finite(value))


def _listed(values: list[JsonValue]) -> Iterator[str | _Container]:
    """The same of a list; values that are short come several at once."""
    separator = ""
    run: list[JsonValue] = []
    for value in values:
        if isinstance(value, list | dict) or (isinstance(value, str) and len(value) > _SHORT):
            if run:
                yield separator + _joined(run)
                separator, run = ",", []
            yield separator
            separator = ","
            if isinstance(value, str):
                yield from _text(value)
            else:
                yield value
            continue
        run.append(value)
        if len(run) == _RUN:
            yield separator + _joined(run)
            separator, run = ",", []
    if run:
        yield separator + _joined(run)


def _joined(values: list[JsonValue]) -> str:
    try:
        return _encode(values)[1:-1]
    except ValueError:  # there is an infinity among them, which is rare
        return _encode([_finite(value) for value in values])[1:-1]


def _text(text: str) -> Iterator[str]:
    if len(text) <= _SLICE:
        yield _encode(text)
        return
    yield '"'
    for start in range(0, len(text), _SLICE):
        yield _encode(text[start : start + _SLICE])[1:-1]
    yield '"'

"""Values, results and errors as text and as JSON records. Pure.

Text from the bus is made harmless before it reaches a terminal: control characters other than line break and tab are
shown as ``\\xNN``. ``--json`` escapes everything beyond ASCII, so that any locale can carry it.
"""

from __future__ import annotations

import json
import math
import unicodedata
import uuid
from collections.abc import Mapping, Sequence

from matahari.errors import MatahariError, RemoteError
from matahari.shell.base.outcome import CommandError
from matahari.shell.base.ports import ObjectLike, ObjectsLike, ResultLike
from matahari.shell.display.columns import columns_of, padded
from matahari.shell.syntax.lines import Line

__all__ = [
    "call_record",
    "error_lines",
    "failure_lines",
    "failure_record",
    "failure_text",
    "json_line",
    "object_record",
    "one_line",
    "printable",
    "value_lines",
    "value_record",
]

INDENT = "    "


def printable(text: str) -> str:
    """The text with control characters escaped, line breaks and tabs kept."""
    if text.isprintable():
        return text
    return "".join(char if char in "\n\t" or not _is_control(char) else _escaped(char) for char in text)


def one_line(name: str) -> str:
    """A name of the bus with line breaks and tabs escaped too: what follows a break would pass for another host's."""
    return printable(name).replace("\n", "\\x0a").replace("\t", "\\x09")


def _is_control(char: str) -> bool:
    # Cf holds the marks that reorder text on screen (a reversed host name), Cs lone surrogates that no stream encodes.
    return unicodedata.category(char) in ("Cc", "Cf", "Cs")


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def json_line(record: Mapping[str, object]) -> str:
    """One record of ``--json``: strict JSON in ASCII, without line breaks."""
    return json.dumps(_plain(record, strict=True), allow_nan=False)


def _plain(value: object, *, strict: bool) -> object:
    """The value in JSON's types: UUIDs and bytes as text; when ``strict``, NaN and infinities as null."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return int(value)
        case float():
            return value if math.isfinite(value) or not strict else None
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case uuid.UUID():
            return str(value)
        case Mapping():
            return {str(key): _plain(item, strict=strict) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item, strict=strict) for item in value]
        case _:
            return str(value)


def value_lines(label: str, value: object, width: int = 0) -> list[str]:
    """``LABEL: value`` for people: text as it is (indented below the label when it has several lines), else JSON.

    Args:
        label: harmless text.
        width: columns of the widest label beside it, so that the values of all begin in one column.
    """
    plain = _plain(value, strict=False)
    return _labelled(label, plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False), width)


def _labelled(label: str, text: str, width: int, mark: str = "") -> list[str]:
    lines = printable(text).rstrip("\n").split("\n")
    if len(lines) == 1:
        return [f"{padded(f'{label}:', width + 1)} {mark}{lines[0]}".rstrip(" ")]
    return [f"{label}:", *(f"{INDENT}{mark}{line}".rstrip(" ") for line in lines)]


def failure_text(error: MatahariError | None) -> str:
    """What went wrong, for people; the type of a remote exception in front unless the text names it.

    What an agent of ours found itself (a full queue, a result that is too large) is no exception of anybody.
    """
    if error is None:
        return "no answer"
    text = str(error) or type(error).__name__
    remote_type = error.remote_type if isinstance(error, RemoteError) and error.kind in ("", "raised") else ""
    return text if not remote_type or text.startswith(remote_type) else f"{remote_type}: {text}"


def failure_lines(label: str, error: MatahariError | None, width: int = 0, *, debug: bool) -> list[str]:
    """``LABEL: % error``, as :func:`value_lines`, and the remote traceback below it when ``debug``."""
    lines = _labelled(label, failure_text(error), width, mark="% ")
    if debug and isinstance(error, RemoteError) and error.remote_traceback:
        lines += [f"{INDENT}{line}" for line in printable(error.remote_traceback).rstrip("\n").split("\n")]
    return lines


def object_record(objects: ObjectsLike, found: ObjectLike | None = None) -> dict[str, object]:
    """The keys that every record about an object has; all but the class are empty without one."""
    class_name = f"{objects.class_name.package}:{objects.class_name.name}"
    if found is None:
        return {"host": "", "agent": "", "class": class_name, "object": ""}
    return {"host": found.host, "agent": found.agent, "class": class_name, "object": found.name}


def call_record(
    objects: ObjectsLike, result: ResultLike, *, name: str, debug: bool, is_timed: bool = True
) -> dict[str, object]:
    """The record of one result of a call, a write or a read; ``name`` is the method or property."""
    outcome = value_record(result.value) if result.ok else failure_record(result.error, debug=debug)
    record = {**object_record(objects, result.object), "name": name, **outcome}
    if result.mismatch:
        record["mismatch"] = result.mismatch
    return {**record, "duration": round(result.duration, 6)} if is_timed else record


def value_record(value: object) -> dict[str, object]:
    """The keys that tell a success."""
    return {"ok": True, "value": value, "error": None}


def failure_record(error: MatahariError | None, *, debug: bool) -> dict[str, object]:
    """The keys that tell a failure."""
    return {"ok": False, "value": None, "error": _error_record(error, debug=debug)}


def _error_record(error: MatahariError | None, *, debug: bool) -> dict[str, object]:
    if error is None:
        return {"code": "request", "text": "no answer", "type": ""}
    remote_type = error.remote_type if isinstance(error, RemoteError) else ""
    record: dict[str, object] = {"code": error.code, "text": str(error), "type": remote_type or type(error).__name__}
    if isinstance(error, RemoteError) and error.kind:
        record["kind"] = error.kind
    if debug and isinstance(error, RemoteError):
        record["traceback"] = error.remote_traceback
    return record


def error_lines(error: MatahariError, line: Line | None = None) -> list[str]:
    """The ``% `` lines for an error; a fault with a column is pointed at, below the line it is in.

    Args:
        error: what went wrong.
        line: the command that was typed, None when there is none to show.
    """
    if not isinstance(error, CommandError):
        return [f"% {text}" for text in printable(str(error)).split("\n")]
    lines = [printable(text) for text in error.lines]
    if line is not None and line.source and error.position is not None:
        lines = _with_pointer(lines, line, error.position)
    return [f"% {text}".rstrip() for text in lines]


def _with_pointer(lines: Sequence[str], line: Line, position: int) -> list[str]:
    source = printable(line.source)
    start, end = line.span
    # A tab is as wide there as in the line above.
    before = printable(line.text[start:position]).split("\t")
    pointer = "\t".join(" " * columns_of(part) for part in before) + "^"
    if position > end:
        pointer = " " * (columns_of(source) + 1) + "^"
    shown_at = lines[0].find(f'"{source}"')
    if shown_at >= 0:
        return [lines[0], " " * (shown_at + 1) + pointer, *lines[1:]]
    return [*lines, INDENT + source, INDENT + pointer]

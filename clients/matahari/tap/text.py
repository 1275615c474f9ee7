"""Text of peers made harmless, and cut to the columns of a terminal. Pure."""

from __future__ import annotations

import unicodedata
from uuid import UUID

from matahari.qmf import Value
from matahari.qmf import text as text_of

__all__ = ["compact", "cut", "harmless", "width"]

_ELLIPSIS = "…"
_MARKS = 8  # characters for one column at most: a tower of combining marks is cut like anything else
_DANGEROUS = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, marks that reorder text, lone surrogates, line separators


def harmless(text: str) -> str:
    """The text on one line, with whatever could move a cursor or reorder text shown as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if unicodedata.category(char) not in _DANGEROUS else _escaped(char) for char in text)


def width(text: str) -> int:
    """Columns that a terminal gives the text: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def cut(text: str, columns: int) -> str:
    """The text, shortened to ``columns`` with an ellipsis at its end where it is longer."""
    if len(text) <= columns * _MARKS and width(text) <= columns:
        return text
    room = max(0, columns - 1)
    kept: list[str] = []
    for char in text[: columns * _MARKS]:
        room -= _columns(char)
        if room < 0:
            return "".join(kept) + _ELLIPSIS
        kept.append(char)
    return "".join(kept) + _ELLIPSIS


def compact(value: Value, limit: int) -> str:
    """The value as short JSON-like text of about ``limit`` characters at most, made harmless.

    Binary that is UTF-8 counts as text, other binary is shown as ``b"…"`` in hex. What lies beyond the limit is not
    rendered at all: a large body must not cost more than the line it is shown on.
    """
    parts: list[str] = []
    _Renderer(parts, limit).add(value)
    return "".join(parts)


class _Renderer:
    """Appends to ``parts`` until ``room`` is used up."""

    def __init__(self, parts: list[str], room: int) -> None:
        self._parts = parts
        self._room = room

    def add(self, value: Value) -> None:
        """One value with all that is in it."""
        if isinstance(value, dict):
            self._put("{")
            for number, (key, item) in enumerate(value.items()):
                if self._room <= 0:
                    break
                self._put((", " if number else "") + harmless(key[: self._room + 1]) + "=")
                self.add(item)
            self._put("}")
        elif isinstance(value, list):
            self._put("[")
            for number, item in enumerate(value):
                if self._room <= 0:
                    break
                if number:
                    self._put(", ")
                self.add(item)
            self._put("]")
        else:
            self._put(_scalar(value, self._room))

    def _put(self, text: str) -> None:
        if self._room <= 0:
            return
        if len(text) > self._room:
            text = text[: self._room] + _ELLIPSIS
        self._room -= len(text)
        self._parts.append(text)


def _scalar(value: Value, room: int) -> str:
    if isinstance(value, bytes):
        said = text_of(value)
        return f'b"{value[: room + 1].hex()}"' if said is None else _quoted(harmless(said[: room + 1]))
    if isinstance(value, str):
        return _quoted(harmless(value[: room + 1]))
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, UUID):
        return str(value)
    return str(value)


def _quoted(text: str) -> str:
    """In the quotes that it does not hold itself, so that JSON within text stays readable."""
    if '"' not in text:
        return f'"{text}"'
    return f"'{text}'" if "'" not in text else '"' + text.replace('"', '\\"') + '"'


def _columns(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _escaped(char: str) -> str:
    if char == "\n":
        return "\\n"
    if char == "\t":
        return "\\t"
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

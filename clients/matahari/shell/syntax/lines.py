"""Split typed text into commands and words, remembering where each word stood.

Rules, all of them here:

- Blanks separate words, ``;`` separates commands, ``#`` where a word could begin starts a comment.
- ``'...'`` keeps everything as it is. ``"..."`` knows JSON's escapes (``\\"``, ``\\n``, ``\\u00e9``); a backslash before
  anything else stays. Outside quotes a backslash takes the next character literally.
- ``[`` and ``{`` where a word begins, or right after the ``=`` of ``name=``, open JSON that reaches to the matching
  bracket, blanks and quotes included: ``[1, 2]`` and ``x={"a": 1}`` are one word each.
- ``|`` is a pipe where it is a whole word by itself: blanks, ``;`` or the line's ends on both sides, nothing of it
  quoted or escaped, outside JSON, and, behind ``select host`` and ``select hosts``, outside a ``/.../`` that is closed
  in the same command. What follows a pipe is a stage, up to the next pipe or the end of the command. Every other ``|``
  is text.

Text with line breaks is split into lines by the caller: a quote never reaches over the end of a line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from typing import NamedTuple

from matahari.errors import FilterSyntaxError

__all__ = ["NAME_BEFORE_VALUE", "PIPE", "Line", "Stage", "Word", "quote", "scan", "split"]

PIPE = "|"

_JSON_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_CLOSING = {"[": "]", "{": "}"}
NAME_BEFORE_VALUE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_PLAIN_WORD = re.compile(r"[^\s'\"\\;#\[{][^\s'\"\\;]*")
_FILTER_WORDS = ("select", "hosts")  # or what begins them: behind these stands a filter
# Quoted text, a regular expression where a word of a filter may begin, or any other character.
_FILTER_PIECE = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|(?<![^\s(),=<>~])/(?:\\.|[^/\\])*/|.""")
_HEX4 = re.compile(r"[0-9a-fA-F]{4}")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command.

    Attributes:
        text: the word with quotes and escapes resolved; JSON in brackets is kept as typed.
        start: column of its first character in the line, 0-based.
        end: column after its last character.
        quoted_at: index into ``text`` of the first character that was quoted or escaped, -1 for none. A quoted word is
            text, never a keyword abbreviation, JSON or ``name=value``.
        source: the word as it was typed, for commands that have quotes of their own.
    """

    text: str
    start: int
    end: int
    quoted_at: int = -1
    source: str = field(default="", compare=False, repr=False)

    @property
    def is_quoted(self) -> bool:
        """True when any part was quoted or escaped."""
        return self.quoted_at >= 0


class Stage(NamedTuple):
    """One stage of a pipe: the column of the ``|`` in front of it, and its words, which may be none."""

    pipe: int
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One command of a line of text, with the stages of a pipe that its answers go through.

    Attributes:
        text: the whole line that the columns of the words refer to.
        words: the command's words, empty for an empty command or a comment, and where nothing stands before a pipe.
        start: column where the command's part of the line begins.
        end: column after it.
        unfinished: what was still open at the end (``"``, ``'``, ``[``, ``{``, ``\\``), empty when complete.
        opened_at: column where that began.
        open_word: True when the text ends inside or right behind the last word, so that completion works on that word.
        stages: what follows the command behind pipes, in order.
    """

    text: str
    words: tuple[Word, ...]
    start: int
    end: int
    unfinished: str = ""
    opened_at: int = 0
    open_word: bool = False
    stages: tuple[Stage, ...] = ()

    @property
    def span(self) -> tuple[int, int]:
        """Columns where the command begins and behind which it ends, stages included, blanks and comment left out."""
        edges = [edge for word in self.words for edge in (word.start, word.end)]
        for stage in self.stages:
            edges += [stage.pipe, stage.pipe + len(PIPE), *(word.end for word in stage.words)]
        return (edges[0], edges[-1]) if edges else (self.start, self.start)

    @property
    def source(self) -> str:
        """The command and its stages as typed, without surrounding blanks and comment."""
        start, end = self.span
        return self.text[start:end]


class _Scanner:
    """One pass over one line; :func:`scan` is its only user."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.unfinished = ""
        self.opened_at = 0

    def open(self, what: str, column: int) -> None:
        self.unfinished = what
        self.opened_at = column

    def word(self) -> Word:
        start = self.at
        parts: list[str] = []
        length = 0
        quoted_at = -1

        def add(piece: str, *, literal: bool) -> None:
            nonlocal length, quoted_at
            if literal and quoted_at < 0:
                quoted_at = length
            parts.append(piece)
            length += len(piece)

        while self.at < len(self.text):
            char = self.text[self.at]
            if char.isspace() or char == ";":
                break
            if char == "'":
                add(self._single(), literal=True)
            elif char == '"':
                add(self._double(), literal=True)
            elif char == "\\":
                add(self._escape(), literal=True)
            elif char in _CLOSING and quoted_at < 0 and self._may_open(start):
                add(self._brackets(), literal=False)
            else:
                add(char, literal=False)
                self.at += 1
        return Word("".join(parts), start, self.at, quoted_at, self.text[start : self.at])

    def _may_open(self, start: int) -> bool:
        before = self.text[start : self.at]
        return not before or NAME_BEFORE_VALUE.fullmatch(before) is not None

    def _single(self) -> str:
        opened = self.at
        close = self.text.find("'", opened + 1)
        if close < 0:
            self.open("'", opened)
            self.at = len(self.text)
            return self.text[opened + 1 :]
        self.at = close + 1
        return self.text[opened + 1 : close]

    def _double(self) -> str:
        opened = self.at
        self.at += 1
        pieces: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                return "".join(pieces)
            if char == "\\" and self.at + 1 < len(self.text):
                pieces.append(self._json_escape())
            else:
                pieces.append(char)
                self.at += 1
        self.open('"', opened)
        return "".join(pieces)

    def _json_escape(self) -> str:
        follower = self.text[self.at + 1]
        if follower == "u" and (digits := _HEX4.match(self.text, self.at + 2)):
            self.at += 6
            return chr(int(digits.group(), 16))
        self.at += 2
        return _JSON_ESCAPES.get(follower, "\\" + follower)

    def _escape(self) -> str:
        if self.at + 1 >= len(self.text):
            self.open("\\", self.at)
            self.at += 1
            return ""
        self.at += 2
        return self.text[self.at - 1]

    def _brackets(self) -> str:
        opened = self.at
        expected: list[str] = []
        in_string = False
        while self.at < len(self.text):
            char = self.text[self.at]
            if in_string:
                if char == "\\":
                    self.at += 1  # the escaped character cannot end the string
                elif char == '"':
                    in_string = False
            elif char == '"':
                in_string = True
            elif char in _CLOSING:
                expected.append(_CLOSING[char])
            elif char in "]}" and expected.pop() != char:
                # Not JSON whatever follows: end the word here, the value's converter says what is wrong with it.
                self.at += 1
                return self.text[opened : self.at]
            self.at += 1
            if not expected:
                return self.text[opened : self.at]
        self.at = len(self.text)
        self.open(self.text[opened], opened)
        return self.text[opened:]


def scan(text: str) -> list[Line]:
    """Split one line into its commands, tolerating what is not finished yet (for completion).

    Args:
        text: one line without its line break; any characters.

    Returns:
        At least one command; the last one is where the cursor would be. Never raises.
    """
    scanner = _Scanner(text)
    lines: list[Line] = []
    words: list[Word] = []
    start = 0
    while scanner.at < len(text):
        char = text[scanner.at]
        if char.isspace():
            scanner.at += 1
        elif char == ";":
            lines.append(_line(text, words, start, scanner.at))
            words = []
            scanner.at += 1
            start = scanner.at
        elif char == "#":
            lines.append(_line(text, words, start, scanner.at))
            return lines
        else:
            words.append(scanner.word())
    last = _line(text, words, start, len(text))
    open_word = bool(words) and words[-1].end == len(text)
    lines.append(replace(last, unfinished=scanner.unfinished, opened_at=scanner.opened_at, open_word=open_word))
    return lines


def _line(text: str, words: Sequence[Word], start: int, end: int) -> Line:
    """The command with these words, parted at its pipes."""
    pipes = [at for at, word in enumerate(words) if word.source == PIPE]
    if pipes and _takes_filter(words):
        pieces = [found.span() for found in _FILTER_PIECE.finditer(text, words[1].end, end)]
        inside = {at for opened, closed in pieces for at in range(opened + 1, closed)}
        # Only what stands before the first pipe is the filter's.
        pipes = list(dropwhile(lambda at: words[at].start in inside, pipes))
    if not pipes:
        return Line(text, tuple(words), start, end)
    stages = tuple(
        Stage(words[at].start, tuple(words[at + 1 : following]))
        for at, following in zip(pipes, [*pipes[1:], None], strict=True)
    )
    return Line(text, tuple(words[: pipes[0]]), start, end, stages=stages)


def _takes_filter(words: Sequence[Word]) -> bool:
    return len(words) > len(_FILTER_WORDS) and all(
        word.text and meant.startswith(word.text) for word, meant in zip(words, _FILTER_WORDS, strict=False)
    )


def split(text: str) -> list[Line]:
    """Split one line into its commands, without the empty ones; one with stages only is the caller's to refuse.

    Raises:
        FilterSyntaxError: a quote, bracket or escape is not finished; ``position`` is where it began.
    """
    lines = scan(text)
    last = lines[-1]
    if last.unfinished:
        what = {"'": "Unclosed quote", '"': "Unclosed quote", "\\": "Nothing follows the backslash"}
        message = what.get(last.unfinished, f"Unclosed {last.unfinished}")
        raise FilterSyntaxError(message, text=text, position=last.opened_at)
    return [line for line in lines if line.words or line.stages]


def quote(text: str) -> str:
    """Write ``text`` so that :func:`split` reads it back as one word."""
    if _PLAIN_WORD.fullmatch(text) and not _opens_brackets(text) and text != PIPE:
        return text
    if "'" not in text and text.isprintable():
        return f"'{text}'"
    pieces: list[str] = []
    for char in text:
        if char in '"\\':
            pieces.append("\\" + char)
        elif char.isprintable() or ord(char) > 0xFFFF:
            pieces.append(char)
        else:
            pieces.append(f"\\u{ord(char):04x}")
    return '"' + "".join(pieces) + '"'


def _opens_brackets(text: str) -> bool:
    match = NAME_BEFORE_VALUE.match(text)
    return match is not None and text[match.end() : match.end() + 1] in ("[", "{")

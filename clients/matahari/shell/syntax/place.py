"""Where the cursor of a line is: behind which words, in which word. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from matahari.shell.syntax.lines import Line, Word, scan

__all__ = ["Place", "place_of"]


@dataclass(frozen=True, slots=True)
class Place:
    """The place of the cursor in the last command of a line, or in the last stage of its pipe.

    Attributes:
        words: whole words of the command or stage before it.
        word: what is typed of the word at it; empty where none is begun.
        start: column where that word begins.
        unfinished: the quote, bracket or backslash that is still open there, empty for none.
        is_in_pipe: the words are those of a stage.
    """

    words: tuple[Word, ...]
    word: Word
    start: int
    unfinished: str = ""
    is_in_pipe: bool = False


def place_of(before_cursor: str) -> Place | None:
    """The place at the end of a line's text up to the cursor; None in a comment."""
    line = scan(before_cursor)[-1]
    words = line.stages[-1].words if line.stages else line.words
    is_in_pipe = bool(line.stages)
    if (line.open_word or line.unfinished) and words:
        return Place(words[:-1], words[-1], words[-1].start, line.unfinished, is_in_pipe)
    if _is_in_comment(before_cursor, line):
        return None
    end = len(before_cursor)
    return Place(words, Word("", end, end), end, "", is_in_pipe)


def _is_in_comment(text: str, line: Line) -> bool:
    return text[line.span[1] :].lstrip().startswith("#")

"""What the first words of a command say before it is known which command it is. Pure."""

from __future__ import annotations

from dataclasses import replace

from matahari.shell.syntax.lines import Line, scan

__all__ = ["is_select", "with_help_word"]


def with_help_word(line: Line) -> Line:
    """The command with ``help`` for ``?``."""
    first = line.words[0]
    if first.text != "?" or first.is_quoted:
        return line
    return replace(line, words=(replace(first, text="help"), *line.words[1:]))


def is_select(line: Line) -> bool:
    """Whether the line begins with ``select`` or ``no``, which takes it back, also in short or behind ``time``.

    ``se`` may have been meant for ``set``; then what follows is left alone too.
    """
    first = line.words[0].text if line.words else ""
    if first in ("n", "no") or (len(first) > len("s") and "select".startswith(first)):
        return True
    is_wrapped = first != "" and ("time".startswith(first) or "watch".startswith(first))
    return is_wrapped and any(is_select(inner) for word in line.words[1:] for inner in scan(word.text))

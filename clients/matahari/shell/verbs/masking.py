"""Typed lines as they are shown again: by an echo, by ``watch``, by an error. Pure.

Imported when one is shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Protocol

from matahari.errors import MatahariError
from matahari.shell.base.outcome import CommandError, status_of
from matahari.shell.base.ports import ObjectsLike
from matahari.shell.display.secrets import MASK
from matahari.shell.syntax.leading import is_select
from matahari.shell.syntax.lines import NAME_BEFORE_VALUE, Line, Word, scan
from matahari.shell.verbs.sensitive import SensitiveMethods

__all__ = ["masked_ahead", "masked_error"]


class Shell(Protocol):
    """Where lines are run: the session."""

    objects: ObjectsLike | None
    sensitive: SensitiveMethods | None


def masked_ahead(shell: Shell, text: str) -> str:
    """A line that is about to be run.

    It may select something else first, and may call what came after the selection: of that nothing is known yet, and
    all arguments may be secret.
    """
    known: set[str] = set()
    if shell.objects is not None and not any(map(is_select, scan(text))):
        known = _names(shell.objects)
    masked = _methods(shell).masked(text, known=known)
    return text if masked is None else masked


def masked_error(shell: Shell, error: MatahariError, line: Line) -> tuple[MatahariError, Line]:
    """An error about a command, and that command.

    Of what may be secret in the command nothing stands in the text of the error either: whole words are hidden there.
    """
    at = _methods(shell).first_in(line, known=() if shell.objects is None else None)
    if at is None:
        return error, line
    shown = _until(line, at)
    if not isinstance(error, CommandError):
        text = _without(str(error), line, at)
        return error if text == str(error) else CommandError(text, status=status_of(error)), shown
    lines = [text.replace(line.source, shown.source) for text in error.lines]
    position = None
    if error.position is not None:  # what is about no place of the line, as a question, shows arguments in its own way
        lines = [_without(text, line, at) for text in lines]
        is_of_stage = bool(line.stages) and error.position >= line.stages[0].pipe > at
        position = None if is_of_stage else min(error.position, at)
    made = CommandError(*lines, position=position, status=error.status)
    return made.with_traceback(error.__traceback__), shown


def _methods(shell: Shell) -> SensitiveMethods:
    if shell.sensitive is None:
        shell.sensitive = SensitiveMethods()
    if shell.objects is not None:
        shell.sensitive.meet(shell.objects)
    return shell.sensitive


def _until(line: Line, at: int) -> Line:
    mask = Word(MASK, at, at + len(MASK), source=MASK)
    words = (*(word for word in line.words if word.end <= at), mask)
    return replace(line, text=line.text[:at] + MASK, words=words, end=mask.end, stages=(), unfinished="")


def _without(text: str, line: Line, at: int) -> str:
    stages = [stage.words for stage in line.stages]
    if line.words and at < line.words[-1].end:  # the call is in front of the pipe: what names a stage is no argument
        stages = [words[1:] for words in stages]
    words = [*line.words, *chain.from_iterable(stages)]
    secrets = {_value(word) for word in words if word.end > at}
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
    return text


def _value(word: Word) -> str:
    """What of a word may be secret: the name in front of a value tells what is wrong, and is none."""
    name = NAME_BEFORE_VALUE.match(word.text)
    return word.text[name.end() :] if name else word.text


def _names(objects: ObjectsLike) -> set[str]:
    names = {method.name for method in objects.methods}
    for item in objects:
        methods = item.values.get("methods")
        names |= {str(name) for name in methods} if isinstance(methods, Mapping) else set()
    return names

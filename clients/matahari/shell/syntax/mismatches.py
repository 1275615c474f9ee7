"""Why a line is no command of its mode: what was expected instead, at which column, and what may have been meant. Pure.

Imported after a mistake.

Source: matahari-2012.md 15.5 (groups), 15.7 (texts of errors)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.syntax.grammar import MissingWordsError, RefusedWordError
from matahari.shell.syntax.lines import PIPE, Line, Word
from matahari.shell.syntax.values import close_matches, not_found

if TYPE_CHECKING:
    from matahari.shell.syntax.commands import Command

__all__ = ["ambiguous", "ambiguous_group", "nothing_fits", "only_failure", "pipe_hint"]

MAX_SHOWN = 8  # candidates in an error; more would drive the reason off the screen
MAX_MISSING = 3  # lines about what may come next; more would only be the candidates once more


def ambiguous(word: Word, fits: Sequence[str]) -> CommandError:
    """Several first words begin so."""
    return CommandError(f'Ambiguous command: "{word.text}" begins {", ".join(fits)}', position=word.start)


def ambiguous_group(line: Line, commands: Sequence[Command]) -> CommandError:
    """Several commands fit; the column is that of the first word which they read in different ways."""
    candidates = [f"    {command.text}" for command in commands]
    readings = zip(line.words, *(command.syntax for command in commands), strict=False)
    position = next((word.start for word, *elements in readings if any(one != elements[0] for one in elements)), None)
    return CommandError(f'Ambiguous Command: "{line.source}"', "Candidates are:", *candidates, position=position)


def nothing_fits(line: Line, group: Sequence[Command], failures: Sequence[CommandError], *, more: str) -> CommandError:
    """No command of a group fits; the reasons are those of the candidates that came furthest.

    Args:
        failures: why each command of the group does not fit.
        more: what lists all of them.
    """
    furthest = max(_column(error) for error in failures)
    deepest = [error for error in failures if _column(error) == furthest]
    reasons = list(dict.fromkeys(_reasons(deepest)))
    status = next((error.status for error in deepest if error.status is not ExitStatus.USAGE), ExitStatus.USAGE)
    candidates = [one for one in zip(group, failures, strict=True) if not one[0].is_hidden]
    left_out = max(0, len(candidates) - MAX_SHOWN)
    if left_out:  # those that fit best come first; the sort keeps the order otherwise
        candidates = sorted(candidates, key=lambda one: -_column(one[1]))[:MAX_SHOWN]
    return CommandError(
        f'Invalid Command: "{line.source}"',
        *reasons,
        *(hint for word in line.words if word.start == furthest for hint in pipe_hint(word)),
        *(["Candidates are:"] if candidates else []),
        *(f"    {command.text}" for command, _ in candidates),
        *([f"    … and {left_out} more: {more}"] if left_out else []),
        position=furthest,
        status=status,
    )


def _reasons(deepest: Sequence[CommandError]) -> Iterable[str]:
    """Why the candidates that came furthest refuse; wrong keywords are one reason together, and so are missing members."""
    members: dict[str, list[str]] = {}
    for error in deepest:
        if isinstance(error, RefusedWordError) and error.keyword is not None:
            members.setdefault(error.keyword.noun, []).append(error.keyword.word)
    for noun, known in members.items():
        word = next(error.word for error in deepest if isinstance(error, RefusedWordError))
        if noun:
            yield str(not_found(noun, word.text, known))
        elif close := close_matches(word.text, known):
            yield f"Invalid keyword '{word.text}'; did you mean {', '.join(close)}?"
        else:
            yield f"Invalid keyword '{word.text}'"
    yield from _missing([error for error in deepest if isinstance(error, MissingWordsError)])
    for error in deepest:
        if isinstance(error, RefusedWordError):
            if error.keyword is None:
                yield error.reason
        elif not isinstance(error, MissingWordsError):
            yield error.lines[0]


def pipe_hint(word: Word) -> list[str]:
    """What to do when a pipe was meant in a word that is none, else nothing."""
    before, pipe, behind = word.source.partition(PIPE)
    if not pipe or word.is_quoted or not (before + behind).strip(PIPE):
        return []
    return [f"A pipe has blanks around it: {before} {PIPE} {behind}".replace(":  ", ": ").rstrip()]


def only_failure(error: CommandError, words: Sequence[Word]) -> CommandError:
    """Why the only command does not fit, and what to do where a pipe was meant."""
    hints = [hint for word in words if word.start == error.position for hint in pipe_hint(word)]
    return CommandError(*error.lines, *hints, position=error.position, status=error.status) if hints else error


def _missing(errors: Sequence[MissingWordsError]) -> Iterable[str]:
    """What may come next, as far as the candidates do not say it all the better."""
    nouns = Counter(error.noun for error in errors)
    texts = dict.fromkeys(
        f"a {error.noun.lower()}" if error.noun and nouns[error.noun] > 1 else f"'{error.missing}'" for error in errors
    )
    if len(texts) > MAX_MISSING:
        yield "Missing arguments: one of those below"
    else:
        yield from (f"Missing arguments: {text}" for text in texts)


def _column(error: CommandError) -> int:
    return -1 if error.position is None else error.position

"""Options with a dash in commands of the shell, as programs have them: ``watch -n 5 list hosts``. Pure.

A grammar of groups would fix their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from matahari.errors import MatahariError
from matahari.shell.base.outcome import CommandError
from matahari.shell.syntax.lines import Word
from matahari.shell.syntax.values import Converter

__all__ = ["Flag", "complete_flags", "read_flags"]

_LENGTH = 2  # of a flag: a dash and a letter


@dataclass(frozen=True, slots=True)
class Flag:
    """An option with a value.

    Attributes:
        flag: a dash and a letter.
        name: of the value, for messages.
    """

    flag: str
    name: str
    converter: Converter


def read_flags(
    words: Sequence[Word], flags: Sequence[Flag], *, anywhere: bool = False
) -> tuple[dict[str, object], Sequence[Word]]:
    """Take the options from the words of a command.

    Args:
        words: what stands behind the command.
        anywhere: they may also stand behind other words; else the first other word ends them.

    Returns:
        Values by flag, of those that were given; and the words that are left.

    Raises:
        CommandError: there is no such option, or its value is missing or is none.
    """
    found: dict[str, object] = {}
    left: list[Word] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if not _is_flag(word):
            left.append(word)
            if not anywhere:
                break
            continue
        flag = next((one for one in flags if one.flag == word.text[:_LENGTH]), None)
        if flag is None:
            offered = " and ".join(f"{one.flag} {one.name}" for one in flags)
            raise CommandError(f"There is no option '{word.text}' here, only {offered}", position=word.start)
        if len(word.text) > _LENGTH:
            value = replace(word, text=word.text[_LENGTH:], start=word.start + _LENGTH)
        elif waiting:
            value = waiting.pop(0)
        else:
            raise CommandError(f"Missing arguments: '{flag.name}'", position=word.end + 1)
        try:
            found[flag.flag] = flag.converter.convert(value, {})
        except MatahariError as error:
            raise CommandError(f"Invalid argument value ({error})", position=value.start) from error
    return found, [*left, *waiting]


def complete_flags(
    words: Sequence[Word], fragment: str, flags: Sequence[Flag], *, anywhere: bool = False
) -> tuple[list[str], Sequence[Word] | None]:
    """Continuations of ``fragment`` as an option or as the value of one.

    Returns:
        These, and the other words in front of it; None where nothing else can stand.
    """
    if words and _is_flag(words[-1]) and len(words[-1].text) == _LENGTH:
        before, flag = words[:-1], next((one for one in flags if one.flag == words[-1].text), None)
        if flag is not None and _reads(before, flags, anywhere=anywhere) is not None:
            return flag.converter.complete(fragment, {}), None
    read = _reads(words, flags, anywhere=anywhere)
    if read is None:
        return [], None
    found, left = read
    offered = [] if left and not anywhere else [one.flag for one in flags if one.flag not in found]
    return [f"{flag} " for flag in offered if flag.startswith(fragment)], left


def _reads(
    words: Sequence[Word], flags: Sequence[Flag], *, anywhere: bool
) -> tuple[dict[str, object], Sequence[Word]] | None:
    try:
        return read_flags(words, flags, anywhere=anywhere)
    except CommandError:
        return None  # nothing completes behind what is wrong


def _is_flag(word: Word) -> bool:
    return word.text.startswith("-") and len(word.text) > 1 and not word.is_quoted

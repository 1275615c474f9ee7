"""Arguments by name for methods of classes that are no plugins: their schemas tell names and types. Pure.

As for plugins ``name=value`` is a named argument, with a name that the method has not a mistake, and text in quotes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matahari.errors import MatahariError
from matahari.shell.base.outcome import CommandError
from matahari.shell.base.ports import PropertyLike
from matahari.shell.syntax.arguments import IN_QUOTES, given_name
from matahari.shell.syntax.lines import Word
from matahari.shell.syntax.values import close_matches, converter_for

__all__ = ["read_named"]


def read_named(
    method: str, arguments: Sequence[PropertyLike], words: Sequence[Word]
) -> tuple[list[object], dict[str, object]]:
    """Values by position and by name, of the types that the schema has.

    Args:
        arguments: those that the method takes, in order.

    Raises:
        CommandError: a name is none of these or given twice, there are too many values, or one does not fit.
    """
    known = {one.name: one for one in arguments}
    args: list[object] = []
    named: dict[str, object] = {}
    for word in words:
        name = given_name(word)
        if not name:
            if len(args) == len(arguments):
                raise CommandError(f"Excess arguments: '{word.text}'", position=word.start)
            args.append(_value(arguments[len(args)], word, word.start))
        elif name not in known:
            close = close_matches(name, list(known))
            hint = (
                f"did you mean {' or '.join(map(repr, close))}?" if close else f"it takes {', '.join(known)}{IN_QUOTES}"
            )
            raise CommandError(f"{method} has no argument {name!r}; {hint}", position=word.start)
        elif name in named:
            raise CommandError(f'Argument "{name}" is given twice', position=word.start)
        else:
            at = len(name) + 1
            value = replace(word, text=word.text[at:], quoted_at=word.quoted_at - at if word.is_quoted else -1)
            named[name] = _value(known[name], value, word.start + at)
    for at, one in enumerate(arguments[: len(args)]):
        if one.name in named:
            word = [word for word in words if not given_name(word)][at]
            raise CommandError(f'Argument "{one.name}" is given twice', position=word.start)
    return args, named


def _value(argument: PropertyLike, word: Word, position: int) -> object:
    try:
        return converter_for(argument).convert(word, {})
    except MatahariError as error:
        raise CommandError(f"Invalid argument value ({error})", position=position) from error

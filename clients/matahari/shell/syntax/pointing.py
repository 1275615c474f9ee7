"""Where on the line the argument is that a plugin's method does not take. Pure.

The check names the argument, as it does for every caller; only the shell has a line to point at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matahari.errors import MatahariError
from matahari.shell.base.outcome import CommandError
from matahari.shell.base.ports import ObjectsLike
from matahari.shell.syntax.arguments import Parameters, entries_of, names_of, parameters_of
from matahari.shell.syntax.lines import NAME_BEFORE_VALUE, Word

__all__ = ["pointed"]


def pointed(error: MatahariError, words: Sequence[Word], objects: ObjectsLike, method: str) -> MatahariError:
    """The same refusal with the column of the argument that it is about.

    It stays as it is where that is not known.

    Args:
        error: what the check of the arguments says, before anything was sent.
        words: the arguments as typed.
    """
    parameters = parameters_of(objects, method)
    if parameters is None:
        return error
    has_secret = any(entry.get("sensitive") for entry in entries_of(objects, method))
    text = str(error)
    name = f"{objects.class_name.name}.{method}"
    for fault, position in _faults(words, parameters):
        if text.startswith(f"{name}{fault}"):
            # What was typed is not repeated where it may be secret; the line is masked by whoever shows it.
            hints = () if has_secret else _misnamed(words, position, parameters)
            return CommandError(*text.split("\n"), *hints, position=position)
    return error


def _misnamed(words: Sequence[Word], position: int, parameters: Parameters) -> Iterator[str]:
    """What to say where the word that does not fit looks like an argument by name, and none is given by that name."""
    for word in words:
        before = NAME_BEFORE_VALUE.match(word.source)
        if word.start != position or before is None or before[0][:-1] in parameters.named:
            continue
        name, value = before[0][:-1], word.source[before.end() :]
        if name in parameters.positional:
            yield f"{name!r} is given by position: write {value} instead of {word.source}"
        else:
            yield f"There is no argument {name!r}; there are {', '.join(parameters.named) or 'none by name'}"


def _faults(words: Sequence[Word], parameters: Parameters) -> Iterator[tuple[str, int]]:
    """How each possible fault is told, behind the name of the method, and where it is."""
    by_position: list[Word] = []
    for word, name in zip(words, names_of(words, parameters), strict=True):
        before = NAME_BEFORE_VALUE.match(word.source)
        by_name = name in parameters.named or name not in parameters.positional
        if by_name and before is not None and before[0] == f"{name}=":
            yield f", argument {name!r}: ", word.start + before.end()
            yield f" got argument {name!r} twice", word.start
        else:
            by_position.append(word)
            yield f", argument {name or f'#{len(by_position)}'!r}: ", word.start
    taken = len(parameters.positional)
    if len(by_position) > taken:
        yield f" takes {taken} positional argument", by_position[taken].start
    if words:
        yield " needs argument", words[-1].end + 1

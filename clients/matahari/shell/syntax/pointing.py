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

    It stays as it is where that is not known, and where the line may have a secret, which is not to be repeated.

    Args:
        error: what the check of the arguments says, before anything was sent.
        words: the arguments as typed.
    """
    parameters = parameters_of(objects, method)
    if parameters is None or any(entry.get("sensitive") for entry in entries_of(objects, method)):
        return error
    text = str(error)
    name = f"{objects.class_name.name}.{method}"
    for fault, position in _faults(words, parameters):
        if text.startswith(f"{name}{fault}"):
            return CommandError(*text.split("\n"), *_misnamed(words, position, parameters), position=position)
    return error


def _misnamed(words: Sequence[Word], position: int, parameters: Parameters) -> Iterator[str]:
    """What to say where the word that does not fit looks like an argument by name, and there is none of that name."""
    for word in words:
        before = NAME_BEFORE_VALUE.match(word.source)
        if word.start == position and before is not None and before[0][:-1] not in parameters.named:
            yield f"There is no argument {before[0][:-1]!r}; there are {', '.join(parameters.named) or 'none by name'}"


def _faults(words: Sequence[Word], parameters: Parameters) -> Iterator[tuple[str, int]]:
    """How each possible fault is told, behind the name of the method, and where it is."""
    by_position: list[Word] = []
    for word, name in zip(words, names_of(words, parameters), strict=True):
        before = NAME_BEFORE_VALUE.match(word.source)
        if before is not None and before[0] == f"{name}=":
            yield f", argument {name!r}: ", word.start + before.end()
            yield f" got argument {name!r} twice", word.start
        else:
            by_position.append(word)
            yield f", argument {name or f'#{len(by_position)}'!r}: ", word.start
    taken = len(parameters.positional)
    if len(by_position) > taken:
        yield f" takes {taken} positional arguments", by_position[taken].start
    if words:
        yield " needs argument", words[-1].end + 1

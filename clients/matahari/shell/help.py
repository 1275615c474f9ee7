"""The texts of ``help``. Pure.

Source: matahari-2012.md 15.8
"""

from __future__ import annotations

import inspect

from matahari.errors import NoAgentsError
from matahari.shell.commands import Command, CommandSet
from matahari.shell.render import printable

__all__ = ["HELP_ON_HELP", "UnknownTopicError", "command_help", "overview"]

HELP_ON_HELP = 'Use "help" for the list of commands, "help COMMAND" for one of them.'

TITLE = "Commands:"
TYPE_WIDTH = 9
NAME_WIDTH = 18


class UnknownTopicError(NoAgentsError):
    """There is no help on ``topic``."""

    code = "shell.help"

    def __init__(self, topic: str) -> None:
        super().__init__(f"No help on {topic}")
        self.topic = topic


def overview(commands: CommandSet, *, width: int = 80) -> list[str]:
    """The first words of the mode in columns, as many as fit into ``width`` characters."""
    words = commands.first_words()
    cell = max(len(word) for word in words) + 2
    per_row = max(1, width // cell)
    rows = [words[start : start + per_row] for start in range(0, len(words), per_row)]
    return [TITLE, "=" * len(TITLE), *("".join(word.ljust(cell) for word in row).rstrip() for row in rows)]


def command_help(commands: CommandSet, topic: str) -> list[str]:
    """Syntax, description and arguments of every command with the first word ``topic``.

    Raises:
        UnknownTopicError: the mode has no such command.
    """
    found = commands.visible(topic)
    if not found:
        raise UnknownTopicError(topic)
    lines: list[str] = []
    for command in found:
        lines += [*_one(command), ""]
    return lines[:-1]


def _one(command: Command) -> list[str]:
    summary = command.summary or inspect.getdoc(command.action) or ""
    lines = [f" > {command.text}", "", *(line.rstrip() for line in printable(summary).split("\n"))]
    if command.details:
        lines.append(command.details_title)
        lines += [
            f"{detail.type:>{TYPE_WIDTH}} {detail.name:<{NAME_WIDTH}} {_first_line(detail.description)}".rstrip()
            for detail in command.details
        ]
    return lines


def _first_line(text: str) -> str:
    return printable(text).split("\n", 1)[0]

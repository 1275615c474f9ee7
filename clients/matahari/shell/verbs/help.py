"""The texts of ``help``. Pure.

Source: matahari-2012.md 15.8
"""

from __future__ import annotations

from collections.abc import Sequence

from matahari.errors import NoAgentsError
from matahari.shell.base.selection import MEMBER_WORDS
from matahari.shell.display.docstring import reflowed
from matahari.shell.display.render import printable
from matahari.shell.syntax.commands import Command, CommandSet
from matahari.shell.syntax.values import close_matches

__all__ = ["HELP_ON_HELP", "TITLE", "UnknownTopicError", "command_help", "needs_class", "overview"]

HELP_ON_HELP = 'Use "help" for the list of commands, "help COMMAND" for one of them.'

TITLE = "Commands:"
TYPE_WIDTH = 9
NAME_WIDTH = 18


class UnknownTopicError(NoAgentsError):
    """There is no help on ``topic``; ``hints`` tell what there is help on instead."""

    code = "shell.help"

    def __init__(self, topic: str, hints: Sequence[str] = ()) -> None:
        super().__init__(f"No help on {topic}")
        self.topic = topic
        self.hints = tuple(hints)


def overview(commands: CommandSet, *, width: int = 80, has_class: bool = True) -> list[str]:
    """The first words of the mode in columns, as many as fit into ``width`` characters, and the stages of pipes.

    Args:
        has_class: a class is selected; else what one brings is told.
    """
    from matahari.shell.pipes.running import STAGE_NAMES  # they are not among the commands of a mode

    words = commands.first_words()
    cell = max(len(word) for word in words) + 2
    per_row = max(1, width // cell)
    rows = [words[start : start + per_row] for start in range(0, len(words), per_row)]
    lines = ["".join(word.ljust(cell) for word in row).rstrip() for row in rows]
    if not has_class:
        lines += ["", "With a class or plugin (select class, select plugin): call, describe, get, set, summary"]
    return [TITLE, "=" * len(TITLE), *lines, "", f"Behind a command: | {' '.join(STAGE_NAMES)}"]


def command_help(commands: CommandSet, topic: str, more: Sequence[str] = (), *, width: int | None = None) -> list[str]:
    """Syntax, description and arguments of every command, or of the stage, with the first word ``topic``.

    Args:
        more: what the next words of the command are, or begin with: ``help call add`` is about one method.
        width: columns of the terminal; None where there is none, and texts are as they were written.

    Raises:
        UnknownTopicError: the mode has no such command, and it is no topic.
    """
    visible = commands.visible(topic)
    if not visible:
        from matahari.shell.pipes.running import stage_commands  # they are not among the commands of a mode

        stages = stage_commands()
        visible = stages.visible(topic)
        if not visible:
            from matahari.shell.verbs.topics_text import TOPICS, topic_lines  # nor these

            if not more and (told := topic_lines(topic, needs_class(topic))):
                return told
            known = [*commands.first_words(), *stages.first_words(), *TOPICS]
            raise UnknownTopicError(" ".join([topic, *more]), _hints(topic, known))
    found = [command for command in visible if _goes_on(command, more)]
    whole = [command for command in found if command.text.split()[1 : len(more) + 1] == list(more)]
    lines: list[str] = []
    for command in whole or found:
        lines += [*_one(command, width), ""]
    if not lines:
        seconds = list(dict.fromkeys(command.second for command in visible if command.second))
        raise UnknownTopicError(" ".join([topic, *more]), _hints(more[0], seconds))
    return lines[:-1]


def needs_class(word: str) -> str:
    """What to do first where nothing is selected that the command could be about."""
    return f'"{word}" needs a class or plugin: select class (package PACKAGE) CLASS, or select plugin NAME'


def _hints(word: str, known: Sequence[str]) -> list[str]:
    if word in MEMBER_WORDS and word not in known:
        return [needs_class(word)]
    meant = [one for one in known if word and one.startswith(word)] or close_matches(word.lower(), known)
    return [f"Did you mean {', '.join(meant)}?"] if meant else []


def _goes_on(command: Command, words: Sequence[str]) -> bool:
    following = command.text.split()[1:]
    return len(following) >= len(words) and all(map(str.startswith, following, words))


def _one(command: Command, width: int | None) -> list[str]:
    about = printable(command.about)
    text = about.split("\n") if width is None else reflowed(about, width)
    lines = [f" > {command.text}", "", *(line.rstrip() for line in text)]
    if command.details:
        lines.append(command.details_title)
        lines += [
            f"{detail.type:>{TYPE_WIDTH}} {detail.name:<{NAME_WIDTH}} {_first_line(detail.description)}".rstrip()
            for detail in command.details
        ]
    return lines


def _first_line(text: str) -> str:
    return printable(text).split("\n", 1)[0]

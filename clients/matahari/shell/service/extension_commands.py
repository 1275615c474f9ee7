"""Commands of ``matahari`` that extensions offer. Loaded only for a first word that is none of our own, and for help."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matahari.errors import HookError, MatahariError
from matahari.shell.display.render import printable

if TYPE_CHECKING:
    from matahari.hooks import ShellCommand

__all__ = ["Offered", "find_commands", "help_lines", "run_command"]

_HOOK: Final = "shell_commands"


@dataclass(frozen=True, slots=True)
class Offered:
    """What there is.

    Attributes:
        commands: by name, each with the extension that offers it; of two with the same name the first one asked.
        failures: what could not be loaded, or could not tell its commands.
    """

    commands: dict[str, tuple[str, ShellCommand]]
    failures: tuple[MatahariError, ...] = ()


def find_commands(own: Collection[str]) -> Offered:
    """The commands of all extensions but those that have the name of one of our ``own``."""
    from matahari.config import load
    from matahari.hooks import SHELL_COMMANDS, Extensions, call_all

    extensions = Extensions()
    extensions.load_entry_points()
    try:
        extensions.load_directory(load({}, environ=os.environ).hooks)
    except MatahariError as error:  # the configuration is wrong; our own commands say so, too
        return Offered({}, (error,))
    outcome = call_all(extensions, SHELL_COMMANDS)
    commands: dict[str, tuple[str, ShellCommand]] = {}
    for one in outcome.results:
        for command in one.value:
            if command.name not in own:
                commands.setdefault(command.name, (one.provider, command))
    return Offered(commands, (*extensions.failures, *outcome.failures))


def help_lines(own: Collection[str]) -> list[str]:
    """What ``--help`` says of them, below our own commands; what could not be loaded is named on standard error."""
    offered = find_commands(own)
    _tell(offered.failures)
    if not offered.commands:
        return []
    named = sorted(offered.commands.items())
    return [
        "commands of extensions:",
        *(
            f"  {printable(name):<10}  {printable(command.summary)} ({printable(one)})"
            for name, (one, command) in named
        ),
    ]


def run_command(words: Sequence[str], own: Collection[str]) -> int | None:
    """Run the command that the first of ``words`` names, with the rest as its arguments.

    Returns:
        Its exit status; None when no extension offers it, after naming those that could not be asked.

    Raises:
        HookError: it raised, or gave no status.
    """
    offered = find_commands(own)
    name, *arguments = words
    if name not in offered.commands:
        _tell(offered.failures)
        return None
    provider, command = offered.commands[name]
    try:
        status: object = command.run(arguments, sys.stdout)
    except SystemExit as error:  # as argparse ends it for --help and for what it does not understand
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        status = 1 if isinstance(error.code, str) else error.code or 0
    except BrokenPipeError:
        raise  # the reader of standard output went away, which is no fault of the extension
    except Exception as error:  # foreign code
        text, kind = str(error), type(error).__name__
        raise HookError(text, hook=_HOOK, provider=provider, error_type=kind) from error
    if isinstance(status, bool) or not isinstance(status, int):
        text = f"command {name} returned {type(status).__name__}, not an exit status"
        raise HookError(text, hook=_HOOK, provider=provider)
    return status


def _tell(failures: Sequence[MatahariError]) -> None:
    for failure in failures:
        print(f"matahari: {printable(str(failure))}", file=sys.stderr)

"""The parser of every program's command line: what is wrong there ends with status 64, below the usage it breaks."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn

from matahari.shell.base.outcome import ExitStatus

__all__ = ["CLIENT_DEFAULTS", "HelpFormatter", "LinesFormatter", "Parser", "cut", "parse_mixed", "seconds"]

_WIDTH: Final = 80  # columns, where nothing tells
_MARGIN: Final = 2  # columns that argparse leaves free

_NUMBER: Final = re.compile(r"-\.?[0-9]")  # no option of ours looks like that

CLIENT_DEFAULTS: Final[Mapping[str, object]] = {"log_level": "warning"}
"""Of ``mhsh`` and ``tap``, whose output is for a person: what goes well needs no log line."""


class HelpFormatter(argparse.HelpFormatter):
    """As wide as the terminal, as argparse's own is, which loads :mod:`shutil` to find out: for each option of ``mhsh``.

    Args:
        prog: the program's name.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - _MARGIN)


class LinesFormatter(HelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of description and epilog."""


class Parser(argparse.ArgumentParser):
    """Ends the program with :attr:`ExitStatus.USAGE`; the parser of a command speaks of that command."""

    def parse_known_args(  # type: ignore[override]  # as argparse has it, without its overloads
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does it, but unknown arguments are an error here: the caller, if any, has another usage."""
        found: tuple[Any, list[str]] = super().parse_known_args(args, namespace)
        known, unknown = found
        if unknown:
            from matahari.validation import close_names  # only wanted after a mistake

            # Without the dashes, which all of them have: they would make any two short options alike.
            offered = [one[2:] for one in self._option_string_actions if one.startswith("--")]
            wrong = unknown[0].partition("=")[0]
            close = close_names(wrong[2:], offered) if wrong.startswith("--") else ()
            hint = f"; did you mean {' or '.join(repr(f'--{one}') for one in close)}?" if close else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitStatus.USAGE, f"{self.prog}: {message}\n")


def _columns() -> int:
    """Of the terminal, unless ``COLUMNS`` says another number."""
    told = os.environ.get("COLUMNS", "")
    if told.isascii() and told.isdigit() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ is not None else -1).columns or _WIDTH
    except (OSError, ValueError):  # no terminal, or it has been closed
        return _WIDTH


def seconds(most: float) -> Callable[[str], float]:
    """The ``type`` of an option that takes a time above 0 and up to ``most`` seconds."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0 and up to {most:g}")
        return value

    return convert


def parse_mixed(parser: Parser, argv: Sequence[str], options: argparse.Namespace) -> argparse.Namespace:
    """Read options and words in any order; numbers below zero are words, and so is all behind ``--``.

    Args:
        parser: takes options, and the rest as ``rest``.
        options: what is known already; it is added to, with ``words``.
    """
    before, behind = cut(argv)
    words: list[str] = []
    while before:
        if not before[0].startswith("-") or before[0] == "-" or _NUMBER.match(before[0]):
            words.append(before.pop(0))
        else:
            options.rest = []
            options = parser.parse_args(before, options)
            before = list(options.rest)
    options = parser.parse_args([], options)  # defaults
    options.words = [*words, *behind]
    return options


def cut(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before the first ``--``, and behind it."""
    at = argv.index("--") if "--" in argv else len(argv)
    return list(argv[:at]), list(argv[at + 1 :])

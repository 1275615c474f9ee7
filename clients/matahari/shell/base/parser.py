"""The parser of every program's command line: what is wrong there ends with status 64, below the usage it breaks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn

from matahari.shell.base.outcome import ExitStatus

__all__ = ["CLIENT_DEFAULTS", "Parser", "seconds"]

CLIENT_DEFAULTS: Final[Mapping[str, object]] = {"log_level": "warning"}
"""Of ``mhsh`` and ``tap``, whose output is for a person: what goes well needs no log line."""


class Parser(argparse.ArgumentParser):
    """Ends the program with :attr:`ExitStatus.USAGE`; the parser of a command speaks of that command."""

    def parse_known_args(  # type: ignore[override]  # as argparse has it, without its overloads
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does it, but unknown arguments are an error here: the caller, if any, has another usage."""
        found: tuple[Any, list[str]] = super().parse_known_args(args, namespace)
        known, unknown = found
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitStatus.USAGE, f"{self.prog}: {message}\n")


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

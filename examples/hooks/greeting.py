"""Shell commands: ``greet NAME``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from matahari.hooks import ShellCommand, hookimpl


def greet(arguments: Sequence[str], output: TextIO) -> int:
    if len(arguments) != 1:
        output.write("usage: greet NAME\n")
        return 64
    output.write(f"hello, {arguments[0]}\n")
    return 0


@hookimpl
def shell_commands() -> Sequence[ShellCommand]:
    return [ShellCommand("greet", "say hello to somebody", greet)]

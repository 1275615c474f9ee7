"""Pages of the guide as programs: their code blocks, and whether a command said what the page says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "Command", "blocks", "commands", "says"]

_ANYTHING = "..."


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, the file that it is (empty for none), its text and its first line's number."""

    language: str
    file: str
    text: str
    line: int


@dataclass(frozen=True)
class Command:
    """A line after ``$`` in words, and the lines of output below it."""

    words: list[str]
    output: list[str]


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order."""
    lines = page.read_text().splitlines()
    at = 0
    while at < len(lines):
        if not lines[at].startswith("```"):
            at += 1
            continue
        language, _, file = lines[at].removeprefix("```").strip().partition(" ")
        end = lines.index("```", at + 1)
        yield Block(language, file.strip(), "\n".join(lines[at + 1 : end]) + "\n", at + 2)
        at = end + 1


def commands(block: Block) -> list[Command]:
    """The commands of a block of language ``console``."""
    found: list[Command] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Command(shlex.split(line[2:]), []))
        else:
            found[-1].output.append(line)
    return found


def says(output: str, expected: list[str]) -> bool:
    """Whether ``output`` is as expected; ``...`` stands for anything, in a line of its own for any lines."""
    parts = [
        r"(?:.*\n)*" if line == _ANYTHING else "[^\n]*".join(map(re.escape, line.split(_ANYTHING))) + "\n"
        for line in expected
    ]
    return re.fullmatch("".join(parts), output) is not None

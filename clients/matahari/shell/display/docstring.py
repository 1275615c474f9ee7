"""Docstrings of plugins, and help texts of ours, as they are shown. Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection
from typing import Final

__all__ = ["reflowed", "without_parameters"]

#: Headings of the sections that plugin hosts read descriptions of parameters from.
_SECTIONS: Final = ("Args:", "Arguments:", "Parameters:", "Keyword Args:", "Keyword Arguments:")
_NAMES: Final = re.compile(r"(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?:\([^)]*\))?\s*:(?:\s|$)")


def without_parameters(doc: str, names: Collection[str]) -> str:
    """The text without its section on parameters, where all of those are listed below it.

    Args:
        doc: a docstring without common indentation.
        names: of the parameters that are listed; a section that tells of others, such as ``**options``, stays.
    """
    lines = doc.splitlines()
    kept: list[str] = []
    at = 0
    while at < len(lines):
        end = at + 1
        while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) > _indent(lines[at])):
            end += 1
        if lines[at].strip() in _SECTIONS and _names(lines[at + 1 : end]) <= set(names):
            at = end
            continue
        kept.append(lines[at])
        at += 1
    return "\n".join(kept).strip("\n")


def reflowed(text: str, width: int) -> list[str]:
    """Its lines, paragraphs that have one of more than ``width`` characters filled anew; what is laid out stays."""
    lines: list[str] = []
    for paragraph in re.split(r"\n[ \t]*\n", text):
        rows = paragraph.split("\n")
        is_wide = any(len(row) > width for row in rows)
        if is_wide and not any(row[:1].isspace() for row in rows):
            rows = textwrap.wrap(" ".join(rows), width, break_long_words=False, break_on_hyphens=False)
        lines += [*rows, ""]
    return lines[:-1]


def _names(section: list[str]) -> set[str]:
    written = [line for line in section if line.strip()]
    margin = _indent(written[0]) if written else 0
    heads = (_NAMES.match(line.strip()) for line in written if _indent(line) <= margin)
    return {name.strip() for head in heads if head is not None for name in head[1].split(",")}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())

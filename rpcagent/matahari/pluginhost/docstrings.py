"""What a docstring says about parameters: the ``Args:`` section of Google style, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

__all__ = ["parameter_texts"]

_SECTIONS: Final = ("Args:", "Arguments:", "Parameters:", "Keyword Args:", "Keyword Arguments:")
#: ``name: text``, ``name (type): text``, ``*names: text``
_ENTRY: Final = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:(?:\s+(.*))?$")
_JOINT_ENTRY: Final = re.compile(r"((?:\*{0,2}\w+\s*,\s*)+\*{0,2}\w+)\s*:\s+(.*)$")
_NAME: Final = re.compile(r"\w+")


def parameter_texts(doc: str, headings: Collection[str] = _SECTIONS) -> dict[str, str]:
    """Give what is said about each parameter, in one line each.

    Args:
        doc: a docstring whose common indentation has been removed (``inspect.getdoc``).
        headings: of the sections that count.
    """
    texts: dict[str, str] = {}
    lines = doc.splitlines()
    index = 0
    while index < len(lines):
        heading = lines[index]
        index += 1
        if heading.strip() not in headings:
            continue
        section: list[str] = []
        while index < len(lines) and (not lines[index].strip() or _indent(lines[index]) > _indent(heading)):
            section.append(lines[index])
            index += 1
        texts |= _entries(section)
    return texts


def _entries(lines: list[str]) -> dict[str, str]:
    written = [line for line in lines if line.strip()]
    if not written:
        return {}
    margin = _indent(written[0])
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in written:
        if _indent(line) <= margin:
            current = []
            for name, text in _heads(line.strip()):
                current = found.setdefault(name, current)
                current[:] = [text] if text else []
        else:
            current.append(line.strip())
    return {name: " ".join(parts) for name, parts in found.items() if parts}


def _heads(line: str) -> list[tuple[str, str]]:
    if match := _ENTRY.match(line):
        return [(match[1], match[2] or "")]
    if match := _JOINT_ENTRY.match(line):
        return [(name, match[2]) for name in _NAME.findall(match[1])]
    return []


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())

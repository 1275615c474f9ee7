"""Why many hosts match a filter or not: those of which the same is to be said together. Pure.

Imported when so many hosts are explained that nobody would read them one by one.
"""

from __future__ import annotations

from matahari.shell.base.ports import HostMatchesLike, HostMatchLike
from matahari.shell.display.grouped import MAX_NAMED
from matahari.shell.display.render import INDENT, one_line, printable

__all__ = ["grouped_explanations"]


def grouped_explanations(matches: HostMatchesLike) -> list[list[str]]:
    """A block of lines for each explanation, those of the most hosts first; one host is there by its name."""
    groups: dict[tuple[str, ...], list[HostMatchLike]] = {}
    for one in matches:
        groups.setdefault(_said(one), []).append(one)
    blocks = []
    for said, members in sorted(groups.items(), key=lambda group: -len(group[1])):
        names = [one_line(one.host.name) for one in members]
        if len(names) == 1:
            head, said = f"{names[0]}:", tuple(members[0].explanation.lines())
        else:
            more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
            head = f"{len(names)} hosts ({', '.join(names[:MAX_NAMED])}{more}):"
        blocks.append([head, *(f"{INDENT}{printable(line)}" for line in said)])
    return blocks


def _said(match: HostMatchLike) -> tuple[str, ...]:
    """What is said of the host, without its name, which each has for itself."""
    named = f": the host is {match.host.name}"
    return tuple(
        f"{line.removesuffix(named)}: by its name" if line.endswith(named) else line
        for line in match.explanation.lines()
    )

"""What many hosts answered, in few lines: equal answers together, failures last. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from matahari.console import ValueGroup, group_values
from matahari.errors import MatahariError, RemoteError
from matahari.shell.display.labels import common_width
from matahari.shell.display.render import failure_lines, failure_text, value_lines

__all__ = ["Told", "failure_entries", "told_lines", "value_entries"]

#: Hosts of a group that are named: they fit on a line.
MAX_NAMED: Final = 8
#: Answers for each value that there must be on average. With fewer, groups would save little, and the host of an answer
#: would be hard to find.
MIN_SHARE: Final = 2


@dataclass(frozen=True, slots=True)
class Told:
    """What a host, or each host of a group, has told.

    Attributes:
        head: the host's label, or how many they are.
        names: some of them, for the end of the first line; empty where that is not of interest.
    """

    head: str
    names: str
    value: object = None
    error: MatahariError | None = None
    is_failure: bool = False

    def lines(self, width: int, *, debug: bool) -> list[str]:
        """As text; ``width`` as for :func:`matahari.shell.display.render.value_lines`."""
        if self.is_failure:
            first, *rest = failure_lines(self.head, self.error, width, debug=debug)
        else:
            first, *rest = value_lines(self.head, self.value, width)
        return [f"{first}  {self.names}" if self.names else first, *rest]


def value_entries(values: Sequence[tuple[str, object]], *, noun: str) -> list[Told]:
    """Equal values together, the largest group first, or each on its own where most of them differ.

    Args:
        values: labels and values, in the order of the objects.
        noun: what the labels stand for, e.g. ``hosts``.
    """
    groups = group_values(values)
    if len(groups) * MIN_SHARE > len(values):
        return [Told(label, "", value) for label, value in values]
    return [_of_group(group, noun) for group in groups]


def failure_entries(
    failures: Sequence[tuple[str, MatahariError | None]], *, noun: str, debug: bool = False
) -> list[Told]:
    """Failures with the same text together, the largest group first; with ``debug`` also with the same traceback."""
    told = [(label, _texts(error, debug=debug), error) for label, error in failures]
    # Names may look alike, so that a label alone does not tell which failure is meant.
    errors: Mapping[tuple[str, object], MatahariError | None] = {(label, texts): error for label, texts, error in told}
    groups = group_values((label, texts) for label, texts, _ in told)
    return [_of_failures(group, errors[group.hosts[0], group.value], noun) for group in groups]


def told_lines(entries: Iterable[Told], *, debug: bool) -> list[tuple[list[str], bool]]:
    """The lines of each, and whether it is a failure; what they say begins in one column."""
    entries = list(entries)
    width = common_width(one.head for one in entries)
    return [(one.lines(width, debug=debug), one.is_failure) for one in entries]


def _of_group(group: ValueGroup, noun: str) -> Told:
    if group.count == 1:
        return Told(group.hosts[0], "", group.value)
    # Some of many that agree are of no interest; of many that fail they are where one looks first.
    return Told(f"{group.count} {noun}", _names(group) if group.count <= MAX_NAMED else "", group.value)


def _of_failures(group: ValueGroup, error: MatahariError | None, noun: str) -> Told:
    if group.count == 1:
        return Told(group.hosts[0], "", error=error, is_failure=True)
    return Told(f"{group.count} {noun}", _names(group), error=error, is_failure=True)


def _names(group: ValueGroup) -> str:
    more = f" and {group.count - MAX_NAMED} more" if group.count > MAX_NAMED else ""
    return f"({', '.join(group.hosts[:MAX_NAMED])}{more})"


def _texts(error: MatahariError | None, *, debug: bool) -> tuple[str, str]:
    traceback = error.remote_traceback if debug and isinstance(error, RemoteError) else ""
    return failure_text(error), traceback

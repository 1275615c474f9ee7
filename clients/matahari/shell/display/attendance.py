"""Who is there of those that are selected, and who is there and says nothing: told once, and what the status is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matahari.errors import NoAgentsError
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.ports import ConsoleLike
from matahari.shell.base.selection import Selection
from matahari.shell.display.output import Output

__all__ = ["Attendance", "attendance_of", "tell_absent", "tell_others", "tell_unannounced"]


@dataclass(frozen=True, slots=True)
class Attendance:
    """Of the selected hosts.

    Attributes:
        hosts: names of those that are on the bus, None for all that there are.
        absent: names of those that have left it since they were selected.
    """

    hosts: Sequence[str] | None = None
    absent: tuple[str, ...] = ()


def attendance_of(console: ConsoleLike, selection: Selection) -> Attendance:
    """Who of the selection is there: one host that has left makes the others none the worse.

    Raises:
        NoAgentsError: none of them is.
    """
    if not selection.hosts:
        return Attendance()
    there = {host.name for host in console.hosts()}
    present = tuple(name for name in selection.hosts if name in there)
    if not present:
        only = len(selection.hosts) == 1
        what = f"{selection.hosts[0]} is not" if only else f"None of the {len(selection.hosts)} selected hosts is"
        raise NoAgentsError(f"{what} on the bus")
    return Attendance(present, tuple(name for name in selection.hosts if name not in there))


def tell_absent(output: Output, absent: Sequence[str]) -> ExitStatus:
    """Name the hosts that have left."""
    if not absent:
        return ExitStatus.OK
    from matahari.shell.display.tally import absent_lines  # hosts usually stay

    output.complain(absent_lines(absent))
    return ExitStatus.SOME_FAILED


def tell_others(console: ConsoleLike, output: Output, there: Attendance) -> ExitStatus:
    """The same as :func:`tell_unannounced`, unless all hosts that are meant are there."""
    is_complete = there.hosts is not None and not there.absent
    return ExitStatus.OK if is_complete else tell_unannounced(console, output)


def tell_unannounced(console: ConsoleLike, output: Output) -> ExitStatus:
    """Name the agents of which nobody knows the host, so that it is missing in a list of hosts or agents."""
    agents = console.unannounced()
    if not agents:
        return ExitStatus.OK
    from matahari.shell.display.tally import unanswered_lines  # agents usually announce themselves

    output.complain(unanswered_lines(agents, "not listed"))
    return ExitStatus.SOME_FAILED

"""What the commands need of the session, as a protocol. Only type checkers load this."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.ports import ConsoleLike, ObjectsLike
from matahari.shell.base.selection import Directory, Selection
from matahari.shell.display.output import Output
from matahari.shell.display.rolling import Steps
from matahari.shell.events.commands import Shell as EventShell
from matahari.shell.syntax.commands import CommandSet
from matahari.shell.verbs.line_history import LineHistory
from matahari.shell.verbs.members import MemberActions
from matahari.shell.verbs.wrapping import Shell as WrappingShell

__all__ = ["Shell"]


class Shell(MemberActions, EventShell, WrappingShell, Protocol):
    """What the commands work on: the session."""

    console: ConsoleLike
    output: Output
    selection: Selection
    absent: Sequence[str]
    objects: ObjectsLike | None
    finished: bool
    limit: float | None
    steps: Steps | None
    fact_names: frozenset[str]
    answers: dict[str, object]
    history: LineHistory | None

    @property
    def timeout(self) -> float:
        """Seconds to wait for answers."""

    @property
    def clock(self) -> Callable[[], float]:
        """Monotonic seconds."""

    @property
    def sleep(self) -> Callable[[float], None]:
        """Wait that many seconds."""

    def commands(self, directory: Directory) -> CommandSet:
        """All commands of the current mode."""

    def select(self, selection: Selection) -> ExitStatus:
        """Make this the selection; agents that did not answer make the status."""

    def renew(self) -> None:
        """Fetch the objects of a selected plugin anew, where that is possible."""

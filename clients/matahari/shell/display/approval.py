"""The question before a call that is declared destructive, and who answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.display.render import printable

__all__ = ["Approval", "Risk", "TerminalApproval", "always", "never"]

MAX_NAMED = 8  # hosts that a question names; of more, their number tells


@dataclass(frozen=True, slots=True)
class Risk:
    """A call that may destroy what cannot be brought back.

    Attributes:
        method: its name.
        hosts: names of the hosts, each once.
        arguments: as a line shows them, without secrets; empty for none.
        exact: all of the arguments, to tell one call from another; may have secrets, and is never shown.
        objects: host and name of each object.
    """

    method: str
    hosts: tuple[str, ...]
    arguments: str = ""
    exact: str = field(default="", repr=False)
    objects: frozenset[tuple[str, str]] = frozenset()

    @property
    def text(self) -> str:
        """What would be done, in one line."""
        number = len(self.hosts)
        named = ", ".join(printable(host) for host in self.hosts[:MAX_NAMED])
        more = f" and {number - MAX_NAMED} more" if number > MAX_NAMED else ""
        hosts = "host" if number == 1 else "hosts"
        call = printable(f"{self.method} {self.arguments}".rstrip())
        return f"{call} is declared destructive, and would be called on {number} {hosts}: {named}{more}"


Approval = Callable[[Risk], None]
"""Returns when the call may be made.

Raises:
    CommandError: it may not.
"""


def always(risk: Risk) -> None:
    """Whoever started the shell has said so."""


def never(risk: Risk) -> None:
    """Nobody can be asked.

    Raises:
        CommandError: in any case.
    """
    raise CommandError(risk.text, "Nobody can be asked here; add -y (--yes) to the command line of mhsh to call it")


class TerminalApproval:
    """Asks the person at the terminal, once for each call."""

    def __init__(self, answers: TextIO, questions: TextIO, *, forget_input: Callable[[], None]) -> None:
        """Take what to ask with.

        Args:
            answers: where the person types.
            questions: where the question is shown.
            forget_input: drops what was typed before the question could be read; it answers something else.
        """
        self._answers = answers
        self._questions = questions
        self._forget_input = forget_input

    def __call__(self, risk: Risk) -> None:
        """Ask.

        Raises:
            CommandError: the answer is not yes.
            KeyboardInterrupt: as it comes.
        """
        self._forget_input()
        print(f"{risk.text}\nCall it? [y/N] ", end="", file=self._questions, flush=True)
        try:
            answer = self._answers.readline()
        except KeyboardInterrupt:
            print(f"\n% {printable(risk.method)} was not called", file=self._questions, flush=True)
            raise
        if not answer.endswith("\n"):
            print(file=self._questions)  # Ctrl-D leaves the cursor behind the question
        if answer.strip().lower() not in ("y", "yes"):
            raise CommandError(f"{risk.method} was not called", status=ExitStatus.INTERRUPTED)

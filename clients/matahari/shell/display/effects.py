"""What a method does beside answering, as its author declared it: told by ``help``, and asked about before it is called.

What is known is what the objects published when they were fetched, of every object that is to be called. Pure, but for
the question itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.base.ports import DEFAULT_PACKAGE, ObjectsLike
from matahari.shell.display.render import printable
from matahari.shell.syntax.arguments import entries_of

__all__ = ["Approval", "Risk", "TerminalApproval", "always", "declared_of", "declared_text", "never", "risk_of"]

MAX_NAMED = 8  # hosts that a question names; of more, their number tells

# QMF has no place for it in a schema, and these are the methods of our own agents that are no plugins.
DESTRUCTIVE: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    (DEFAULT_PACKAGE, "Host"): frozenset({"shutdown", "reboot"})
}


@dataclass(frozen=True, slots=True)
class Risk:
    """A call that may destroy what cannot be brought back.

    Attributes:
        method: its name.
        hosts: names of the hosts, each once.
    """

    method: str
    hosts: tuple[str, ...]

    @property
    def text(self) -> str:
        """What would be done, in one line."""
        number = len(self.hosts)
        named = ", ".join(printable(host) for host in self.hosts[:MAX_NAMED])
        more = f" and {number - MAX_NAMED} more" if number > MAX_NAMED else ""
        hosts = "host" if number == 1 else "hosts"
        return (
            f"{printable(self.method)} is declared destructive, and would be called on {number} {hosts}: {named}{more}"
        )


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
        """
        self._forget_input()
        print(f"{risk.text}\nCall it? [y/N] ", end="", file=self._questions, flush=True)
        answer = self._answers.readline()
        if not answer.endswith("\n"):
            print(file=self._questions)  # Ctrl-D leaves the cursor behind the question
        if answer.strip().lower() not in ("y", "yes"):
            raise CommandError(f"{risk.method} was not called", status=ExitStatus.INTERRUPTED)


def risk_of(objects: ObjectsLike, method: str) -> Risk | None:
    """What calling ``method`` on all of them risks: None where none of them says that it is destructive."""
    if not _is_known(objects, method) and not any(
        _effects(entry).get("destructive") is True for entry in entries_of(objects, method)
    ):
        return None
    return Risk(method, tuple(dict.fromkeys(found.host for found in objects)))


def declared_of(objects: ObjectsLike, method: str) -> str:
    """What is declared of ``method``, as the first object says that has something declared; empty for nothing."""
    if _is_known(objects, method):
        return declared_text({"destructive": True})
    return next(filter(None, map(_declared, entries_of(objects, method))), "")


def _declared(entry: Mapping[str, object]) -> str:
    timeout, sensitive = entry.get("timeout"), entry.get("sensitive")
    return declared_text(
        _effects(entry),
        timeout=timeout if isinstance(timeout, int | float) else None,
        sensitive=[str(name) for name in sensitive] if isinstance(sensitive, list) else (),
        streams=entry.get("streams") is True,
    )


def declared_text(
    effects: Mapping[str, bool], *, timeout: float | None = None, sensitive: Sequence[str] = (), streams: bool = False
) -> str:
    """Effects, time limit, secrets and partial results in one line, e.g. ``destructive; at most 600 s``."""
    told = [("" if holds else "not ") + name.replace("_", " ") for name, holds in sorted(effects.items())]
    limit = [] if timeout is None else [f"at most {timeout:g} s"]
    secrets = [f"never shown: {', '.join(sensitive)}"] if sensitive else []
    return "; ".join([*told, *limit, *secrets, *(["gives partial results"] if streams else [])])


def _is_known(objects: ObjectsLike, method: str) -> bool:
    name = objects.class_name
    return method in DESTRUCTIVE.get((name.package, name.name), ())


def _effects(entry: Mapping[str, object]) -> Mapping[str, bool]:
    effects = entry.get("effects")
    if not isinstance(effects, Mapping):
        return {}
    return {str(name): holds for name, holds in effects.items() if isinstance(holds, bool)}

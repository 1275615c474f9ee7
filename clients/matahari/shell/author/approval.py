"""The question before ``matahari plugin run`` calls a method that is declared destructive: it acts on this very machine."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping, Sequence

from matahari.shell.base.outcome import CommandError
from matahari.shell.display.approval import Risk, TerminalApproval
from matahari.shell.display.secrets import arguments_text
from matahari.testing import MethodSpec

__all__ = ["approve", "risk_here"]


def risk_here(plugin: str, method: MethodSpec, args: Sequence[object], kwargs: Mapping[str, object]) -> Risk | None:
    """What a call on this machine risks; None where the method is not declared destructive."""
    if method.effects.get("destructive") is not True:
        return None
    entry = {"params": json.dumps(method.params), "sensitive": list(method.sensitive)}
    return Risk(f"{plugin}.{method.name}", (platform.node(),), arguments_text([entry], args, kwargs))


def approve(risk: Risk) -> None:
    """Ask whoever sits at the terminal.

    Raises:
        CommandError: the answer is not yes, or nobody can be asked.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CommandError(f"{risk.text}; nobody can be asked here: add -y (--yes) to call it")

    def forget_input() -> None:
        import termios  # only a question needs it

        termios.tcflush(sys.stdin, termios.TCIFLUSH)

    TerminalApproval(sys.stdin, sys.stderr, forget_input=forget_input)(risk)

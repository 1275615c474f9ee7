"""The rounds of ``watch``: a command that is run again and again, on a screen of its own or one below the other.

Imported when something is watched.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO, cast

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.display.approval import Approval, Risk
from matahari.shell.display.render import printable

if TYPE_CHECKING:
    from matahari.shell.verbs.wrapping import Shell

__all__ = ["Watch"]

_CLEAR = "\x1b[H\x1b[2J"  # the cursor to the upper left, and everything away
MAX_APPROVED = 100  # calls of one line, and those of other hosts later; who was forgotten is asked about again

_HOPELESS = (ExitStatus.USAGE, ExitStatus.INTERRUPTED)
"""Wrong usage, or what the person at the terminal did not want: it will not be better next time."""


class Watch:
    """One ``watch``.

    Args:
        text: the command, for the header.
        interval: seconds between the end of a round and the next one.
        now: nanoseconds since 1970.
    """

    def __init__(
        self,
        shell: Shell,
        text: str,
        interval: float,
        *,
        now: Callable[[], int] = time.time_ns,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._shell = shell
        self._text = text
        self._interval = interval
        self._now = now
        output = shell.output
        can_clear = output.out.isatty() and environment.get("TERM") not in (None, "", "dumb")
        self._has_screen = can_clear and not output.as_json and not output.is_piped

    def run(self, command: Callable[[], ExitStatus], rounds: int | None) -> ExitStatus:
        """Run ``command`` until there were so many rounds, for ever with None.

        Returns:
            The status of the last round.

        Raises:
            KeyboardInterrupt: as it comes; the shell is as it was before.
        """
        shell = self._shell
        approval = shell.approval
        once = _Once(shell, approval)
        shell.ask_with(once)
        try:
            done = 0
            while True:
                once.begin_round()
                status = self._round(command)
                done += 1
                if done == rounds or status in _HOPELESS or shell.finished or shell.is_lost or shell.is_wrong:
                    return status
                shell.sleep(self._interval)
        finally:
            shell.ask_with(approval)

    def _round(self, command: Callable[[], ExitStatus]) -> ExitStatus:
        clock = time.strftime("%H:%M:%S", time.localtime(self._now() // 1_000_000_000))
        text = " ".join(printable(self._shell.shown_ahead(self._text)).split())
        header = f"Every {self._interval:g} s: {text}  {clock}"
        if not self._has_screen:
            self._shell.output.remark(f"--- {header}")
            return command()
        with self._screen(f"{_CLEAR}{header}\n\n"):
            return command()

    @contextmanager
    def _screen(self, head: str) -> Iterator[None]:
        """Clear the screen when the first text of the round comes: until then the last round can be read."""
        output = self._shell.output
        out, err = output.out, output.err
        is_clear = False

        def clear() -> None:
            nonlocal is_clear
            if not is_clear:
                is_clear = True
                out.write(head)
                out.flush()

        output.out = cast(TextIO, _AfterClearing(out, clear))
        if err.isatty():  # else it is elsewhere
            output.err = cast(TextIO, _AfterClearing(err, clear))
        try:
            yield
            clear()  # a command that says nothing shows an empty screen
        finally:
            output.out, output.err = out, err


class _AfterClearing:
    """A stream of the terminal; the screen is cleared before the first text is written to it."""

    def __init__(self, stream: TextIO, clear: Callable[[], None]) -> None:
        self._stream = stream
        self._clear = clear

    def write(self, text: str) -> int:
        """Write as the stream does."""
        self._clear()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


class _Once:
    """An approval that asks about a call in the round in which it is new; in the next ones it stands.

    Args:
        shell: tells which class is selected; a risk does not.
        ask: the usual approval.
    """

    def __init__(self, shell: Shell, ask: Approval) -> None:
        self._shell = shell
        self._ask = ask
        self._approved: deque[_Call] = deque(maxlen=MAX_APPROVED)
        self._left: list[_Call] = []

    def begin_round(self) -> None:
        """From now on each call that was approved may be made once more."""
        self._left = list(self._approved)

    def __call__(self, risk: Risk) -> None:
        """Ask, unless this very call was approved in an earlier round, for these hosts and objects at least.

        Who is not there any more is not called; whoever has come was not part of the question.

        Raises:
            CommandError: it may not be made.
        """
        selection = self._shell.selection
        call = _Call(
            (selection.package, selection.class_name, risk.method, risk.exact),
            frozenset(risk.hosts),
            risk.objects,
        )
        for approved in self._left:
            if approved.covers(call):
                self._left.remove(approved)  # one answer is for one call of the line
                return
        self._ask(risk)
        self._approved.append(call)


@dataclass(frozen=True, slots=True)
class _Call:
    what: tuple[str, ...]  # package, class, method, and its arguments as they are sent
    hosts: frozenset[str]
    objects: frozenset[tuple[str, str]]

    def covers(self, other: _Call) -> bool:
        return self.what == other.what and self.hosts >= other.hosts and self.objects >= other.objects

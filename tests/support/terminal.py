"""mhsh on a pseudo-terminal with a person in front of it, who types keys, reads the screen and pulls at the window."""

from __future__ import annotations

import codecs
import re
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import pexpect

from tests.support.node import BIN, TIME, Box, environment
from tests.support.screen import Screen

__all__ = ["CTRL_C", "CTRL_D", "CTRL_R", "CTRL_U", "ENTER", "TAB", "UP", "Terminal", "open_shell"]

T = TypeVar("T")

ENTER: Final = "\r"
TAB: Final = "\t"
UP: Final = "\x1b[A"
CTRL_C: Final = "\x03"
CTRL_D: Final = "\x04"
CTRL_R: Final = "\x12"
CTRL_U: Final = "\x15"
WAIT: Final = 20.0  # seconds for what takes a moment
PROMPT: Final = re.compile(r"mhsh (\(host\))?(\[[^\]]*\]\*?)?> |mhsh> ")
_SQUEEZED_PROMPT: Final = re.compile(r"mhsh(\(host\))?(\[[^\]]*\]\*?)?>")


class Terminal:
    """A program on a terminal. Its output is read while something is waited for, and at no other time.

    Other than on most terminals, what was written and not read yet is kept when Ctrl-C comes: else it would be chance
    what a test gets to see.

    Attributes:
        screen: what is shown.
        stream: all that the program has written so far, sequences included; bytes that are not UTF-8 as ``\\xNN``.
        child: the program.
    """

    def __init__(self, *words: str | Path, cwd: Path, env: dict[str, str], rows: int = 40, columns: int = 160) -> None:
        self.screen = Screen(rows, columns)
        self.stream = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self.child: pexpect.spawn[bytes] = pexpect.spawn(
            str(words[0]),
            [str(word) for word in words[1:]],
            cwd=cwd,
            env=env,
            dimensions=(rows, columns),
            preexec_fn=_keep_output,
        )
        self.child.delaybeforesend = None

    def type(self, *keys: str | bytes) -> None:
        """Press keys, as fast as they come."""
        for key in keys:
            self.child.send(key.encode() if isinstance(key, str) else key)

    def paste(self, text: str) -> None:
        """Paste: marked as a terminal does it, for the program has asked for that."""
        assert self.screen.takes_pastes
        self.type(f"\x1b[200~{text.replace(chr(10), chr(13))}\x1b[201~")

    def resize(self, rows: int, columns: int) -> None:
        """Give the window another size; the program gets SIGWINCH."""
        self.screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def until(self, what: str, look: Callable[[], T | None], *, timeout: float = WAIT) -> T:
        """What ``look`` sees at last; it is asked now and after each piece of output."""
        deadline = time.monotonic() + timeout * TIME
        while True:
            if seen := look():
                return seen
            if not self._read(max(0.0, deadline - time.monotonic())):
                raise AssertionError(f"nothing more came before {what}; the screen is\n{self.screen.text}")

    def shows(self, pattern: str, *, timeout: float = WAIT) -> re.Match[str]:
        """Wait until the pattern is found on the screen; ``^`` and ``$`` are the ends of its rows."""
        wanted = re.compile(pattern, re.MULTILINE)
        return self.until(f"{pattern!r} is shown", lambda: wanted.search(self.screen.text), timeout=timeout)

    def shown(self, pattern: str, *, since: int = 0, timeout: float = WAIT) -> re.Match[str]:
        """Wait until the pattern is found in what was written, for what is on the screen for a moment only."""
        wanted = re.compile(pattern)
        return self.until(f"{pattern!r} was written", lambda: wanted.search(self.stream, since), timeout=timeout)

    def typed(self, text: str) -> None:
        """Type it, and wait until the editor shows it up to the cursor; see :meth:`line_is` for long lines."""
        self.type(text)
        self.until(f"the line ends with {text!r}", lambda: self._above().endswith(_squeezed(text)))

    def line_is(self, text: str) -> None:
        """Wait until this is typed behind a prompt and the cursor is at its end, on as many rows as it takes."""
        wanted = re.compile(rf"(?:\A|.*){_SQUEEZED_PROMPT.pattern}{re.escape(_squeezed(text))}")
        self.until(f"the line is {text!r}", lambda: wanted.fullmatch(self._above()))

    def edits(self, text: str) -> None:
        """Wait until this, and no more, is typed behind a prompt in the cursor's row."""
        self.until(f"the line is {text!r}", lambda: self._line() == text)

    def wait_prompt(self, *, timeout: float = WAIT) -> str:
        """Wait for a prompt behind which nothing is typed, and return it. Something else was in its row before."""
        self.until("a prompt", lambda: self._line() == "", timeout=timeout)
        return self.screen.before_cursor

    def run(self, line: str, *, timeout: float = WAIT) -> list[str]:
        """Type a line, run it and wait for the next prompt; see :meth:`enter`."""
        self.typed(line)
        return self.enter(timeout=timeout)

    def wait_completion(self, line: str, completed: str) -> None:
        """Wait until Tab behind ``line`` makes it ``completed``: names on the bus are known a moment after the first prompt.

        A person presses Tab again when there was nothing, as this does. Afterwards the line is empty again.
        """
        self.typed(line)
        deadline = time.monotonic() + WAIT * TIME
        while not (self._line() or "").startswith(completed):
            assert time.monotonic() < deadline, f"{completed!r} is not offered; the screen is\n{self.screen.text}"
            self.type(TAB)
            self._read(0.1)
        self.type(CTRL_U)
        self.wait_prompt()

    def enter(self, *, timeout: float = WAIT) -> list[str]:
        """Run the line that is typed, and shown, and wait for the next prompt.

        Returns:
            The rows that came between the line and the prompt, those that scrolled away too.
        """
        before = len(self.screen.scrolled) + self.screen.row + 1
        self.type(ENTER)
        self.wait_prompt(timeout=timeout)
        return self.screen.everything[before:-1]

    def _above(self) -> str:
        """What is on the screen up to the cursor without blanks and breaks, for lines are broken wherever they are full."""
        return _squeezed("".join([*self.screen.lines[: self.screen.row], self.screen.before_cursor]))

    def _line(self) -> str | None:
        """What is typed in the cursor's row; None where the cursor is not at its end, or there is no prompt."""
        before = self.screen.before_cursor
        found = PROMPT.match(before)
        if found is None or self.screen.lines[self.screen.row] != before.rstrip():
            return None
        return before[found.end() :]

    def wait_end(self) -> int:
        """The exit status, once the program has ended."""
        deadline = time.monotonic() + WAIT * TIME
        while self._read(max(0.0, deadline - time.monotonic())):
            pass
        self.child.close()
        assert self.child.exitstatus is not None, "it did not end by itself"
        return self.child.exitstatus

    def _read(self, seconds: float) -> bool:
        """Take what is written, or will be within that time; False where nothing is, or the program has ended."""
        try:
            data = self.child.read_nonblocking(1 << 16, seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        text = self._decoder.decode(data)
        self.stream += text
        self.screen.feed(text)
        return True


def _keep_output() -> None:
    """Runs in the child, before the program: the line editor puts back what it finds at its start."""
    settings = termios.tcgetattr(0)
    settings[3] |= termios.NOFLSH
    termios.tcsetattr(0, termios.TCSANOW, settings)


def _squeezed(text: str) -> str:
    return text.replace(" ", "")


@contextmanager
def open_shell(
    place: Box, *words: str, rows: int = 40, columns: int = 160, home: Path | None = None
) -> Iterator[Terminal]:
    """mhsh on the bus of ``place``, at its first prompt; ``home`` has its history, else that of ``place``."""
    state = place.home if home is None else home
    env = environment(XDG_CONFIG_HOME=str(state), XDG_STATE_HOME=str(state), TERM="xterm")
    terminal = Terminal(BIN / "mhsh", *place.bus.words, *words, cwd=place.home, env=env, rows=rows, columns=columns)
    try:
        terminal.wait_prompt()
        yield terminal
    finally:
        terminal.child.close(force=True)

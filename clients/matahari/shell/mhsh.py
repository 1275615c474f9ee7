"""``mhsh``: select hosts and a class on the bus, read and write properties, call methods.

Start-up is most of a short command's time, so everything is imported when it is needed.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO, TypeAlias, cast

from matahari.errors import ConnectFailedError, MatahariError
from matahari.shell.base.outcome import ExitStatus, status_of
from matahari.shell.direct.options import parse

if TYPE_CHECKING:
    from matahari.shell.base.ports import ConsoleLike

__all__ = ["main"]

Connect: TypeAlias = "Callable[[argparse.Namespace], ConsoleLike]"


def main(argv: Sequence[str] | None = None, *, connect: Connect | None = None) -> int:
    """Run the shell.

    Args:
        argv: arguments without the program's name; the process's own by default.
        connect: gives the console for the parsed options; the blocking console by default.

    Returns:
        The exit status, see :class:`ExitStatus`.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["--complete-words"]:  # of the completion scripts; not for people
        from matahari.shell.direct.completion_request import complete_words

        complete_words(words[1:])
        return ExitStatus.OK
    try:
        options = parse(words)
    except SystemExit as exit_:
        return int(exit_.code or 0)
    _make_streams_tolerant()
    try:
        # Help and usage errors need none of it.
        from matahari.shell.start import connect_console, ended_by_signals, start

        with ended_by_signals():
            return start(options, connect or connect_console)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`). Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.OK
    except MatahariError as error:
        return _give_up(error, debug=options.debug)
    except OSError as error:
        # stdout on a full disk, for one; where nothing can be written, the status must tell
        print(f"mhsh: cannot go on: {error.strerror or error}", file=sys.stderr)
        sys.stdout = _nowhere("w")  # what is still buffered would fail once more at exit
        return ExitStatus.COULD_NOT_ASK


def _give_up(error: MatahariError, *, debug: bool) -> int:
    from matahari.shell.display.render import printable  # where all goes well nothing is told here

    text = " ".join(str(error).split("\n"))
    if isinstance(error, ConnectFailedError) and error.address and error.address not in text:
        text = f"no broker at {error.address}: {text}"
    if debug:
        print(printable("".join(traceback.format_exception(error))), end="", file=sys.stderr)
    print(f"mhsh: {printable(text)}", file=sys.stderr)
    return status_of(error)


def _nowhere(mode: str) -> TextIO:
    return cast(TextIO, open(os.devnull, mode))


def _make_streams_tolerant() -> None:
    # A stream that the caller closed (`>&-`) is None.
    sys.stdin = sys.stdin or _nowhere("r")
    sys.stdout = sys.stdout or _nowhere("w")
    sys.stderr = sys.stderr or _nowhere("w")
    # A remote text must not end the shell because the locale lacks a character.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())

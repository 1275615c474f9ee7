"""``mhsh``: select hosts and a class on the bus, read and write properties, call methods.

Start-up is most of a short command's time, so everything is imported when it is needed.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NoReturn, TextIO, TypeAlias, cast

from matahari.errors import ConnectFailedError, MatahariError
from matahari.shell.base.outcome import CutShortError, ExitStatus, status_of
from matahari.shell.direct.options import parse

if TYPE_CHECKING:
    import argparse

    from matahari.shell.base.ports import ConsoleLike

__all__ = ["buffered", "main", "run"]

Connect: TypeAlias = "Callable[[argparse.Namespace], ConsoleLike]"

#: New objects after which the garbage collector looks for cycles, instead of 700. What is loaded stays, so that looking
#: at it a hundred times while it is loaded finds nothing; so much garbage is a few MiB.
GARBAGE_THRESHOLD: Final = 50_000


def run() -> NoReturn:
    """The program ``mhsh``: :func:`main`, and then the end of the process, without taking the interpreter to pieces.

    That would be a fifth of a short command's time, and the operating system frees all of it anyway. What Python does
    before that for others is done: exit functions run, and what was printed is written.
    """
    gc.set_threshold(GARBAGE_THRESHOLD)
    sys.stdout, sys.stderr = buffered(sys.stdout), buffered(sys.stderr)
    status = main()
    if threading.active_count() == 1:  # Python waits for threads that still have something to do
        atexit._run_exitfuncs()
        os._exit(_write_out(status))
    sys.exit(status)


def _write_out(status: int) -> int:
    """Write what is still buffered; gives ``status``, or what becomes of it when that fails."""
    streams: tuple[TextIO | None, ...] = (sys.stdout, sys.stderr)
    try:
        for stream in streams:
            if stream is not None and not stream.closed:  # there is none with `>&-`
                stream.flush()
    except BrokenPipeError:
        return status  # the reader went away, and has what it wanted
    except OSError as error:
        return _cannot_go_on(error)
    return status


def buffered(stream: TextIO) -> TextIO:
    """The same stream, with a buffer if it has none, as with ``PYTHONUNBUFFERED``.

    Without one Python forgets what the kernel did not take at once; at Ctrl-C, that is a part of a long answer.
    """
    if not isinstance(stream, io.TextIOWrapper) or not isinstance(stream.buffer, io.RawIOBase):
        return stream
    return open(stream.fileno(), "w", encoding=stream.encoding, buffering=1, closefd=False)


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
    _make_streams_tolerant()
    options = None
    try:
        try:
            options = parse(words)
        except SystemExit as exit_:
            return int(exit_.code or 0)
        # Help and usage errors need none of it.
        from matahari.shell.start import connect_console, ended_by_signals, start

        with ended_by_signals():
            return start(options, connect or connect_console)
    except SystemExit:  # of a signal
        _drop_unwritable()
        raise
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return ExitStatus.INTERRUPTED
    except BrokenPipeError as error:
        # The reader went away (`| head`). Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, CutShortError):
            return ExitStatus.OK
        try:
            print(f"mhsh: nobody reads the answers: {error}", file=sys.stderr, flush=True)
        except OSError:
            sys.stderr = _nowhere("w")  # it went the same way
        return ExitStatus.CUT_SHORT
    except MatahariError as error:
        return _give_up(error, debug=options is not None and options.debug)
    except OSError as error:
        return _cannot_go_on(error)


def _cannot_go_on(error: OSError) -> ExitStatus:
    # stdout on a full disk, for one; where nothing can be written, the status must tell
    sys.stdout = _nowhere("w")  # what is still buffered would fail once more at exit
    try:
        print(f"mhsh: cannot go on: {error.strerror or error}", file=sys.stderr, flush=True)
    except OSError:
        sys.stderr = _nowhere("w")  # it is on the same disk
    return ExitStatus.COULD_NOT_ASK


def _give_up(error: MatahariError, *, debug: bool) -> int:
    from matahari.shell.display.render import printable  # where all goes well nothing is told here

    text = " ".join(str(error).split("\n"))
    if isinstance(error, ConnectFailedError) and error.address and error.address not in text:
        text = f"no broker at {error.address}: {text}"
    if debug:
        import traceback  # only wanted to be shown

        print(printable("".join(traceback.format_exception(error))), end="", file=sys.stderr)
    print(f"mhsh: {printable(text)}", file=sys.stderr)
    return status_of(error)


def _nowhere(mode: str) -> TextIO:
    return cast(TextIO, open(os.devnull, mode))


def _drop_unwritable() -> None:
    """Python would fail once more at exit, with a status of its own, where the terminal has gone."""
    try:
        sys.stdout.flush()
    except OSError:
        sys.stdout = _nowhere("w")


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
    run()

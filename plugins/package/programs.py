"""Run the system's package programs: without a shell, with a time limit, and with a limit for what they say."""

from __future__ import annotations

import codecs
import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import IO

from matahari.plugin import context, output

#: Where programs are looked for: never in a folder that the environment names.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
#: Seconds for a question, and for whatever may load from mirrors first.
ASK = 60.0
CHANGE = 3600.0
#: Seconds that a call must have left for a change to begin. A caller's limit ends what it has started on the host, and a
#: package program that is ended in the middle leaves packages half installed: with less than this nothing is begun. It is
#: ``CHANGE`` without what may be spent before, in the queue of the plugin and with the plan.
LEAST = 3000.0
#: Kept of each output of a program, in bytes: a list of 20,000 packages has about 3 MB.
MAX_OUTPUT = 16 * 1024 * 1024
#: Seconds that are kept back of a call's time, so that its end can still be told.
RESERVE = 1.0
#: Seconds between asking a program to end and killing it: it may be writing its database.
GRACE = 10.0
_CHUNK = 64 * 1024
#: Seconds between two looks whether the call was cancelled.
_LOOK = 0.25
#: Of our own environment; a mirror may only be reached through a proxy.
_KEPT = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")


class PackageError(RuntimeError):
    """A package program failed; the text has its own words."""


class TimeTooShortError(PackageError):
    """The call has too short a limit for a change; nothing was begun."""


class PackageLockedError(PackageError):
    """Another program works on the packages of this host."""


@dataclass(frozen=True)
class Done:
    """A program that has ended: exit status and what it said."""

    words: list[str]
    status: int
    output: str
    errors: str

    def require(self, *statuses: int) -> Done:
        """Give this one, if it ended with one of the statuses (none given: 0).

        Raises:
            PackageError: it did not.
        """
        if self.status not in (statuses or (0,)):
            said = (self.errors.strip() or self.output.strip())[-2000:]
            raise PackageError(f"{' '.join(self.words)} ended with status {self.status}: {said}")
        return self


def needs_root(said: str) -> PermissionError:
    """The error when a package program says that this user may not do it; ``said`` are its words."""
    return PermissionError(f"needs root: only root may change packages; run the plugin as root: {said[-1000:]}")


def find(name: str) -> str | None:
    """Give the path of a program of the system, None when it is not installed."""
    return shutil.which(name, path=PATH)


def run(name: str, *words: str, timeout: float, is_shown: bool = False, is_change: bool = False) -> Done:
    """Run a program to its end, in a process group of its own.

    Its own end counts: what it has started in the background, such as a service, may keep its output open.

    Args:
        name: of the program, in a folder of the system.
        words: its arguments.
        timeout: seconds; less when the call ends before.
        is_shown: whether the caller sees its output as it comes.
        is_change: whether it changes packages: then it goes on when the call is cancelled, for half a change is worse,
            and does not begin when the call's limit could end it.

    Raises:
        TimeTooShortError: it would change packages, and the call has less than ``LEAST`` seconds left.
        PackageError: it is not installed, says more than is kept, or does not end in time; it is ended then, with its
            process group.
        TimeoutError: the call was cancelled.
    """
    program = find(name)
    if program is None:
        raise PackageError(f"{name} is not installed (looked in {PATH})")
    if is_change and context().remaining < LEAST:
        raise TimeTooShortError(
            f"nothing was begun: the call has {context().remaining:.0f} s left, and a change that its limit cuts off leaves"
            f" packages half installed; allow it {CHANGE:g} s, as mhsh does without -t and Python without a timeout (call_timeout"
            " in package.toml may be lower, too)"
        )
    deadline = time.monotonic() + max(0.0, min(timeout, context().remaining - RESERVE))
    environment = {"LC_ALL": "C", "PATH": PATH, "DEBIAN_FRONTEND": "noninteractive", "HOME": "/", "TERM": "dumb"}
    environment |= {key: os.environ[key] for key in _KEPT if key in os.environ}
    process = subprocess.Popen(
        [program, *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        said, is_cut = _listen(process, process.stdout, process.stderr, deadline, is_shown, is_change)
    except _TimeOver:
        raise PackageError(
            f"{name} {' '.join(words)} did not end within its time and was stopped; look at its state on the host"
            " (dpkg --configure -a, dnf check) and ask again with a longer time limit"
        ) from None
    finally:
        _end(process)
        process.stdout.close()
        process.stderr.close()
    if is_cut:
        raise PackageError(f"{name} {' '.join(words)} said more than {MAX_OUTPUT} bytes; ask for less")
    output, errors = (text.decode(errors="replace") for text in said)
    return Done([name, *words], process.returncode, output, errors)


class _TimeOver(Exception):
    """The program has had its time."""


def _listen(
    process: subprocess.Popen[bytes],
    stdout: IO[bytes],
    stderr: IO[bytes],
    deadline: float,
    is_shown: bool,
    is_change: bool,
) -> tuple[tuple[bytes, bytes], bool]:
    """Read both outputs until the program ends; what is too much is read as well, so that it can go on."""
    kept = {stdout: bytearray(), stderr: bytearray()}
    is_cut = False
    call = context()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    ended = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(ended, selectors.EVENT_READ)
            for stream in kept:
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ)
            while process.poll() is None or len(selector.get_map()) > 1:
                has_ended = process.poll() is not None
                left = deadline - time.monotonic()
                if left <= 0 and not has_ended:
                    raise _TimeOver
                if call.is_cancelled and not is_change:
                    raise TimeoutError("the call was cancelled")
                # The outputs are read to their ends, or as far as they are filled when the program has ended.
                ready = selector.select(0 if has_ended else min(left, _LOOK))
                streams = [stream for stream in kept if any(key.fileobj is stream for key, _ in ready)]
                if has_ended and not streams:
                    break
                for stream in streams:
                    chunk = os.read(stream.fileno(), _CHUNK)
                    if is_shown and stream is stdout and (text := decoder.decode(chunk)):
                        output(text)
                    if not chunk:
                        selector.unregister(stream)
                    elif len(kept[stream]) + len(chunk) <= MAX_OUTPUT:
                        kept[stream] += chunk
                    else:
                        is_cut = True
    finally:
        os.close(ended)
    return (bytes(kept[stdout]), bytes(kept[stderr])), is_cut


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program that still runs, and what it has started; one that has ended by itself leaves services behind."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        pass  # it is killed below, as is what it leaves
    with contextlib.suppress(ProcessLookupError):  # all of them have ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

"""Running a fact program: bounded in time and output, and gone with all it has started when it is over."""

from __future__ import annotations

import errno
import os
import selectors
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Final

from matahari.errors import ConfigError

__all__ = ["EXECUTABLE_TIMEOUT", "run_executable"]

EXECUTABLE_TIMEOUT: Final = 5.0
"""Seconds. Facts describe; a program that measures should write a file instead."""

OUTPUT_LIMIT_BYTES: Final = 256 * 1024
_ERRORS_LIMIT_BYTES: Final = 4096  # of what it says when it fails; what is beyond is read and dropped
_POLL: Final = 0.2  # seconds until a stop is noticed
_CHUNK: Final = 65536

_ENVIRONMENT: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


def run_executable(path: Path, *, timeout: float = EXECUTABLE_TIMEOUT, stop: threading.Event | None = None) -> bytes:
    """What the program printed. It blocks: for a thread.

    It gets no arguments, no input, a small environment and ``/`` as its directory. It is over when it has ended;
    whatever it left in its process group is killed then, and so are both after ``timeout`` seconds.

    Args:
        stop: gives up early when it is set.

    Raises:
        ConfigError: it cannot be started, fails, takes too long or prints too much.
    """
    try:
        process = subprocess.Popen(
            [str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        hint = " (is there a #! line?)" if error.errno == errno.ENOEXEC else ""
        raise ConfigError(f"cannot be started: {error.strerror}{hint}", file=str(path)) from error
    with process:
        try:
            output, errors = _read(process, path, timeout, stop)
        finally:
            # It is not reaped yet, so nobody else can have its number, and the group is still its own.
            _kill_group(process.pid)
            process.wait()
    if process.returncode:
        said = errors.decode("utf-8", "replace").strip().replace("\n", " | ")
        why = f"signal {-process.returncode}" if process.returncode < 0 else f"status {process.returncode}"
        raise ConfigError(f"ended with {why}" + (f": {said}" if said else ""), file=str(path))
    return output


def _read(
    process: subprocess.Popen[bytes], path: Path, timeout: float, stop: threading.Event | None
) -> tuple[bytes, bytes]:
    """Both outputs, complete when the program itself has ended: a child of it may hold them open for ever."""
    assert process.stdout is not None
    assert process.stderr is not None
    deadline = time.monotonic() + timeout
    output, errors = bytearray(), bytearray()
    exited = os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            for descriptor in (process.stdout.fileno(), process.stderr.fileno()):
                os.set_blocking(descriptor, False)
                selector.register(descriptor, selectors.EVENT_READ)
            selector.register(exited, selectors.EVENT_READ)
            is_over = False
            while not is_over:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise ConfigError(f"not ended within {timeout:g} s", file=str(path))
                if stop is not None and stop.is_set():
                    raise ConfigError("stopped", file=str(path))
                ready = {key.fd for key, _ in selector.select(min(remaining, _POLL))}
                # Looked at before the outputs are read, so that these are complete.
                is_over = exited in ready
                for descriptor, kept in ((process.stdout.fileno(), output), (process.stderr.fileno(), errors)):
                    if descriptor in ready and not _drain(descriptor, kept):
                        selector.unregister(descriptor)
                if len(output) > OUTPUT_LIMIT_BYTES:
                    raise ConfigError(f"printed more than {OUTPUT_LIMIT_BYTES} bytes", file=str(path))
                del errors[_ERRORS_LIMIT_BYTES:]
            for descriptor, kept in ((process.stdout.fileno(), output), (process.stderr.fileno(), errors)):
                while len(kept) <= OUTPUT_LIMIT_BYTES and _drain(descriptor, kept):
                    pass
            if len(output) > OUTPUT_LIMIT_BYTES:
                raise ConfigError(f"printed more than {OUTPUT_LIMIT_BYTES} bytes", file=str(path))
            return bytes(output), bytes(errors[:_ERRORS_LIMIT_BYTES])
    finally:
        os.close(exited)


def _drain(descriptor: int, kept: bytearray) -> bool:
    """Read once; False at the end, or when there is nothing now."""
    try:
        data = os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return False
    kept += data
    return bool(data)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # everything in it has ended

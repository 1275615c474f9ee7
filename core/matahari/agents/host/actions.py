"""The three things that can be done to the machine itself: switch it off, restart it, let it beep.

Whether they may be done is decided before; whether they worked is reported, which 2012 did not do.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import Sequence

from matahari.agent import Fault

__all__ = ["REBOOT", "SHUTDOWN", "beep", "run_first"]

TIMEOUT = 30.0
"""Seconds for a command to accept the order; systemd answers at once, other init systems within a second or two."""

# Alternatives in order: systemd's, and what every other init system has.
SHUTDOWN = (("systemctl", "poweroff"), ("shutdown", "-h", "now"))
REBOOT = (("systemctl", "reboot"), ("shutdown", "-r", "now"))

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_OUTPUT_LIMIT_BYTES = 400  # of what a failed command says, enough for its last line

# Source: ioctl_console(2), KDMKTONE; the period is that of the 1193180 Hz timer behind the speaker.
_KDMKTONE = 0x4B30
_TONE_HZ = 440
_TONE_MS = 1000
_CONSOLES = ("/dev/tty0", "/dev/console")


async def run_first(alternatives: Sequence[Sequence[str]], timeout: float = TIMEOUT) -> None:
    """Run the first of the commands that is installed, and wait until it has ended.

    Args:
        alternatives: argument lists; programs are looked up in the system's folders only.
        timeout: seconds, after which the command is killed.

    Raises:
        Fault: none is installed, or the command failed or took too long; the text says which and why.
    """
    for arguments in alternatives:
        program = shutil.which(arguments[0], path=_PATH)
        if program is not None:
            await _run(program, arguments, timeout)
            return
    names = ", ".join(arguments[0] for arguments in alternatives)
    raise Fault(f"Error in backend: none of {names} is installed")


async def _run(program: str, arguments: Sequence[str], timeout: float) -> None:
    shown = " ".join(arguments)
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments[1:],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"PATH": _PATH, "LC_ALL": "C"},
        )
    except OSError as error:
        raise Fault(f"Error in backend: {shown} cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(timeout):
            output, _ = await process.communicate()
    except TimeoutError:
        raise Fault(f"Error in backend: {shown} did not end within {timeout:g} s") from None
    finally:
        # Also when the agent is being stopped: no child is left behind.
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        said = output[-_OUTPUT_LIMIT_BYTES:].decode(errors="replace").strip()
        raise Fault(f"Error in backend: {shown} ended with status {process.returncode}" + (f": {said}" if said else ""))


def beep() -> None:
    """Let the machine's speaker sound for a second, without waiting for it.

    Raises:
        Fault: there is no console or no speaker that we may use.
    """
    reason = "no console"
    for name in _CONSOLES:
        try:
            descriptor = os.open(name, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            reason = f"{name}: {error.strerror}"
            continue
        try:
            fcntl.ioctl(descriptor, _KDMKTONE, (_TONE_MS << 16) | (1_193_180 // _TONE_HZ))
            return
        except OSError as error:
            reason = f"{name}: {error.strerror}"
        finally:
            os.close(descriptor)
    raise Fault(f"Error in backend: the speaker cannot be used ({reason})")

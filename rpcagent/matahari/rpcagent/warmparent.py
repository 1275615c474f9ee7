"""The agent's side of the warm parent: starting it, speaking the control protocol, noticing its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import site
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import matahari
from matahari.hostproto import (
    Closed,
    Connection,
    Exited,
    Fault,
    Hello,
    Kill,
    Message,
    Ping,
    Pong,
    Shutdown,
    Spawn,
    Spawned,
    SpawnFailed,
)

from .limits import ProcessBounds
from .pump import SocketPump

__all__ = ["ParentUser", "WarmParent", "describe_end"]

_log = logging.getLogger(__name__)

#: How long a warm parent may take to end after it was asked to, in seconds.
_END_TIMEOUT: Final = 3.0


class ParentUser(Protocol):
    """Who hears of workers."""

    def worker_spawned(self, worker: int, pid: int) -> None:
        """The worker's process exists."""

    def worker_not_spawned(self, worker: int, text: str) -> None:
        """There is no process."""

    def worker_exited(self, worker: int, status: int | None, number: int | None) -> None:
        """The worker has ended, with a status or by a signal, and was reaped."""

    def parent_lost(self, text: str) -> None:
        """The warm parent has ended without being asked; all its workers end with it."""


class WarmParent:
    """One process of ``matahari.pluginhost``. Used on the event loop."""

    def __init__(self, python: str, user: ParentUser) -> None:
        self._python = python
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None
        self._pump: SocketPump | None = None
        self._connection: Connection | None = None
        self._ended: asyncio.Future[None] | None = None
        self._pidfd = -1
        self._is_stopping = False
        self._fault = ""

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process. It is ready for messages at once: they wait in its socket.

        Raises:
            OSError: it cannot be started.
        """
        loop = asyncio.get_running_loop()
        nonce = secrets.token_hex(8)
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                # -P: a file in the current folder must not take the place of a standard module.
                process = subprocess.Popen(
                    [self._python, "-P", "-m", "matahari.pluginhost", str(theirs.fileno()), nonce],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env=_environment(os.environ),
                    start_new_session=True,  # Ctrl-C in a terminal is for the agent
                )
        except BaseException:
            ours.close()
            raise
        self._process = process
        self._fault = ""
        self._connection = Connection.to_parent(nonce)
        self._pump = SocketPump(ours, receive=self._receive, ended=self._end_of_stream)
        self._ended = loop.create_future()
        self._pidfd = os.pidfd_open(process.pid)
        loop.add_reader(self._pidfd, self._exited)

    def spawn(
        self, worker: int, plugin: str, nonce: str, sock: socket.socket, log_fd: int, bounds: ProcessBounds
    ) -> None:
        """Ask for a worker; ``sock`` and ``log_fd`` are passed on and closed."""
        message = Spawn(worker, plugin, nonce, bounds.limits, bounds.environment)
        self._send(message, (sock.detach(), log_fd))

    def kill(self, worker: int, number: int) -> None:
        """Signal the process group of a worker."""
        self._send(Kill(worker, number))

    def kill_parent(self, text: str) -> None:
        """End a warm parent that does not do its work; ``parent_lost`` follows."""
        self._fault = self._fault or text
        if self._process is not None:
            self._process.kill()

    async def stop(self) -> None:
        """End the process and with it all workers; when this returns, all are reaped."""
        self._is_stopping = True
        if self._ended is None or self._process is None:
            return
        self._send(Shutdown())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_TIMEOUT):
                await asyncio.shield(self._ended)
        if self._process is not None:
            self._process.kill()
            await self._ended

    def _send(self, message: Message, descriptors: tuple[int, ...] = ()) -> None:
        if self._pump is not None and self._connection is not None:
            self._pump.write(self._connection.send(message), descriptors)
        else:
            for descriptor in descriptors:
                os.close(descriptor)

    def _receive(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.receive_data(data)
            self._handle_events(self._connection)

    def _end_of_stream(self) -> None:
        if self._connection is not None:
            self._connection.receive_eof()
            self._handle_events(self._connection)

    def _handle_events(self, connection: Connection) -> None:
        while (event := connection.next_event()) is not None:
            match event:
                case Spawned():
                    self._user.worker_spawned(event.worker, event.pid)
                case SpawnFailed():
                    self._user.worker_not_spawned(event.worker, event.text)
                case Exited():
                    self._user.worker_exited(event.worker, event.status, event.signal)
                case Fault():
                    self.kill_parent(f"the plugin host broke the protocol: {event.text}")
                case Closed():
                    # Its process is about to end; without a socket it is of no use in any case.
                    self.kill_parent("the plugin host closed its socket")
                case Hello() | Pong() | Ping():
                    pass
                case _:
                    raise AssertionError(f"{event.TYPE} passed the connection")  # it lets in what a parent may send

    def _exited(self) -> None:
        """The kernel says that the process has ended."""
        process, pump = self._process, self._pump
        if process is None or pump is None or self._ended is None:
            return
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        pump.read_rest()  # its last words: workers that ended before it did
        pump.close()
        status = process.wait()
        how = describe_end(None, -status) if status < 0 else describe_end(status, None)
        text = f"the plugin host {how}" + (f" ({self._fault})" if self._fault else "")
        self._process = self._pump = self._connection = None
        self._ended.set_result(None)
        if not self._is_stopping:
            _log.error("%s; it is started again", text)
            self._user.parent_lost(text)


def describe_end(status: int | None, number: int | None) -> str:
    """Say how a process ended, as the end of a sentence."""
    if number is None:
        return f"ended with exit status {status}"
    try:
        return f"was killed by signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"was killed by signal {number}"


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the warm parent's environment: ours, and the way to our own packages when they are not installed."""
    installed = {Path(place).resolve() for place in (*site.getsitepackages(), site.getusersitepackages())}
    roots = [str(Path(place).parent) for place in matahari.__path__ if Path(place).parent.resolve() not in installed]
    given = environ.get("PYTHONPATH")
    result = dict(environ)
    if given is not None:
        result["MATAHARI_PLUGIN_PYTHONPATH"] = given
    result["PYTHONPATH"] = os.pathsep.join([*roots, *([given] if given else [])])
    # Threads of a worker share one heap: separate ones cost megabytes in each idle worker.
    result["MALLOC_ARENA_MAX"] = "1"
    return result

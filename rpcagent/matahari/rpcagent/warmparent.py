"""The agent's side of the warm parent: starting it, speaking the control protocol, noticing its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
from typing import Final, Protocol

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

from .languages import HostProgram
from .limits import ProcessBounds
from .pump import SocketPump

__all__ = ["ParentUser", "WarmParent", "describe_end"]

#: How long a warm parent may take to end after it was asked to, in seconds.
_END_TIMEOUT: Final = 3.0
#: How long one may live on after it closed its socket, in seconds.
_LAST_BREATH: Final = 0.2


class ParentUser(Protocol):
    """Who hears of workers."""

    def worker_spawned(self, worker: int, pid: int) -> None:
        """The worker's process exists."""

    def worker_not_spawned(self, worker: int, text: str) -> None:
        """There is no process."""

    def worker_exited(self, worker: int, status: int | None, number: int | None) -> None:
        """The worker has ended, with a status or by a signal, and was reaped."""

    def parent_lost(self, text: str, *, was_ready: bool) -> None:
        """The warm parent has ended without being asked; all its workers end with it. Ready is who has said hello."""


class WarmParent:
    """One process of a host program. Used on the event loop."""

    def __init__(self, program: HostProgram, user: ParentUser) -> None:
        self._program = program
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None
        self._pump: SocketPump | None = None
        self._connection: Connection | None = None
        self._ended: asyncio.Future[None] | None = None
        self._pidfd = -1
        self._is_stopping = False
        self._is_ready = False
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
                process = subprocess.Popen(
                    [*self._program.command, str(theirs.fileno()), nonce],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env=self._program.environment(os.environ),
                    start_new_session=True,  # Ctrl-C in a terminal is for the agent
                )
        except BaseException:
            ours.close()
            raise
        try:
            pidfd = os.pidfd_open(process.pid)
        except BaseException:
            # Out of descriptors, most likely. Nobody could notice its end, so it must not live.
            ours.close()
            process.kill()
            process.wait()
            raise
        self._process = process
        self._is_ready = False
        self._fault = ""
        self._connection = Connection.to_parent(nonce)
        self._pump = SocketPump(ours, receive=self._receive, ended=self._end_of_stream)
        self._ended = loop.create_future()
        self._pidfd = pidfd
        loop.add_reader(self._pidfd, self._exited)

    def spawn(
        self, worker: int, plugin: str, nonce: str, sock: socket.socket, log_fd: int, bounds: ProcessBounds
    ) -> None:
        """Ask for a worker; ``sock`` and ``log_fd`` are passed on and closed."""
        message = Spawn(worker, plugin, nonce, bounds.limits, bounds.environment, bounds.typed)
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
                    self.kill_parent(f"it broke the protocol: {event.text}")
                case Closed():
                    # Nearly always because it ends, and how it ended says more. Without a socket it is of no use in any case.
                    asyncio.get_running_loop().call_later(_LAST_BREATH, self._has_no_socket, self._process)
                case Hello():
                    self._is_ready = event.language == self._program.language
                    if not self._is_ready:
                        self.kill_parent(f"it says that it runs {event.language}, not {self._program.language}")
                case Pong() | Ping():
                    pass
                case _:
                    raise AssertionError(f"{event.TYPE} passed the connection")  # it lets in what a parent may send

    def _has_no_socket(self, process: subprocess.Popen[bytes] | None) -> None:
        if process is self._process:  # not when it has ended since
            self.kill_parent("it closed its socket")

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
        text = f"{self._program.title} {how}" + (f" ({self._fault})" if self._fault else "")
        self._process = self._pump = self._connection = None
        self._ended.set_result(None)
        if not self._is_stopping:
            self._user.parent_lost(text, was_ready=self._is_ready)


def describe_end(status: int | None, number: int | None) -> str:
    """Say how a process ended, as the end of a sentence."""
    if number is None:
        return f"ended with exit status {status}"
    try:
        return f"was killed by signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"was killed by signal {number}"

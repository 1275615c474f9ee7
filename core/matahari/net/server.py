"""Listening sockets: each accepted connection becomes a pump with an engine of its own."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from matahari.amqp import Engine
from matahari.errors import ConfigError
from matahari.net.address import is_loopback
from matahari.net.inprocess import join
from matahari.net.pump import Handler, Pump
from matahari.net.rules import peer_uid
from matahari.net.tasks import TaskKeeper

__all__ = ["Listener"]

_log = logging.getLogger(__name__)

BACKLOG = 4096  # a restarted broker meets all its agents at once; on a Unix socket one more than that is turned away
ACCEPTS_AT_ONCE = 64  # new connections before those that exist have their turn again
RESERVE = 64  # file descriptors that connections leave to the rest of the program: plugins, files, the next accept
ACCEPT_PAUSE = 1.0  # seconds without accepting when the system has no descriptor or memory for one more
GOODBYE_TIMEOUT = 1.0  # seconds for clients to close after they were told that we stop
NOTE_EVERY = 10.0  # seconds between two lines about connections that were refused for the same reason
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Listener:
    """Unix and loopback TCP sockets of one server.

    It never runs out of file descriptors: near the process's limit new connections are closed at once and counted in
    the log, so that those that exist, and everything else in the process, go on.
    """

    def __init__(
        self,
        accepted: Callable[[Pump, str, str], Handler],
        engine: Callable[[], Engine],
        *,
        admits: Callable[[int], bool] = lambda uid: False,
    ) -> None:
        """Serve connections.

        Args:
            accepted: called with the pump, the peer's identity (``uid:N`` or ``anonymous``) and a name for log lines;
                returns its handler.
            engine: makes a server engine for each connection.
            admits: whether a user other than our own and root may use the Unix socket.
        """
        self._accepted = accepted
        self._engine = engine
        self._admits = admits
        self._loop = asyncio.get_running_loop()
        self._sockets: list[socket.socket] = []
        self._accepting = TaskKeeper()
        self._fresh: set[socket.socket] = set()  # accepted, and not yet in asyncio's hands
        self._pauses: dict[socket.socket, asyncio.TimerHandle] = {}
        self._pumps: set[_ServerPump] = set()
        self._empty = asyncio.Event()  # set when the last connection has ended while we close
        self._path: Path | None = None
        self._inode = 0
        self._closing = False
        self._refused = 0
        self._quiet_until: dict[str, float] = {}

    async def listen_unix(self, path: Path, *, others: bool = False) -> None:
        """Listen on a Unix socket: mode 0600, for our own user and root alone.

        Args:
            others: mode 0666, for whomever ``admits`` lets in; who the peer is says the kernel.

        Raises:
            ConfigError: somebody listens there already, or the path cannot be used.
        """
        await _clear_stale(path)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            old = os.umask(0o111 if others else 0o177)
            try:
                sock.bind(str(path))
            finally:
                os.umask(old)
            self._path = path
            self._inode = path.stat().st_ino
            self._listen(sock)
        except OSError as error:
            sock.close()
            raise ConfigError(f"cannot listen on {path}: {error.strerror or error}", key="socket") from error

    async def listen_insecure(self, port: int) -> int:
        """Listen on 127.0.0.1 without authentication (interop tests); 0 picks a port. Returns the port.

        Raises:
            ConfigError: the port is taken.
        """
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", port))
            self._listen(sock)
        except OSError as error:
            sock.close()
            raise ConfigError(
                f"cannot listen on 127.0.0.1:{port}: {error.strerror or error}", key="insecure-anonymous"
            ) from error
        return int(sock.getsockname()[1])

    def connect(self, pump: Pump) -> None:
        """Connect a client of this process and event loop, without a socket: it is who it would be on the Unix socket.

        Raises:
            ConnectionRefusedError: we do not listen, or no longer.
        """
        if self._closing or not self._sockets:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        join(pump, _ServerPump(self, *_identity(os.geteuid())))

    async def close(self) -> None:
        """Stop listening, close every connection, remove the socket file if it is still ours."""
        self._closing = True
        for pause in self._pauses.values():
            pause.cancel()
        for sock in self._sockets:
            self._loop.remove_reader(sock)
            sock.close()
        self._sockets.clear()
        await self._accepting.cancel_all()
        for sock in self._fresh:
            sock.close()
        for pump in list(self._pumps):
            pump.engine.close("amqp:connection:forced", "the broker is stopping")
            pump.flush()
        # A client that writes into a closed socket never reads why; so it is theirs to close first.
        if self._pumps:
            try:
                await asyncio.wait_for(self._empty.wait(), GOODBYE_TIMEOUT)
            except TimeoutError:
                _log.info("%d clients did not answer the goodbye", len(self._pumps))
        for pump in list(self._pumps):
            pump.finish()
        if self._path is not None:
            try:
                if self._path.stat().st_ino == self._inode:
                    self._path.unlink()
            except FileNotFoundError:
                pass  # removed by hand: nothing left to do

    # --- inside ---------------------------------------------------------------------------------------------

    def _listen(self, sock: socket.socket) -> None:
        sock.listen(BACKLOG)
        self._sockets.append(sock)
        self._loop.add_reader(sock, self._accept, sock)

    def _accept(self, sock: socket.socket) -> None:
        """Take what waits. By hand, because asyncio's own loop takes thousands before it looks at the first."""
        highest = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        room = highest - min(RESERVE, highest // 4)
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                found, _ = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._pause(sock, error)
                return
            # The kernel gives the lowest free number, so a high one tells how many there are, whoever opened them.
            if found.fileno() >= room > 0:
                found.close()
                self._note_refused(f"{room} of {highest} files that this process may have open are in use")
            elif (peer := self._identify(found)) is None:
                found.close()
            else:
                found.setblocking(False)
                self._fresh.add(found)
                self._accepting.start(self._serve(found, *peer), name="accepted connection")

    def _pause(self, sock: socket.socket, error: OSError) -> None:
        """Let the socket be for a moment: it would stay readable, and the loop would spin."""
        self._loop.remove_reader(sock)
        self._pauses[sock] = self._loop.call_later(ACCEPT_PAUSE, self._resume, sock)
        self._note_refused(f"the system says: {error.strerror}")

    def _resume(self, sock: socket.socket) -> None:
        del self._pauses[sock]
        self._loop.add_reader(sock, self._accept, sock)

    def _note_refused(self, why: str) -> None:
        self._refused += 1
        if self._is_due("room"):
            _log.error(
                "no room for a new connection (%d refused so far): %s; raise the limit (LimitNOFILE= of the service,"
                " or ulimit -n)",
                self._refused,
                why,
            )

    def _is_due(self, kind: str) -> bool:
        """Whether a line of that kind may be logged: anybody who can connect could otherwise fill the log."""
        now = self._loop.time()
        if now < self._quiet_until.get(kind, now):
            return False
        self._quiet_until[kind] = now + NOTE_EVERY
        return True

    def _identify(self, sock: socket.socket) -> tuple[str, str] | None:
        """Identity and name for log lines of whoever connected; None for one who may not."""
        if sock.family == socket.AF_UNIX:
            uid = peer_uid(sock)
            if uid not in (0, os.geteuid()) and not self._admits(uid):
                if self._is_due("user"):
                    _log.warning("refused a connection of user %d on the local socket", uid)
                return None
            return _identity(uid)
        try:
            host, port = sock.getpeername()[:2]
        except OSError:
            return None  # gone again
        if not is_loopback(str(host)):
            _log.warning("refused a connection from %s: only this machine may connect without TLS", host)
            return None
        return "anonymous", f"{host}:{port}"

    async def _serve(self, sock: socket.socket, identity: str, peer: str) -> None:
        self._fresh.discard(sock)
        try:
            await self._loop.connect_accepted_socket(lambda: _ServerPump(self, identity, peer), sock)
        except OSError as error:
            sock.close()
            _log.info("connection of %s ended: %s", peer, error.strerror or error)


def _identity(uid: int) -> tuple[str, str]:
    """Of a local user, and the name for log lines."""
    return f"uid:{uid}", f"local user {uid}"


class _ServerPump(Pump):
    """A pump that belongs to a listener."""

    def __init__(self, listener: Listener, identity: str, peer: str) -> None:
        super().__init__(listener._engine(), _Unused())
        self._listener = listener
        self._identity = identity
        self._peer = peer
        self._stream: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self._listener._closing:
            transport.abort()
            return
        self._stream = transport
        self._listener._pumps.add(self)
        self._handler = self._listener._accepted(self, self._identity, self._peer)
        super().connection_made(transport)

    def pause_writing(self) -> None:
        """A client that does not read is not read either: answers to it would pile up without end."""
        super().pause_writing()
        if self._stream is not None:
            self._stream.pause_reading()

    def resume_writing(self) -> None:
        if self._stream is not None:
            self._stream.resume_reading()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        listener = self._listener
        listener._pumps.discard(self)
        if listener._closing and not listener._pumps:
            listener._empty.set()
        super().connection_lost(exc)

    def finish(self) -> None:
        """Close the socket; what is still unsent is given up when the peer does not read."""
        if self._stream is not None:
            if self._stream.get_write_buffer_size() == 0:
                self._stream.close()
            else:
                self._stream.abort()


class _Unused:
    """Handler of a pump that never began."""

    def handle_event(self, event: object) -> None:
        return

    def handle_writable(self) -> None:
        return

    def handle_end(self, error: Exception | None) -> None:
        return


async def _clear_stale(path: Path) -> None:
    """Remove a socket file that nobody listens on any more."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"cannot use {path}: {error.strerror or error}", key="socket") from error
    if not stat.S_ISSOCK(found.st_mode):
        raise ConfigError(f"{path} exists and is not a socket; remove it or name another", key="socket")
    try:
        _, writer = await asyncio.wait_for(asyncio.open_unix_connection(str(path)), 2.0)
    except (ConnectionRefusedError, FileNotFoundError):
        path.unlink(missing_ok=True)
        return
    except (OSError, TimeoutError) as error:
        raise ConfigError(f"cannot tell whether {path} is in use: {error}", key="socket") from error
    writer.close()
    raise ConfigError(f"another broker listens on {path}; stop it, or name another socket with --socket", key="socket")

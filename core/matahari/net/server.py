"""Listening sockets: each accepted connection becomes a pump with an engine of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from matahari.amqp import Engine
from matahari.errors import ConfigError
from matahari.net.address import is_loopback
from matahari.net.client import peer_uid
from matahari.net.pump import Handler, Pump

__all__ = ["Accepted", "Listener"]

_log = logging.getLogger(__name__)

BACKLOG = 1024  # a restarted broker meets all its agents at once

Accepted = Callable[[str, str], tuple[Engine, Handler]]
"""(identity, peer for log lines) -> the engine and handler of one connection."""


class Listener:
    """Unix and loopback TCP sockets of one server."""

    def __init__(self, accepted: Callable[[Pump, str, str], Handler], engine: Callable[[], Engine]) -> None:
        """Serve connections.

        Args:
            accepted: called with the pump, the peer's identity and a name for log lines; returns its handler.
            engine: makes a server engine for each connection.
        """
        self._accepted = accepted
        self._engine = engine
        self._servers: list[asyncio.Server] = []
        self._pumps: set[_ServerPump] = set()
        self._path: Path | None = None
        self._inode = 0
        self._closing = False

    async def listen_unix(self, path: Path) -> None:
        """Listen on a Unix socket, mode 0600, for our own user and root alone.

        Raises:
            ConfigError: somebody listens there already, or the path cannot be used.
        """
        await _clear_stale(path)
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            old = os.umask(0o177)
            try:
                sock.bind(str(path))
            finally:
                os.umask(old)
            server = await loop.create_unix_server(lambda: _ServerPump(self), sock=sock, backlog=BACKLOG)
        except OSError as error:
            sock.close()
            raise ConfigError(f"cannot listen on {path}: {error.strerror or error}", key="socket") from error
        self._servers.append(server)
        self._path = path
        self._inode = path.stat().st_ino

    async def listen_insecure(self, port: int) -> int:
        """Listen on 127.0.0.1 without authentication (interop tests); 0 picks a port. Returns the port.

        Raises:
            ConfigError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(lambda: _ServerPump(self), "127.0.0.1", port, backlog=BACKLOG)
        except OSError as error:
            raise ConfigError(
                f"cannot listen on 127.0.0.1:{port}: {error.strerror or error}", key="insecure-anonymous"
            ) from error
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening, close every connection, remove the socket file if it is still ours."""
        self._closing = True
        for server in self._servers:
            server.close()
        for pump in list(self._pumps):
            pump.engine.close("amqp:connection:forced", "the broker is stopping")
            pump.flush()
        await asyncio.sleep(0)
        for pump in list(self._pumps):
            pump.finish()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()
        if self._path is not None:
            try:
                if self._path.stat().st_ino == self._inode:
                    self._path.unlink()
            except FileNotFoundError:
                pass  # removed by hand: nothing left to do


class _ServerPump(Pump):
    """A pump that asks who the peer is before anything is read."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener._engine(), _Refused())
        self._listener = listener
        self._stream: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        if self._listener._closing:
            transport.abort()
            return
        sock = transport.get_extra_info("socket")
        if sock.family == socket.AF_UNIX:
            uid = peer_uid(sock)
            if uid not in (0, os.geteuid()):
                _log.warning("refused a connection of user %d on the local socket", uid)
                transport.abort()
                return
            identity, peer = f"uid:{uid}", f"local user {uid}"
        else:
            address = transport.get_extra_info("peername")
            if not is_loopback(str(address[0])):
                _log.warning("refused a connection from %s: only this machine may connect without TLS", address[0])
                transport.abort()
                return
            identity, peer = "anonymous", f"{address[0]}:{address[1]}"
        self._stream = transport
        self._listener._pumps.add(self)
        self._handler = self._listener._accepted(self, identity, peer)
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
        self._listener._pumps.discard(self)
        super().connection_lost(exc)

    def finish(self) -> None:
        """Close the socket; what is still unsent is given up when the peer does not read."""
        if self._stream is not None:
            if self._stream.get_write_buffer_size() == 0:
                self._stream.close()
            else:
                self._stream.abort()


class _Refused:
    """Handler of a connection that was never let in."""

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

"""A connection to a broker that comes back after it was lost."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping
from typing import Protocol

from matahari.amqp import Closed, Engine, EngineOptions, Event, Opened
from matahari.errors import AuthenticationError, ConnectFailedError, ConnectionLostError, TransportError
from matahari.net.address import Address, is_loopback
from matahari.net.backoff import Backoff
from matahari.net.pump import Pump
from matahari.net.rules import check_allowed, peer_uid

__all__ = ["Client", "ClientUser"]

_log = logging.getLogger(__name__)

ATTEMPT_TIMEOUT = 10.0  # seconds for the socket and for the open frames, each; a broker that needs more is ill
STABLE = 10.0  # seconds that a connection must last to be a good one; until then the delays grow, as after a failure
CLOSE_TIMEOUT = 2.0  # seconds for an orderly goodbye
ANNOUNCED_FAILURES = 4  # then one warning, and silence until something changes (as in 2012, section 3.2)


class ClientUser(Protocol):
    """What the owner of a :class:`Client` is told, on the event loop."""

    def handle_open(self, pump: Pump, opened: Opened) -> None:
        """Connected: attach links now."""

    def handle_event(self, event: Event) -> None:
        """Everything but ``Opened`` and ``Closed``."""

    def handle_writable(self) -> None:
        """The socket takes data again."""

    def handle_lost(self, error: TransportError) -> None:
        """The connection is gone; ``handle_open`` follows if it comes back."""


class Client:
    """Runs one connection after another to ``address`` until it is closed.

    One task calls :meth:`run`; everything else happens in callbacks on the same loop.

    Attributes:
        hint: what its user thinks to be the cause if the present connection is lost; it ends the message then.
    """

    def __init__(
        self,
        address: Address,
        user: ClientUser,
        *,
        container: Callable[[], str],
        hostname: str = "",
        properties: Mapping[str, str] | None = None,
        insecure_anonymous: bool = False,
        reconnect: bool = True,
        must_start: bool = False,
        idle_timeout: float = 30.0,
    ) -> None:
        """Prepare; nothing is connected before :meth:`run`.

        Args:
            container: makes a container id for each connection (``brokers.md`` 3: unique per connection).
            hostname: virtual host to ask for in the open frame, empty for none.
            reconnect: connect again after a connection was lost.
            must_start: the very first attempt must succeed, for people who wait at a prompt.

        Raises:
            ConnectFailedError: the address may not be used, with the remedy.
        """
        check_allowed(address, insecure_anonymous=insecure_anonymous)
        self.address = address
        self.is_open = False
        self.hint = ""
        self._user = user
        self._container = container
        self._hostname = hostname
        self._properties = dict(properties or {})
        self._reconnect = reconnect
        self._must_start = must_start
        self._idle_timeout = idle_timeout
        self._backoff = Backoff(random=lambda: int.from_bytes(os.urandom(4)) / (1 << 32))
        self._pump: Pump | None = None
        self._closing = False
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._attempt: asyncio.Timeout | None = None
        self._ended: asyncio.Future[TransportError] | None = None
        self._opened: asyncio.Future[None] | None = None
        self._greeted = False
        self._opened_at: float | None = None
        self._reason: TransportError | None = None

    async def run(self) -> None:
        """Connect, stay connected, connect again; return after :meth:`close`.

        Raises:
            TransportError: the connection failed or was lost and ``reconnect`` is off, or the broker
                refuses us for good.
        """
        while not self._closing:
            try:
                await self._one_connection()
            except AuthenticationError:
                raise
            except TransportError as error:
                if self._wake.is_set():
                    return
                if not self._reconnect or self._must_start:
                    raise
                opened_at = self._opened_at
                if opened_at is not None and asyncio.get_running_loop().time() - opened_at >= STABLE:
                    self._backoff.reset()
                delay = self._backoff.next_delay()
                self._announce(error, delay)
                if await self._pause(delay):
                    return

    async def close(self) -> None:
        """Say goodbye and end :meth:`run`; returns when the socket is gone or the time for it is over."""
        self._closing = True
        self._wake.set()
        pump, ended = self._pump, self._ended
        if pump is None or ended is None:
            return
        if self._attempt is not None:
            self._attempt.reschedule(asyncio.get_running_loop().time())
        elif self.is_open:
            pump.engine.close()
            pump.flush()
        else:
            pump.abort()  # a peer that has not opened yet need not be told
        done, _ = await asyncio.wait((ended,), timeout=CLOSE_TIMEOUT)
        if not done:
            pump.abort()
            await asyncio.wait((ended,), timeout=CLOSE_TIMEOUT)

    def hurry(self) -> None:
        """Somebody waits for the connection: end the present wait between two attempts."""
        self._hurry.set()

    def refuse(self) -> None:
        """Drop the connection and do not come back: its user cannot work with this broker."""
        self._closing = True
        self._wake.set()
        if self._pump is not None:
            self._pump.engine.close()
            self._pump.flush_soon()

    def expect_end(self, error: TransportError) -> None:
        """Its user is about to close the present connection for ``error``, which is to be told as the reason."""
        self._reason = error

    # --- the pump's calls -----------------------------------------------------------------------------------

    def handle_event(self, event: Event) -> None:
        if isinstance(event, Opened):
            self._greeted = True
            pump = self._pump
            if pump is None or pump.engine.is_closed:
                return  # the broker said goodbye in the same breath: Closed follows with its reason
            self.is_open = True
            self._opened_at = asyncio.get_running_loop().time()
            self._must_start = False
            if self._backoff.failures > ANNOUNCED_FAILURES:
                _log.warning("%s is there again", self.address)
            if self._opened is not None and not self._opened.done():
                self._opened.set_result(None)
            self._user.handle_open(pump, event)
        elif isinstance(event, Closed):
            self._lost(self._closed_error(event))
        else:
            self._user.handle_event(event)

    def handle_writable(self) -> None:
        self._user.handle_writable()

    def handle_end(self, error: Exception | None) -> None:
        self._lost(ConnectionLostError(f"the connection to {self.address} was lost" + (f": {error}" if error else "")))

    # --- inside ---------------------------------------------------------------------------------------------

    async def _pause(self, delay: float) -> bool:
        """Wait between two attempts; True when there is to be no further one."""
        self._hurry.clear()
        waits = [asyncio.ensure_future(one.wait()) for one in (self._wake, self._hurry)]
        try:
            await asyncio.wait(waits, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
        return self._wake.is_set()

    async def _one_connection(self) -> None:
        loop = asyncio.get_running_loop()
        engine = Engine(
            EngineOptions(
                self._container(),
                hostname=self._hostname,
                idle_timeout=self._idle_timeout,
                properties=self._properties,
            )
        )
        self._ended = loop.create_future()
        self._opened = loop.create_future()
        self._greeted = False
        self._opened_at = None
        self._reason = None
        self.hint = ""
        pump = Pump(engine, self)
        self._pump = pump
        try:
            try:
                async with asyncio.timeout(ATTEMPT_TIMEOUT) as self._attempt:
                    await self._connect(pump)
            finally:
                self._attempt = None
            if self._closing:
                raise ConnectionLostError(f"the connection to {self.address} was closed")
            await asyncio.wait((self._opened, self._ended), timeout=ATTEMPT_TIMEOUT, return_when="FIRST_COMPLETED")
            if not self._opened.done() and not self._ended.done():
                raise ConnectFailedError(
                    f"{self.address} accepts connections but does not speak AMQP 1.0 (no open frame within "
                    f"{ATTEMPT_TIMEOUT:g} s)",
                    address=str(self.address),
                )
            raise await self._ended
        except TimeoutError as error:
            raise ConnectFailedError(
                f"no connection to {self.address} within {ATTEMPT_TIMEOUT:g} s", address=str(self.address)
            ) from error
        finally:
            pump.abort()
            self._pump = None
            self.is_open = False
            if not self._ended.done():
                self._ended.cancel()  # whoever waits in close() need not wait longer

    async def _connect(self, pump: Pump) -> None:
        loop = asyncio.get_running_loop()
        address = self.address
        try:
            if address.near is not None:
                address.near.connect(pump)
            elif address.scheme == "unix":
                await self._connect_locally(pump, address)
            else:
                transport, _ = await loop.create_connection(lambda: pump, address.host, address.port)
                peer = transport.get_extra_info("peername")
                if not is_loopback(str(peer[0])):
                    raise ConnectFailedError(
                        f"{address} leads to {peer[0]}, which is not this machine: refused without authentication",
                        address=str(address),
                    )
        except OSError as error:
            raise ConnectFailedError(_connect_failure(address, error), address=str(address)) from error

    async def _connect_locally(self, pump: Pump, address: Address) -> None:
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address.path)
            # Asked before there is a transport: that of a broker which hangs up at once has no descriptor any more.
            uid = peer_uid(sock)
            if os.geteuid() != 0 and uid not in (0, os.geteuid()):
                raise ConnectFailedError(
                    f"{address} belongs to user {uid}, not to you or root: refusing to talk to it",
                    address=str(address),
                )
            await loop.create_unix_connection(lambda: pump, sock=sock)
        except BaseException:
            sock.close()
            raise

    def _lost(self, error: TransportError) -> None:
        was_open = self.is_open
        self.is_open = False
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(error)
            if was_open:
                self._user.handle_lost(error)

    def _closed_error(self, event: Closed) -> TransportError:
        address = self.address
        if self._closing and not event.by_peer:
            return ConnectionLostError(f"the connection to {address} was closed")
        if self._reason is not None:
            return self._reason
        reason = event.description or event.condition or "closed by the broker"
        if event.authentication:
            return AuthenticationError(f"{address} refused the login: {reason}", mechanisms="ANONYMOUS")
        if event.condition == "amqp:unauthorized-access" and self._greeted:
            host = f"virtual host {self._hostname!r}" if self._hostname else "virtual host that it takes for us"
            return ConnectFailedError(f"{address} refused the {host}: {reason}", address=str(address))
        if self.is_open:
            hint = f"; {self.hint}" if self.hint else ""
            return ConnectionLostError(f"the connection to {address} was lost: {reason}{hint}")
        if self._greeted:
            return ConnectFailedError(f"{address} refused the connection: {reason}", address=str(address))
        cause = (
            "the broker's access rules may not admit you; its log tells"
            if address.scheme == "unix"
            else "RabbitMQ 3 does after `rabbitmq-plugins enable rabbitmq_amqp1_0`"
        )
        return ConnectFailedError(
            f"{address} does not speak AMQP 1.0 with us: {reason} ({cause})", address=str(address)
        )

    def _announce(self, error: TransportError, delay: float) -> None:
        failures = self._backoff.failures
        if failures <= ANNOUNCED_FAILURES:
            _log.info("%s; trying again in %.1f s", error, delay)
        elif failures == ANNOUNCED_FAILURES + 1:
            _log.warning("%s; will go on trying silently", error)


def _connect_failure(address: Address, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"no broker at {address}: there is no such socket; start one with `matahari up`, or name another with -b"
    if isinstance(error, ConnectionRefusedError):
        if address.scheme == "unix":
            return (
                f"no broker at {address}: nobody listens there; start one with `matahari up`, or name another with -b"
            )
        return f"no broker at {address}: nobody listens there; start it, or name another with -b"
    if isinstance(error, PermissionError):
        return f"{address} is not yours to use: {error.strerror}"
    if isinstance(error, socket.gaierror):
        return f"{address}: the host name does not resolve ({error.strerror})"
    return f"no connection to {address}: {error.strerror or error}"

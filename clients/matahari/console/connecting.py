"""Connecting to a broker: where it is, and what it is."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from types import TracebackType
from typing import Any

from matahari.console.client import Console
from matahari.console.extending import ConsoleExtensions
from matahari.console.options import BusOptions
from matahari.net import Address, parse_address

__all__ = ["CONNECT_TIMEOUT", "Connecting", "connect"]

CONNECT_TIMEOUT = 5.0  # seconds to reach a broker


def connect(
    broker: str | None = None,
    *,
    insecure_anonymous: bool = False,
    timeout: float = CONNECT_TIMEOUT,
    broker_kind: str = "auto",
    virtual_host: str = "",
    hooks: Path | None = None,
) -> Connecting:
    """Connect to a broker and find its agents: ``async with connect() as console``, or ``await connect()``.

    Args:
        broker: ``unix:PATH``, ``HOST[:PORT]``, ``amqp://…``; None takes ``MATAHARI_BROKER``, the configuration file, or
            the local socket, and from there the kind and virtual host too unless they are given here.
        insecure_anonymous: allow plain TCP without authentication, to this machine only.
        timeout: seconds to reach the broker.
        broker_kind: ``qpid``, ``rabbitmq3``, ``rabbitmq4``, ``artemis`` or ``router`` for a broker that does not tell
            what it is.
        virtual_host: what to ask the broker for, e.g. ``vhost:qmf``.
        hooks: directory of extensions, which tell the expected hosts and summarise answers; None takes the configured
            one. It is read when it is first needed.

    Raises:
        ConfigError: the address or the configuration is wrong.
        ConnectFailedError: the broker cannot be reached or used; the message says why and what to do.
    """
    address: Address
    if broker is not None:
        address = parse_address(broker)
    else:
        from matahari.config import load  # a fifth of the start-up time of a command that names its broker

        settings = load({}, environ=os.environ)
        address = settings.broker
        broker_kind = settings.broker_kind if broker_kind == "auto" else broker_kind
        virtual_host = virtual_host or settings.virtual_host or ""
    bus = BusOptions(insecure_anonymous=insecure_anonymous, kind=broker_kind, virtual_host=virtual_host)
    return Connecting(address, bus, timeout=timeout, extensions=ConsoleExtensions(hooks))


class Connecting:
    """A connection to be made: awaited it gives the console; ``async with`` also closes it."""

    def __init__(
        self, address: Address, bus: BusOptions, *, timeout: float, extensions: ConsoleExtensions | None = None
    ) -> None:
        self._address = address
        self._bus = bus
        self._timeout = timeout
        self._extensions = extensions
        self._console: Console | None = None

    def __await__(self) -> Generator[Any, None, Console]:
        return self._connect().__await__()

    async def __aenter__(self) -> Console:
        self._console = await self._connect()
        return self._console

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console is not None:
            await self._console.close()

    async def _connect(self) -> Console:
        console = Console(self._address, self._bus, self._extensions)
        await console._open(self._timeout)
        return console

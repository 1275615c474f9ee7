"""A broker in a process of its own, and peers that speak to it without a library."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from tests.support.broker_client import BrokerClient
from tests.support.node import TIME, Box, Program, box

__all__ = ["LOGIN", "Running", "Story", "nothing", "plain_socket", "read_until", "running", "tcp_socket"]

LOGIN = pwd.getpwuid(os.geteuid()).pw_name
Story = Callable[[BrokerClient], Awaitable[None]]


class Running:
    """A broker process and where it listens."""

    def __init__(self, made: Box, program: Program) -> None:
        self.box = made
        self.program = program
        self.address = made.address
        found = program.wait_line(r"insecure-anonymous=127\.0\.0\.1:(\d+)")
        self.port = int(found.group(1))

    @property
    def tcp(self) -> str:
        """Where everybody is ``anonymous``."""
        return f"127.0.0.1:{self.port}"

    def play(self, story: Story) -> None:
        """Run ``story`` with one connected client."""

        async def connected() -> None:
            async with BrokerClient.connect(self.address) as client:
                await story(client)

        asyncio.run(connected())


@contextlib.contextmanager
def running(*, acl: str = "", place: str = "", **env: str) -> Iterator[Running]:
    """A broker with a Unix socket and an open port.

    Args:
        acl: contents of its file of access rules, ``acl.toml`` in its box; empty for none.
        place: path of the socket, within the box.
    """
    with box() as made:
        made.socket = made.home / (place or made.socket.name)
        made.address = f"unix:{made.socket}"
        words: list[str | Path] = ["broker", "--socket", made.socket, "--insecure-anonymous", "0"]
        if acl:
            file = made.home / "acl.toml"
            file.write_text(acl)
            file.chmod(0o600)
            words += ["--acl", file]
        with made.start(*words, **env) as program:
            yield Running(made, program)


async def nothing(client: BrokerClient) -> None:
    """Only see that the broker is there."""
    await client.round_trip()


@contextlib.contextmanager
def plain_socket(broker: Running) -> Iterator[socket.socket]:
    """A connection to the Unix socket on which the test writes bytes."""
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(20 * TIME)
        peer.connect(str(broker.box.socket))
        yield peer


@contextlib.contextmanager
def tcp_socket(broker: Running) -> Iterator[socket.socket]:
    """The same to the open port."""
    with socket.create_connection(("127.0.0.1", broker.port), timeout=20 * TIME) as peer:
        yield peer


def read_until(peer: socket.socket, reached: Callable[[bytes], bool]) -> bytes:
    """Everything that came until ``reached`` says so of it."""
    seen = b""
    while not reached(seen):
        data = peer.recv(1 << 16)
        assert data, f"the broker hung up after {seen!r}"
        seen += data
    return seen

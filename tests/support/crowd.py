"""Thousands of plain clients on one event loop, each with the links of an agent."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from matahari.broker import DIRECT, TOPIC
from tests.support.broker_client import BrokerClient, Receiver, Sender

__all__ = ["Member", "crowd", "soft_limit"]

AT_ONCE = 64  # connections that are being opened; a fleet that restarts comes in about this way


@dataclass(frozen=True, slots=True)
class Member:
    """One connection.

    Attributes:
        requests: gets what is sent to its own key.
        locates: gets what is sent to all agents.
        topic, direct: to publish and to answer.
    """

    key: str
    requests: Receiver
    locates: Receiver
    topic: Sender
    direct: Sender

    async def beat(self) -> None:
        """Send one heartbeat."""
        await self.topic.send(b"alive", subject=f"agent.ind.heartbeat.{self.key}")

    async def answer(self) -> None:
        """Wait for one locate request and answer it at its reply address, ``qmf.default.direct/KEY``."""
        request = await self.locates.get()
        assert request.reply_to is not None
        node, _, key = request.reply_to.partition("/")
        assert node == DIRECT
        await self.direct.send(self.key.encode(), subject=key)


@contextlib.asynccontextmanager
async def crowd(address: str, count: int) -> AsyncIterator[list[Member]]:
    """That many members, all connected; closed at the end."""
    async with contextlib.AsyncExitStack() as stack:
        turn = asyncio.Semaphore(AT_ONCE)

        async def join(number: int) -> Member:
            key = f"member:{number:05}"
            async with turn:
                client = await stack.enter_async_context(BrokerClient.connect(address))
                requests, locates = await client.own(key), await client.subscribe("console.#")
                await client.subscribe(f"direct-agent.route.{number}")
                return Member(key, requests, locates, await client.sender(TOPIC), await client.sender(DIRECT))

        yield await asyncio.gather(*(join(number) for number in range(count)))


@contextlib.contextmanager
def soft_limit(files: int) -> Iterator[None]:
    """So many files may be open meanwhile, in this process and in those that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

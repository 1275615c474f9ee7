"""Agents of the bus in memory that take their time, for everything or for one kind of question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from matahari.qmf import Direct, Packet, Publish
from tests.support.fake_bus import OurAgent

__all__ = ["slowed"]

A = TypeVar("A", bound=OurAgent)


def slowed(agent: A, seconds: float, what: str = "") -> A:
    """The same agent, which takes so long for all but telling who it is.

    Args:
        what: only for such questions, e.g. ``SCHEMA``; for all when it is empty.
    """
    receive = agent.receive

    def receive_late(command: Publish | Direct, tell: Callable[[Packet], None]) -> None:
        body = command.packet.body
        is_meant = command.key != "console.request.agent_locate"
        if what:
            is_meant = isinstance(body, dict) and str(body.get("_what", "")).startswith(what)
        if is_meant:
            asyncio.get_running_loop().call_later(seconds, receive, command, tell)
        else:
            receive(command, tell)

    agent.receive = receive_late  # type: ignore[method-assign]  # of this one alone
    return agent

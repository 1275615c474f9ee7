"""Agents: one that logs a line every minute, for as long as the node runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from matahari.hooks import AgentOffer, hookimpl

INTERVAL = 60.0

log = logging.getLogger(__name__)


async def tick(settings: Mapping[str, str]) -> None:
    while True:
        log.info("the node on %s is alive", settings.get("broker", "an unknown broker"))
        await asyncio.sleep(INTERVAL)


@hookimpl
def agents() -> Sequence[AgentOffer]:
    return [AgentOffer("ticker", "logs that it is alive", tick)]

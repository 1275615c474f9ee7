"""Agents that extensions offer: found, chosen and kept running beside our own."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from matahari.config import Settings
from matahari.errors import ConfigError
from matahari.hooks import AGENTS, FOREIGN_FAILURES, AgentOffer, Extensions, Threads, call_all_within
from matahari.net import Address, Backoff

__all__ = ["Offer", "find_offers", "keep_running", "setting_texts"]

_log = logging.getLogger(__name__)

FIRST_DELAY: Final = 1.0
LONGEST_DELAY: Final = 60.0
"""Seconds before an agent that failed is run again: each time twice as many."""

STABLE: Final = 300.0  # seconds; one that lived longer has not failed in a row


@dataclass(frozen=True, slots=True)
class Offer:
    """An agent, and the name of the extension that offers it."""

    provider: str
    agent: AgentOffer


async def find_offers(
    extensions: Extensions, threads: Threads, wanted: Sequence[str] | None, own: Sequence[str]
) -> list[Offer]:
    """The agents that extensions offer.

    Args:
        wanted: names of those to give, None for all.
        own: names of our own agents, which no extension can have.

    Raises:
        ConfigError: nobody offers one that is wanted.
    """
    outcome = await call_all_within(extensions, AGENTS, threads)
    for failure in outcome.failures:
        _log.error("its agents are not run: %s", failure)
    offers: dict[str, Offer] = {}
    for result in outcome.results:
        for agent in result.value:
            if agent.name in own or agent.name in offers:
                _log.error("agent %s of extension %s is not run: its name is taken", agent.name, result.provider)
            else:
                offers[agent.name] = Offer(result.provider, agent)
    missing = [name for name in wanted or () if name not in offers]
    if missing:
        text = f"there is no agent {', '.join(missing)}; the agents are {', '.join([*own, *offers])}"
        raise ConfigError(text, file="command line", key="--only")
    return [offer for name, offer in offers.items() if wanted is None or name in wanted]


def setting_texts(settings: Settings, address: Address) -> dict[str, str]:
    """What offered agents get: settings as texts by name, empty where there is none; ``broker`` is the one in use."""
    texts = {}
    for name in (field.name for field in dataclasses.fields(settings)):
        value = getattr(settings, name)
        if isinstance(value, tuple):
            texts[name] = ":".join(map(str, value))
        elif not isinstance(value, Mapping):
            texts[name] = "" if value is None else str(value)
    return texts | {"broker": str(address)}


async def keep_running(offer: Offer, settings: Mapping[str, str]) -> None:
    """Run an agent until cancelled. One that fails is named and run again after a while; one that ends has ended."""
    backoff = Backoff(first=FIRST_DELAY, limit=LONGEST_DELAY, random=random.random)
    loop = asyncio.get_running_loop()
    name = f"agent {offer.agent.name} of extension {offer.provider}"
    while True:
        since = loop.time()
        try:
            await offer.agent.run(dict(settings))
        except (*FOREIGN_FAILURES, asyncio.CancelledError) as error:
            own = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and (own is None or own.cancelling()):
                raise  # the node ends; else it was cancelled by nobody but itself
            if loop.time() - since >= STABLE:
                backoff.reset()
            delay = backoff.next_delay()
            _log.exception("%s failed: %s: %s; it is run again in %.0f s", name, type(error).__name__, error, delay)
            await asyncio.sleep(delay)
        else:
            _log.info("%s has ended", name)
            return

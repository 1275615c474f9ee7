"""A process that holds links of every kind at a broker until it is killed: ``python -m tests.support.holder ADDRESS``.

Prints ``holding ADDRESS-OF-ITS-DYNAMIC-NODE`` when everything is there.
"""

from __future__ import annotations

import asyncio
import sys

from matahari.broker import LEGACY, TAP
from tests.support.broker_client import BrokerClient, binding

__all__ = ["KEYS"]

KEYS = ("held:1", "held:2", "held:3")


async def _hold(address: str) -> None:
    async with BrokerClient.connect(address) as client:
        for key in KEYS:
            await client.own(key)
        await client.subscribe("held.#")
        await client.receiver(LEGACY, filters=binding("held"))
        await client.receiver(TAP)
        dynamic = await client.receiver(None)
        print("holding", dynamic.address, flush=True)
        await client.wait_closed()


if __name__ == "__main__":
    asyncio.run(_hold(sys.argv[1]))

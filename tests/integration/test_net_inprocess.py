"""An agent beside its broker: the address that the broker gives leads to it without a socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from matahari.broker import Broker
from matahari.errors import ConnectFailedError
from matahari.net import Address, Client, Handler, Listener, Pump
from tests.support.amqp_link import server_engine
from tests.support.net_client import DEADLINE, Mute, User
from tests.support.node import TIME, Box, box

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

AT_ONCE = 1.5 * TIME  # seconds: less than any time limit of the client's own


def test_a_client_beside_its_broker_opens_no_file_and_is_a_client_like_others() -> None:
    async def story(made: Box) -> None:
        found, user = Broker(), User()
        address = await found.listen_unix(made.socket)
        assert str(address) == f"unix:{made.socket}"
        client = Client(address, user, container=lambda: "client")
        files = len(list(Path("/proc/self/fd").iterdir()))
        running = asyncio.ensure_future(client.run())
        await user.until(lambda: bool(user.opened))
        assert len(list(Path("/proc/self/fd").iterdir())) == files
        assert user.opened[0].properties["product"] == "matahari-broker"
        assert found.statistics().connections == 1
        await client.close()
        await asyncio.wait_for(running, AT_ONCE)
        async with asyncio.timeout(DEADLINE):
            while found.statistics().connections:
                await asyncio.sleep(0)
        await asyncio.wait_for(found.close(), DEADLINE)

    with box() as made:
        asyncio.run(story(made))


def test_it_is_the_user_whom_the_kernel_would_name() -> None:
    async def story(made: Box) -> None:
        named: list[tuple[str, str]] = []

        def accepted(pump: Pump, identity: str, peer: str) -> Handler:
            named.append((identity, peer))
            return Mute(lambda pump: None, pump)

        listener = Listener(accepted, server_engine)
        await listener.listen_unix(made.socket)
        path = str(made.socket)
        for address in (Address("unix", path=path), Address("unix", path=path, near=listener)):
            user = User()
            client = Client(address, user, container=lambda: "client")
            running = asyncio.ensure_future(client.run())
            await user.until(lambda user=user: bool(user.opened))  # type: ignore[misc]  # a default of its own
            await client.close()
            await asyncio.wait_for(running, DEADLINE)
        assert len(named) == 2
        assert named[0] == named[1]
        await listener.close()

    with box() as made:
        asyncio.run(story(made))


def test_the_brokers_goodbye_is_heard_and_nobody_is_there_afterwards() -> None:
    async def story(made: Box) -> None:
        found, user = Broker(), User()
        address = await found.listen_unix(made.socket)
        client = Client(address, user, container=lambda: "client")
        running = asyncio.ensure_future(client.run())
        await user.until(lambda: bool(user.opened))
        await asyncio.wait_for(found.close(), DEADLINE)
        await user.until(lambda: bool(user.lost))
        assert "the broker is stopping" in str(user.lost[0])
        assert found.statistics().connections == 0
        await client.close()
        await asyncio.wait_for(running, DEADLINE)
        late = Client(address, User(), container=lambda: "late", must_start=True)
        with pytest.raises(ConnectFailedError, match="nobody listens"):
            await asyncio.wait_for(late.run(), DEADLINE)

    with box() as made:
        asyncio.run(story(made))

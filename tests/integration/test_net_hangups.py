"""A local broker that hangs up on us at once, as one does whose access rules leave us out."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

import pytest

from matahari.amqp import Event, Opened
from matahari.errors import ConnectFailedError, TransportError
from matahari.net import Address, Client, Pump
from tests.support.node import TIME, box

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

ATTEMPTS = 20  # whether the end is noticed before or after the connection is made is a matter of luck


class User:
    """Wants nothing."""

    def handle_open(self, pump: Pump, opened: Opened) -> None:
        raise AssertionError("nobody is there")

    def handle_event(self, event: Event) -> None:
        return

    def handle_writable(self) -> None:
        return

    def handle_lost(self, error: TransportError) -> None:
        return


def test_whoever_is_hung_up_on_at_once_is_told_of_the_access_rules() -> None:
    async def story(address: Address) -> None:
        for _ in range(ATTEMPTS):
            client = Client(address, User(), container=lambda: "client", reconnect=False)
            with pytest.raises(ConnectFailedError, match="access rules may not admit you"):
                await asyncio.wait_for(client.run(), 20.0 * TIME)

    with box() as made, socket.socket(socket.AF_UNIX) as server:
        server.bind(str(made.socket))
        server.listen()

        def hang_up() -> None:
            with contextlib.suppress(OSError):  # the test is over
                while True:
                    server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        try:
            asyncio.run(story(Address("unix", path=str(made.socket))))
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()

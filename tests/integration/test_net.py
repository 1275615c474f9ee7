"""A client's connections on a real socket: coming back, giving up, and closing at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from matahari.amqp import Engine
from matahari.broker import Broker
from matahari.errors import AuthenticationError, ConnectFailedError, ConnectionLostError
from matahari.net import Address, Client, Handler, Listener, Pump
from tests.support.amqp_link import server_engine
from tests.support.net_client import DEADLINE, Mute, User
from tests.support.node import TIME, Box, box

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

AT_ONCE = 1.5 * TIME  # seconds: less than any time limit of the client's own


def client_of(made: Box, user: User, *, reconnect: bool = True, must_start: bool = False) -> Client:
    address = Address("unix", path=str(made.socket))
    return Client(address, user, container=lambda: "client", reconnect=reconnect, must_start=must_start)


@contextlib.asynccontextmanager
async def server(made: Box, engine: Callable[[], Engine], greeting: Callable[[Pump], None]) -> AsyncIterator[None]:
    """A server whose connections do as the test says."""

    def accepted(pump: Pump, identity: str, peer: str) -> Handler:
        return Mute(greeting, pump)

    listener = Listener(accepted, engine)
    await listener.listen_unix(made.socket)
    try:
        yield
    finally:
        await listener.close()


@contextlib.asynccontextmanager
async def broker(made: Box) -> AsyncIterator[Broker]:
    found = Broker()
    await found.listen_unix(made.socket)
    try:
        yield found
    finally:
        await found.close()


@contextlib.asynccontextmanager
async def silent(path: Path) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """A server that accepts and never says a word."""
    writers: list[asyncio.StreamWriter] = []
    seen = asyncio.Event()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        seen.set()

    async with await asyncio.start_unix_server(accept, path):
        yield writers
        for writer in writers:
            writer.close()


class TestComingBack:
    def test_a_client_comes_back_to_a_new_broker(self) -> None:
        async def story(made: Box) -> None:
            user = User()
            client = client_of(made, user)
            running = asyncio.ensure_future(client.run())
            async with broker(made):
                await user.until(lambda: len(user.opened) == 1)
            await user.until(lambda: len(user.lost) == 1)
            assert isinstance(user.lost[0], ConnectionLostError)
            assert "the broker is stopping" in str(user.lost[0])
            async with broker(made):
                await user.until(lambda: len(user.opened) == 2)
                assert client.is_open
                await client.close()
                await asyncio.wait_for(running, DEADLINE)
            assert len(user.lost) == 2

        with box() as made:
            asyncio.run(story(made))

    def test_after_some_failures_it_is_silent(self, caplog: pytest.LogCaptureFixture) -> None:
        async def story(made: Box) -> None:
            client = client_of(made, User())
            client._backoff._limit = 0.001
            running = asyncio.ensure_future(client.run())
            async with asyncio.timeout(DEADLINE):
                while client._backoff.failures < 20:
                    await asyncio.sleep(0)
            await client.close()
            await running

        with box() as made, caplog.at_level(logging.INFO, logger="matahari.net"):
            asyncio.run(story(made))
        levels = [record.levelname for record in caplog.records]
        assert levels == ["INFO"] * 4 + ["WARNING"]
        assert "no broker at unix:" in caplog.text

    def test_a_first_attempt_that_must_succeed_raises(self) -> None:
        async def story(made: Box) -> None:
            with pytest.raises(ConnectFailedError, match="matahari up"):
                await client_of(made, User(), must_start=True).run()

        with box() as made:
            asyncio.run(story(made))

    def test_one_that_had_to_start_once_comes_back_later(self) -> None:
        async def story(made: Box) -> None:
            user = User()
            client = client_of(made, user, must_start=True)
            async with broker(made):
                running = asyncio.ensure_future(client.run())
                await user.until(lambda: len(user.opened) == 1)
            async with broker(made):
                await user.until(lambda: len(user.opened) == 2)
                await client.close()
                await running

        with box() as made:
            asyncio.run(story(made))

    def test_without_reconnecting_the_loss_is_raised(self) -> None:
        async def story(made: Box) -> None:
            user = User()
            async with broker(made):
                running = asyncio.ensure_future(client_of(made, user, reconnect=False).run())
                await user.until(lambda: len(user.opened) == 1)
            with pytest.raises(ConnectionLostError, match="the broker is stopping"):
                await asyncio.wait_for(running, DEADLINE)

        with box() as made:
            asyncio.run(story(made))


class TestRefusals:
    def test_a_broker_that_opens_and_closes_in_one_breath_is_never_used(self) -> None:
        """Attaching links to it would fail: the connection is closed before its user hears of it."""

        def too_many(pump: Pump) -> None:
            pump.engine.close("amqp:resource-limit-exceeded", "too many connections")

        async def story(made: Box) -> None:
            user = User()
            async with server(made, server_engine, too_many):
                with pytest.raises(ConnectFailedError, match="refused the connection: too many connections"):
                    await client_of(made, user, reconnect=False).run()
            assert not user.opened
            assert not user.lost

        with box() as made:
            asyncio.run(story(made))

    def test_a_failed_login_is_final(self) -> None:
        async def story(made: Box) -> None:
            async with server(made, lambda: server_engine(mechanism="EXTERNAL"), lambda pump: None):
                with pytest.raises(AuthenticationError, match="refused the login"):
                    await asyncio.wait_for(client_of(made, User()).run(), DEADLINE)

        with box() as made:
            asyncio.run(story(made))

    def test_a_server_of_another_protocol_is_named(self) -> None:
        async def story(made: Box) -> None:
            async with silent(made.socket) as writers:
                running = asyncio.ensure_future(client_of(made, User(), reconnect=False).run())
                async with asyncio.timeout(DEADLINE):
                    while not writers:
                        await asyncio.sleep(0)
                writers[0].write(b"SSH-2.0-OpenSSH_9.2\r\n")
                with pytest.raises(ConnectFailedError, match=r"does not speak AMQP 1\.0.*SSH-2"):
                    await asyncio.wait_for(running, DEADLINE)

        with box() as made:
            asyncio.run(story(made))

    def test_a_server_that_hangs_up_without_a_word_is_named(self) -> None:
        async def story(made: Box) -> None:
            async with silent(made.socket) as writers:
                running = asyncio.ensure_future(client_of(made, User(), reconnect=False).run())
                async with asyncio.timeout(DEADLINE):
                    while not writers:
                        await asyncio.sleep(0)
                writers[0].close()
                with pytest.raises(ConnectFailedError, match="cut the connection"):
                    await asyncio.wait_for(running, DEADLINE)

        with box() as made:
            asyncio.run(story(made))

    def test_a_user_may_refuse_a_broker_for_good(self) -> None:
        async def story(made: Box) -> None:
            user = User()
            client = client_of(made, user)
            user.on_open = lambda pump: client.refuse()
            async with broker(made) as found:
                await asyncio.wait_for(client.run(), DEADLINE)
                assert len(user.opened) == 1
                assert not client.is_open
                async with asyncio.timeout(DEADLINE):
                    while found.statistics().connections:
                        await asyncio.sleep(0)

        with box() as made:
            asyncio.run(story(made))


class TestClosing:
    def test_before_it_runs(self) -> None:
        async def story(made: Box) -> None:
            client = client_of(made, User())
            await client.close()
            await asyncio.wait_for(client.run(), AT_ONCE)

        with box() as made:
            asyncio.run(story(made))

    def test_while_it_waits_for_the_next_attempt(self) -> None:
        async def story(made: Box) -> None:
            client = client_of(made, User())
            client._backoff.failures = 20  # the next delay is many seconds
            running = asyncio.ensure_future(client.run())
            async with asyncio.timeout(DEADLINE):
                while client._backoff.failures == 20:
                    await asyncio.sleep(0)
            await asyncio.wait_for(client.close(), AT_ONCE)
            await asyncio.wait_for(running, AT_ONCE)

        with box() as made:
            asyncio.run(story(made))

    def test_in_the_first_moment_of_an_attempt(self) -> None:
        async def story(made: Box) -> None:
            async with broker(made):
                for turns in range(12):
                    user = User()
                    client = client_of(made, user)
                    running = asyncio.ensure_future(client.run())
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    await asyncio.wait_for(client.close(), AT_ONCE)
                    await asyncio.wait_for(running, AT_ONCE)
                    assert not client.is_open
                    assert len(user.opened) == len(user.lost)

        with box() as made:
            asyncio.run(story(made))

    def test_while_the_server_says_nothing(self) -> None:
        async def story(made: Box) -> None:
            async with silent(made.socket) as writers:
                client = client_of(made, User())
                running = asyncio.ensure_future(client.run())
                async with asyncio.timeout(DEADLINE):
                    while not writers:
                        await asyncio.sleep(0)
                await asyncio.wait_for(client.close(), AT_ONCE)
                await asyncio.wait_for(running, AT_ONCE)

        with box() as made:
            asyncio.run(story(made))

    def test_while_it_is_connected_and_twice(self) -> None:
        async def story(made: Box) -> None:
            user = User()
            async with broker(made) as found:
                client = client_of(made, user)
                running = asyncio.ensure_future(client.run())
                await user.until(lambda: bool(user.opened))
                await asyncio.gather(client.close(), client.close())
                await asyncio.wait_for(running, AT_ONCE)
                await client.close()
                assert len(user.lost) == 1
                assert "was closed" in str(user.lost[0])
                async with asyncio.timeout(DEADLINE):
                    while found.statistics().connections:
                        await asyncio.sleep(0)

        with box() as made:
            asyncio.run(story(made))


class TestListening:
    def test_a_broker_closes_with_clients_in_every_state(self) -> None:
        async def story(made: Box) -> None:
            found = Broker()
            await found.listen_unix(made.socket)
            user = User()
            running = asyncio.ensure_future(client_of(made, user, reconnect=False).run())
            await user.until(lambda: bool(user.opened))
            _, just_connected = await asyncio.open_unix_connection(made.socket)
            _, half_way = await asyncio.open_unix_connection(made.socket)
            half_way.write(b"AMQP\x03\x01")
            await half_way.drain()
            await asyncio.wait_for(found.close(), DEADLINE)
            assert not made.socket.exists()
            assert found.statistics().connections == 0
            with pytest.raises(ConnectionLostError):
                await asyncio.wait_for(running, DEADLINE)
            for writer in (just_connected, half_way):
                writer.close()

        with box() as made:
            asyncio.run(story(made))

    def test_a_socket_that_was_replaced_meanwhile_is_left_alone(self) -> None:
        async def story(made: Box) -> None:
            first = Broker()
            await first.listen_unix(made.socket)
            made.socket.unlink()
            async with broker(made):
                await first.close()
                assert made.socket.exists()
            assert not made.socket.exists()

        with box() as made:
            asyncio.run(story(made))

"""The embedded broker as a process: its socket, its end, and what it refuses at its start."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from collections.abc import Iterator

import psutil
import pytest

from matahari.broker import TOPIC
from tests.support import amqp_frames as raw
from tests.support.broker_client import BrokerClient
from tests.support.broker_process import Running, nothing, plain_socket, read_until, running
from tests.support.node import box

pytestmark = [pytest.mark.integration, pytest.mark.embedded]


@pytest.fixture(scope="module")
def broker() -> Iterator[Running]:
    """One broker for all tests that leave it as it was."""
    with running() as found:
        yield found
        assert "Traceback" not in found.program.text


class TestProcess:
    def test_the_socket_is_private_and_gone_at_the_end(self) -> None:
        with running() as found:
            path = found.box.socket
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert found.program.stop() == 0
            assert not path.exists()
            assert "Traceback" not in found.program.text

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_clients_are_told_that_the_broker_is_stopping(self, number: int) -> None:
        with running() as found:

            async def story() -> None:
                async with BrokerClient.connect(found.address) as client:
                    await client.own("k")
                    found.program.process.send_signal(number)
                    closed = await client.wait_closed()
                    assert closed.condition == "amqp:connection:forced"
                    assert closed.description == "the broker is stopping"

            asyncio.run(story())
            assert found.program.wait_end() == 0

    def test_a_client_that_does_not_read_does_not_keep_the_broker_from_ending(self) -> None:
        with running() as found, plain_socket(found) as peer:
            source = raw.described(0x28, raw.listing(raw.text(TOPIC)))
            peer.sendall(raw.opening() + raw.begin() + raw.attach("l", 0, receives=True, source=source))
            peer.sendall(raw.flow(0, 1000))
            read_until(peer, lambda seen: b"\x00\x53\x12" in seen)

            async def flood() -> None:
                async with BrokerClient.connect(found.address) as client:
                    topic = await client.sender(TOPIC)
                    for _ in range(50):
                        await topic.send(b"x" * (1 << 16), subject="k")
                    await client.round_trip()

            asyncio.run(flood())
            assert found.program.stop() == 0

    def test_a_second_broker_on_the_socket_is_refused(self, broker: Running) -> None:
        done = broker.box.run("broker", "--socket", broker.box.socket)
        assert done.returncode == 1
        assert done.stdout == ""
        assert f"another broker listens on {broker.box.socket}" in done.stderr
        assert done.stderr.count("\n") == 1
        broker.play(nothing)

    def test_a_second_broker_on_the_port_is_refused(self, broker: Running) -> None:
        done = broker.box.run("broker", "--socket", "other.sock", "--insecure-anonymous", str(broker.port))
        assert done.returncode == 1
        assert f"127.0.0.1:{broker.port}" in done.stderr
        assert not (broker.box.home / "other.sock").exists()

    def test_the_socket_file_of_a_broker_that_was_killed_is_replaced(self) -> None:
        with box() as made:
            with made.start("broker", "--socket", made.socket) as killed:
                os.killpg(killed.process.pid, signal.SIGKILL)
                killed.wait_end()
            assert made.socket.is_socket()
            with made.start("broker", "--socket", made.socket) as again:
                assert again.stop() == 0

    def test_a_file_that_is_no_socket_is_left_alone(self) -> None:
        with box() as made:
            made.socket.write_text("precious")
            done = made.run("broker", "--socket", made.socket)
            assert done.returncode == 1
            assert "is not a socket" in done.stderr
            assert made.socket.read_text() == "precious"

    def test_a_directory_that_others_may_enter_is_refused(self) -> None:
        with box() as made:
            open_house = made.home / "open"
            open_house.mkdir(mode=0o755)
            done = made.run("broker", "--socket", open_house / "bus.sock")
            assert done.returncode == 1
            assert "directory of its own" in done.stderr

    def test_a_path_too_long_for_a_socket_is_refused(self) -> None:
        with box() as made:
            done = made.run("broker", "--socket", made.home / ("x" * 120))
            assert done.returncode == 1
            assert "x" * 120 in done.stderr

    def test_tcp_is_there_on_request_only_and_on_loopback_only(self, broker: Running) -> None:
        with box() as made, made.start("broker", "--socket", made.socket) as plain:
            assert _listening_ports(plain.process.pid) == []
        assert _listening_ports(broker.program.process.pid) == [("127.0.0.1", broker.port)]

    def test_an_agent_needs_the_flag_for_the_open_port(self, broker: Running) -> None:
        done = broker.box.run("agent", "-b", f"127.0.0.1:{broker.port}", "--only", "host", "--state", "refused")
        assert done.returncode == 1
        assert "TCP without authentication is refused" in done.stderr
        assert "--insecure-anonymous" in done.stderr
        assert "Traceback" not in done.stderr


def _listening_ports(pid: int) -> list[tuple[str, int]]:
    """TCP sockets of a process that listen."""
    found = psutil.Process(pid).net_connections(kind="tcp")
    return [(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN]

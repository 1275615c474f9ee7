"""Many connections on one broker, and one more than there is room for."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
import shutil
import socket

import pytest

from matahari.broker import DIRECT, TOPIC, Broker
from tests.support import amqp_frames as raw
from tests.support.broker_client import BrokerClient, binding
from tests.support.broker_process import Running, nothing, plain_socket, running
from tests.support.crowd import crowd, soft_limit
from tests.support.node import BIN, TIME, Program, box
from tests.support.virtual_loop import turns

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

CROWD = 2000
FILES = CROWD + 500  # that this process may have open
PRLIMIT = shutil.which("prlimit")
HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def test_2000_agents_are_served_by_one_broker() -> None:
    """Each opens its links and beats; then one console asks all of them, and all of them answer it."""
    assert HARD == resource.RLIM_INFINITY or HARD >= FILES, (
        f"the hard limit of open files is {HARD}, {FILES} are needed"
    )

    async def story() -> None:
        async with BrokerClient.connect(broker.address) as console, crowd(broker.address, CROWD) as members:
            beats = await console.receiver(TOPIC, filters=binding("agent.ind.#"), credit=CROWD)
            answers = await console.receiver(DIRECT, filters=binding("console:1"), credit=CROWD)
            for member in members:
                await member.beat()
            await beats.bodies(CROWD)

            answering = [asyncio.ensure_future(member.answer()) for member in members]
            topic = await console.sender(TOPIC)
            await topic.send(b"who is there?", subject="console.request.agent_locate", reply_to=f"{DIRECT}/console:1")
            names = await answers.bodies(CROWD)
            assert sorted(map(str, names)) == sorted(str(member.key.encode()) for member in members)
            await asyncio.gather(*answering)

            direct = await console.sender(DIRECT)
            for member in (members[0], members[-1]):
                await direct.send(b"to you", subject=member.key)
                assert await member.requests.bodies(1) == [b"to you"]
        async with BrokerClient.connect(broker.address) as client:
            watcher = await client.receiver("matahari.bindings")
            assert (await watcher.get()).body == {"keys": [], "more": False}, "nothing is left of them"

    with soft_limit(256), running() as broker:
        broker.program.wait_line(r"raised the limit of open files from 256 to \d+")
        with soft_limit(FILES):
            asyncio.run(story())
        assert broker.program.stop() == 0
        assert "WARNING matahari.broker" not in broker.program.text
        assert "Traceback" not in broker.program.text


def test_a_low_limit_of_open_files_is_named_at_the_start() -> None:
    assert PRLIMIT is not None, "prlimit (util-linux) is not installed"
    with box() as made:
        words = (PRLIMIT, "--nofile=512", BIN / "matahari", "broker", "--socket", made.socket)
        with Program(*words, cwd=made.home) as program:
            program.wait_line("WARNING.*at most 512 files may be open, and each connection is one.*LimitNOFILE=")
            program.wait_line("^ready ")


def test_one_connection_too_many_is_refused_and_the_others_go_on() -> None:
    async def story(client: BrokerClient) -> None:
        mine, sender = await client.own("k"), await client.sender(DIRECT)
        with contextlib.ExitStack() as stack:
            resource.prlimit(broker.program.process.pid, resource.RLIMIT_NOFILE, (64, 64))
            peers = []
            while (peer := _admitted(stack, broker)) is not None:
                peers.append(peer)
                assert len(peers) < 64
            assert len(peers) > 16
            for _ in range(20):
                assert _admitted(stack, broker) is None
            await sender.send(b"still here", subject="k")
            assert await mine.bodies(1) == [b"still here"]
            for peer in peers[:3]:
                peer.close()
            async with asyncio.timeout(20 * TIME):
                while _admitted(stack, broker) is None:
                    await client.round_trip()
        await client.round_trip()

    with running() as broker:
        broker.play(story)
        found = broker.program.wait_line(r"ERROR.*no room for a new connection \(1 refused so far\): 48 of 64 files")
        assert "LimitNOFILE=" in found.string
        assert broker.program.text.count("no room for a new connection") < 5
        broker.play(nothing)
        assert "Traceback" not in broker.program.text


def test_without_a_descriptor_for_the_next_connection_the_broker_waits_and_does_not_spin(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The system, not the process, has none: accepting fails until there is one again."""
    attempts: list[int] = []

    class Exhausted(socket.socket):
        def accept(self) -> tuple[socket.socket, object]:
            attempts.append(self.fileno())
            if len(attempts) == 1:
                raise OSError(errno.ENFILE, "Too many open files in system")
            return super().accept()

    async def story() -> None:
        broker = Broker()
        await broker.listen_unix(made.socket)
        try:
            with socket.socket(socket.AF_UNIX) as peer:
                peer.setblocking(False)
                peer.connect(str(made.socket))
                await turns(1000)
                assert len(attempts) == 1
                [(waiting, pause)] = broker._listener._pauses.items()
                pause.cancel()
                broker._listener._resume(waiting)
                async with BrokerClient.connect(made.address) as client:
                    await client.round_trip()
        finally:
            await broker.close()

    monkeypatch.setattr("matahari.net.server.ACCEPT_PAUSE", 3600.0)
    monkeypatch.setattr("matahari.net.server.socket.socket", Exhausted)
    with box() as made, caplog.at_level(logging.INFO, logger="matahari.net"):
        asyncio.run(story())
    assert len(attempts) > 1
    [record] = caplog.records
    assert "1 refused so far): the system says: Too many open files in system" in record.getMessage()


# --- helpers ------------------------------------------------------------------------------------------------


def _admitted(stack: contextlib.ExitStack, broker: Running) -> socket.socket | None:
    """A new connection that the broker has answered, None when it hung up."""
    peer = stack.enter_context(plain_socket(broker))
    try:
        peer.sendall(raw.opening())
        answer = peer.recv(100)
    except (BrokenPipeError, ConnectionResetError):
        answer = b""
    if answer:
        return peer
    peer.close()
    return None

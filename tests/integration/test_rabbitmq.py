"""What is different on RabbitMQ 3: its refusals end whole sessions, and it cannot carry every list."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from matahari.amqp import Message
from tests.support.broker_client import BrokerClient, Receiver, Sender
from tests.support.buses import RabbitBus
from tests.support.node import Box, Program, box
from tests.support.rabbitmq import EMPTY, GUARDED

pytestmark = [pytest.mark.integration, pytest.mark.rabbitmq3]

DIRECT = "/exchange/qmf.default.direct"
TOPIC = "/exchange/qmf.default.topic"
HOST = ("--only", "host", "--state", "agent", "--hostname", "alpha")

Story = Callable[[BrokerClient], Awaitable[None]]


@contextlib.contextmanager
def rabbit_box(virtual_host: str = "") -> Iterator[tuple[Box, RabbitBus]]:
    """A box whose relay runs; ``virtual_host`` names one of those with a fault."""
    with box() as made:
        bus = made.bus
        assert isinstance(bus, RabbitBus)
        if virtual_host:
            bus.virtual_host = f"vhost:{virtual_host}"
            bus.words = (*bus.words[:-1], bus.virtual_host)
        with bus.relay:
            yield made, bus


def play(bus: RabbitBus, story: Story) -> None:
    async def connected() -> None:
        async with BrokerClient.connect(bus.address, hostname=bus.virtual_host) as client:
            await story(client)

    asyncio.run(connected())


@contextlib.asynccontextmanager
async def asking(client: BrokerClient) -> AsyncIterator[tuple[str, Sender, Receiver]]:
    """The agent's name, a way to it, and where its answers come."""
    me = await client.receiver(f"{DIRECT}/direct-console.me")
    topic = await client.sender(TOPIC)
    await topic.send(
        {},
        subject="console.request.agent_locate",
        reply_to="qmf.default.direct/direct-console.me",
        properties={"qmf.opcode": "_agent_locate_request"},
    )
    located = await me.get()
    yield str(located.properties["qmf.agent"]), await client.sender(DIRECT), me


async def ask(sender: Sender, agent: str, body: object, reply_to: str = "direct-console.me") -> None:
    await sender.send(
        body,
        subject=agent,
        reply_to=f"qmf.default.direct/{reply_to}",
        correlation_id="1",
        properties={"qmf.opcode": "_query_request"},
    )


def test_a_list_in_form_a_comes_as_a_sequence_because_its_decoder_fails_on_others() -> None:
    async def story(client: BrokerClient) -> None:
        async with asking(client) as (agent, sender, me):
            await ask(sender, agent, {"_what": "SCHEMA_ID"})
            answer: Message = await me.get()
            assert answer.section == "sequence"
            assert isinstance(answer.body, list)
            assert len(answer.body) > 1
            assert answer.properties["qmf.opcode"] == "_query_response"

    with rabbit_box() as (made, bus), made.agent(*HOST) as agent:
        play(bus, story)
        assert "was lost" not in agent.text


def test_missing_exchanges_are_named_with_what_to_import() -> None:
    with rabbit_box(EMPTY) as (made, bus):
        done = made.run("agent", *bus.words, *HOST, "--reconnect", "no")
        assert done.returncode == 1
        assert "qmf.default." in done.stderr
        assert "import" in done.stderr
        assert "Traceback" not in done.stderr
        shell = made.mhsh("-c", "list hosts")
        assert shell.returncode == 4
        assert "import" in shell.stderr


def test_an_unknown_virtual_host_is_named() -> None:
    with rabbit_box("no-such-host") as (made, bus):
        done = made.run("agent", *bus.words, *HOST, "--reconnect", "no")
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "refused" in done.stderr


def test_an_answer_that_may_not_be_sent_ends_the_session_and_the_agent_goes_on_in_a_new_one() -> None:
    async def story(client: BrokerClient) -> None:
        async with asking(client) as (name, sender, me):
            await ask(sender, name, {"_what": "SCHEMA_ID"}, reply_to="somebody-else")
            await asyncio.to_thread(running.wait_line, "session")
            for _ in range(100):  # what comes while there is no session is lost
                await ask(sender, name, {"_what": "SCHEMA_ID"})
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.5):
                        assert (await me.get()).properties["qmf.opcode"] == "_query_response"
                        return
            raise AssertionError("no answer after the session's end")

    running: Program
    with rabbit_box(GUARDED) as (made, bus), made.agent(*HOST) as running:
        play(bus, story)
        assert "Traceback" not in running.text

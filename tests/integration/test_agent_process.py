"""An agent as a process of its own: how it starts, what it survives, how it ends, and whom it answers."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from matahari.amqp import Message
from matahari.broker import BINDINGS, DIRECT, TOPIC
from tests.support.broker_client import BrokerClient, Receiver
from tests.support.node import Box, Program, box

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

Story = Callable[[BrokerClient], Awaitable[None]]


def words(made: Box, *more: str) -> tuple[str, ...]:
    return ("agent", "-b", made.address, "--only", "host", "--state", "agent", "--hostname", "alpha", *more)


@contextlib.contextmanager
def broker_in(made: Box) -> Iterator[Program]:
    with made.start("broker", "--socket", made.socket) as program:
        yield program


@contextlib.contextmanager
def agent_in(made: Box, *more: str) -> Iterator[Program]:
    """An agent that need not be ready."""
    with Program("matahari", *words(made, *more), cwd=made.home) as program:
        yield program


def play(made: Box, story: Story) -> None:
    async def connected() -> None:
        async with BrokerClient.connect(made.address) as client:
            await story(client)

    asyncio.run(connected())


async def agent_name(watcher: Receiver) -> str:
    """The agent's key, as soon as it is bound."""
    while True:
        message = await watcher.get()
        assert isinstance(message.body, dict)
        keys = message.body.get("keys", [message.body.get("key")])
        assert isinstance(keys, list)
        for key in keys:
            if str(key).startswith("matahariproject.org:host:"):
                return str(key)


@contextlib.asynccontextmanager
async def asking(client: BrokerClient) -> AsyncIterator[Callable[..., Awaitable[Message]]]:
    """A way to send the agent a request and get its answer."""
    me, sender = await client.own("me"), await client.sender(DIRECT)
    name = await agent_name(await client.receiver(BINDINGS))

    async def ask(body: object = None, opcode: str = "_query_request", **fields: object) -> Message:
        given = {"reply_to": "qmf.default.direct/me", "correlation_id": "1", **fields}
        await sender.send(body, subject=name, properties={"qmf.opcode": opcode, "method": "request"}, **given)
        return await me.get()

    yield ask


class TestStart:
    def test_the_ready_line_names_the_broker_and_the_agents(self) -> None:
        with box() as made, broker_in(made), agent_in(made) as agent:
            line = agent.wait_line("^ready ").string
            assert line == f"ready agent broker={made.address} agents=host pid={agent.process.pid}"

    def test_it_waits_for_a_broker_that_appears_later(self) -> None:
        with box() as made, agent_in(made) as agent:
            agent.wait_line(f"no broker at {made.address}.*trying again")
            with broker_in(made):
                agent.wait_line("^ready agent")
                play(made, _sees_the_agent)

    def test_a_second_agent_on_the_same_directory_is_refused(self) -> None:
        with box() as made, broker_in(made), agent_in(made) as agent:
            agent.wait_line("^ready ")
            done = made.run(*words(made))
            assert done.returncode == 1
            assert done.stdout == ""
            assert f"pid {agent.process.pid}" in done.stderr
            assert str(made.home / "agent" / "host") in done.stderr
            assert done.stderr.count("\n") == 1
            play(made, _sees_the_agent)

    def test_an_agent_without_reconnecting_ends_when_there_is_no_broker(self) -> None:
        with box() as made:
            done = made.run(*words(made, "--reconnect", "no"))
        assert done.returncode == 1
        assert f"no broker at {made.address}" in done.stderr
        assert "matahari up" in done.stderr
        assert "Traceback" not in done.stderr

    def test_something_that_is_no_broker_is_named(self) -> None:
        """A socket that answers in another language."""
        with box() as made, agent_in(made) as agent:

            async def stranger() -> None:
                def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                    writer.write(b"220 mail.example.org ESMTP\r\n")
                    writers.append(writer)

                writers: list[asyncio.StreamWriter] = []
                async with await asyncio.start_unix_server(answer, made.socket):
                    await asyncio.to_thread(agent.wait_line, "does not speak AMQP 1.0")
                    for writer in writers:
                        writer.close()

            asyncio.run(stranger())
            assert "Traceback" not in agent.text


class TestEnd:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_with_status_0_and_it_leaves_nothing(self, number: int) -> None:
        with box() as made, broker_in(made), agent_in(made) as agent:
            agent.wait_line("^ready ")

            async def story(client: BrokerClient) -> None:
                watcher = await client.receiver(BINDINGS)
                name = await agent_name(watcher)
                agent.process.send_signal(number)
                gone = await watcher.get()
                assert (gone.subject, gone.body) == ("unbound", {"key": name})

            play(made, story)
            assert agent.wait_end() == 0
            assert "WARNING" not in agent.text
            assert "Traceback" not in agent.text

    def test_a_signal_ends_it_also_while_there_is_no_broker(self) -> None:
        with box() as made, agent_in(made) as agent:
            agent.wait_line("trying again")
            assert agent.stop() == 0
            assert "Traceback" not in agent.text

    def test_sighup_does_not_end_it(self) -> None:
        with box() as made, broker_in(made), agent_in(made) as agent:
            agent.wait_line("^ready ")
            agent.process.send_signal(signal.SIGHUP)
            agent.wait_line("were reloaded")
            play(made, _sees_the_agent)
            assert agent.stop() == 0

    def test_without_reconnecting_it_ends_when_the_broker_goes(self) -> None:
        with box() as made, broker_in(made) as broker, agent_in(made, "--reconnect", "no") as agent:
            agent.wait_line("^ready ")
            broker.stop()
            assert agent.wait_end() == 1
            assert "the broker is stopping" in agent.text
            assert "Traceback" not in agent.text


class TestReconnecting:
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_after_a_restart_of_the_broker_its_objects_are_there_again(self, number: int) -> None:
        async def story(client: BrokerClient) -> None:
            async with asking(client) as ask:
                answer = await ask({"_what": "OBJECT", "_schema_id": {"_class_name": "Host"}})
                assert answer.properties["qmf.opcode"] == "_query_response"
                assert "'hostname': 'alpha'" in str(answer.body)

        with box() as made, broker_in(made) as first, agent_in(made) as agent:
            agent.wait_line("^ready ")
            first.process.send_signal(number)
            first.wait_end()
            agent.wait_line("was lost")
            with broker_in(made):
                play(made, story)

    def test_after_a_restart_of_the_broker_it_is_found_again(self) -> None:
        async def story(client: BrokerClient) -> None:
            console, topic = await client.subscribe("direct-console.1"), await client.sender(TOPIC)
            name = await agent_name(await client.receiver(BINDINGS))
            await topic.send(
                subject="console.request.agent_locate",
                reply_to="qmf.default.topic/direct-console.1",
                properties={"qmf.opcode": "_agent_locate_request"},
            )
            answer = await console.get()
            assert answer.properties["qmf.opcode"] == "_agent_locate_response"
            assert answer.properties["qmf.agent"] == name

        with box() as made, broker_in(made) as first, agent_in(made) as agent:
            agent.wait_line("^ready ")
            first.kill()
            agent.wait_line("was lost")
            with broker_in(made):
                play(made, story)


class TestWhomItAnswers:
    def test_a_request_in_form_a_gets_an_answer_in_form_a(self) -> None:
        """A bare Proton console: an amqp-value map and no content type. Numbers of every width must pass."""

        async def story(client: BrokerClient) -> None:
            async with asking(client) as ask:
                for what in ("SCHEMA_ID", "OBJECT_ID"):
                    answer = await ask({"_what": what, "_schema_id": {"_class_name": "Host"}})
                    assert (answer.section, answer.properties["qmf.opcode"]) == ("value", "_query_response")
                    assert isinstance(answer.body, list)
                    assert answer.body
                objects = await ask({"_what": "OBJECT", "_schema_id": {"_class_name": "Host"}})
                assert "alpha" in str(objects.body)
                refused = await ask({"_what": "NONSENSE"})
                assert refused.properties["qmf.opcode"] == "_exception"

        with box() as made, broker_in(made), agent_in(made) as agent:
            agent.wait_line("^ready ")
            play(made, story)
            assert "Traceback" not in agent.text

    def test_a_request_in_form_b_gets_an_answer_in_form_b(self) -> None:
        async def story(client: BrokerClient) -> None:
            async with asking(client) as ask:
                answer = await ask(None)
                assert answer.section == "data"
                assert answer.properties["x-amqp-0-10.app-id"] == "qmf2"

        with box() as made, broker_in(made), agent_in(made) as agent:
            agent.wait_line("^ready ")
            play(made, story)

    def test_addresses_that_are_no_consoles_get_nothing_and_harm_nobody(self) -> None:
        """Neither an event in the agent's name, nor the end of its connection for a node that is not there."""

        async def story(client: BrokerClient) -> None:
            events = await client.subscribe("agent.ind.event.#")
            watcher = await client.receiver(BINDINGS)
            name = await agent_name(watcher)
            sender, me = await client.sender(DIRECT), await client.own("me")
            properties = {"qmf.opcode": "_query_request"}
            for reply_to in (
                "qmf.default.topic/agent.ind.event.forged",
                "amq.direct/reply-1",
                "amq.direct/reply-2",
                "a-queue-that-is-not-there",
                "matahari.dynamic.gone",
                "nonsense/key",
                "",
                "/",
                "qmf.default.direct/" + "k" * 300,
                "é\u0001",
            ):
                await sender.send({"_what": "SCHEMA_ID"}, subject=name, reply_to=reply_to, properties=properties)
            for body in (5, "text", [1], b"\x00", {"_what": {"a": [None]}}, None):
                await sender.send(body, subject=name, reply_to="qmf.default.direct/nobody", properties=properties)
            await sender.send_raw(b"no message at all")
            reply_to = "qmf.default.direct/me"
            await sender.send({"_what": "SCHEMA_ID"}, subject=name, reply_to=reply_to, properties=properties)
            assert (await me.get()).properties["qmf.opcode"] == "_query_response"
            assert not [one for one in events.waiting if b"forged" in one]
            changes = [message for message in watcher.waiting if b"unbound" in message]
            assert not changes, "the agent's connection was lost"

        with box() as made, broker_in(made), agent_in(made) as agent:
            agent.wait_line("^ready ")
            play(made, story)
            assert "was lost" not in agent.text
            assert "Traceback" not in agent.text


async def _sees_the_agent(client: BrokerClient) -> None:
    assert await agent_name(await client.receiver(BINDINGS))

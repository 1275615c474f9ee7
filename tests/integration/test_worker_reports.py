"""What a worker says beside answers, over a real socket and without a process behind it."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from collections.abc import Callable, Coroutine, Mapping

import pytest

from matahari.hostproto import (
    Activate,
    Activation,
    Call,
    Connection,
    Hello,
    Json,
    Load,
    Loaded,
    Message,
    MethodSpec,
    Output,
    Partial,
    PluginEvent,
    Progress,
    Result,
)
from matahari.rpcagent import (
    CallFailure,
    CallReport,
    CallResult,
    Limits,
    Notice,
    PluginLoaded,
    PluginSaid,
    PluginStatus,
)
from matahari.rpcagent.answering import CallAnswer
from matahari.rpcagent.limits import Options, ProcessBounds
from matahari.rpcagent.orders import Content
from matahari.rpcagent.pending import Recheck
from matahari.rpcagent.runtime import PluginRuntime
from matahari.rpcagent.slots import LoadSlots
from matahari.rpcagent.workerlink import WorkerLink
from matahari.rpcagent.workers import EVENT_BURST
from tests.support.plugins import TIME

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

CONTENT = Content("/p/a.py", "python", "d", {"": ""}, None, Options("x", {"concurrency": 3}, {"target": "/srv"}))


class FakeWorker:
    """The other end of a worker's socket, so that a worker can say what no plugin would make it say in time."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.sock: socket.socket | None = None
        self.changed = asyncio.Event()
        self._connection = Connection.of_worker()

    def spawn(self, runtime: PluginRuntime, link: WorkerLink, bounds: ProcessBounds, language: str) -> None:
        self.sock, log = link.take_their_ends()
        os.close(log)
        self.sock.setblocking(False)
        self.sock.sendall(self._connection.send(Hello(1, 1, os.getpid(), link.nonce, "python")))

    @property
    def facts(self) -> Mapping[str, Json]:
        return {}

    def kill(self, worker: int, number: int) -> None:
        raise AssertionError("nobody is to be killed")

    def parent_stuck(self, worker: int) -> None:
        raise AssertionError("there is no warm parent")

    def check_again(self, runtime: PluginRuntime, recheck: Recheck) -> None:
        raise AssertionError("nobody sends a large call")

    def plugin_changed(self, status: PluginStatus) -> None:
        self.changed.set()

    def plugin_notice(self, notice: Notice) -> None:
        self.notices.append(notice)
        self.changed.set()

    def plugin_gone(self, runtime: PluginRuntime) -> None:
        self.changed.set()

    async def say(self, *messages: Message) -> None:
        assert self.sock is not None
        for message in messages:
            await asyncio.get_running_loop().sock_sendall(self.sock, self._connection.send(message))

    async def hear(self, *kinds: type[Message]) -> Message:
        """The next message of these kinds; others are dropped."""
        assert self.sock is not None
        while True:
            while (event := self._connection.next_event()) is not None:
                if isinstance(event, kinds):
                    return event
            self._connection.receive_data(await asyncio.get_running_loop().sock_recv(self.sock, 65536))

    async def wait(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(10 * TIME):
            while not reached():
                self.changed.clear()
                await self.changed.wait()


class Table:
    """A plugin whose worker is played by the test."""

    def __init__(self) -> None:
        self.worker = FakeWorker()
        self.runtime = PluginRuntime(
            "a",
            Limits(),
            self.worker,
            LoadSlots(),
            next_worker=itertools.count(1).__next__,
            next_call=itertools.count(1).__next__,
            generation=0,
        )

    async def load(self, *, active: bool = True, reason: str = "") -> Load:
        self.runtime.content_changed(CONTENT)
        load = await self.worker.hear(Load)
        assert isinstance(load, Load)
        await self.worker.say(Loaded("a", 1, "d", "python", "1", (MethodSpec("m", {}),), active, reason))
        await self.worker.wait(lambda: any(isinstance(each, PluginLoaded) for each in self.worker.notices))
        return load

    def call(
        self, reports: list[CallReport], *, room: asyncio.Future[None] | None = None
    ) -> asyncio.Future[CallResult]:
        """Begin a call whose reports are taken until there is no ``room``."""
        answer = CallAnswer()

        def take(report: CallReport) -> asyncio.Future[None] | None:
            reports.append(report)
            return room

        self.runtime.submit("m", [], {}, request="r", caller="c", timeout=None, answer=answer, reporter=take)
        return answer


def play(story: Callable[[Table], Coroutine[object, object, None]]) -> None:
    async def run() -> None:
        table = Table()
        try:
            await story(table)
        finally:
            table.runtime.remove()
            table.runtime.parent_lost("the test is over")
            if table.worker.sock is not None:
                table.worker.sock.close()

    asyncio.run(run())


def test_a_worker_gets_the_limits_and_settings_of_its_own_plugin() -> None:
    async def story(table: Table) -> None:
        load = await table.load()
        assert (load.concurrency, load.settings) == (3, {"target": "/srv"})
        assert table.runtime.status().limits.concurrency == 3

    play(story)


def test_reports_of_a_call_reach_its_caller_in_order_and_before_the_answer() -> None:
    async def story(table: Table) -> None:
        await table.load()
        reports: list[CallReport] = []
        answer = table.call(reports)
        call = await table.worker.hear(Call)
        assert isinstance(call, Call)
        said: list[CallReport] = [Progress(call.id, 1, 2, "half"), Output(call.id, "text"), Partial(call.id, "1")]
        await table.worker.say(*said, Result(call.id, "2"))
        assert (await answer).text == "2"
        assert reports == said

    play(story)


def test_a_worker_is_not_read_while_its_reports_cannot_be_passed_on() -> None:
    count, chunk = 500, "x" * 60_000  # far more than all buffers on the way hold

    async def story(table: Table) -> None:
        await table.load()
        reports: list[CallReport] = []
        room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        answer = table.call(reports, room=room)
        call = await table.worker.hear(Call)
        assert isinstance(call, Call)
        saying = asyncio.ensure_future(table.worker.say(*[Output(call.id, chunk)] * count, Result(call.id, "1")))
        _, waiting = await asyncio.wait((saying,), timeout=0.5 * TIME)
        assert waiting == {saying}  # the worker waits, with all that it does
        assert 0 < len(reports) < 50
        room.set_result(None)
        await saying
        assert (await answer).text == "1"
        assert reports == [Output(call.id, chunk)] * count

    play(story)


def test_a_worker_that_ends_while_it_is_not_read_is_let_go_of() -> None:
    async def story(table: Table) -> None:
        await table.load()
        room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        reports: list[CallReport] = []
        answer = table.call(reports, room=room)
        call = await table.worker.hear(Call)
        assert isinstance(call, Call)
        await table.worker.say(Output(call.id, "last words"))
        while not reports:
            await asyncio.sleep(0)
        await table.worker.say(Output(call.id, "and more"))
        table.runtime.remove()
        table.runtime.parent_lost("the worker is gone")
        with pytest.raises(CallFailure, match="the worker is gone"):
            await answer
        assert reports == [Output(call.id, "last words"), Output(call.id, "and more")]
        room.set_result(None)
        await asyncio.sleep(0)  # what waited for the room finds a closed socket

    play(story)


def test_a_plugin_that_is_not_for_this_host_is_asked_again_and_may_come() -> None:
    async def story(table: Table) -> None:
        await table.load(active=False, reason="no disks")
        status = table.runtime.status()
        assert (status.state, status.is_active, status.reason) == ("inactive", False, "no disks")
        with pytest.raises(CallFailure, match="plugin a is inactive on this host: no disks") as caught:
            table.call([])
        assert caught.value.kind == "not_loaded"
        table.runtime.ask_activation()
        table.runtime.ask_activation()  # one question at a time
        assert await table.worker.hear(Activate) == Activate()
        await table.worker.say(Activation(True, "they came"))
        await table.worker.wait(lambda: table.runtime.status().state == "ready")
        answer = table.call([])
        call = await table.worker.hear(Call, Activate)
        assert isinstance(call, Call)
        await table.worker.say(Result(call.id, "1"))
        assert (await answer).text == "1"

    play(story)


def test_a_worker_that_tells_unasked_whether_it_is_for_this_host_is_not_heard() -> None:
    async def story(table: Table) -> None:
        await table.load()
        await table.worker.say(*[Activation(False, f"reason {number}") for number in range(100)])
        answer = table.call([])
        call = await table.worker.hear(Call)
        assert isinstance(call, Call)
        await table.worker.say(Result(call.id, "1"))
        assert (await answer).text == "1"
        assert table.runtime.status().state == "ready"

    play(story)


def test_events_of_a_plugin_are_passed_on_and_a_flood_is_not() -> None:
    async def story(table: Table) -> None:
        await table.load()
        event = PluginEvent(None, "full", "{}", 4)
        await table.worker.say(*[event] * (3 * EVENT_BURST))
        table.runtime.ask_activation()
        await table.worker.say(Activation(False, "last"))
        await table.worker.wait(lambda: table.runtime.status().state == "inactive")
        said = [notice for notice in table.worker.notices if isinstance(notice, PluginSaid)]
        assert said[0] == PluginSaid("a", event)
        assert EVENT_BURST <= len(said) < 2 * EVENT_BURST

    play(story)

"""Calls that tell what they do: reports and results of several agents, and giving a call up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import pytest

from matahari.console import (
    Console,
    Missed,
    Output,
    Partial,
    Progress,
    Report,
    Result,
    Told,
    running,
)
from matahari.console.station import ANSWER_WAIT, CANCEL_WAIT
from matahari.errors import (
    CancelledRequestError,
    ConnectionLostError,
    InvalidArgumentError,
    MissingArgumentError,
    NoAgentsError,
    RemoteCancelledError,
    RequestTimeoutError,
    SchemaError,
    UnknownActionError,
)
from matahari.qmf import (
    CallOptions,
    CancelCall,
    Data,
    Invoke,
    OutputReport,
    PartialReport,
    ProgressReport,
    Reply,
)
from matahari.qmf import Report as WireReport
from tests.support.fake_bus import BROKER_PACKAGE, FakeBus, OurAgent, Play, QpidBroker

PACKAGE = "org.example"
FAULTS = (InvalidArgumentError, MissingArgumentError, SchemaError)


class Teller(OurAgent):
    """An agent whose calls run until the test ends them; one that is ``deaf`` hears nobody who gives a call up."""

    def __init__(self, hostname: str = "box", *, is_deaf: bool = False, vendor: str = "matahariproject.org") -> None:
        self.invoked: list[Invoke] = []
        self.cancelled: list[int] = []
        self.is_deaf = is_deaf
        super().__init__(hostname, vendor=vendor)

    def step(self) -> None:
        while (command := self.engine.next_command()) is not None:
            if isinstance(command, Invoke):
                self.invoked.append(command)
            elif isinstance(command, CancelCall):
                self.cancelled.append(command.call)
                if not self.is_deaf:
                    self.engine.fail(command.call, "given up", data=Data({"kind": "cancelled"}))
            elif self._tell is not None and isinstance(command, Reply):
                self._tell(command.packet)

    def report(self, *reports: WireReport) -> None:
        self.engine.report(self.invoked[-1].call, reports)
        self.step()

    def complete(self) -> None:
        self.engine.complete(self.invoked[-1].call, {})
        self.step()


async def doors(console: Console) -> running.RunningCall:
    return (await console.select("Door", package=PACKAGE)).stream("knock", timeout=5)


def told_of(told: Told) -> tuple[str, object]:
    """Host, and what was told, without the object."""
    match told:
        case Progress():
            return told.host, (told.done, told.total, told.text)
        case Output():
            return told.host, told.chunk
        case Partial():
            return told.host, [told.value]
        case Missed():
            return told.host, -told.count
        case Result():
            return told.host, told.error


async def some(call: running.RunningCall, count: int) -> list[tuple[str, object]]:
    return [told_of(await anext(call)) for _ in range(count)]


def test_reports_of_several_agents_come_as_they_are_told_and_then_the_results(play: Play) -> None:
    one, other = Teller("a"), Teller("b")

    async def story(console: Console, bus: FakeBus) -> None:
        async with await doors(console) as call:
            await asyncio.sleep(0.1)
            assert [item.host for item in call.running] == ["a", "b"]
            other.report(ProgressReport(1, 2, "half"), OutputReport("x\n"))
            assert await some(call, 2) == [("b", (1, 2, "half")), ("b", "x\n")]
            one.report(PartialReport('{"a": 1}'))
            one.complete()
            assert await some(call, 2) == [("a", [{"a": 1}]), ("a", None)]
            assert [item.host for item in call.running] == ["b"]
            assert [result.host for result in call.results] == ["a"]
            other.complete()
            assert [told_of(told) async for told in call] == [("b", None)]
            assert [result.host for result in call.results] == ["a", "b"]
        assert one.cancelled == other.cancelled == []

    play(story, one, other)


def test_an_agent_is_told_the_time_limit_and_how_often_to_tell(play: Play) -> None:
    agent = Teller()

    async def story(console: Console, bus: FakeBus) -> None:
        async with await doors(console) as call:
            await asyncio.sleep(0.1)
            (invoke,) = agent.invoked
            assert invoke.options is not None
            assert (invoke.options.stream, invoke.options.timeout) == (True, 5.0)
            assert invoke.options.interval == pytest.approx(1 / running.MESSAGE_RATE)
            start = asyncio.get_running_loop().time()
            [result] = await call.wait()
            assert isinstance(result.error, RequestTimeoutError)
            assert result.error.timeout == 5.0
            assert asyncio.get_running_loop().time() - start == pytest.approx(5.0 + ANSWER_WAIT, abs=0.2)

    play(story, agent)


@pytest.mark.parametrize(("timeout", "given"), [(1.0, 0.9), (60.0, 59.5)])
def test_a_plain_call_gives_the_agent_so_much_less_time_that_its_answer_is_there_in_time(
    play: Play, timeout: float, given: float
) -> None:
    agent = Teller()

    async def story(console: Console, bus: FakeBus) -> None:
        objects = await console.select("Door", package=PACKAGE)
        start = asyncio.get_running_loop().time()
        [result] = await objects.call("knock", timeout=timeout)
        assert isinstance(result.error, RequestTimeoutError)
        assert asyncio.get_running_loop().time() - start == pytest.approx(timeout, abs=0.1)
        (invoke,) = agent.invoked
        assert invoke.options == CallOptions(stream=False, timeout=given)
        assert agent.cancelled == []

    play(story, agent)


def test_a_plain_call_asks_agents_of_others_for_nothing_more(play: Play) -> None:
    agent = Teller(vendor="example.org")

    async def story(console: Console, bus: FakeBus) -> None:
        objects = await console.select("Door", package=PACKAGE)
        [result] = await objects.call("knock", timeout=1)
        assert isinstance(result.error, RequestTimeoutError)
        (invoke,) = agent.invoked
        assert invoke.options is None
        assert agent.cancelled == []

    play(story, agent)


def test_a_call_that_is_given_up_ends_everywhere_and_the_answers_that_are_in_stay(play: Play) -> None:
    one, other = Teller("a"), Teller("b")

    async def story(console: Console, bus: FakeBus) -> None:
        async with await doors(console) as call:
            await asyncio.sleep(0.1)
            one.complete()
            other.report(OutputReport("so far"))
            await asyncio.sleep(0.1)
            call.cancel()
            results = await call.wait()
        assert results[0].ok
        assert isinstance(results[1].error, RemoteCancelledError)
        assert results[1].error.kind == "cancelled"
        assert (one.cancelled, other.cancelled) == ([], [1])

    play(story, one, other)


def test_a_call_that_is_given_up_before_it_was_sent_never_is(play: Play) -> None:
    agent = Teller()

    async def story(console: Console, bus: FakeBus) -> None:
        call = await doors(console)
        call.cancel()
        [result] = await call.wait()
        assert isinstance(result.error, CancelledRequestError)
        assert agent.invoked == []

    play(story, agent)


def test_an_agent_that_does_not_confirm_is_not_waited_for_for_long(play: Play) -> None:
    agent = Teller(is_deaf=True)

    async def story(console: Console, bus: FakeBus) -> None:
        call = await doors(console)
        await call.begin()
        await asyncio.sleep(0.1)
        start = asyncio.get_running_loop().time()
        call.cancel()
        call.cancel()
        [result] = await call.wait()
        assert isinstance(result.error, CancelledRequestError)
        assert asyncio.get_running_loop().time() - start == pytest.approx(CANCEL_WAIT)

    play(story, agent)


async def call_it(console: Console) -> None:
    await (await console.select("Door", package=PACKAGE)).call("knock")


async def iterate_it(console: Console) -> None:
    async for _ in (await console.select("Door", package=PACKAGE)).call_iter("knock"):
        pass


async def stream_it(console: Console) -> None:
    async with await doors(console) as call:
        async for _ in call:
            pass


@pytest.mark.parametrize("use", [call_it, iterate_it, stream_it])
def test_cancelling_the_task_that_waits_ends_the_call_on_the_host(
    play: Play, use: Callable[[Console], Coroutine[object, object, None]]
) -> None:
    agent = Teller()

    async def story(console: Console, bus: FakeBus) -> None:
        task = asyncio.ensure_future(use(console))
        await asyncio.sleep(0.1)
        assert agent.invoked
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.1)
        assert agent.cancelled == [1]

    play(story, agent)


def test_leaving_the_call_ends_it_without_waiting(play: Play) -> None:
    agent = Teller(is_deaf=True)

    async def story(console: Console, bus: FakeBus) -> None:
        async with await doors(console) as call:
            await asyncio.sleep(0.1)
        assert [told async for told in call] == []
        await asyncio.sleep(0.1)
        assert agent.cancelled == [1]

    play(story, agent)


def test_the_brokers_own_agent_is_asked_for_nothing_that_it_does_not_know(play: Play) -> None:
    broker = QpidBroker()

    async def story(console: Console, bus: FakeBus) -> None:
        objects = await console.select("broker", package=BROKER_PACKAGE)
        async with objects.stream("echo", 1, "x") as call:
            [result] = await call.wait()
        assert result.ok
        silent = objects.stream("echo", 2, "x")
        await silent.begin()
        silent.cancel()
        [result] = await silent.wait()
        assert isinstance(result.error, CancelledRequestError)
        requests = [command.packet for command in bus.sent if command.packet.opcode.startswith("_method")]
        assert [packet.opcode for packet in requests] == ["_method_request"] * 2
        assert all(isinstance(packet.body, dict) and "_matahari" not in packet.body for packet in requests)

    play(story, broker)


def test_what_is_lost_or_cannot_be_read_is_told(play: Play) -> None:
    agent = Teller()

    async def story(console: Console, bus: FakeBus) -> None:
        async with await doors(console) as call:
            await asyncio.sleep(0.1)
            agent.engine.report(agent.invoked[0].call, [OutputReport("lost")])
            agent.engine.next_command()
            agent.report(PartialReport("not JSON"), OutputReport("x"))
            agent.complete()
            assert [told_of(told) async for told in call] == [("box", -1), ("box", -1), ("box", "x"), ("box", None)]

    play(story, agent)


def test_what_nobody_takes_is_counted_and_not_kept(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MAX_WAITING", 3)
    monkeypatch.setattr(running, "MAX_WAITING_SIZE", 100)
    agent = Teller()

    async def story(console: Console, bus: FakeBus) -> None:
        async with await doors(console) as call:
            await asyncio.sleep(0.1)
            agent.report(*(OutputReport(f"{number}") for number in range(9)))
            await asyncio.sleep(0.1)
            assert await some(call, 2) == [("box", "0"), ("box", "1")]
            agent.report(OutputReport("x" * 101), OutputReport("9"))
            await asyncio.sleep(0.1)
            agent.report(OutputReport("10"))
            agent.complete()
            await asyncio.sleep(0.1)
            assert [told_of(told) async for told in call] == [
                ("box", "2"), ("box", -7), ("box", "9"), ("box", -1), ("box", None),
            ]  # fmt: skip

    play(story, agent)


def test_reports_may_be_heard_while_the_results_are_waited_for(play: Play) -> None:
    agent = Teller()

    async def story(console: Console, bus: FakeBus) -> None:
        heard: list[Report] = []
        async with await doors(console) as call:
            waiting = asyncio.ensure_future(call.wait(heard.append))
            await asyncio.sleep(0.1)
            agent.report(OutputReport("x"))
            agent.complete()
            assert [result.ok for result in await waiting] == [True]
        assert [told_of(told) for told in heard] == [("box", "x")]

    play(story, agent)


def test_a_call_ends_with_the_connection(play: Play) -> None:
    agent = Teller()

    async def story(console: Console, bus: FakeBus) -> None:
        async with await doors(console) as call:
            await asyncio.sleep(0.1)
            bus.lose()
            [result] = await call.wait()
            assert isinstance(result.error, ConnectionLostError)

    play(story, agent)


def test_the_first_agents_have_a_large_call_before_the_last_ones_is_encoded(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = OurAgent()
    for number in range(2 * running.FLUSH_EVERY):
        agent.add(f"door {number}")

    async def story(console: Console, bus: FakeBus) -> None:
        objects = await console.select("Door", package=PACKAGE)
        written: list[int] = []
        monkeypatch.setattr(bus, "flush", lambda: written.append(bus.opcodes().count("_method_request")))
        async with objects.stream("knock"):
            assert written == [running.FLUSH_EVERY, 2 * running.FLUSH_EVERY]
            assert bus.opcodes().count("_method_request") == 2 * running.FLUSH_EVERY + 1

    play(story, agent)


@pytest.mark.parametrize(("method", "args", "error"), [("open", (), (UnknownActionError,)), ("knock", (1, 2), FAULTS)])
def test_what_no_object_would_take_is_raised_at_the_beginning(
    play: Play, method: str, args: Sequence[object], error: tuple[type[Exception], ...]
) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        objects = await console.select("Door", package=PACKAGE)
        with pytest.raises(error):
            async with objects.stream(method, *args):
                raise AssertionError("it began")

    play(story, Teller())


def test_nothing_selected_cannot_be_called(play: Play) -> None:
    async def story(console: Console, bus: FakeBus) -> None:
        objects = await console.select("Door", package=PACKAGE, where={"label": "back"})
        with pytest.raises(NoAgentsError):
            await anext(objects.stream("knock"))
        with pytest.raises(ValueError, match="timeout"):
            objects.stream("knock", timeout=0)

    play(story, Teller())

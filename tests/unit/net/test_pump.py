"""The pump between an engine and a transport, with both of them fakes and a clock of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

from matahari.amqp import Engine, Event, Opened
from matahari.net import Pump
from matahari.net.pump import FLUSH_EVERY, LINGER


class FakeTransport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closing = False
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        return

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True


class FakeEngine:
    """Events and bytes as the test says."""

    def __init__(self) -> None:
        self.out = b""
        self.received: list[bytes] = []
        self.events: deque[Event] = deque()
        self.deadline: float | None = None
        self.interval: float | None = None  # seconds from a timeout to the next deadline
        self.timeouts: list[float] = []
        self.is_closed = False
        self.eof = 0

    def data_to_send(self) -> bytes:
        data, self.out = self.out, b""
        return data

    def receive_data(self, data: bytes, now: float) -> None:
        self.received.append(data)

    def receive_eof(self, now: float) -> None:
        self.eof += 1

    def next_event(self) -> Event | None:
        return self.events.popleft() if self.events else None

    def next_deadline(self) -> float | None:
        return self.deadline

    def handle_timeout(self, now: float) -> None:
        self.timeouts.append(now)
        self.deadline = None if self.interval is None else now + self.interval


class FakeHandler:
    """Notes every call; ``on_event`` and ``on_writable`` act as a user would."""

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.on_event: Callable[[], None] = lambda: None
        self.on_writable: Callable[[], None] = lambda: None

    def handle_event(self, event: Event) -> None:
        self.calls.append(event)
        self.on_event()

    def handle_writable(self) -> None:
        self.calls.append("writable")
        self.on_writable()

    def handle_end(self, error: Exception | None) -> None:
        self.calls.append(("end", error))


class ClockLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0

    def time(self) -> float:
        return self.now

    def pass_time(self, seconds: float) -> None:
        self.now += seconds


class Stage:
    """A connected pump with its three partners; made within a running loop."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.handler = FakeHandler()
        self.transport = FakeTransport()
        self.pump = Pump(cast(Engine, self.engine), self.handler)
        self.pump.connection_made(self.transport)

    def send(self, data: bytes) -> None:
        """What a session does."""
        self.engine.out += data
        self.pump.flush_soon()


def opened(name: str = "x") -> Opened:
    return Opened(name, "", {}, ())


def play(scenario: Callable[[Stage, ClockLoop], None], *then: Callable[[Stage], None]) -> None:
    """Run ``scenario``, then each further step in a turn of the loop of its own."""
    loop = ClockLoop()

    async def run() -> None:
        stage = Stage()
        scenario(stage, loop)
        for step in then:
            await turn()
            step(stage)
        await turn()
        stage.pump.connection_lost(None)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(run())


async def turn() -> None:
    """Let callbacks run that are due now, and those which they ask for."""
    for _ in range(3):
        await asyncio.sleep(0)


def test_the_opening_bytes_leave_as_soon_as_the_socket_is_there() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        assert stage.engine.timeouts == [100.0]  # the first call starts the engine's clock
        stage.engine.out = b"AMQP"
        stage.pump.flush()
        assert stage.transport.writes == [b"AMQP"]

    play(scenario)


def test_several_sends_in_one_turn_share_one_write() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        for data in (b"a", b"b", b"c"):
            stage.send(data)
        assert stage.transport.writes == []

    play(scenario, lambda stage: check(stage.transport.writes == [b"abc"]))


def test_a_flush_before_the_turn_is_over_leaves_nothing_for_later() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        stage.send(b"a")
        stage.pump.flush()
        stage.engine.out = b"late"

    play(scenario, lambda stage: check(stage.transport.writes == [b"a"]))


def test_events_reach_the_handler_and_its_answers_are_written_at_once() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        event = opened()
        stage.engine.events.append(event)
        stage.handler.on_event = lambda: stage.send(b"answer")
        stage.pump.data_received(b"in")
        assert stage.engine.received == [b"in"]
        assert stage.handler.calls == [event]
        assert stage.transport.writes == [b"answer"]

    play(scenario)


def test_a_long_row_of_events_is_written_in_between() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        stage.engine.events.extend(opened() for _ in range(2 * FLUSH_EVERY + 1))
        stage.handler.on_event = lambda: stage.send(b".")
        stage.pump.data_received(b"in")
        assert stage.transport.writes == [b"." * FLUSH_EVERY, b"." * FLUSH_EVERY, b"."]

    play(scenario)


def test_events_that_writing_brings_about_are_handled_too() -> None:
    class Engaged(FakeEngine):
        def data_to_send(self) -> bytes:
            if self.out:
                self.events.append(opened("from writing"))
            return super().data_to_send()

    def scenario(stage: Stage, loop: ClockLoop) -> None:
        engine = Engaged()
        stage.pump.engine = cast(Engine, engine)
        engine.out = b"x"
        stage.pump.flush_soon()

    play(scenario, lambda stage: check(stage.handler.calls == [opened("from writing")]))


def test_a_full_socket_stops_writing_and_room_starts_it_again() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        stage.pump.pause_writing()
        check(not stage.pump.is_writable)
        stage.engine.out = b"held back"
        stage.pump.flush()
        stage.pump.data_received(b"in")
        assert stage.transport.writes == []
        stage.handler.on_writable = lambda: stage.send(b"more")
        stage.pump.resume_writing()
        check(stage.pump.is_writable)
        assert stage.transport.writes == [b"held back", b"more"]
        assert stage.handler.calls == ["writable"]

    play(scenario)


def test_a_handler_that_holds_messages_back_is_asked_whenever_the_peer_sends() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        stage.pump.data_received(b"1")
        assert stage.handler.calls == []
        stage.pump.wants_writable = True
        stage.pump.data_received(b"2")
        stage.pump.data_received(b"3")
        assert stage.handler.calls == ["writable", "writable"]
        stage.pump.wants_writable = False
        stage.pump.data_received(b"4")
        assert len(stage.handler.calls) == 2

    play(scenario)


def test_a_full_socket_is_no_time_to_ask_for_messages_held_back() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        stage.pump.wants_writable = True
        stage.pump.pause_writing()
        stage.pump.data_received(b"1")
        assert stage.handler.calls == []

    play(scenario)


def test_the_timer_rings_at_the_engines_deadline_and_is_set_again() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        stage.engine.interval = 15.0
        stage.engine.deadline = 115.0
        stage.pump.flush()
        loop.pass_time(14.0)

    def before(stage: Stage) -> None:
        assert stage.engine.timeouts == [100.0]
        stage.engine.out = b"keep-alive"
        clock().pass_time(1.0)

    def at_the_deadline(stage: Stage) -> None:
        assert stage.engine.timeouts == [100.0, 115.0]
        assert stage.transport.writes == [b"keep-alive"]
        clock().pass_time(14.0)

    def before_the_next(stage: Stage) -> None:
        assert stage.engine.timeouts == [100.0, 115.0]
        clock().pass_time(1.0)

    play(
        scenario,
        before,
        at_the_deadline,
        before_the_next,
        lambda stage: check(stage.engine.timeouts == [100.0, 115.0, 130.0]),
    )


def test_an_earlier_deadline_moves_the_timer_forward() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        stage.engine.deadline = 200.0
        stage.pump.flush()
        stage.engine.deadline = 105.0
        stage.pump.flush()
        loop.pass_time(5.0)

    play(scenario, lambda stage: check(stage.engine.timeouts == [100.0, 105.0]))


def test_a_later_deadline_waits_for_the_timer_that_is_set() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        stage.engine.interval = 95.0
        stage.engine.deadline = 105.0
        stage.pump.flush()
        stage.engine.deadline = 200.0
        stage.pump.flush()
        loop.pass_time(5.0)

    def after(stage: Stage) -> None:
        assert stage.engine.timeouts == [100.0, 105.0]
        clock().pass_time(95.0)

    play(scenario, after, lambda stage: check(stage.engine.timeouts == [100.0, 105.0, 200.0]))


def test_the_socket_of_a_closed_engine_is_closed_after_its_last_bytes() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        stage.engine.out = b"close"
        stage.engine.is_closed = True
        stage.pump.flush()
        assert stage.transport.writes == [b"close"]
        assert (stage.transport.closing, stage.transport.aborted) == (True, False)
        loop.pass_time(LINGER)

    play(scenario, lambda stage: check(stage.transport.aborted))


def test_the_end_is_told_once_and_nothing_after_it() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        stage.engine.deadline = 105.0
        stage.send(b"too late")
        error = OSError("gone")
        stage.pump.connection_lost(error)
        assert stage.engine.eof == 1
        assert stage.handler.calls == [("end", error)]
        stage.pump.connection_lost(None)
        stage.pump.flush()
        stage.pump.flush_soon()
        stage.pump.abort()
        loop.pass_time(5.0)

    def after(stage: Stage) -> None:
        assert len(stage.handler.calls) == 1
        assert stage.transport.writes == []
        assert stage.engine.timeouts == [100.0]

    play(scenario, after)


def test_the_end_of_the_peers_stream_goes_to_the_engine_and_closes_the_socket() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        stage.engine.events.append(opened())
        assert stage.pump.eof_received() is False  # asyncio closes the transport then
        assert stage.engine.eof == 1
        assert stage.handler.calls == [opened()]

    play(scenario)


def test_abort_drops_the_socket() -> None:
    def scenario(stage: Stage, loop: ClockLoop) -> None:
        stage.pump.abort()
        assert stage.transport.aborted

    play(scenario)


def check(holds: bool) -> None:
    assert holds


def clock() -> ClockLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ClockLoop)
    return loop

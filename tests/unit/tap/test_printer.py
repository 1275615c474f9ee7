"""Lines that go out by a thread: order, gaps, and readers that go away."""

from __future__ import annotations

import fcntl
import os
import select
import threading
import time
from collections.abc import Iterator

import pytest

from matahari.tap.printer import QUEUE_BYTES, QUEUE_LINES, Printer

WAIT = 20.0  # seconds that no test needs unless something is wrong


class Pipes:
    """Both ends of what the printer writes to."""

    def __init__(self) -> None:
        self.out, self._out = os.pipe()
        self.err, self._err = os.pipe()
        self.broken = threading.Event()
        self.printer = Printer(self._out, self._err, gap=lambda count: f"gap {count}", broken=self.broken.set)

    def closed(self) -> tuple[list[str], list[str]]:
        """Lines of both after the printer's end."""
        assert self.printer.close(WAIT)
        os.close(self._out)
        os.close(self._err)
        return _lines(self.out), _lines(self.err)

    def fill(self) -> None:
        """Show lines until one is dropped, reading none; the thread stands in a write that cannot go on."""
        while select.select([], [self._out], [], 0)[1]:
            os.write(self._out, b"full\n" * 10)
        self.printer.line("x" * 2 * select.PIPE_BUF)
        deadline = time.monotonic() + WAIT
        while self.printer._waiting:
            assert time.monotonic() < deadline
            threading.Event().wait(0.001)
        while not self.printer.dropped:
            self.printer.line("x" * 200)


def _lines(descriptor: int) -> list[str]:
    with os.fdopen(descriptor, errors="replace") as stream:
        return stream.read().splitlines()


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    yield Pipes()


def test_lines_and_remarks_go_their_ways_in_order(pipes: Pipes) -> None:
    for number in range(100):
        pipes.printer.line(f"line {number}")
    pipes.printer.remark("remark é \udcff")
    out, err = pipes.closed()
    assert out == [f"line {number}" for number in range(100)]
    assert err == ["remark é \\udcff"]
    assert pipes.printer.dropped == 0


def test_what_a_stopped_reader_leaves_no_room_for_is_dropped_counted_and_told(pipes: Pipes) -> None:
    pipes.fill()
    for _ in range(9):
        pipes.printer.line("more")
    assert pipes.printer.dropped == 10
    reader = threading.Thread(target=lambda: out.extend(_lines(pipes.out)))
    out: list[str] = []
    reader.start()
    assert pipes.printer.close(WAIT)
    os.close(pipes._out)
    reader.join(WAIT)
    assert QUEUE_LINES <= len(out) - 1
    assert out[-1] == "gap 10"
    os.close(pipes._err)
    os.close(pipes.err)


def test_the_gap_is_told_where_it_is(pipes: Pipes) -> None:
    pipes.fill()
    out: list[str] = []
    reader = threading.Thread(target=lambda: out.extend(_lines(pipes.out)))
    reader.start()
    while len(pipes.printer._waiting) > QUEUE_LINES // 2:
        threading.Event().wait(0.001)
    pipes.printer.line("after")
    assert pipes.printer.close(WAIT)
    os.close(pipes._out)
    reader.join(WAIT)
    assert out[-2:] == ["gap 1", "after"]
    os.close(pipes._err)
    os.close(pipes.err)


def test_few_large_lines_are_bounded_too(pipes: Pipes) -> None:
    large = "x" * (QUEUE_BYTES // 4)
    for _ in range(8):
        pipes.printer.line(large)
    assert 2 <= pipes.printer.dropped <= 5
    os.close(pipes.out)
    assert pipes.broken.wait(WAIT)
    pipes.printer.close(WAIT)
    for descriptor in (pipes._out, pipes._err, pipes.err):
        os.close(descriptor)


def test_a_reader_that_goes_away_is_told_once_and_ends_the_thread(pipes: Pipes) -> None:
    os.close(pipes.out)
    pipes.printer.line("x")
    assert pipes.broken.wait(WAIT)
    pipes.printer.line("y")
    pipes.printer.remark("z")
    pipes.printer.close(WAIT)
    for descriptor in (pipes._out, pipes._err, pipes.err):
        os.close(descriptor)


def test_an_end_does_not_wait_for_a_reader_that_has_stopped(pipes: Pipes) -> None:
    pipes.fill()
    assert not pipes.printer.close(0.0)
    os.close(pipes.out)
    assert pipes.broken.wait(WAIT)
    for descriptor in (pipes._out, pipes._err, pipes.err):
        os.close(descriptor)


def test_a_terminal_that_somebody_made_non_blocking_is_waited_for(pipes: Pipes) -> None:
    flags = fcntl.fcntl(pipes._out, fcntl.F_GETFL)
    fcntl.fcntl(pipes._out, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    out: list[str] = []
    for number in range(4000):
        pipes.printer.line(f"{number} " + "x" * 100)
    reader = threading.Thread(target=lambda: out.extend(_lines(pipes.out)))
    reader.start()
    assert pipes.printer.close(WAIT)
    os.close(pipes._out)
    reader.join(WAIT)
    assert [line.split()[0] for line in out] == [str(number) for number in range(4000)]
    os.close(pipes._err)
    os.close(pipes.err)

"""Following a stream of events: how it ends, and what is said of events that were lost."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator

import pytest

from matahari.console import ConsoleEvent
from matahari.shell.display.output import Output
from matahari.shell.events.follow import CHECK_INTERVAL, follow
from tests.support.fake_events import FakeStream, heartbeat


class Clock:
    """Each look is a tenth of a second later."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.1
        return self.now


def following(
    script: Iterable[ConsoleEvent | BaseException | int | None],
    *,
    count: int | None = None,
    seconds: float | None = None,
) -> tuple[int | None, list[str], str, FakeStream]:
    """How many were shown (None when it was interrupted), the hosts, what was said beside, and the stream."""
    out, err, shown = io.StringIO(), io.StringIO(), None
    with FakeStream(script) as stream:
        try:
            shown = follow(stream, Output(out, err), count=count, seconds=seconds, clock=Clock(), now=lambda: 1)
        except KeyboardInterrupt:
            shown = None
    hosts = [line.split()[2] for line in out.getvalue().splitlines()]
    return shown, hosts, err.getvalue(), stream


def test_events_are_shown_until_an_interrupt() -> None:
    shown, hosts, said, stream = following([heartbeat("web1"), None, heartbeat("db1")])
    assert (shown, hosts, said) == (None, ["web1", "db1"], "")
    assert set(stream.waits) == {CHECK_INTERVAL}


def test_it_ends_after_so_many() -> None:
    shown, hosts, _, stream = following([heartbeat("web1"), heartbeat("web2"), heartbeat("db1")], count=2)
    assert (shown, hosts) == (2, ["web1", "web2"])
    assert len(stream.waits) == 2


def test_it_ends_when_the_time_is_over() -> None:
    shown, hosts, _, stream = following([heartbeat("web1"), None, None, None, None, None], seconds=0.45)
    assert (shown, hosts) == (1, ["web1"])
    assert all(wait is not None and 0 < wait <= 0.45 for wait in stream.waits)
    shown, hosts, _, _ = following([heartbeat("web1") for _ in range(100)], seconds=0.45)
    assert shown is not None and 0 < shown < 10


def test_events_that_are_not_meant_are_not_counted() -> None:
    out = io.StringIO()
    with FakeStream([heartbeat("web1"), heartbeat("web2")]) as stream:
        shown = follow(stream, Output(out, io.StringIO()), meant=lambda event: event.host == "web2", count=1)
    assert (shown, "web1" in out.getvalue()) == (1, False)


def test_events_that_were_lost_are_told_once() -> None:
    _, hosts, said, _ = following([heartbeat("web1"), 3, heartbeat("web2"), 2])
    assert hosts == ["web1", "web2"]
    assert said == "".join(f"% {n} events were lost: they came faster than they could be shown\n" for n in (3, 2))


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(write)


def test_a_reader_that_has_gone_is_noticed_though_nothing_happens(pipe: tuple[int, int]) -> None:
    read, write = pipe
    with open(write, "w", closefd=False) as out, FakeStream([None]) as stream:
        os.close(read)
        with pytest.raises(BrokenPipeError):
            follow(stream, Output(out, io.StringIO()))


def test_a_reader_that_is_there_is_left_alone(pipe: tuple[int, int]) -> None:
    read, write = pipe
    with open(write, "w", closefd=False) as out, FakeStream([None, None]) as stream, pytest.raises(KeyboardInterrupt):
        follow(stream, Output(out, io.StringIO()))
    os.close(read)

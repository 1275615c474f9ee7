"""The Python API when things go wrong, and with many threads: only errors of ours, nobody delayed, nothing left."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from matahari import console as asynchronous
from matahari.console import sync as blocking
from matahari.errors import (
    ConnectionLostError,
    MatahariError,
    RefusedError,
    RequestError,
    RequestTimeoutError,
    TransportError,
)
from tests.support.node import PLUGIN_PACKAGE, TIME, Box, Program, box

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

PLUGIN = """
import time


def echo(value: int) -> int:
    return value


def wait(seconds: float) -> str:
    time.sleep(seconds)
    return "done"
"""
THREADS = 8
CALLS = 20


class Fleet:
    """Two hosts on one broker."""

    def __init__(self, place: Box, hung: Program) -> None:
        self.place = place
        self.hung = hung


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with box() as place, place.broker():
        place.save("calls.py", PLUGIN)
        with (
            place.agent("--hostname", "alpha", "--state", "alpha", "--plugins", "plugins"),
            place.agent("--hostname", "beta", "--state", "beta", "--plugins", "plugins") as hung,
        ):
            with place.connect() as console:
                wait_ready(console, 2)
            yield Fleet(place, hung)


@pytest.fixture
def console(fleet: Fleet) -> Iterator[blocking.Console]:
    with fleet.place.connect() as made:
        yield made


def wait_ready(console: blocking.Console, count: int) -> None:
    deadline = time.monotonic() + 30 * TIME
    ready = 0
    while ready < count:
        assert time.monotonic() < deadline
        try:
            ready = len(console.select("calls", package=PLUGIN_PACKAGE, where={"state": "ready"}))
        except MatahariError:
            continue


def test_hosts_are_chosen_by_filters_everywhere(console: blocking.Console) -> None:
    assert [item.host for item in console.select("Host", hosts="alpha or gamma")] == ["alpha"]
    assert {agent.host for agent in console.agents("agent host and b*")} == {"beta"}
    with console.subscribe("Host", hosts="beta", interval=1) as changes:
        change = changes.next(timeout=30 * TIME)
        assert change is not None and change.object.host == "beta"


def test_an_assignment_really_writes_and_a_read_only_property_is_refused(console: blocking.Console) -> None:
    objects = console.select("Host")
    objects[0].update_interval = 11
    assert [one.update_interval for one in objects] == [11, objects[1].values["update_interval"]]
    assert objects.refresh()[0].update_interval == 11
    with pytest.raises(RefusedError, match=r"property 'hostname' of .* is read-only"):
        objects[0].hostname = "other"


def test_a_hung_host_delays_neither_the_look_up_nor_the_others(fleet: Fleet, console: blocking.Console) -> None:
    os.kill(fleet.hung.process.pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        call = console.plugin("calls", fetch_timeout=60 * TIME).echo(5)
        assert next(call).value == 5
        assert time.monotonic() - start < 20 * TIME
        call.cancel()
        assert [(one.host, one.reason) for one in call.not_asked] == [("beta", "cancelled")]
        call = console.plugin("calls", fetch_timeout=4 * TIME).echo(6)
        assert [type(one.error) for one in call.silent] == [RequestTimeoutError]
        plugin = console.plugin("calls", fetch_timeout=60 * TIME)
    finally:
        os.kill(fleet.hung.process.pid, signal.SIGCONT)
    assert sorted((one.host, one.value) for one in plugin.echo(7)) == [("alpha", 7), ("beta", 7)]


def test_a_hung_host_delays_no_filter_and_no_selecting_and_is_told(fleet: Fleet, console: blocking.Console) -> None:
    limit = 60 * TIME

    async def choose() -> asynchronous.Selection:
        async with fleet.place.connect_async() as mh:  # both faces have met the host before it hung
            os.kill(fleet.hung.process.pid, signal.SIGSTOP)
            return await mh.hosts("has os.name", timeout=limit)

    start = time.monotonic()
    try:
        chosen = asyncio.run(choose())
        for web in (chosen, console.hosts("has os.name", timeout=limit)):
            assert ([one.name for one in web], [one.name for one in web.undecided]) == (["alpha"], ["beta"])
        found = console.select("Host", timeout=limit)
        assert ([one.host for one in found], {one.host for one in found.unanswered}) == (["alpha"], {"beta"})
        assert next(console.plugin("calls", "has os.name", fetch_timeout=limit).echo(5)).value == 5
        results = console.plugin("calls", chosen, fetch_timeout=limit).echo(6)
        assert ([one.host for one in results], [one.reason for one in results.not_asked]) == (["alpha"], ["undecided"])
        done = fleet.place.mhsh("-t", str(limit), "-c", "select hosts has os.name; select class Host; get hostname")
        assert "alpha: alpha\n" in done.stdout
        assert "did not answer; undecided and not selected: matahariproject.org:host:" in done.stdout + done.stderr
        assert done.returncode == 2
        # A name may be that of the host that hangs, of which no new shell knows the name.
        done = fleet.place.mhsh("-t", str(limit), "call", "calls.echo", "7", "--hosts", "a* or gamma")
        assert (done.returncode, done.stdout) == (2, "alpha: 7\n")
        assert (
            "% a host of unknown name did not answer; undecided and left out: matahariproject.org:host:" in done.stderr
        )
        assert "2 hosts: 1 answered, 0 failed, 1 silent" in done.stderr
        assert time.monotonic() - start < limit / 2
    finally:
        os.kill(fleet.hung.process.pid, signal.SIGCONT)


def test_many_threads_call_through_one_console(console: blocking.Console) -> None:
    plugin = console.plugin("calls", timeout=60 * TIME)

    def work(thread: int) -> list[list[object]]:
        return [plugin.echo(thread * CALLS + number).values() for number in range(CALLS)]

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(work, range(THREADS)))
    assert found == [[[thread * CALLS + number] * 2 for number in range(CALLS)] for thread in range(THREADS)]


def test_closing_while_threads_call_ends_each_with_an_error_of_ours(fleet: Fleet) -> None:
    before = set(threading.enumerate())
    console = fleet.place.connect()
    plugin = console.plugin("calls", timeout=60 * TIME)
    begun = threading.Barrier(THREADS + 1)

    def work() -> str:
        call = plugin.call("wait", 30.0)
        begun.wait(30 * TIME)
        try:
            return str([type(one.error).__name__ for one in call.wait()])
        except RequestError:
            return "closed"

    with ThreadPoolExecutor(THREADS) as pool:
        ends = [pool.submit(work) for _ in range(THREADS)]
        begun.wait(30 * TIME)
        console.close()
        for end in ends:
            assert end.result(timeout=20 * TIME) in ("closed", "['ConnectionLostError', 'ConnectionLostError']")
    assert set(threading.enumerate()) <= before
    console.close()
    for ask in (console.hosts, lambda: console.plugin("calls"), lambda: plugin.echo(1), lambda: console.select("Host")):
        with pytest.raises(RequestError, match="closed"):
            ask()


def list_changes(mh: blocking.Console) -> list[object]:
    """The first change, then the next, as long as there are some."""
    with mh.subscribe("Host", interval=1) as changes:
        return [changes.next(timeout=3 * TIME)]


#: What somebody does when the broker is killed; a line of each way to wait.
DOINGS: dict[str, Callable[[blocking.Console], object]] = {
    "call": lambda mh: mh.plugin("calls", timeout=60 * TIME).call("wait", 30.0).raise_for_errors(),
    "stream": lambda mh: list(mh.select("calls", package=PLUGIN_PACKAGE).stream("wait", 30.0, timeout=60 * TIME)),
    "select": lambda mh: [mh.select("Host") for _ in iter(int, 1)],
    "filter": lambda mh: [mh.hosts("has os.name") for _ in iter(int, 1)],
    "plugin": lambda mh: [mh.plugin("calls") for _ in iter(int, 1)],
    "events": lambda mh: mh.events().next(timeout=3 * TIME),
    "changes": lambda mh: [list_changes(mh) for _ in iter(int, 1)],
    "close": lambda mh: mh.close(),
}


@pytest.mark.parametrize("doing", DOINGS)
def test_when_the_broker_is_killed_only_errors_of_ours_are_seen(doing: str) -> None:
    with box() as place:
        place.save("calls.py", PLUGIN)
        broker = place.start("broker", "--socket", place.socket)
        agent = ("--hostname", "alpha", "--state", "alpha", "--plugins", "plugins")
        with broker, place.agent(*agent), place.connect() as console, ThreadPoolExecutor(1) as pool:
            wait_ready(console, 1)
            begun = threading.Event()

            def run() -> None:
                begun.set()
                DOINGS[doing](console)

            future = pool.submit(run)
            begun.wait(30 * TIME)
            broker.kill()  # somewhere in it
            try:
                future.result(timeout=30 * TIME)
            except ExceptionGroup as group:
                assert all(isinstance(error, MatahariError) for error in group.exceptions)
            except (TransportError, RequestError):
                pass
            if doing != "close":
                with pytest.raises(TransportError):
                    console.hosts()


def test_when_the_broker_is_killed_the_asynchronous_face_raises_the_same() -> None:
    async def story(place: Box, broker: Program) -> None:
        async with place.connect_async() as mh:
            objects = await mh.select("calls", package=PLUGIN_PACKAGE)
            async with objects.stream("wait", 30.0, timeout=60 * TIME) as call:
                broker.kill()
                assert [type(one.error) for one in await call.wait()] == [ConnectionLostError]
            for ask in (mh.hosts(), mh.select("Host"), mh.plugin("calls"), mh.agents()):
                with pytest.raises(ConnectionLostError):
                    await ask
            assert [type(one.error) for one in await objects.call("echo", 1)] == [ConnectionLostError]

    with box() as place:
        place.save("calls.py", PLUGIN)
        broker = place.start("broker", "--socket", place.socket)
        with broker, place.agent("--hostname", "alpha", "--state", "alpha", "--plugins", "plugins"):
            with place.connect() as console:
                wait_ready(console, 1)
            asyncio.run(story(place, broker))

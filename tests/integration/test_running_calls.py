"""Calls that last, through a real broker: what they tell while they run, giving them up, and their time limits."""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from matahari.console import Missed, Output, Partial, Progress, Result, Told
from matahari.console.sync import Console, Objects
from matahari.errors import RemoteCancelledError, RemoteTimeoutError
from tests.support.node import BIN, PLUGIN_PACKAGE, TIME, Box, box, environment

pytestmark = pytest.mark.integration

PLUGIN = '''
import asyncio
import pathlib
import time
from collections.abc import Generator

from matahari.plugin import context, output, progress


def _wait(path):
    while not pathlib.Path(path).exists():
        time.sleep(0.01)


def steps(*gates: str) -> Generator[int, None, str]:
    """Tell something, and go on when the next gate is there."""
    for number, gate in enumerate(gates):
        output(f"step {number}\\n")
        progress(number, len(gates), gate)
        yield number
        _wait(gate)
    return "done"


def poll(flag: str) -> str:
    output("polling\\n")
    while not context().is_cancelled:
        time.sleep(0.01)
    pathlib.Path(flag).write_text("is_cancelled")
    return "gave up"


async def sleep(flag: str) -> str:
    output("sleeping\\n")
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        pathlib.Path(flag).write_text("CancelledError")
        raise
    return "slept"


def shout(size: int) -> int:
    for _ in range(size // 1000):
        output("x" * 999 + "\\n")
    return size


def values(count: int, size: int):
    for number in range(count):
        yield [number, "x" * size]


def echo(value: int) -> int:
    return value
'''


@pytest.fixture(scope="module")
def node() -> Iterator[Box]:
    """Two hosts, alpha and beta, with the same plugins."""
    with box() as made:
        made.save("lasting.py", PLUGIN)
        made.save("other.py", "def echo(value: int) -> int:\n    return value\n")
        with (
            made.up("--hostname", "alpha"),
            made.agent("--state", "b", "--plugins", "plugins", "--hostname", "beta"),
            made.connect() as console,
        ):
            for name in ("lasting", "other"):
                wait_ready(console, name)
            yield made


def wait_ready(console: Console, name: str) -> None:
    """Return when both hosts have the plugin."""
    deadline = time.monotonic() + 30 * TIME
    while time.monotonic() < deadline:
        if PLUGIN_PACKAGE in console.packages():
            found = console.select(name, package=PLUGIN_PACKAGE)
            if [one.values["state"] for one in found] == ["ready", "ready"]:
                return
    raise AssertionError(f"plugin {name} is not ready on both hosts")


@pytest.fixture
def console(node: Box) -> Iterator[Console]:
    with node.connect() as made:
        yield made


def plugin(console: Console, name: str = "lasting", *, hosts: tuple[str, ...] = ("alpha",)) -> Objects:
    return console.select(name, package=PLUGIN_PACKAGE, hosts=hosts)


def gates(folder: Path, count: int) -> list[Path]:
    return [folder / f"gate{number}" for number in range(count)]


def wait_text(path: Path) -> str:
    """The text of a file that is about to be written."""
    deadline = time.monotonic() + 20 * TIME
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()):
            return text
    raise AssertionError(f"{path} was not written")


def test_what_a_call_tells_comes_in_order_while_it_runs(console: Console, tmp_path: Path) -> None:
    doors = gates(tmp_path, 3)
    with plugin(console).stream("steps", *map(str, doors), timeout=60 * TIME) as call:
        for number, door in enumerate(doors):
            told = [next(call) for _ in range(3)]
            assert [type(one) for one in told] == [Output, Progress, Partial]
            output, progress, partial = told
            assert isinstance(output, Output) and output.chunk == f"step {number}\n"
            assert isinstance(progress, Progress)
            assert (progress.done, progress.total, progress.text) == (number, 3, str(door))
            assert isinstance(partial, Partial) and partial.value == number
            assert len(call.running) == 1  # it waits for the gate, which opens now
            door.touch()
        last = next(call)
        assert isinstance(last, Result)
        assert (last.value, last.error) == ("done", None)
        assert list(call) == []


def test_two_hosts_tell_independently_of_each_other(console: Console, tmp_path: Path) -> None:
    (door,) = gates(tmp_path, 1)
    with plugin(console, hosts=("alpha", "beta")).stream("steps", str(door), timeout=60 * TIME) as call:
        told: dict[str, list[Told]] = {"alpha": [], "beta": []}
        while min(len(some) for some in told.values()) < 3:
            one = next(call)
            told[one.host].append(one)
        door.touch()
        for one in call:
            told[one.host].append(one)
    for some in told.values():
        assert [type(one) for one in some] == [Output, Progress, Partial, Result]
    assert [result.value for result in call.results] == ["done", "done"]


@pytest.mark.parametrize(("method", "noticed"), [("poll", "is_cancelled"), ("sleep", "CancelledError")])
def test_giving_a_call_up_reaches_the_plugin_and_is_answered(
    console: Console, tmp_path: Path, method: str, noticed: str
) -> None:
    flag = tmp_path / "flag"
    with plugin(console, hosts=("alpha", "beta")).stream(method, str(flag), timeout=60 * TIME) as call:
        assert {next(call).host, next(call).host} == {"alpha", "beta"}  # both run
        call.cancel()
        results = call.wait()
    for result in results:
        assert isinstance(result.error, RemoteCancelledError)
        assert result.error.kind == "cancelled"
    assert wait_text(flag) == noticed


def test_leaving_a_plain_call_ends_it_on_the_host_too(node: Box, tmp_path: Path) -> None:
    flag = tmp_path / "flag"

    async def story() -> None:
        async with node.connect_async() as console:
            objects = await console.select("lasting", package=PLUGIN_PACKAGE, hosts=["alpha"])
            task = asyncio.ensure_future(objects.call("sleep", str(flag), timeout=60 * TIME))
            async with asyncio.timeout(20 * TIME):
                while (await objects.refresh())[0].values["active"] == 0:
                    pass
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(wait_text, flag) == "CancelledError"

    asyncio.run(story())


def test_the_callers_time_limit_ends_the_call_on_the_host_with_its_output_so_far(
    console: Console, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    with plugin(console).stream("poll", str(flag), timeout=0.5) as call:
        [result] = call.wait()
    assert isinstance(result.error, RemoteTimeoutError)
    assert str(result.error) == "lasting.poll took longer than 0.5 s; its output so far:\npolling"
    assert wait_text(flag) == "is_cancelled"


def test_a_plain_call_ends_on_the_host_as_well_and_says_its_output_before_its_time_is_over(
    console: Console, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    [result] = plugin(console).call("poll", str(flag), timeout=5)
    assert isinstance(result.error, RemoteTimeoutError)
    assert str(result.error) == "lasting.poll took longer than 4.5 s; its output so far:\npolling"
    assert wait_text(flag) == "is_cancelled"
    [result] = console.plugin("lasting", ["alpha"], timeout=5).poll(str(flag))
    assert isinstance(result.error, RemoteTimeoutError)
    assert "its output so far:\npolling" in str(result.error)


def test_a_flood_of_output_is_cut_and_others_are_answered_meanwhile(console: Console) -> None:
    with plugin(console).stream("shout", 30_000_000, timeout=60 * TIME) as call:
        next(call)  # the flood has begun
        echoed = [plugin(console, "other").call("echo", number)[0].value for number in range(5)]
        told = list(call)
    assert echoed == [0, 1, 2, 3, 4]
    text = "".join(one.chunk for one in told if isinstance(one, Output))
    assert len(text) < 1_100_000
    assert "bytes of output were left out" in text.splitlines()[-1]
    assert not any(isinstance(one, Missed) for one in told)
    [result] = call.results
    assert result.value == 30_000_000


def test_a_flood_of_values_arrives_whole_and_others_are_answered_meanwhile(console: Console) -> None:
    count, size = 4000, 4000
    with plugin(console).stream("values", count, size, timeout=120 * TIME) as call:
        first = next(call)
        echoed = [plugin(console, "other").call("echo", number)[0].value for number in range(5)]
        told = [first, *call]
    assert echoed == [0, 1, 2, 3, 4]
    numbers = [one.value[0] for one in told if isinstance(one, Partial) and isinstance(one.value, list)]
    assert numbers == list(range(count))
    assert [type(one) for one in told if not isinstance(one, Partial)] == [Result]


def test_other_calls_of_a_plugin_that_floods_are_answered_too(console: Console) -> None:
    objects = plugin(console)
    with objects.stream("values", 4000, 4000, timeout=120 * TIME) as call:
        next(call)
        assert objects.call("echo", 7)[0].value == 7
        assert len(call.running) == 1


def test_a_call_that_asks_for_no_reports_gets_none(console: Console, tmp_path: Path) -> None:
    (door,) = gates(tmp_path, 1)
    door.touch()
    ignored = console._console._station._engine.statistics()["ignored"]
    [result] = plugin(console).call("steps", str(door))
    assert result.value == "done"
    assert console._console._station._engine.statistics()["ignored"] == ignored


def test_iterating_goes_on_after_an_interrupt_of_the_thread_that_waits(console: Console, tmp_path: Path) -> None:
    """What comes while nobody waits is not lost, and the call may be given up from another thread."""
    flag = tmp_path / "flag"
    with plugin(console).stream("poll", str(flag), timeout=60 * TIME) as call:
        assert isinstance(next(call), Output)
        threading.Timer(0.1, call.cancel).start()
        last = next(call)
        assert isinstance(last, Result)
        assert isinstance(last.error, RemoteCancelledError)


def test_the_shell_shows_lines_as_they_come_and_records_with_json(node: Box, tmp_path: Path) -> None:
    doors = gates(tmp_path, 2)
    command = f"select class package {PLUGIN_PACKAGE} lasting; call steps {doors[0]} {doors[1]}"
    shell = subprocess.Popen(
        [BIN / "mhsh", *node.bus.words, "-c", f"select host alpha; {command}"],
        env=environment(XDG_CONFIG_HOME=str(node.home), XDG_STATE_HOME=str(node.home)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert shell.stdout is not None
    for number, door in enumerate(doors):
        assert shell.stdout.readline() == f"alpha: step {number}\n"
        assert shell.stdout.readline() == f"alpha: {number}\n"
        door.touch()
    rest, errors = shell.communicate(timeout=20 * TIME)
    assert (rest, errors, shell.returncode) == ("alpha: done\n", "", 0)
    records = node.json(f"select host alpha; {command}")
    progress = [record for record in records if record.get("report") == "progress"]
    assert progress[-1]["done"] == 1  # earlier ones may have given way to it
    assert progress[-1]["text"] == str(doors[1])
    kinds = [record.get("report", "result") for record in records if record not in progress]
    assert kinds == ["output", "partial", "output", "partial", "result"]

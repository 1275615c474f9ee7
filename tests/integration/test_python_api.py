"""The Python API as programs use it, on two real nodes: plugins as objects, rolling calls, selections and events."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from matahari.console import Batch, Output, Partial, Progress, Result, Selection, Told
from matahari.console import sync as blocking
from matahari.errors import AbortedError, RefusedError, RemoteCancelledError, RequestError
from tests.support.node import PLUGIN_PACKAGE, TIME, Box, box

pytestmark = [pytest.mark.integration, pytest.mark.together]

HOSTS = ("alpha", "beta")
PLUGIN = '''
import os
import pathlib
import time
from collections.abc import Generator

from matahari.plugin import context, output, progress


def num_calls() -> int:
    """How many calls are up."""
    return 3


def where(loud: bool = False) -> str:
    """Where this runs.

    Args:
        loud: in capitals.
    """
    name = pathlib.Path("{host}").name
    return name.upper() if loud else name


def only(host: str) -> str:
    """Work on one host alone."""
    if host != "{host}":
        raise ValueError(f"not on {host}")
    return host


def talk() -> Generator[int, None, str]:
    output("hello\\n")
    progress(1, 2, "half")
    yield 5
    return "done"


def last() -> str:
    output("begun\\n")
    while not context().is_cancelled:
        time.sleep(0.01)
    return "ended"
'''

USER = """
import asyncio

from matahari import console
from matahari.console import Batch, Host, NotAsked, Progress, Result, Results, Summary
from matahari.console.sync import connect


def confirm(batch: Batch) -> bool:
    return len(batch.hosts) < 3


def main() -> None:
    with connect() as mh:
        web = mh.hosts(facts={"role": "web"}) - "test*"
        first: Host = web[0]
        plugin = mh.plugin("asterisk", web | first, timeout=30, host_timeout=5)
        for result in plugin.num_calls():
            host: str = result.host
            value: object = result.value
            print(host, value if result.ok else result.error)
        rolling = plugin.using(batch="10%", pause=1.5, max_failures=0, canary=1, limit="5%", seed=7, confirm=confirm)
        call = rolling.restart(force=True)
        failed: list[Result] = call.failed
        left: tuple[NotAsked, ...] = call.not_asked
        summary: Summary = call.summary()
        print(failed, left, summary.odd, call.values())
        call.raise_for_errors()
        for told in plugin.using(reports=True).call("backup", "data").stream():
            if isinstance(told, Progress):
                print(told.done, told.total)
        with mh.events("org.matahariproject:heartbeat", hosts=web) as events:
            for event in events:
                print(event.host, event.values)


async def work() -> None:
    async with console.connect() as mh:
        plugin = await mh.plugin("asterisk", "role = web")
        async for result in plugin.num_calls():
            print(result.host)
        results: Results = await plugin.num_calls()
        results.raise_for_errors()
        async for event in mh.events("org.matahariproject:heartbeat"):
            print(event.name)


main()
asyncio.run(work())
"""


class Fleet:
    """Two hosts on one broker."""

    def __init__(self, place: Box) -> None:
        self.place = place


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with box() as place, ExitStack() as stack:
        stack.enter_context(place.broker())
        for host in HOSTS:
            plugins = place.home / host / "plugins"
            plugins.mkdir(parents=True)
            (plugins / "calls.py").write_text(PLUGIN.replace("{host}", host))
            words = ("--hostname", host, "--state", f"{host}/state", "--plugins", f"{host}/plugins")
            stack.enter_context(place.agent(*words))
        with place.connect() as console:
            deadline = time.monotonic() + 30 * TIME
            place.wait_plugin(console, "calls", lambda values: values["state"] == "ready")
            while len(console.select("calls", package=PLUGIN_PACKAGE, where={"state": "ready"})) < len(HOSTS):
                assert time.monotonic() < deadline  # each look waits for the agents' answers
        yield Fleet(place)


@pytest.fixture
def console(fleet: Fleet) -> Iterator[blocking.Console]:
    with fleet.place.connect() as made:
        yield made


def test_answers_come_as_they_do_and_as_a_whole(console: blocking.Console) -> None:
    plugin = console.plugin("calls", console.hosts())
    assert sorted((r.host, r.value if r.ok else r.error) for r in plugin.num_calls()) == [("alpha", 3), ("beta", 3)]
    call = plugin.only("alpha")
    assert call.values() == ["alpha"]
    assert [type(one.error) for one in call.failed] == [AbortedError]
    assert [one.host for one in call.failed] == ["beta"]
    with pytest.raises(ExceptionGroup, match=r"1 of 2 calls failed: beta$"):
        call.raise_for_errors()
    summary = plugin.where().summary()
    assert [(one.value, one.hosts) for one in summary] == [("alpha", ("alpha",)), ("beta", ("beta",))]
    assert [one.value for one in plugin.num_calls().summary()] == [3]
    assert plugin.call("where", loud=True).values() == ["ALPHA", "BETA"]


@pytest.mark.embedded
def test_the_help_is_what_the_author_wrote(fleet: Fleet) -> None:
    source = "import sys\nfrom matahari.console.sync import connect\nwith connect(sys.argv[1]) as mh:\n"
    source += "    plugin = mh.plugin('calls')\n    help(plugin.where)\n    print('where' in dir(plugin))\n"
    done = subprocess.run(
        [sys.executable, "-c", source, fleet.place.address],
        capture_output=True, text=True, timeout=60 * TIME, check=True,
    )  # fmt: skip
    assert "where(loud: bool = False)" in done.stdout
    assert "Where this runs." in done.stdout
    assert done.stdout.endswith("True\n")


def test_a_rolling_call_goes_batch_by_batch_and_asks_in_the_callers_thread(console: blocking.Console) -> None:
    asked: list[Batch] = []

    def confirm(batch: Batch) -> bool:
        assert threading.current_thread() is threading.main_thread()
        asked.append(batch)
        return batch.number == 1

    call = console.plugin("calls").using(batch=1, confirm=confirm).where()
    assert call.values() == ["alpha"]
    assert [(one.host, one.reason) for one in call.not_asked] == [("beta", "refused")]
    assert [one.hosts for one in asked] == [("alpha",), ("beta",)]


def test_a_failure_spares_the_hosts_after_it(console: blocking.Console) -> None:
    results = console.plugin("calls", batch=1, max_failures=0).only("beta").wait()
    assert [(one.host, one.reason) for one in results.not_asked] == [("beta", "failures")]
    assert [one.host for one in results.failed] == ["alpha"]


def test_progress_and_output_come_with_the_results(console: blocking.Console) -> None:
    told: list[Told] = list(console.plugin("calls", ["alpha"], reports=True).talk().stream())
    assert [type(one) for one in told if not isinstance(one, Progress)] == [Output, Partial, Result]
    assert any(isinstance(one, Progress) for one in told)


def test_a_call_that_lasts_is_given_up(console: blocking.Console) -> None:
    call = console.plugin("calls", ["alpha"], reports=True, timeout=60 * TIME).last()
    assert isinstance(next(call.stream()), Output)
    call.cancel()
    [result] = call.wait()
    assert isinstance(result.error, RemoteCancelledError) or result.value == "ended"


def test_selections_are_values(console: blocking.Console) -> None:
    every = console.hosts()
    alpha = console.hosts("agent host and alpha")
    assert [host.name for host in alpha] == ["alpha"]
    assert [host.name for host in every - alpha] == ["beta"]
    assert [host.name for host in ~alpha] == ["beta"]
    assert Selection.from_json(alpha.to_json()) == alpha
    assert console.hosts(str(every - alpha)) == list(every - alpha)
    assert console.plugin("calls", every - alpha).where().values() == ["beta"]


def test_events_of_one_host_are_heard_in_both_faces(fleet: Fleet, console: blocking.Console) -> None:
    with console.events("org.matahariproject:heartbeat", hosts=["beta"]) as events:
        event = events.next(timeout=30 * TIME)
        assert event is not None and (event.host, event.name) == ("beta", "heartbeat")
    assert list(events) == []

    async def story() -> str:
        async with fleet.place.connect_async() as mh:
            async for one in mh.events("org.matahariproject:heartbeat", hosts="alpha"):
                return one.host
        raise AssertionError("the stream ended")

    async def limited() -> str:
        async with asyncio.timeout(30 * TIME):
            return await story()

    assert asyncio.run(limited()) == "alpha"


def test_a_property_that_may_not_be_written_is_refused_before_anything_is_sent(console: blocking.Console) -> None:
    objects = console.select("Host")
    with pytest.raises(RefusedError, match="read-only"):
        objects.set("hostname", "other")
    interval = objects.get("update_interval")
    assert objects.set("update_interval", 7).ok
    assert objects.refresh().get("update_interval") == [7, 7] != interval


def test_no_thread_is_left_behind_whatever_was_under_way(fleet: Fleet) -> None:
    before = set(threading.enumerate())
    with fleet.place.connect() as mh:
        call = mh.plugin("calls", ["alpha"], timeout=60 * TIME).last()
        events = mh.events()
        events.begin()
    assert set(threading.enumerate()) <= before
    for ended in (lambda: next(call), lambda: next(events)):
        with pytest.raises(RequestError, match="closed"):
            ended()


def test_a_users_program_is_fully_typed(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(USER)
    roots = [str(Path(__file__).parents[2] / name) for name in ("core", "rpcagent", "clients")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--namespace-packages",
         "--explicit-package-bases", "--disallow-any-expr", "--cache-dir", str(tmp_path / "cache"), str(program)],
        cwd=tmp_path, env={"MYPYPATH": ":".join([str(tmp_path), *roots])},
        capture_output=True, text=True, timeout=180 * TIME, check=False,
    )  # fmt: skip
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr

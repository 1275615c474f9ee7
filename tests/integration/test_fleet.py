"""A fleet of simulated hosts: listed, filtered and called, and what becomes of hosts that die, hang or fail meanwhile."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from matahari.console.sync import Console
from matahari.errors import AbortedError, AgentGoneError, ConnectFailedError, PluginLoadError, RequestTimeoutError
from matahari.testing.fleet import Fleet, FleetError, Rule, simulated_host
from tests.support.node import PLUGIN_PACKAGE, TIME, Box, Program, box
from tests.support.shell import without_time

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

COUNT = 200
FOR_EVER = 3600.0
PRLIMIT = shutil.which("prlimit")
SOURCE = '''
from matahari.testing.fleet import simulated_host

__version__ = "1.2"


def line() -> int:
    """Which line is in use."""
    return simulated_host().number % 3


def add(left: int, right: int = 1) -> int:
    return left + right


def hang() -> None: ...
def quiet() -> None: ...
def explode() -> None: ...
def flaky() -> bool:
    return True
'''
FLAKY = Rule(method="flaky", share=0.1, outcome="fail", text="line is dead")
RULES = (
    Rule(hosts="host0007", method="hang", delay=FOR_EVER),
    Rule(hosts="host0013", method="quiet", outcome="silent"),
    Rule(hosts="host0021", method="explode", outcome="crash"),
    FLAKY,
)


class Stage:
    """A broker, a fleet on it, and a console."""

    def __init__(self, place: Box, fleet: Fleet, console: Console) -> None:
        self.place = place
        self.fleet = fleet
        self.console = console

    def wait_agents(self, host: str, count: int) -> None:
        """Return when the console knows so many agents of that host; it hears of them after the fleet does."""
        deadline = time.monotonic() + 20 * TIME
        while (found := sum(agent.host == host for agent in self.console.agents())) != count:
            assert time.monotonic() < deadline, f"{host} has {found} agents, not {count}"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with box() as place, place.broker():
        file = place.save("calls.py", SOURCE)
        with (
            Fleet(
                COUNT,
                broker=place.address,
                plugins={"calls": file},
                rules=RULES,
                facts={"role": ["web", "web", "db"], "port": [80, 8080]},
                labels={"rack": "b12"},
                classes=["telephony"],
                processes=2,
                timeout=60 * TIME,
            ) as fleet,
            place.connect() as console,
        ):
            assert len(fleet.pids) == 2
            yield Stage(place, fleet, console)


def test_every_host_is_listed_with_both_its_agents(stage: Stage) -> None:
    assert [host.name for host in stage.console.hosts()] == stage.fleet.names
    assert Counter(agent.product for agent in stage.console.agents()) == {"host": COUNT, "rpc": COUNT}


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("role = db", 66),
        ("role = web and not /[02468]$/", 67),
        ("port > 100 and fleet.number <= 10", 5),
        ("rack = b12 and class telephony and host0001", 1),
        ("plugin calls >= 1.1", COUNT),
        ("plugin calls < 1.1", 0),
        ("Host.memory >= 4GiB", COUNT),
    ],
)
def test_hosts_are_chosen_by_what_they_tell(stage: Stage, where: str, count: int) -> None:
    assert len(stage.console.hosts(where, timeout=20 * TIME)) == count


def test_a_call_reaches_all_and_each_answers_with_its_own_value(stage: Stage) -> None:
    objects = stage.console.select("calls", package=PLUGIN_PACKAGE)
    results = objects.call("line", timeout=20 * TIME)
    assert (len(results.ok), len(results.failed), len(results.silent)) == (COUNT, 0, 0)
    assert [one.value for one in results] == [number % 3 for number in range(1, COUNT + 1)]
    assert Counter(results.values()) == {0: 66, 1: 67, 2: 67}
    assert set(objects.call("add", 2, right=3, timeout=20 * TIME).values()) == {5}


def test_the_shell_counts_who_answered_and_who_failed(stage: Stage) -> None:
    failing = sum(FLAKY.applies(host, "calls", "flaky") for host in stage.fleet.names)
    assert 5 < failing < 40
    done = stage.place.mhsh("-c", f"select class package {PLUGIN_PACKAGE} calls; call flaky")
    assert without_time(done.stderr) == f"{COUNT} hosts: {COUNT - failing} answered, {failing} failed, 0 silent\n"
    answered, failed = done.stdout.splitlines()
    assert answered == f"{COUNT - failing} hosts: true"
    assert re.fullmatch(rf"{failing} hosts:  % \S*: line is dead  \(host\d+, .* and {failing - 8} more\)", failed)


def test_failures_are_on_the_hosts_that_the_rule_means(stage: Stage) -> None:
    results = stage.console.select("calls", package=PLUGIN_PACKAGE).call("flaky", timeout=20 * TIME)
    assert [one.host for one in results.failed] == [
        host for host in stage.fleet.names if FLAKY.applies(host, "", "flaky")
    ]
    assert all(isinstance(one.error, AbortedError) for one in results.failed)


def test_a_host_that_is_killed_in_the_call_delays_nobody_and_has_its_own_outcome(stage: Stage) -> None:
    calling = stage.console.select("calls", package=PLUGIN_PACKAGE).call_iter("hang", timeout=60 * TIME)
    others = [next(calling) for _ in range(COUNT - 1)]  # before the one of which nothing is heard
    assert all(one.ok and one.host != "host0007" for one in others)
    stage.fleet.kill("host0007")
    [killed] = calling
    assert (killed.host, type(killed.error)) == ("host0007", AgentGoneError)
    stage.wait_agents("host0007", 0)
    assert len(stage.console.hosts()) == COUNT - 1
    stage.fleet.revive("host0007")
    stage.wait_agents("host0007", 2)
    assert stage.console.select("calls", package=PLUGIN_PACKAGE, hosts=["host0007"]).call("line").values() == [1]
    with pytest.raises(FleetError, match="host0007 is up"):
        stage.fleet.revive("host0007")


def test_a_silent_host_delays_nobody_and_ends_with_the_time_limit(stage: Stage) -> None:
    calling = stage.console.select("calls", package=PLUGIN_PACKAGE).call_iter("quiet", timeout=5 * TIME)
    others = [next(calling) for _ in range(COUNT - 1)]
    assert all(one.ok and one.host != "host0013" for one in others)
    [silent] = calling
    assert (silent.host, type(silent.error)) == ("host0013", RequestTimeoutError)
    assert silent.duration >= 5 * TIME


def test_a_host_that_crashes_in_the_call_is_gone(stage: Stage) -> None:
    results = stage.console.select("calls", package=PLUGIN_PACKAGE).call("explode", timeout=60 * TIME)
    assert len(results.ok) == COUNT - 1
    [gone] = results.silent
    assert (gone.host, type(gone.error)) == ("host0021", AgentGoneError)
    stage.fleet.revive("host0021")
    stage.wait_agents("host0021", 2)


def test_a_mute_host_is_missed_and_heard_again(stage: Stage) -> None:
    stage.fleet.mute("host0030")
    found = stage.console.select("calls", package=PLUGIN_PACKAGE, timeout=3 * TIME)
    assert (len(found), [agent.host for agent in found.unanswered]) == (COUNT - 1, ["host0030"])
    stage.fleet.unmute("host0030")
    assert len(stage.console.select("calls", package=PLUGIN_PACKAGE)) == COUNT


def test_there_is_no_order_for_a_host_that_there_is_not(stage: Stage) -> None:
    with pytest.raises(FleetError, match="this fleet has no host 'host9999'"):
        stage.fleet.kill("host9999")


# --- starting and ending --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def place() -> Iterator[Box]:
    with box() as made, made.broker():
        yield made


def test_functions_of_a_test_answer_in_its_own_process(place: Box) -> None:
    asked: list[str] = []

    def note(text: str) -> int:
        asked.append(f"{simulated_host().name}: {text}")
        return os.getpid()

    with Fleet(3, broker=place.address, plugins={"notes": {"note": note}}, agents=["rpc"], processes=0) as fleet:
        assert fleet.pids == []
        with place.connect() as console:
            assert set(console.select("notes", package=PLUGIN_PACKAGE).call("note", "hi").values()) == {os.getpid()}
    assert sorted(asked) == ["host0001: hi", "host0002: hi", "host0003: hi"]


def test_nothing_is_left_of_a_fleet(place: Box) -> None:
    with Fleet(4, broker=place.address, processes=2) as fleet:
        pids = fleet.pids
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with place.connect() as console:
        assert console.agents() == []
    with pytest.raises(FleetError, match="the fleet is not up"):
        fleet.kill("host0001")


def test_a_process_that_dies_is_an_error_for_orders_to_its_hosts(place: Box) -> None:
    with Fleet(2, broker=place.address, processes=2) as fleet:
        psutil.Process(fleet.pids[0]).kill()
        with pytest.raises(FleetError, match="a process of the fleet"):
            fleet.mute("host0001")
        fleet.mute("host0002")


def test_a_plugin_that_does_not_run_and_a_broker_that_is_not_there_are_told_at_the_start(place: Box) -> None:
    bad = place.save("bad.py", "import nosuchthing")
    with (
        pytest.raises(FleetError, match=r"plugin bad: .*nosuchthing"),
        Fleet(1, broker=place.address, plugins={"bad": bad}),
    ):
        pass
    with pytest.raises(PluginLoadError), Fleet(1, broker=place.address, plugins={"bad": bad}, processes=0):
        pass
    with pytest.raises(ConnectFailedError, match="no broker at"), Fleet(1, broker=f"unix:{place.home}/none.sock"):
        pass


def command(place: Box, *words: str | Path) -> Program:
    return Program("python", "-m", "matahari.testing.fleet", "-b", place.address, *words, cwd=place.home)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_runs_until_it_is_interrupted(place: Box, number: int) -> None:
    file = place.save("calls.py", SOURCE)
    with command(place, "--hosts", "4", "--processes", "2", "--plugin", file, "--facts", "role=web,db") as program:
        program.wait_line("^ready fleet hosts=4 processes=2 pid=")
        with place.connect() as console:
            assert [host.name for host in console.hosts("role=db")] == ["host0002", "host0004"]
        children = psutil.Process(program.process.pid).children()
        assert len(children) == 2
        assert program.stop(number) == 0
        assert not any(child.is_running() for child in children)
        assert len(program.lines) == 1


def test_processes_of_a_fleet_do_not_outlive_a_parent_that_is_killed(place: Box) -> None:
    with command(place, "--hosts", "2", "--processes", "2") as program:
        program.wait_line("^ready ")
        children = psutil.Process(program.process.pid).children()
        program.process.kill()
        gone, alive = psutil.wait_procs(children, timeout=20 * TIME)
        assert (len(gone), alive) == (2, [])


def test_too_low_a_limit_of_open_files_is_named_before_anything_is_started(place: Box) -> None:
    assert PRLIMIT is not None, "prlimit (util-linux) is not installed"
    words = ("--nofile=96", sys.executable, "-m", "matahari.testing.fleet")
    with Program(PRLIMIT, *words, "-b", place.address, "--hosts", "50", cwd=place.home) as program:
        program.wait_line("100 connections in one process need 164 open files, and the hard limit is 96: take more")
        assert program.wait_end() == 1

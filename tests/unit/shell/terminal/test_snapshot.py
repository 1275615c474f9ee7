"""The names for completion, and how seldom they are asked for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

import pytest

from matahari.console import Host
from matahari.errors import ConnectionLostError
from matahari.qmf import Value
from matahari.shell.base.unasked import is_wanted
from matahari.shell.terminal import snapshot
from matahari.shell.terminal.snapshot import (
    FACTS_INTERVAL,
    SAMPLED_HOSTS,
    SnapshotKeeper,
    sample,
    take_facts,
    take_properties,
)
from tests.support.fake_console import FakeConsole, fleet


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def describe(console: FakeConsole, host: str, facts: dict[str, Value], labels: dict[str, Value] | None = None) -> None:
    values = console.kind("Host").values[host]["Host"]
    values["facts"], values["labels"] = facts, labels or {}


def test_facts_come_with_values_as_a_filter_has_them() -> None:
    console = fleet()
    describe(console, "db1", {"role": "db", "os.name": "Debian GNU/Linux", "port": 5432, "up": True}, {"rack": "b1"})
    describe(console, "web1", {"role": "web", "ips": ["::1", "10.0.0.1"], "map": {"a": 1}, "Host.x": 1, "": 1})
    assert take_facts(console, ["db1", "web1", "web2"], {}) == {
        '"Host.x"': ("1",),
        "ips": ("::1", "10.0.0.1"),
        "map": (),
        "os.name": ('"Debian GNU/Linux"',),
        "port": ("5432",),
        "rack": ("b1",),
        "role": ("db", "web"),
        "up": ("true",),
    }


def test_what_was_known_stays_behind_what_is_new() -> None:
    console = fleet()
    describe(console, "db1", {"role": "db"})
    known = {"role": ("web", "db"), "rack": ("b1",)}
    assert take_facts(console, ["db1"], known) == {"rack": ("b1",), "role": ("db", "web")}


def test_facts_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MAX_FACTS", 3)
    monkeypatch.setattr(snapshot, "MAX_VALUES", 2)
    console = fleet()
    many: dict[str, Value] = {f"x{number}": "v" * 101 for number in range(9)}
    describe(console, "db1", {"list": ["a", "b", "c"], **many})
    facts = take_facts(console, ["db1"], {"old": ("1",)})
    assert facts == {"list": ("a", "b"), "x0": (), "x1": ()}


@pytest.mark.parametrize("hosts", [0, 1, 16, 17, 1000])
def test_a_sample_is_spread_over_the_fleet_and_the_next_one_asks_others(hosts: int) -> None:
    names = [f"host{number}" for number in range(hosts)]
    turns = [sample(names, SAMPLED_HOSTS, turn) for turn in range(-(-hosts // SAMPLED_HOSTS))]
    assert all(0 < len(turn) <= SAMPLED_HOSTS for turn in turns)
    assert sorted(name for turn in turns for name in turn) == sorted(names)


def test_facts_are_asked_for_seldom_and_of_few_hosts() -> None:
    console, clock = fleet(), Clock()
    keeper = SnapshotKeeper(console, clock=clock)
    for _ in range(5):
        keeper.refresh()
    assert console.selects == 1
    clock.now += FACTS_INTERVAL
    keeper.refresh()
    assert console.selects == 2


def test_a_large_fleet_is_asked_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    console = fleet()
    console.machines = [Host(f"h{number}", str(number)) for number in range(1000)]
    asked: list[int] = []

    def note(console: FakeConsole, hosts: Sequence[str], known: object) -> dict[str, tuple[str, ...]]:
        asked.append(len(hosts))
        return {}

    monkeypatch.setattr(snapshot, "take_facts", note)
    SnapshotKeeper(console, clock=Clock()).refresh()
    assert asked == [SAMPLED_HOSTS]


def test_without_hosts_nobody_is_asked_and_the_first_one_is() -> None:
    console = fleet()
    machines, console.machines = console.machines, []
    keeper = SnapshotKeeper(console, clock=Clock())
    keeper.refresh()
    assert console.selects == 0
    console.machines = machines
    describe(console, "web1", {"role": "web"})
    keeper.refresh()
    assert keeper.snapshot.facts() == {"role": ("web",)}


def test_facts_stay_while_names_are_renewed() -> None:
    console = fleet()
    describe(console, "web1", {"role": "web"})
    keeper = SnapshotKeeper(console, clock=Clock())
    keeper.refresh()
    console.machines.pop()
    keeper.refresh()
    assert (keeper.snapshot.hosts(), keeper.snapshot.facts()) == (("db1", "web1"), {"role": ("web",)})


def test_classes_of_events_come_with_the_names() -> None:
    console = fleet()
    console.bus.published = ["org.matahariproject:heartbeat"]
    keeper = SnapshotKeeper(console, clock=Clock())
    keeper.refresh()
    assert keeper.snapshot.events() == (("org.matahariproject", "heartbeat"),)


def test_properties_are_fetched_when_they_are_wanted_and_anew_with_the_facts() -> None:
    console, clock = fleet(), Clock()
    keeper = SnapshotKeeper(console, clock=clock)
    keeper.refresh()
    before = console.selects
    assert keeper.snapshot.properties("org.matahariproject", "Host") == ()
    assert keeper.snapshot.properties("org.matahariproject", "Host") == ()
    assert keeper.snapshot.properties("org.matahariproject", "Nosuch") == ()
    keeper.refresh()
    assert {"hostname", "load"} <= set(keeper.snapshot.properties("org.matahariproject", "Host"))
    keeper.refresh()
    assert console.selects == before + 1
    clock.now += FACTS_INTERVAL
    keeper.refresh()
    assert keeper.snapshot.properties("org.matahariproject", "Host") == ()


def test_properties_of_a_class_are_asked_of_one_host_that_has_it() -> None:
    console = fleet()
    del console.kind("Host").values["db1"]
    assert "load" in take_properties(console, ["db1", "web2", "web1"], "org.matahariproject", "Host")
    assert take_properties(console, ["db1"], "org.matahariproject", "Host") == ()


def test_the_snapshot_survives_a_lost_broker() -> None:
    console = fleet()
    keeper = SnapshotKeeper(console)
    keeper.refresh()
    console.fault = ConnectionLostError("gone")
    keeper.refresh()
    assert keeper.snapshot.hosts() == ("db1", "web1", "web2")


def test_the_snapshot_is_replaced_when_asked_for() -> None:
    console = fleet()
    seen = threading.Event()
    original: Callable[[], object] = console.hosts
    counted: list[int] = []

    def hosts() -> object:
        counted.append(1)
        if len(counted) == 2:
            seen.set()
        return original()

    console.hosts = hosts  # type: ignore[method-assign,assignment]  # counts the questions
    with SnapshotKeeper(console, interval=3600) as keeper:
        keeper.want_refresh()
        assert seen.wait(10)


class Failing:
    """The console's question for hosts; it fails so often with a fault that is none of ours, then it is answered."""

    def __init__(self, console: FakeConsole, faults: list[Exception]) -> None:
        self._hosts = console.hosts
        self._faults = faults
        self.answered = threading.Event()
        console.hosts = self  # type: ignore[method-assign,assignment]  # it stands for the method

    def __call__(self) -> object:
        if self._faults:
            raise self._faults.pop(0)
        self.answered.set()
        return self._hosts()


def test_a_foreign_fault_is_told_once_and_names_are_renewed_again(caplog: pytest.LogCaptureFixture) -> None:
    console = fleet()
    failing = Failing(console, [*(TypeError("odd") for _ in range(4)), KeyError("other"), TypeError("odd")])
    with SnapshotKeeper(console, interval=0.001):
        assert failing.answered.wait(10)
    assert [record.getMessage() for record in caplog.records] == [
        "names are not renewed for completion: TypeError: odd",
        "names are not renewed for completion: KeyError: 'other'",
    ]


def test_a_foreign_fault_at_the_beginning_is_told_and_names_are_taken(caplog: pytest.LogCaptureFixture) -> None:
    console = fleet()
    asked = Failing(console, [])

    def first() -> None:
        raise TypeError("odd")

    with SnapshotKeeper(console, interval=3600, first=first):
        assert asked.answered.wait(10)
    assert [record.getMessage() for record in caplog.records] == [
        "names are not renewed for completion: TypeError: odd"
    ]


def test_kinds_of_faults_that_are_told_are_limited(caplog: pytest.LogCaptureFixture) -> None:
    console = fleet()
    failing = Failing(console, [TypeError(str(number)) for number in range(2 * snapshot.MAX_TOLD)])
    with SnapshotKeeper(console, interval=0.0):
        assert failing.answered.wait(10)
    assert len(caplog.records) == snapshot.MAX_TOLD


def test_nobody_reads_what_is_logged_about_its_questions() -> None:
    console = fleet()
    answered = Failing(console, []).answered
    record = logging.LogRecord("matahari.console", logging.WARNING, "", 0, "an agent is silent", (), None)
    wanted: list[bool] = []
    ask: Callable[[], object] = console.hosts

    def hosts() -> object:
        wanted.append(is_wanted(record))
        return ask()

    console.hosts = hosts  # type: ignore[method-assign,assignment]  # looks at what is logged meanwhile
    with SnapshotKeeper(console, interval=3600):
        assert answered.wait(10)
    assert wanted[0] is False
    assert is_wanted(record)


def test_after_the_end_of_the_shell_a_fault_is_nothing_to_tell(caplog: pytest.LogCaptureFixture) -> None:
    console = fleet()
    asked, ended = threading.Event(), threading.Event()

    def first() -> None:
        asked.set()
        assert ended.wait(10)
        raise TypeError("torn down")

    keeper = SnapshotKeeper(console, interval=3600, first=first)
    with keeper:
        assert asked.wait(10)
        keeper.stop()
        ended.set()
    assert caplog.records == []
    assert console.selects == 0


def test_pauses_grow_with_faults_and_end_with_the_shell() -> None:
    assert [snapshot.pause(10.0, faults) for faults in range(7)] == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]
    assert snapshot.pause(10.0, 10_000) == 300.0
    assert snapshot.pause(3600.0, 1) == 3600.0  # never more often than without a fault
    console = fleet()
    Failing(console, [TypeError("odd")])
    with SnapshotKeeper(console, interval=3600) as keeper:
        pass
    assert not keeper.is_running

"""``events`` and ``show events``."""

from __future__ import annotations

import contextlib

import pytest

from matahari.console import ConsoleEvent
from matahari.errors import NoAgentsError, RequestError
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.selection import Snapshot, take_snapshot
from matahari.shell.events.log import MAX_EVENTS
from tests.support.fake_classes import PLUGINS
from tests.support.fake_events import HEARTBEAT, heartbeat
from tests.support.shell import TestShell

STARTED = ConsoleEvent("event", "web1", "a:host:1", "org.matahariproject", "started", 6, 1, {})
LOADED = ConsoleEvent("event", "db1", "a:rpc:1", "org.matahariproject.rpc", "plugin_loaded", 5, 1, {"name": "x"})


def hosts(shown: str) -> list[str]:
    return [line.split()[2] for line in shown.splitlines()]


def test_events_are_followed_until_an_interrupt_which_closes_the_stream() -> None:
    shell = TestShell()
    shell.console.bus.script = [STARTED, LOADED]
    with pytest.raises(KeyboardInterrupt):
        shell.run("events")
    assert hosts(shell.out()) == ["web1", "db1"]
    assert shell.console.bus.asked == [(None, None)]
    assert not shell.console.bus.streams[0].is_open


ASKED = [
    (f"events -n 1 {HEARTBEAT}", HEARTBEAT),
    ("events heartbeat -n 1", None),  # of any package
    ("events -n1 heartbeat", None),
    ("ev heartbeat -n 1", None),
]


@pytest.mark.parametrize(("line", "name"), ASKED)
def test_a_number_and_a_class_may_be_given_in_either_order(line: str, name: str | None) -> None:
    shell = TestShell()
    shell.console.bus.script = [heartbeat("web1"), heartbeat("web2")]
    assert shell.run(line) is ExitStatus.OK
    assert hosts(shell.out()) == ["web1"]
    assert shell.console.bus.asked == [(name, None)]


def test_only_the_selected_hosts_are_followed() -> None:
    shell = TestShell()
    shell.console.bus.script = [STARTED]
    shell.run("select host web1 db1; events -n 1")
    assert shell.console.bus.asked == [(None, ("web1", "db1"))]


def test_records_are_what_a_script_gets() -> None:
    shell = TestShell(as_json=True)
    shell.console.bus.script = [LOADED]
    (record,) = shell.records("events -n 1")
    assert (record["package"], record["class"], record["values"]) == (
        "org.matahariproject.rpc", "plugin_loaded", {"name": "x"},
    )  # fmt: skip


FAULTS = [
    ("events -n 0", "Value 0 underflows minimum of range (1)"),
    ("events -n", "Missing arguments: 'COUNT'"),
    ("events a b", "Excess arguments: 'b'"),
    ("events -x", "There is no option '-x' here, only -n COUNT"),
    ("show events a b", "Excess arguments: 'b'"),
]


@pytest.mark.parametrize(("line", "said"), FAULTS)
def test_what_is_not_understood_is_explained(line: str, said: str) -> None:
    shell = TestShell()
    assert said in shell.says(line)
    assert shell.run(line) is ExitStatus.USAGE
    assert shell.console.bus.asked == []


def test_a_script_listens_from_its_first_command_about_events_on() -> None:
    shell = TestShell()
    shell.run("list hosts")
    assert shell.console.bus.listeners == []
    assert shell.says("show events") == ""
    assert "0 events of all hosts, heartbeats left out; listening since 20" in shell.err()
    shell.console.bus.raise_event(STARTED, LOADED)
    assert hosts(shell.says("show events")) == ["web1", "db1"]
    assert shell.err().startswith("2 events of all hosts, heartbeats left out; listening since 20")
    assert len(shell.console.bus.listeners) == 1


def test_following_listens_too() -> None:
    shell = TestShell()
    shell.console.bus.script = [STARTED]
    shell.run("events -n 1")
    shell.console.bus.raise_event(LOADED)
    assert hosts(shell.says("show events")) == ["db1"]


def test_what_is_shown_is_limited_by_hosts_class_and_number() -> None:
    shell = TestShell()
    shell.run("show events")
    shell.console.bus.raise_event(LOADED, heartbeat("web1"), heartbeat("web2"), heartbeat("db1"))
    assert hosts(shell.says("show events heartbeat -n 2")) == ["web2", "db1"]
    assert hosts(shell.says("show events heartbeat")) == ["web1", "web2", "db1"]
    assert hosts(shell.says("sh ev heartbeat -n 1")) == ["db1"]
    assert hosts(shell.says("show events org.matahariproject.rpc:plugin_loaded")) == ["db1"]
    assert hosts(shell.says("show events plugin_loaded")) == ["db1"]
    assert hosts(shell.says("select host db1; show events heartbeat")) == ["db1"]
    assert shell.err().startswith("1 event of 1 host; listening since")


def test_what_is_forgotten_is_told() -> None:
    shell = TestShell()
    shell.run("show events")
    shell.console.bus.raise_event(*(heartbeat("web1", at) for at in range(MAX_EVENTS + 2)))
    assert len(shell.says("show events heartbeat").splitlines()) == MAX_EVENTS
    assert shell.err().endswith("; the first 2 of all are forgotten\n")
    assert shell.says("show events") == ""
    assert "forgotten" not in shell.err()


def test_a_host_that_is_not_there_is_an_error_of_the_command() -> None:
    shell = TestShell()
    original = shell.console.bus.events

    def events(*args: object, **kwargs: object) -> object:
        raise NoAgentsError('Host "web1" not found')

    shell.console.bus.events = events  # type: ignore[method-assign,assignment]  # a host that has gone
    assert shell.run("events") is ExitStatus.NOTHING_MATCHED
    assert shell.out() == '% Host "web1" not found\n\n'
    shell.console.bus.events = original  # type: ignore[method-assign]


def test_classes_that_were_heard_complete() -> None:
    shell = TestShell()

    def offered(typed: str) -> list[str]:
        return shell.session.commands(take_snapshot(shell.console)).complete(typed)[1]

    assert offered("events ") == ["-n "]
    shell.run("show events")
    shell.console.bus.raise_event(heartbeat("web1"), heartbeat("web2"), LOADED)
    assert offered("events o") == ["org.matahariproject.rpc:plugin_loaded ", f"{HEARTBEAT} "]
    assert offered("show events -n 5 org.matahariproject:") == [f"{HEARTBEAT} "]
    assert offered("events heartbeat ") == ["-n "]
    assert offered("events -n ") == [""]


def test_classes_that_agents_publish_complete_before_one_was_heard() -> None:
    names = Snapshot(event_names=(("org.example", "alarm"), ("org.matahariproject", "heartbeat")))
    commands = TestShell().session.commands(names)
    assert commands.complete("events org.e") == (7, ["org.example:alarm "])
    assert commands.complete("events he") == (7, ["heartbeat "])
    assert commands.complete("show events -n 5 al") == (17, ["alarm "])
    assert commands.complete("events ") == (7, ["-n ", "org.example:alarm ", "org.matahariproject:heartbeat "])


def test_heartbeats_are_left_out_unless_they_are_asked_for() -> None:
    shell = TestShell()
    shell.console.bus.script = [heartbeat("web2"), STARTED]
    shell.run("events -n 1")
    assert hosts(shell.out()) == ["web1"]
    shell.console.bus.script = [STARTED, heartbeat("web2")]
    shell.run("events heartbeat -n 1")
    assert hosts(shell.out()) == ["web2"]


def test_a_class_without_package_is_one_of_any_package() -> None:
    shell = TestShell()
    shell.console.bus.script = [STARTED, LOADED]
    shell.run("events plugin_loaded -n 1")
    assert hosts(shell.out()) == ["db1"]
    assert shell.err() == ""


NOBODY = "% no agent publishes the event class "
UNKNOWN = [
    ("copied", f"{NOBODY}copied; what a plugin raises itself is {PLUGINS}:PLUGIN_event"),
    ("plugin_loadd", f"{NOBODY}plugin_loadd; did you mean plugin_loaded?"),
    ("x.y:heartbeat", f"{NOBODY}x.y:heartbeat; did you mean {HEARTBEAT}?"),
]


@pytest.mark.parametrize(("name", "said"), UNKNOWN)
@pytest.mark.parametrize("command", ["events", "show events"])
def test_a_class_that_nobody_publishes_is_told(command: str, name: str, said: str) -> None:
    shell = TestShell()
    shell.console.bus.script = [KeyboardInterrupt()]
    with contextlib.suppress(KeyboardInterrupt):
        shell.run(f"{command} {name}")
    assert shell.err().splitlines()[-1] == said


def test_a_class_that_may_come_or_came_is_not_complained_about() -> None:
    shell = TestShell()
    shell.run("show events")
    shell.console.bus.raise_event(STARTED)
    for name in ("calc_event", f"{PLUGINS}:calc_event", "started", "org.matahariproject:started"):
        shell.says(f"show events {name}")
        assert NOBODY not in shell.err(), name
    shell.console.bus.fault = RequestError("nobody answers")
    shell.says("show events nosuch")
    assert NOBODY not in shell.err()


def test_e_is_no_longer_enough_for_exit_but_ex_is() -> None:
    shell = TestShell()
    assert 'Ambiguous command: "e" begins' in shell.says("e")
    assert not shell.session.finished
    shell.run("ex")
    assert shell.session.finished

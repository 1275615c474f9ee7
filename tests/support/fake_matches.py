"""Filters on the in-memory console, as the console holds them against a fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matahari.console import AgentSummary, Host, HostMatch, HostMatches
from matahari.filters import Filter, ObjectView, PluginView, Subject

if TYPE_CHECKING:
    from tests.support.fake_console import FakeConsole

__all__ = ["match_fleet"]


def match_fleet(console: FakeConsole, where: str) -> HostMatches:
    """What becomes of a filter on every host; of a deaf one only its name is known."""
    wanted = Filter.parse(where)
    return HostMatches(wanted, [_match(console, wanted, machine) for machine in console.hosts()], console.ghosts)


def _match(console: FakeConsole, wanted: Filter, machine: Host) -> HostMatch:
    is_deaf = machine.name in console.deaf
    subject = Subject(machine.name) if is_deaf else _subject(console, machine.name)
    truth = wanted.truth(subject)
    agent = AgentSummary(f"matahariproject.org:host:{machine.name}", machine.name, "host")
    return HostMatch(machine, truth, (agent,) if is_deaf and truth is None else (), wanted, subject)


def _subject(console: FakeConsole, host: str) -> Subject:
    there = [kind for kind in console.kinds if host in kind.values]
    return Subject(
        host,
        facts=console.facts.get(host, {}),
        labels={},
        inventory=frozenset(),
        classes=frozenset(str(kind.name) for kind in there),
        plugins={kind.name.name: PluginView("1.2", "ready") for kind in there if kind.product == "rpc"},
        agents=frozenset(console.agent(kind, host) for kind in there),
        objects={
            (kind.name.package, kind.name.name): [ObjectView(values) for values in kind.values[host].values()]
            for kind in there
        },
    )

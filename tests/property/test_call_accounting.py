"""Calls on fleets whose agents are quick, slow or hung: every host that is meant is told of once, and nobody else is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matahari.console import CallOptions, Console, HostChoice, Objects, Results, connect, station
from matahari.errors import NoAgentsError, RequestTimeoutError
from tests.support.calling_agent import CallingAgent
from tests.support.fake_bus import FakeBus, Peer
from tests.support.host_agents import HostAgent, PluginAgent
from tests.support.slow_agents import slowed
from tests.support.virtual_loop import run

T = TypeVar("T")

HUNG = 3600.0
DELAYS = st.sampled_from([0.0, 0.0, 0.0, 0.3, 0.7, 1.5, 2.5, 8.0, HUNG])


class Machine(NamedTuple):
    """A host of the fleet; seconds that its agents take for their objects and their schemas."""

    role: str
    has_plugin: bool
    host_delay: float
    plugin_delay: float
    schema_delay: float
    answers: bool


MACHINES = st.lists(
    st.builds(
        Machine,
        role=st.sampled_from(["web", "web", "db", ""]),
        has_plugin=st.sampled_from([True, True, True, False]),
        host_delay=DELAYS,
        plugin_delay=DELAYS,
        schema_delay=st.sampled_from([0.0, 0.0, 0.0, 2.0, HUNG]),
        answers=st.sampled_from([True, True, True, False]),
    ),
    min_size=1,
    max_size=6,
)
OPTIONS: st.SearchStrategy[CallOptions] = st.sampled_from(
    [{}, {}, {"batch": 1}, {"batch": 2, "max_failures": 0}, {"limit": 1}, {"canary": 1}, {"timeout": 3.0}]
)
CHOICES = st.sampled_from(["all", "names", "filter", "selection"])


def agents(machines: list[Machine]) -> tuple[list[Peer], dict[str, PluginAgent]]:
    peers: list[Peer] = []
    callable_ones: dict[str, PluginAgent] = {}
    for number, one in enumerate(machines):
        name = f"h{number}"
        peers.append(slowed(HostAgent(name, facts={"role": one.role} if one.role else {}), one.host_delay))
        # Each publishes methods of its own, so that its schema is asked of nobody else.
        calc = CallingAgent(name, 0 if one.answers else None, more=(f"m{number}",)) if one.has_plugin else None
        agent = callable_ones[name] = calc or PluginAgent(name, disks="1")
        peers.append(slowed(slowed(agent, one.schema_delay, "SCHEMA"), one.plugin_delay, "OBJECT"))
    return peers, callable_ones


def on_bus(peers: list[Peer], story: Callable[[Console], Awaitable[T]]) -> T:
    """What comes of a story with a console that has found these agents."""

    async def inner() -> T:
        connecting = connect("unix:/nowhere")
        console = Console(connecting._address, connecting._bus)
        bus = console._station._bus
        assert isinstance(bus, FakeBus)
        bus.peers += peers
        await console._open(5.0)
        try:
            return await story(console)
        finally:
            await console.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(station, "Bus", FakeBus)
        return run(inner())


def called(machines: list[Machine], choice: str, options: CallOptions) -> tuple[list[str], Results | None, set[str]]:
    """Hosts that are meant, what a call tells, None when there was nothing to call, and the hosts that were called."""
    peers, callable_ones = agents(machines)
    names = list(callable_ones)

    async def story(console: Console) -> Results | None:
        hosts: HostChoice | None = names if choice == "names" else "role = web" if choice == "filter" else None
        try:
            if choice == "selection":
                hosts = await console.hosts("role = web")
            plugin = await console.plugin("calc", hosts, **options)
            return await plugin.call("num_calls")
        except (RequestTimeoutError, NoAgentsError):
            return None

    results = on_bus(peers, story)
    asked = {name for name, one in callable_ones.items() if isinstance(one, CallingAgent) and one.called}
    return names, results, asked


@settings(max_examples=300, deadline=None)
@given(MACHINES, CHOICES, OPTIONS)
def test_every_host_that_is_meant_is_told_of_once(machines: list[Machine], choice: str, options: CallOptions) -> None:
    names, results, asked = called(machines, choice, options)
    if results is None:
        assert not asked
        return
    told = Counter([one.host for one in results] + [one.host for one in results.not_asked])
    assert max(told.values()) == 1
    by_name = dict(zip(names, machines, strict=True))
    is_by_role = choice in ("filter", "selection")
    for name, one in by_name.items():
        if is_by_role and one.role != "web":
            assert name not in asked
            if one.host_delay == 0:
                assert told[name] == (1 if one.role == "" else 0)
        elif choice != "all" or one.has_plugin:
            assert told[name] == 1, (name, results, results.not_asked)
    for left in results.not_asked:
        if left.reason == "no_plugin":
            assert not by_name[left.host].has_plugin
        if left.reason == "undecided":
            delay = by_name[left.host].host_delay
            assert not by_name[left.host].role or delay == HUNG or (choice == "selection" and delay > 0)
    for result in results:
        assert not result.ok or (by_name[result.host].has_plugin and by_name[result.host].answers)


@settings(max_examples=100, deadline=None)
@given(MACHINES, st.booleans())
def test_every_host_whose_objects_are_selected_has_some_or_is_named_as_silent(
    machines: list[Machine], is_by_role: bool
) -> None:
    async def story(console: Console) -> Objects | None:
        try:
            return await console.select("Host", hosts="role = web" if is_by_role else None)
        except RequestTimeoutError:
            return None

    objects = on_bus(agents(machines)[0], story)
    if objects is None:
        return
    found, silent = [one.host for one in objects], {one.host for one in objects.unanswered if one.product == "host"}
    assert len(set(found)) == len(found)
    for number, one in enumerate(machines):
        name = f"h{number}"
        if is_by_role and one.role != "web":
            assert name not in found
        else:
            assert (name in found) != (name in silent)
        assert one.host_delay > 0 or name not in silent

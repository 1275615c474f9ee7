"""Hosts by filter on real nodes: facts from files, plugins with versions, objects, and a host that hangs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from matahari.errors import RequestTimeoutError
from tests.support.node import TIME, Box, Program, box

pytestmark = [pytest.mark.integration, pytest.mark.together]

FACTS = {
    "web1": "role: web\nport: 8080\nsite: {name: two words}\n",
    "db1": "role: db\nport: 5432\n",
}


class Fleet:
    """Two hosts on one broker, each with its own state, facts and plugins."""

    def __init__(self, place: Box, nodes: dict[str, Program]) -> None:
        self.place = place
        self.nodes = nodes


def folder(place: Box, *names: str) -> Path:
    made = place.home.joinpath(*names)
    made.mkdir(parents=True)
    return made


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with box() as place, ExitStack() as stack:
        stack.enter_context(place.broker())
        nodes = {}
        for host, facts in FACTS.items():
            (folder(place, host, "facts.d") / "role.yaml").write_text(facts)
            folder(place, host, "plugins")
            if host == "web1":
                source = '__version__ = "1.10.2"\n\ndef used():\n    return 0\n'
                (place.home / host / "plugins" / "disks.py").write_text(source)
            words = ("--hostname", host, "--state", f"{host}/state", "--plugins", f"{host}/plugins")
            nodes[host] = stack.enter_context(place.agent(*words, "--facts", f"{host}/facts.d"))
        with place.connect() as console:
            place.wait_plugin(console, "disks", lambda values: values["state"] == "ready")
        yield Fleet(place, nodes)


CHOICES = [
    ("role = web", ["web1"]),
    ("not role = web", ["db1"]),
    ("role in (web, db) and port > 6000", ["web1"]),
    ("site.name = 'two words'", ["web1"]),
    ("cpu.count >= 1 and memory.total_bytes > 1MiB", ["db1", "web1"]),
    ("Host.free_mem > 1kB and Host.hostname = db*", ["db1"]),
    ("plugin disks", ["web1"]),
    ("plugin disks >= 1.9 and plugin disks < 1.11", ["web1"]),
    ("plugin d*", ["web1"]),
    ("class Host and class org.matahariproject.rpc.plugin:disks", ["web1"]),
    ("agent host and not /^web/", ["db1"]),
    ("org.matahariproject.rpc.plugin:disks.state = ready", ["web1"]),
    ("nosuch = 1 or not nosuch = 1", []),
]


@pytest.mark.parametrize(("where", "hosts"), CHOICES)
def test_hosts_are_chosen_by_what_real_agents_tell(fleet: Fleet, where: str, hosts: list[str]) -> None:
    with fleet.place.connect() as console:
        assert [host.name for host in console.hosts(where)] == hosts


def test_the_shell_selects_and_explains(fleet: Fleet) -> None:
    done = fleet.place.mhsh("-c", "select hosts role=web and not /^test/; select class Host; get hostname")
    assert (done.returncode, done.stdout, done.stderr) == (0, "web1: web1\n", "1 of 2 hosts\n")
    done = fleet.place.mhsh("-c", "select hosts explain port >= 6000 and plugin disks")
    assert done.stdout == (
        "db1:\n"
        "    no      port >= 6000 and plugin disks\n"
        "      no      port >= 6000: port is 5432, not >= 6000\n"
        "      no      plugin disks: there is no such plugin\n"
        "web1:\n"
        "    yes     port >= 6000 and plugin disks\n"
        "      yes     port >= 6000: port is 8080\n"
        "      yes     plugin disks: plugin disks is ready\n"
    )
    done = fleet.place.mhsh("-c", "select hosts rol = web")
    assert done.returncode == 1
    assert """no host has a fact or label "rol"; did you mean 'role'?""" in done.stdout


def test_a_host_that_hangs_is_named_and_delays_nobody_beyond_the_time_limit(fleet: Fleet) -> None:
    node = fleet.nodes["db1"].process.pid
    with fleet.place.connect() as console:
        os.kill(node, signal.SIGSTOP)
        try:
            matches = console.match_hosts("role = web", timeout=2.0 * TIME)
            assert [host.name for host in matches.hosts] == ["web1"]
            assert [(one.host, one.product) for one in matches.unanswered] == [("db1", "host")]
            with pytest.raises(RequestTimeoutError, match=r"no answer within .* on db1"):
                console.hosts("role = db", timeout=1.0 * TIME)
            assert [host.name for host in console.hosts("web* and role = web", timeout=5.0 * TIME)] == ["web1"]
        finally:
            os.kill(node, signal.SIGCONT)
        assert [host.name for host in console.hosts(facts={"role": "db"}, timeout=20.0 * TIME)] == ["db1"]

"""Every record that mhsh prints with --json, of real nodes, is as the published schema says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.node import PLUGIN_PACKAGE, TIME, Box, box
from tests.support.records import KINDS, faults

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

HOSTS = ("alpha", "beta")
PLUGIN = '''
from collections.abc import Generator
from typing import Annotated

from matahari.plugin import output, progress


def add(x: int, y: int = 2) -> int:
    """Add.

    Args:
        x: one number.
    """
    return x + y


def talk() -> Generator[int, None, str]:
    output("hello\\\\n")
    progress(1, 2, "half")
    progress(2)
    yield 5
    return "done"


def fail() -> None:
    raise ValueError("no")


def lie() -> int:
    return "text"
'''
PLUGINS = f"select class package {PLUGIN_PACKAGE} calc"

#: Command line of mhsh, and the kinds of the records that it prints.
CASES = [
    (["-c", "list hosts"], {"host"}),
    (["hosts", "al*"], {"host"}),
    (["-c", "show hosts"], {"host_summary"}),
    (["-c", "list agents; show agents"], {"agent"}),
    (["-c", "list packages"], {"package"}),
    (["-c", "list classes; show classes"], {"class"}),
    (["-c", "list commands"], {"command"}),
    (["-c", "show selection; select host alpha; show selection; select class Host; show selection"], {"object"}),
    (["-c", "select hosts explain alpha and (nosuch = 1 or class Host)"], {"explanation"}),
    (["hosts", "--explain", "not alpha"], {"explanation"}),
    (["-c", "show plugins"], {"plugin"}),
    (["-c", "show facts os.*"], {"fact"}),
    (["-c", f"{PLUGINS}; show methods"], {"method"}),
    (["-c", f"{PLUGINS}; describe add; select class Host; describe reboot"], {"method_description"}),
    (["-c", "select class Host; describe load; describe update_interval"], {"property_description"}),
    (["-c", "select class Host; get load; get facts"], {"reading"}),
    (["get", "calc", "state"], {"reading"}),
    (["-c", "select class Host; set update_interval 6"], {"result"}),
    (["-c", "reload calc"], {"result"}),
    (["call", "calc.add", "1"], {"result"}),
    (["call", "calc.fail", "-d"], {"result"}),
    (["call", "calc.lie"], {"result"}),
    (["call", "calc.add", "1", "--hosts", "alpha or beta or gamma"], {"result"}),
    (["call", "calc.talk"], {"report", "result"}),
    (["call", "calc.fail", "--canary", "1"], {"result", "not_asked"}),
    (["events", "--heartbeats", "-n", "1", "--for", "30"], {"event"}),
    (["-c", "list hosts | count"], {"count"}),
    (["-c", "help list | json"], {"text"}),
]


@pytest.fixture(scope="module")
def place() -> Iterator[Box]:
    with box() as made, ExitStack() as stack:
        stack.enter_context(made.broker())
        for host in HOSTS:
            plugins = made.home / host / "plugins"
            plugins.mkdir(parents=True)
            (plugins / "calc.py").write_text(PLUGIN)
            words = ("--hostname", host, "--state", f"{host}/state", "--plugins", f"{host}/plugins")
            stack.enter_context(made.agent(*words))
        with made.connect() as console:
            deadline = time.monotonic() + 30 * TIME
            while len(console.hosts()) < len(HOSTS):
                assert time.monotonic() < deadline
            made.wait_plugin(console, "calc", lambda values: values["state"] == "ready")
        yield made


@pytest.mark.parametrize(("words", "kinds"), CASES, ids=lambda one: " ".join(one) if isinstance(one, list) else "")
def test_records_are_as_their_schema_says(place: Box, words: list[str], kinds: set[str]) -> None:
    done = place.mhsh("--json", *words)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert records, done
    seen = set()
    for record in records:
        fits = [kind for kind in kinds if not faults(kind, record)]
        assert fits, [faults(kind, record) for kind in kinds]
        seen.update(fits)
    assert seen == kinds


def test_every_documented_record_is_looked_at() -> None:
    # The history needs a terminal and a summary an extension; their records have tests of their own.
    assert set().union(*(kinds for _, kinds in CASES)) == set(KINDS) - {"history", "summary"}

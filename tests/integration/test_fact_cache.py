"""Facts are collected by the node alone and once in an interval: whoever asks, and whatever processes get them."""

from __future__ import annotations

import json

import pytest

from matahari.console.sync import Console
from tests.support.node import PLUGIN_PACKAGE, TIME, box

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

PLUGIN = """
import os
from matahari.plugin import context

def told():
    return [os.getpid(), context().facts.get("runs.number"), context().facts.get("runs.pid")]
"""
#: Says how often it was run so far.
COUNTER = """#!/bin/sh
echo x >> {runs}
echo '{{"runs": {{"number": '$(wc -l < {runs})', "pid": '$$'}}}}'
"""


def told(console: Console, plugin: str) -> tuple[int, object, object]:
    [result] = console.select(plugin, package=PLUGIN_PACKAGE).call("told")
    assert isinstance(result.value, list), result.error
    pid, number, program = result.value
    assert isinstance(pid, int)
    return pid, number, program


def test_a_program_of_facts_is_run_once_for_consoles_filters_plugins_and_their_new_processes() -> None:
    with box() as made:
        runs = made.home / "runs"
        facts = made.home / "facts.d"
        facts.mkdir(mode=0o755)
        program = facts / "count"
        program.write_text(COUNTER.format(runs=runs))
        program.chmod(0o755)
        config = made.home / "matahari.toml"
        config.write_text(f"[facts]\ndirectories = [{json.dumps(str(facts))}]\ninterval = 86400\n")
        made.save("one.py", PLUGIN)
        with made.up("--config", config), made.connect() as console:
            made.wait_plugin(console, "one", lambda values: values["state"] == "ready")
            first, number, by = told(console, "one")
            assert number == 1
            # A plugin that comes later, and one that is given a new process, are told what was collected then.
            made.save("two.py", PLUGIN)
            made.wait_plugin(console, "two", lambda values: values["state"] == "ready")
            console.select("Plugins", package="org.matahariproject.rpc").call("reload", "one")
            again, *rest = told(console, "one")
            other, *same = told(console, "two")
            assert len({first, again, other}) == 3
            assert rest == same == [1, by]
            for _ in range(5):
                [host] = console.select("Host")
                assert isinstance(host.values["facts"], dict)
                assert host.values["facts"]["runs.number"] == 1
                assert len(console.hosts(facts={"runs.number": 1}, timeout=20.0 * TIME)) == 1
        assert runs.read_text() == "x\n"

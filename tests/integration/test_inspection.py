"""What mhsh shows of a real node, and reloading a plugin from there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.support.node import PLUGIN_PACKAGE, Box, box

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

SUMS = '''\
"""Sums."""

from typing import Annotated, Literal

from pydantic import Field


def add(x: Annotated[int, Field(ge=1, le=9)], mode: Literal["fast", "slow"] = "fast") -> int:
    """Add one.

    Args:
        x: the number.
    """
    return x + 1
'''
SUMS_CLASS = f"select class package {PLUGIN_PACKAGE} sums"


@pytest.fixture(scope="module")
def node() -> Iterator[Box]:
    with box() as made:
        made.save("sums.py", SUMS)
        made.save("broken.py", "def add(:\n")
        with made.up(), made.connect() as console:
            made.wait_plugin(console, "sums", lambda values: values["state"] == "ready")
            made.wait_plugin(console, "broken", lambda values: values["state"] == "failed")
            yield made


def says(node: Box, commands: str) -> str:
    return node.mhsh("-c", commands).stdout


def test_hosts_agents_classes_and_facts_are_shown(node: Box) -> None:
    [host] = node.json("show hosts")
    assert host["agents"] == 2
    assert [one["product"] for one in node.json("show agents")] == ["host", "rpc"]
    classes = {(one["package"], one["class"]) for one in node.json("show classes")}
    assert {("org.matahariproject", "Host"), (PLUGIN_PACKAGE, "sums")} <= classes
    facts = {one["fact"]: one["value"] for one in node.json("show facts os.*")}
    assert facts and all(str(name).startswith("os.") for name in facts)
    assert node.json("show facts nosuch") == []


def test_plugins_are_shown_with_why_they_are_not_in_service(node: Box) -> None:
    sums, broken = sorted(node.json("show plugins"), key=lambda one: str(one["plugin"]), reverse=True)
    assert (sums["plugin"], sums["state"], sums["methods"], sums["why"]) == ("sums", "ready", 1, "")
    assert broken["state"] == "failed"
    assert re.fullmatch(r"SyntaxError: invalid syntax \(.*/broken\.py:1\)", str(broken["why"]))


def test_a_method_is_described_as_its_author_wrote_it(node: Box) -> None:
    said = says(node, f"{SUMS_CLASS}; show methods; describe add; help call add")
    signature = 'add(x: integer, mode: "fast"|"slow" = "fast") -> integer'
    assert said.startswith(f"{signature}  Add one.\n{signature}\n    Add one.\n")
    assert "integer  x     the number. [1 to 9]\n" in said
    assert 'mode  [one of fast, slow] (default "fast")\n' in said
    assert said.count("[one of fast, slow]") == 2


def test_a_reload_tells_generations_errors_and_close_names(node: Box) -> None:
    assert re.fullmatch(r".+: generation (\d+) -> (\d+)\n", says(node, f"{SUMS_CLASS}; reload"))
    failed = node.mhsh("-c", "reload broken")
    assert failed.returncode == 2
    assert re.search(r": % not loaded: SyntaxError: invalid syntax \(.*/broken\.py:1\)\n", failed.stdout)
    unknown = node.mhsh("-c", "reload sum")
    said = '% Plugin "sum" not found; did you mean sums?\n%     reload sum\n%            ^\n\n'
    assert (unknown.returncode, unknown.stdout) == (1, said)
    every = node.mhsh("--json", "-c", "reload all")
    assert every.returncode == 2
    assert set(json.loads(every.stdout)["value"]) == {"broken", "sums"}

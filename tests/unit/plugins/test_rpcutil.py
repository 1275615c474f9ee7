"""The plugin rpcutil: facts and their names, the plugins beside it."""

from __future__ import annotations

import os
import platform

import pytest

from matahari.facts import BUILTIN, flatten
from matahari.plugin import Context, running
from plugins import rpcutil

KNOWN: dict[str, object] = {
    "os.id": "debian",
    "os.like": ["debian"],
    "network.interface.eth0.mtu": 1500,
    "nothing": None,
}


def test_ping_gives_the_text_back() -> None:
    told = rpcutil.ping("hello")
    assert told["text"] == "hello"
    assert told["time_ns"] > 10**18


def test_facts_tell_of_this_host() -> None:
    facts = rpcutil.facts()
    assert facts["hostname"] == platform.node()
    assert facts["cpu.count"] == os.cpu_count()
    assert list(facts) == sorted(facts)
    assert rpcutil.get_fact("kernel.name") == "Linux"
    assert rpcutil.get_fact("kernel") == {
        "name": platform.system(),
        "release": platform.release(),
        "version": platform.version(),
    }
    assert rpcutil.get_fact("network.interface.lo.ipv4") == ["127.0.0.1"]


def test_facts_have_the_names_and_values_that_the_agent_gives_them() -> None:
    agents: dict[str, object] = {}
    for group in BUILTIN.values():
        agents |= flatten(group())
    own = rpcutil.facts()
    assert {name: agents.get(name, "not known to the agent") for name in own} == own


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("os.id", "debian"),
        ("os", {"id": "debian", "like": ["debian"]}),
        ("network.interface", {"eth0.mtu": 1500}),
        ("nothing", None),
    ],
)
def test_a_name_finds_its_fact_and_its_first_words_all_below(name: str, value: object) -> None:
    assert rpcutil._find(KNOWN, name) == value


@pytest.mark.parametrize("name", ["", ".", "os.", "os.id.x", "o", "interface"])
def test_names_of_no_fact_are_an_error(name: str) -> None:
    with pytest.raises(LookupError, match="no fact"):
        rpcutil._find(KNOWN, name)


def test_an_unknown_fact_is_an_error_that_knows_similar_ones() -> None:
    with pytest.raises(LookupError, match=r"did you mean .*kernel\.release"):
        rpcutil.get_fact("kernel.relase")
    with pytest.raises(LookupError, match=r"rpcutil\.facts shows all"):
        rpcutil.get_fact("%%%")


def test_what_the_agent_tells_counts() -> None:
    with running(Context("rpcutil", facts={"os.id": "other", "site": "north"})):
        assert rpcutil.get_fact("os.id") == "other"
        assert rpcutil.get_fact("os.name") == platform.freedesktop_os_release()["NAME"]
        assert rpcutil.get_fact("site") == "north"


def test_the_plugins_beside_it_are_listed_files_and_folders() -> None:
    found = {plugin["name"]: plugin["is_folder"] for plugin in rpcutil.list_plugins()["plugins"]}
    assert {"rpcutil": False, "package": True, "filemgr": False, "nettest": False, "process": False}.items() <= (
        found.items()
    )
    assert "README" not in found
    assert set(rpcutil.inventory()["plugins"]) == set(found)


def test_an_inventory_has_the_name_under_which_the_host_appears() -> None:
    with running(Context("rpcutil", facts={"hostname": "alpha"})):
        assert rpcutil.inventory()["hostname"] == "alpha"


def test_statistics_tell_of_this_process_and_those_above() -> None:
    told = rpcutil.statistics()
    assert told["worker"] is not None
    assert told["worker"]["pid"] == os.getpid()
    assert told["warm_parent"] is not None
    assert told["warm_parent"]["pid"] == os.getppid()

"""The hosts of a fleet, and the way of a plan to another process."""

from __future__ import annotations

import pytest

from matahari.errors import SchemaError
from matahari.testing.fleet import Rule
from matahari.testing.fleet.crew import OTHER_FILES, find_shortage
from matahari.testing.fleet.plan import MAX_HOSTS, Plan, divide, dump_plan, load_plan, make_hosts, uuid_of


def test_hosts_are_numbered_names_of_one_width() -> None:
    assert [host.name for host in make_hosts(2)] == ["host0001", "host0002"]
    assert make_hosts(MAX_HOSTS, prefix="h")[0].name == "h00001"


def test_values_of_a_fact_are_dealt_out_in_turn() -> None:
    hosts = make_hosts(4, facts={"role": ["web", "db", "web"], "site": {"name": "ams"}})
    assert [host.facts["role"] for host in hosts] == ["web", "db", "web", "web"]
    assert [host.facts["site.name"] for host in hosts] == ["ams"] * 4
    assert [host.facts["fleet.number"] for host in hosts] == [1, 2, 3, 4]


def test_facts_may_be_made_by_a_function() -> None:
    hosts = make_hosts(2, facts=lambda name, number: {"told": f"{name}/{number}"})
    assert [host.facts["told"] for host in hosts] == ["host0001/1", "host0002/2"]


@pytest.mark.parametrize("count", [0, -1, MAX_HOSTS + 1])
def test_a_number_of_hosts_that_cannot_be_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="a fleet has from 1 to"):
        make_hosts(count)


def test_facts_that_no_host_could_have_are_refused() -> None:
    with pytest.raises(SchemaError):
        make_hosts(1, facts={"two words": 1})
    with pytest.raises(ValueError, match="role has no values"):
        make_hosts(1, facts={"role": []})


def test_uuids_follow_from_names() -> None:
    assert uuid_of("host0001") == uuid_of("host0001")
    assert len({uuid_of("host0001"), uuid_of("host0002"), uuid_of("host0001", "rpc")}) == 3


def test_a_plan_survives_the_way_to_another_process() -> None:
    hosts = make_hosts(3, facts={"port": [1, 2.5, True]}, labels={"rack": "b"}, classes=["web", "db"])
    plan = Plan("unix:/run/b.sock", hosts, ("rpc",), {"calls": "/x/calls.py"}, (Rule(share=0.1, outcome="fail"),))
    text = dump_plan(plan)
    assert "\n" not in text
    assert load_plan(text) == plan


def test_hosts_are_divided_evenly_and_nobody_is_left_out() -> None:
    plan = Plan("unix:/b", make_hosts(7))
    parts = divide(plan, 3)
    assert [len(part.hosts) for part in parts] == [3, 2, 2]
    assert sorted(host.name for part in parts for host in part.hosts) == [host.name for host in plan.hosts]
    assert len(divide(plan, 100)) == 7
    assert parts[0].connections == 6


def test_too_low_a_limit_of_open_files_is_explained() -> None:
    assert find_shortage(100, 100 + OTHER_FILES) == ""
    assert find_shortage(100, -1) == ""
    assert f"need {100 + OTHER_FILES} open files, and the hard limit is 99: take more processes" in find_shortage(
        100, 99
    )

"""What is told of the host, how much of it, and what is news."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import cast

import pytest

from matahari.facts import CUT, MAX_BYTES, FactFault, FactKeeper, Facts, FactSnapshot, HostDescription
from matahari.facts.keeper import MAX_INVENTORY_BYTES, within
from matahari.hooks import Extensions, HostInventory, JsonValue, Threads, hookimpl


class Source:
    """Gives one snapshot after the other, the last one again and again."""

    def __init__(self, *snapshots: FactSnapshot) -> None:
        self.snapshots = list(snapshots)
        self.stopped = False

    async def collect(self, max_age: float) -> FactSnapshot:
        assert max_age == 0.0
        return self.snapshots.pop(0) if len(self.snapshots) > 1 else self.snapshots[0]

    def stop(self) -> None:
        self.stopped = True


class Inventory:
    def __init__(self, found: HostInventory | Exception) -> None:
        self.found = found

    @hookimpl
    def host_inventory(self) -> HostInventory:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def keeper(
    *facts: Mapping[str, JsonValue], inventories: Mapping[str, HostInventory | Exception] | None = None
) -> FactKeeper:
    extensions = Extensions()
    for name, found in (inventories or {}).items():
        extensions.register(Inventory(found), name=name, origin="test")
    source = Source(*(FactSnapshot(each) for each in facts or ({},)))
    return FactKeeper(cast(Facts, source), extensions, Threads(), interval=1000.0)


def news(*facts: Mapping[str, JsonValue]) -> list[bool]:
    """Whether each collection brought something worth telling."""
    heard: list[bool] = []

    async def scenario() -> None:
        made = keeper(*facts)
        made.on_news(lambda: heard.__setitem__(-1, True))
        for _ in facts:
            heard.append(False)
            await made.refresh()

    asyncio.run(scenario())
    return heard


def collected(made: FactKeeper) -> HostDescription:
    asyncio.run(made.refresh())
    return made.latest


def test_nothing_is_known_before_the_first_collection_and_who_waits_gets_it() -> None:
    async def scenario() -> HostDescription:
        made = keeper({"a": 1})
        assert made.latest == HostDescription()
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(made.wait_first())
            running = tasks.create_task(made.run())
            await waiting
            running.cancel()
        return waiting.result()

    assert asyncio.run(scenario()).facts == {"a": 1}


def test_a_changed_interval_collects_at_once() -> None:
    async def scenario() -> None:
        made = keeper({"a": 1}, {"a": 2})
        heard = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(made.run())
            await made.wait_first()
            made.on_news(heard.set)
            made.reconfigure(500.0)
            await heard.wait()
            running.cancel()
        assert made.latest.facts == {"a": 2}

    asyncio.run(scenario())


def test_what_stays_the_same_is_no_news_and_what_changes_is() -> None:
    assert news({"a": 1}, {"a": 1}, {"a": 2}, {"a": 2}, {}, {"a": 2}) == [True, False, True, False, True, False]


def test_a_fact_that_changes_all_the_time_is_told_once_until_it_rests() -> None:
    volatile: list[dict[str, JsonValue]] = [{"load": number, "os": "x"} for number in range(5)]
    assert news(*volatile) == [True, True, False, False, False]
    assert news(*volatile, volatile[-1], {"load": 9, "os": "x"}) == [True, True, False, False, False, False, True]


def test_a_change_beside_a_volatile_fact_is_news() -> None:
    assert news({"a": 0, "b": 0}, {"a": 1, "b": 0}, {"a": 2, "b": 0}, {"a": 3, "b": 1}) == [True, True, False, True]


def test_true_and_one_are_two_values() -> None:
    assert news({"a": 1}, {"a": True}) == [True, True]


def test_labels_and_classes_come_from_all_inventories_and_the_first_one_counts() -> None:
    made = keeper(
        inventories={
            "later": HostInventory({"rack": "b12", "room": "3"}, frozenset({"web", "db"})),
            "first": HostInventory({"rack": "b13"}, frozenset({"web"})),
        }
    )
    found = collected(made)
    assert (found.labels, found.classes) == ({"rack": "b13", "room": "3"}, ("db", "web"))


def test_an_inventory_that_raises_or_says_too_much_is_named_once_and_the_rest_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = keeper(
        {"a": 1},
        inventories={
            "broken": KeyError("rack"),
            "huge": HostInventory({"x": "y" * MAX_INVENTORY_BYTES}),
            "good": HostInventory({"rack": "b12"}),
        },
    )
    with caplog.at_level(logging.WARNING):
        assert collected(made).labels == {"rack": "b12"}
        collected(made)
    assert sorted(caplog.messages) == [
        f"facts: extension huge: its labels and classes are left out: more than {MAX_INVENTORY_BYTES} bytes",
        "facts: hook host_inventory of broken: KeyError: 'rack'",
    ]


def test_faults_of_sources_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    source = Source(FactSnapshot({}, faults=(FactFault("/facts.d/a", "is not valid JSON"),)))
    made = FactKeeper(cast(Facts, source), Extensions(), Threads(), interval=1.0)
    collected(made)
    made.stop()
    assert caplog.messages == ["facts: /facts.d/a: is not valid JSON"]
    assert source.stopped


def test_facts_beyond_the_bound_are_cut_off_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    facts: dict[str, JsonValue] = {f"f{number:04}": "x" * 100 for number in range(1000)}
    found = collected(keeper(facts)).facts
    assert len(json.dumps(dict(found))) <= MAX_BYTES
    kept = [name for name in found if name != CUT]
    assert kept == list(facts)[: len(kept)]
    assert found[CUT] == 1000 - len(kept) > 0
    assert f"{1000 - len(kept)} facts are not told" in caplog.text


@pytest.mark.parametrize("size", [40, 80, 120, 1000])
def test_the_count_of_what_is_cut_off_fits_the_bound_too(size: int) -> None:
    facts: dict[str, JsonValue] = {f"fact{number}": number for number in range(20)}
    kept, left_out = within(facts, size)
    assert len(json.dumps(kept)) <= size
    assert left_out == 20 - len(kept.keys() - {CUT})
    assert kept.get(CUT, 0) == left_out

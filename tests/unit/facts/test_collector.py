"""Facts of all sources, kept for a while; faults apart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from matahari.facts import FactFault, Facts
from matahari.hooks import Extensions, JsonValue, hookimpl


class Gives:
    def __init__(self, answer: Callable[[], object]) -> None:
        self.answer = answer

    @hookimpl
    def facts(self) -> object:
        return self.answer()


def extensions(**answers: Callable[[], object]) -> Extensions:
    found = Extensions()
    for name, answer in answers.items():
        found.register(Gives(answer), name=name, origin="test")
    return found


def fails() -> Mapping[str, object]:
    raise SystemExit("over")


def test_built_in_facts_files_and_extensions_are_put_together(tmp_path: Path) -> None:
    (tmp_path / "site.json").write_text('{"site": {"name": "berlin"}}')
    (tmp_path / "site.json").chmod(0o644)
    facts = Facts([tmp_path], extensions(mine=lambda: {"mine": True}), builtin={"host": lambda: {"hostname": "web1"}})
    snapshot = asyncio.run(facts.collect())
    assert snapshot.facts == {"hostname": "web1", "site.name": "berlin", "mine": True}
    assert snapshot.sources == {
        "hostname": "built-in host",
        "site.name": str(tmp_path / "site.json"),
        "mine": "extension mine",
    }
    assert snapshot.faults == ()
    assert facts.latest == snapshot


def test_each_source_that_fails_is_named_and_takes_only_its_own_facts_away(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "bad.json").chmod(0o644)

    def odd() -> Mapping[str, object]:
        raise KeyError("model")

    facts = Facts(
        [tmp_path],
        extensions(broken=fails, silent=lambda: None, wrong=lambda: 3),
        builtin={"cpu": odd, "host": lambda: {"hostname": "web1"}, "net": lambda: {"mac": b"\0"}},
    )
    snapshot = asyncio.run(facts.collect())
    assert snapshot.facts == {"hostname": "web1"}
    assert [fault.source for fault in snapshot.faults] == [
        "built-in cpu",
        "built-in net",
        str(tmp_path / "bad.json"),
        "extension wrong",
        "extension broken",
    ]
    assert snapshot.faults[0].text == "KeyError: 'model'"


def test_a_directory_that_cannot_be_used_is_a_fault(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    snapshot = asyncio.run(Facts([tmp_path], builtin={}).collect())
    assert [fault.source for fault in snapshot.faults] == [str(tmp_path)]


def test_a_fact_that_is_there_already_stays_and_the_second_is_a_fault() -> None:
    facts = Facts(
        (), extensions(liar=lambda: {"hostname": "db1", "more": 1}), builtin={"h": lambda: {"hostname": "web1"}}
    )
    snapshot = asyncio.run(facts.collect())
    assert snapshot.facts == {"hostname": "web1", "more": 1}
    assert snapshot.faults == (FactFault("extension liar", "hostname: built-in h has this fact already"),)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_facts_are_kept_until_they_are_too_old() -> None:
    clock, calls = Clock(), [0]

    def count() -> Mapping[str, JsonValue]:
        calls[0] += 1
        return {"calls": calls[0]}

    async def scenario() -> None:
        facts = Facts(builtin={"count": count}, clock=clock)
        assert facts.latest is None
        for now, age, expected in ((0.0, 60.0, 1), (60.0, 60.0, 1), (60.5, 60.0, 2), (61.0, 60.0, 2), (61.0, 0.0, 3)):
            clock.now = now
            assert (await facts.collect(age)).facts == {"calls": expected}

    asyncio.run(scenario())


def test_who_asks_meanwhile_waits_for_the_same_collection() -> None:
    calls: list[str] = []

    def count() -> Mapping[str, JsonValue]:
        calls.append("asked")
        return {"hostname": "web1"}

    async def scenario() -> None:
        facts = Facts(builtin={"host": count})
        snapshots = await asyncio.gather(*(facts.collect(0.0) for _ in range(8)))
        assert {id(snapshot) for snapshot in snapshots} == {id(snapshots[0])}

    asyncio.run(scenario())
    assert calls == ["asked"]


def test_who_gives_up_does_not_take_the_facts_from_the_others() -> None:
    async def scenario() -> None:
        facts = Facts(builtin={"host": lambda: {"hostname": "web1"}})
        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(facts.collect())
            second = tasks.create_task(facts.collect())
            await asyncio.sleep(0)
            first.cancel()
        assert (await second).facts == {"hostname": "web1"}

    asyncio.run(scenario())

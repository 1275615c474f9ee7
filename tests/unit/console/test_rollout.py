"""Which hosts a rolling call asks, in which order, and when it stops."""

from __future__ import annotations

import pytest

from matahari.console.rollout import Amount, Batch, NotAsked, Rolling, Rollout, plan_batches

TEN = [f"h{number}" for number in range(10)]


def sizes(rolling: Rolling, count: int = 10) -> list[int]:
    return [len(batch.hosts) for batch in plan_batches([f"h{number:03}" for number in range(count)], rolling).batches]


@pytest.mark.parametrize(
    ("rolling", "expected"),
    [
        (Rolling(), [10]),
        (Rolling(batch=4), [4, 4, 2]),
        (Rolling(batch=100), [10]),
        (Rolling(batch="10%"), [1] * 10),
        (Rolling(batch="25%"), [3, 3, 3, 1]),
        (Rolling(batch="0.1%"), [1] * 10),
        (Rolling(canary=1), [1, 9]),
        (Rolling(canary=2, batch=5), [2, 5, 3]),
        (Rolling(canary=20, batch=5), [10]),
        (Rolling(limit=3), [3]),
        (Rolling(limit="25%", batch=2), [2, 1]),
        (Rolling(limit=50), [10]),
    ],
)
def test_hosts_are_divided_into_batches(rolling: Rolling, expected: list[int]) -> None:
    assert sizes(rolling) == expected


def test_no_hosts_make_no_batch() -> None:
    for rolling in (Rolling(), Rolling(batch="10%", canary=1, limit="5%")):
        assert sizes(rolling, 0) == []


def test_only_the_first_batch_is_the_canary() -> None:
    batches = plan_batches(TEN[:3], Rolling(canary=1, batch=1)).batches
    assert batches[:2] == (Batch(1, 3, ("h0",), is_canary=True), Batch(2, 3, ("h1",)))


def test_a_seed_gives_the_same_sample_whoever_answered_first() -> None:
    one = plan_batches(TEN, Rolling(limit=4, seed=7))
    other = plan_batches(TEN[::-1], Rolling(limit=4, seed=7))
    assert set(one.batches[0].hosts) == set(other.batches[0].hosts)
    assert set(one.left_out) == set(TEN) - set(one.batches[0].hosts)
    assert len({plan_batches(TEN, Rolling(limit=4, seed=seed)).batches[0].hosts for seed in range(20)}) > 1


def outcome(rolling: Rolling, *failed: int) -> tuple[list[str], list[NotAsked]]:
    """The hosts that were asked, with so many failures in each batch, and those that were not."""
    rollout = Rollout(plan_batches(TEN, rolling))
    asked: list[str] = []
    for count in (*failed, *[0] * 20):
        batch = rollout.next_batch()
        if batch is None:
            break
        rollout.begin()
        asked += batch.hosts
        rollout.record(count)
    return asked, rollout.not_asked


def test_all_hosts_are_asked_when_nothing_stands_against_it() -> None:
    assert outcome(Rolling(batch=3), 3, 3, 3) == (TEN, [])


@pytest.mark.parametrize(
    ("max_failures", "failed", "asked"),
    [(0, (0, 1), 6), (1, (1, 0, 1), 9), (2, (1, 1, 0), 10), ("10%", (1, 1), 6), ("100%", (3, 3, 3, 1), 10)],
)
def test_too_many_failures_end_it(max_failures: Amount, failed: tuple[int, ...], asked: int) -> None:
    found, left = outcome(Rolling(batch=3, max_failures=max_failures), *failed)
    assert found == TEN[:asked]
    assert left == [NotAsked(host, "failures") for host in TEN[asked:]]


def test_a_canary_that_fails_ends_it_whatever_else_is_allowed() -> None:
    asked, left = outcome(Rolling(canary=1, max_failures="100%"), 1)
    assert (asked, left) == (["h0"], [NotAsked(host, "canary") for host in TEN[1:]])
    assert outcome(Rolling(canary=1, batch=3), 0, 3)[0] == TEN


def test_the_first_reason_to_stop_counts_and_what_was_begun_is_asked() -> None:
    rollout = Rollout(plan_batches(TEN, Rolling(batch=5)))
    rollout.begin()
    rollout.stop("refused")
    rollout.stop("timeout")
    assert rollout.next_batch() is None
    assert rollout.not_asked == [NotAsked(host, "refused") for host in TEN[5:]]


@pytest.mark.parametrize(
    "settings",
    [
        {"batch": 0}, {"batch": "0%"}, {"batch": "101%"}, {"batch": "ten"}, {"batch": True}, {"batch": 1.5},
        {"limit": -1}, {"limit": "-5%"}, {"max_failures": -1, "batch": 1}, {"canary": -1}, {"canary": True},
        {"pause": -1, "batch": 1}, {"pause": float("nan"), "batch": 1}, {"pause": float("inf"), "batch": 1},
        {"pause": 1}, {"max_failures": 1}, {"seed": 1},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"batch|limit|canary|pause|max_failures|seed"):
        Rolling(**settings)  # type: ignore[arg-type]  # that is the point

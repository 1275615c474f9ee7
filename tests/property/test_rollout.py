"""Rolling calls for any fleet and any settings: every host is asked once, or is said to have been left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matahari.console.rollout import Amount, Rolling, Rollout, plan_batches

SHARES = st.integers(1, 10_000).map(lambda number: f"{number / 100:.2f}%")
AMOUNTS: st.SearchStrategy[Amount] = st.one_of(st.integers(1, 40), SHARES)
ROLLING = st.builds(
    Rolling,
    batch=AMOUNTS,
    canary=st.integers(0, 5),
    limit=st.none() | AMOUNTS,
    max_failures=st.none() | st.integers(0, 5) | SHARES,
)
HOSTS = st.lists(st.text(max_size=4), unique=True, max_size=40)


@given(HOSTS, ROLLING)
def test_every_host_is_in_one_batch_or_left_out(hosts: list[str], rolling: Rolling) -> None:
    plan = plan_batches(hosts, rolling)
    asked = [host for batch in plan.batches for host in batch.hosts]
    assert sorted(asked + list(plan.left_out)) == sorted(hosts)
    assert asked == [host for host in hosts if host in set(asked)]
    assert bool(asked) == bool(hosts)
    assert [batch.number for batch in plan.batches] == list(range(1, len(plan.batches) + 1))
    assert all(batch.hosts and batch.count == len(plan.batches) for batch in plan.batches)


@given(HOSTS, ROLLING, st.lists(st.integers(0, 3)), st.integers(0, 50))
def test_every_host_is_asked_once_or_named_with_the_reason(
    hosts: list[str], rolling: Rolling, failures: list[int], stop_after: int
) -> None:
    rollout = Rollout(plan_batches(hosts, rolling))
    asked: list[str] = []
    for number in range(50):
        if number == stop_after:
            rollout.stop("cancelled")
        if (batch := rollout.next_batch()) is None:
            break
        rollout.begin()
        asked += batch.hosts
        failed = failures[number] if number < len(failures) else 0
        rollout.record(min(len(batch.hosts), failed))
    assert sorted(asked + [one.host for one in rollout.not_asked]) == sorted(hosts)

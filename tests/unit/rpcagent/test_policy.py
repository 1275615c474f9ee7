"""When a dead worker is started again."""

from __future__ import annotations

from matahari.rpcagent import Limits
from matahari.rpcagent.policy import RestartPolicy

LIMITS = Limits(restart_delay=0.25, restart_delay_limit=1.0, restart_limit=6, stable_after=10.0)


def test_the_first_restart_is_at_once_then_waits_double_up_to_a_limit_and_end() -> None:
    policy = RestartPolicy(LIMITS)
    assert [policy.next_delay(lived=1.0) for _ in range(6)] == [0.0, 0.25, 0.5, 1.0, 1.0, None]


def test_a_worker_that_lived_long_begins_the_count_anew() -> None:
    policy = RestartPolicy(LIMITS)
    for _ in range(4):
        policy.next_delay(lived=0.0)
    assert policy.next_delay(lived=10.0) == 0.0


def test_reset_forgets() -> None:
    policy = RestartPolicy(LIMITS)
    for _ in range(5):
        policy.next_delay(lived=0.0)
    policy.reset()
    assert policy.next_delay(lived=0.0) == 0.0


def test_a_patient_policy_does_not_overflow() -> None:
    policy = RestartPolicy(Limits(restart_limit=10_000))
    assert [policy.next_delay(lived=0.0) for _ in range(5000)][-1] == 10.0

"""What a version says about the time of its calls."""

from __future__ import annotations

import pytest

from matahari.hostproto import MethodSpec
from matahari.rpcagent import Limits
from matahari.rpcagent.limits import Options
from matahari.rpcagent.orders import Content, Version

LIMITS = Limits(call_timeout=60.0, drain_timeout=65.0)


def version(*timeouts: float | None, **overrides: float) -> Version:
    options = Options("sha256:0", overrides)
    methods = tuple(MethodSpec(f"m{number}", {}, timeout=timeout) for number, timeout in enumerate(timeouts))
    return Version(1, Content("/p/a.py", "python", "d", {}, None, options), "d", "", methods, 5)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (version(), 65.0),
        (version(None, 2.0), 65.0),
        (version(None, 600.0, 900.0), 900.0),
        (version(600.0, drain_timeout=3.0), 65.0),
        (version(600.0, call_timeout=30.0), 65.0),
    ],
)
def test_calls_may_drain_as_long_as_a_method_may_take_unless_the_operator_has_set_a_time(
    made: Version, expected: float
) -> None:
    assert made.drain_timeout(LIMITS) == expected


def test_a_call_time_out_of_the_operator_is_known() -> None:
    assert version(call_timeout=30.0).is_timeout_set
    assert not version(600.0, drain_timeout=3.0).is_timeout_set

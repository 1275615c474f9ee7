"""The state of a plugin, from what is known of it."""

from __future__ import annotations

import pytest

from matahari.rpcagent import LoadFailure, State
from matahari.rpcagent.orders import Version
from matahari.rpcagent.states import state_of
from tests.support.plugin_story import content

GOOD = Version(1, content("one"), "d", "1.0", (), 5)
AWAY = Version(1, content("one"), "d", "1.0", (), 5, is_active=False)
BAD = LoadFailure("SyntaxError", "bad")


@pytest.mark.parametrize(
    ("version", "is_served", "error", "state"),
    [
        (None, False, None, "loading"),
        (None, False, BAD, "failed"),
        (GOOD, True, None, "ready"),
        (AWAY, True, None, "inactive"),
        (GOOD, True, BAD, "degraded"),
        (GOOD, False, None, "degraded"),
        (AWAY, True, BAD, "degraded"),
    ],
)
def test_a_state(version: Version | None, is_served: bool, error: LoadFailure | None, state: State) -> None:
    assert state_of(version, is_served=is_served, error=error) == state
    assert state_of(version, is_served=is_served, error=error, is_quarantined=True) == "quarantined"

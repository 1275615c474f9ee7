from __future__ import annotations

import pytest

from matahari.errors import (
    CancelledRequestError,
    ConfigError,
    ConnectFailedError,
    FilterSyntaxError,
    MatahariError,
    NoAgentsError,
    RefusedError,
    RemoteProtocolError,
    RequestTimeoutError,
    SchemaError,
    UnknownActionError,
)
from matahari.shell.base.outcome import CommandError, ExitStatus, first_failure, status_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CommandError("x"), 64),
        (CommandError("x", status=ExitStatus.COULD_NOT_ASK), 4),
        (FilterSyntaxError("x", text="x", position=0), 64),
        (SchemaError("x"), 64),
        (RefusedError("x"), 64),
        (NoAgentsError("x"), 1),
        (UnknownActionError("x"), 1),
        (RequestTimeoutError("x", timeout=1), 3),
        (ConnectFailedError("x", address="y"), 4),
        (ConfigError("x"), 4),
        (CancelledRequestError("x"), 130),
        (RemoteProtocolError("x"), 2),
    ],
)
def test_each_error_has_its_exit_status(error: MatahariError, status: int) -> None:
    assert status_of(error) == status


def test_the_first_failure_counts() -> None:
    assert first_failure([ExitStatus.OK, ExitStatus.SOME_FAILED, ExitStatus.USAGE]) is ExitStatus.SOME_FAILED
    assert first_failure([]) is ExitStatus.OK

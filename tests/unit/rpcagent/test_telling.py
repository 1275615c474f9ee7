"""How the owner of a plugin is told what its lifecycle wants to be told."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import cast

import pytest

from matahari.rpcagent import LoadFailure, Notice, PluginCrashed, PluginFailed, PluginLoaded, PluginStatus, State
from matahari.rpcagent.orders import Crashed, Failed, InService, StatusChanged
from matahari.rpcagent.owner import RuntimeOwner
from matahari.rpcagent.pending import Hung
from matahari.rpcagent.telling import log_hung, tell

BAD = LoadFailure("SyntaxError", "bad")


class Owner:
    def __init__(self) -> None:
        self.told: list[PluginStatus | Notice] = []

    def plugin_changed(self, status: PluginStatus) -> None:
        self.told.append(status)

    def plugin_notice(self, notice: Notice) -> None:
        self.told.append(notice)


def status(error: LoadFailure | None = None) -> PluginStatus:
    state: State = "ready" if error is None else "degraded"
    return PluginStatus("a", Path("/p/a.py"), "python", "", 1, "d", state, error, "local", (), 5)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (StatusChanged(), status()),
        (InService(), PluginLoaded(status())),
        (Failed(BAD), PluginFailed(status(), BAD)),
        (Crashed(BAD), PluginCrashed(status(), BAD)),
    ],
)
def test_each_command_is_told_with_the_status(
    command: StatusChanged | InService | Failed | Crashed, expected: PluginStatus | Notice
) -> None:
    owner = Owner()
    tell(cast(RuntimeOwner, owner), command, status())
    assert owner.told == [expected]


def test_a_status_with_an_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    tell(cast(RuntimeOwner, Owner()), StatusChanged(), status())
    assert caplog.messages == []
    tell(cast(RuntimeOwner, Owner()), StatusChanged(), status(BAD))
    assert caplog.messages == ["plugin a is degraded: SyntaxError: bad"]


@pytest.mark.parametrize(("request_id", "shown"), [("", ""), ("r-7", " [r-7]")])
def test_a_worker_that_is_replaced_is_logged_with_plugin_method_call_and_limit(
    caplog: pytest.LogCaptureFixture, request_id: str, shown: str
) -> None:
    log_hung("a", Hung(3, "nap", 12, request_id, 2.5), 4711)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    text = "did not let go when its limit of 2.5 s was over: worker process 4711 is replaced"
    assert record.getMessage() == f"call 12 of a.nap{shown} {text}"

"""What the warm parent does with a worker that it may not signal, and before one becomes another user."""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import socket
from typing import cast

import pytest

from matahari.hostproto import Connection, Exited, Hello
from matahari.pluginhost._families import Families
from matahari.pluginhost.parent import WarmParent, import_before_user

NONCE = "n"
PID = 4_000_000  # above what Linux gives


class Control:
    """The agent's ear."""

    def __init__(self) -> None:
        self.connection = Connection.to_parent(NONCE)

    def sendall(self, data: bytes) -> None:
        self.connection.receive_data(data)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Control:
    monkeypatch.setattr(Families, "end", lambda self, workers, *, spare: set())
    return Control()


def parent_of_one(told: Control) -> WarmParent:
    parent = WarmParent(cast("socket.socket", told), nonce=NONCE)
    parent._workers[7], parent._pids[PID] = PID, 7
    parent._send(Hello(1, 1, 1, NONCE, "python"))
    assert isinstance(told.connection.next_event(), Hello)
    return parent


def test_a_worker_that_may_not_be_killed_any_more_counts_as_ended(
    told: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "killpg", refuse)
    monkeypatch.setattr(os, "kill", refuse)
    parent = parent_of_one(told)
    parent._kill(7, signal.SIGTERM)
    parent._end_families()
    assert told.connection.next_event() is None
    parent._kill(7, signal.SIGKILL)
    parent._end_families()
    assert told.connection.next_event() == Exited(7, None, signal.SIGKILL)
    parent._kill(7, signal.SIGKILL)  # nobody is there


def test_the_group_is_signalled_once_and_before_it_exists_its_leader(
    told: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, int]] = []
    has_group = True

    def kill_group(pid: int, number: int) -> None:
        if not has_group:
            raise ProcessLookupError(3, "No such process")
        done.append(("group", number))

    monkeypatch.setattr(os, "killpg", kill_group)
    monkeypatch.setattr(os, "kill", lambda pid, number: done.append(("leader", number)))
    parent = parent_of_one(told)
    parent._kill(7, signal.SIGTERM)
    assert done == [("group", signal.SIGTERM)]
    has_group = False
    parent._kill(7, signal.SIGTERM)
    assert done[1:] == [("leader", signal.SIGTERM)]


@pytest.mark.parametrize("is_typed", [True, False])
def test_what_a_worker_may_need_later_is_there_before_it_becomes_another_user(
    is_typed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def import_module(name: str, package: str | None = None) -> object:
        asked.append(importlib.util.resolve_name(name, package))
        if "typed" in name:
            raise ModuleNotFoundError(name)  # the library is not installed: for most plugins that is no fault
        return object()

    monkeypatch.setattr(importlib, "import_module", import_module)
    import_before_user(typed=is_typed)
    assert {"difflib", "asyncio", "matahari.pluginhost.eventloop"} <= set(asked)
    assert ("matahari.pluginhost.typedsettings" in asked) is is_typed

"""The warm parent plays a worker's start through before it forks."""

from __future__ import annotations

import atexit
import linecache
import logging
import os
import signal
import sys
import threading

import pytest

from matahari.hostproto import Load, Message
from matahari.pluginhost.rehearsal import rehearse
from matahari.pluginhost.worker import Worker


def _state() -> tuple[object, ...]:
    root = logging.getLogger()
    imported = {name for name in sys.modules if "rehearsal" in name or name.startswith("matahari_plugins")}
    return (
        list(sys.path),
        list(sys.meta_path),
        list(sys.argv),
        sys.dont_write_bytecode,
        imported,
        list(root.handlers),
        root.level,
        {name for name in linecache.cache if "rehearsal" in name},
        {name for name in logging.Logger.manager.loggerDict if "rehearsal" in name},
        threading.active_count(),
        [signal.getsignal(number) for number in signal.valid_signals()],
        sorted(os.listdir("/proc/self/fd")),
        atexit._ncallbacks(),
    )


def test_nothing_of_the_rehearsed_plugin_is_left_in_the_process() -> None:
    before = _state()
    rehearse()
    assert _state() == before


def test_each_rehearsal_is_a_load_that_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    statuses: list[int | None] = []
    real = Worker.take

    def take(worker: Worker) -> int | None:
        statuses.append(real(worker))
        return statuses[-1]

    monkeypatch.setattr(Worker, "take", take)
    rehearse()
    assert statuses
    assert set(statuses) == {None}


def test_what_was_loaded_went_the_way_of_every_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Message] = []
    real = Worker._load

    def load(worker: Worker, message: Load) -> int | None:
        loaded.append(message)
        return real(worker, message)

    monkeypatch.setattr(Worker, "_load", load)
    rehearse()
    assert {type(message) for message in loaded} == {Load}
    assert all(isinstance(message, Load) and message.files for message in loaded)

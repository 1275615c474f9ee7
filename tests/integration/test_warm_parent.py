"""The process that workers are forked from, when the system lacks what it takes to look after it."""

from __future__ import annotations

import asyncio
import errno
import os
import sys

import psutil
import pytest

from matahari.rpcagent.languages import python_program
from matahari.rpcagent.parentkeeper import ParentKeeper

pytestmark = [pytest.mark.integration, pytest.mark.embedded]


def is_running(keeper: ParentKeeper) -> bool:
    return keeper.pid is not None


def test_a_process_whose_end_nobody_could_notice_is_ended_and_reaped_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    before = len(os.listdir("/proc/self/fd"))

    def refuse(pid: int) -> int:
        started.append(pid)
        raise OSError(errno.EMFILE, "Too many open files")

    async def story() -> None:
        keeper = ParentKeeper(python_program(sys.executable))
        monkeypatch.setattr(os, "pidfd_open", refuse)
        with pytest.raises(OSError, match="Too many open files"):
            keeper.start()
        assert not is_running(keeper)
        [pid] = started
        assert not psutil.pid_exists(pid)
        # The next start is a fresh one.
        monkeypatch.undo()
        keeper.start()
        assert is_running(keeper)
        assert keeper.pid != pid
        await keeper.stop()

    asyncio.run(story())
    assert len(os.listdir("/proc/self/fd")) == before

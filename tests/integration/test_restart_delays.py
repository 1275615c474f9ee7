"""When a plugin whose workers die is started again: the delays of a whole runtime, measured on a clock that jumps."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Mapping

import pytest

from matahari.hostproto import Json, Loaded, MethodSpec
from matahari.rpcagent import Limits, Notice, PluginStatus
from matahari.rpcagent.limits import ProcessBounds
from matahari.rpcagent.orders import Content
from matahari.rpcagent.pending import Recheck
from matahari.rpcagent.runtime import PluginRuntime
from matahari.rpcagent.slots import LoadSlots
from matahari.rpcagent.workerlink import WorkerLink
from tests.support.virtual_loop import run

# It has sockets, though nobody at their other ends.
pytestmark = [pytest.mark.integration, pytest.mark.embedded]

LIMITS = Limits(restart_delay=0.25, restart_delay_limit=1.0, restart_limit=7, stable_after=10.0)
CONTENT = Content("/p/a.py", "python", "sha256:0", {"": ""})


class Owner:
    """Has each worker load, live for a while, and die."""

    facts: Mapping[str, Json] = {}

    def __init__(self, *lives: float) -> None:
        self.starts: list[float] = []
        self.states: list[str] = []
        self._lives = iter(lives)
        self._loop = asyncio.get_running_loop()

    def spawn(self, runtime: PluginRuntime, link: WorkerLink, bounds: ProcessBounds, language: str) -> None:
        self.starts.append(self._loop.time())
        sock, output = link.take_their_ends()
        message = Loaded("a", 1, "sha256:0", "python", "", (MethodSpec("m", {}),))

        def die() -> None:
            runtime.exited(link.worker, 3, None)
            sock.close()
            os.close(output)

        self._loop.call_soon(runtime.worker_loaded, link.worker, message)
        self._loop.call_later(next(self._lives, 0.0), die)

    def kill(self, worker: int, number: int) -> None:
        raise AssertionError("they end by themselves")

    def parent_stuck(self, worker: int) -> None:
        raise AssertionError("they end by themselves")

    def check_again(self, runtime: PluginRuntime, recheck: Recheck) -> None:
        raise AssertionError("nobody sends a large call")

    def plugin_changed(self, status: PluginStatus) -> None:
        self.states.append(status.state)

    def plugin_notice(self, notice: Notice) -> None:
        """The states say enough."""

    def plugin_gone(self, runtime: PluginRuntime) -> None:
        """Nothing to do."""

    @property
    def delays(self) -> list[float]:
        return [round(after - before, 3) for before, after in itertools.pairwise(self.starts)]


def begin(owner: Owner) -> PluginRuntime:
    counts = itertools.count(1), itertools.count(1)
    runtime = PluginRuntime(
        "a", LIMITS, owner, LoadSlots(), next_worker=counts[0].__next__, next_call=counts[1].__next__, generation=0
    )
    runtime.content_changed(CONTENT)
    return runtime


def test_workers_that_die_at_once_are_started_later_and_later_up_to_the_limit_and_then_no_more() -> None:
    async def story() -> None:
        owner = Owner()
        runtime = begin(owner)
        await asyncio.sleep(1000.0)
        assert owner.delays == [0.0, 0.25, 0.5, 1.0, 1.0, 1.0]
        assert runtime.status().state == owner.states[-1] == "quarantined"
        # Asked for, it begins anew: at once, with the same delays.
        asked = asyncio.get_running_loop().time()
        runtime.reload()
        await asyncio.sleep(1000.0)
        assert owner.starts[7] == asked
        assert owner.delays[7:] == [0.0, 0.25, 0.5, 1.0, 1.0, 1.0]

    run(story())


def test_a_worker_that_lived_long_enough_makes_up_for_those_before_it() -> None:
    async def story() -> None:
        owner = Owner(0.0, 0.0, 0.0, 9.0, 10.0)
        begin(owner)
        await asyncio.sleep(1000.0)
        # The fourth lived too short a time; from its start to the next are its nine seconds and the delay of a second.
        assert owner.delays[:6] == [0.0, 0.25, 0.5, 9.0 + 1.0, 10.0 + 0.0, 0.25]

    run(story())

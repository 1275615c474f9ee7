"""The plugin service: directories in, calls out. What the rest of the agent uses; it knows nothing of the bus."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from matahari.agent import Afterlife
from matahari.errors import PluginError
from matahari.hooks import OfferedLanguage
from matahari.hostproto import MAX_NAME, Json
from matahari.net import TaskKeeper

from .answering import LET_GO, CallAnswer
from .binding import Action, did_you_mean
from .catalogue import Catalogue
from .checking import ArgumentCheck
from .languages import PYTHON, further_languages, further_programs, python_program
from .limits import Limits, ProcessBounds
from .memory import resident_memory
from .parents import WarmParents
from .pending import Recheck
from .records import CallFailure, CallReport, CallResult, Notice, PluginListener, PluginStatus, Reporter
from .runtime import PluginRuntime
from .scan import Changes
from .slots import LoadSlots
from .workerlink import WorkerLink

__all__ = ["PluginService"]

_log = logging.getLogger(__name__)

T = TypeVar("T")

#: A first load counts as over when it took this much longer than its limit, in seconds.
_START_SLACK: Final = 2.0
#: Names of removed plugins whose last generation is remembered, so that generations of one name only grow.
_MAX_REMEMBERED: Final = 4096


class PluginService:
    """Loads the plugins of some directories, keeps them loaded, and calls them.

    All methods belong to one event loop; the object itself may be made outside of it.

    Args:
        directories: where plugins lie; they may appear later. The first wins when a name occurs twice.
        listener: hears of plugins.
        limits: bounds of each plugin.
        facts: gives what is known of this host, for workers that begin.
        python: interpreter of the workers.
        languages: further ones, which extensions offer.
        takes_any: even plugins that others can change, for tools that run what they are pointed at.
    """

    def __init__(
        self,
        directories: Sequence[Path],
        *,
        listener: PluginListener,
        limits: Limits | None = None,
        facts: Callable[[], Mapping[str, Json]] = dict,
        python: str = sys.executable,
        languages: Sequence[OfferedLanguage] = (),
        takes_any: bool = False,
    ) -> None:
        self._listener = listener
        self._limits = limits or Limits()
        self._facts = facts
        uid = None if takes_any else os.geteuid()
        self._catalogue = Catalogue(directories, self._apply, (PYTHON, *further_languages(languages)), uid=uid)
        self._parents = WarmParents((python_program(python), *further_programs(languages)))
        self._tasks = TaskKeeper()
        self._slots = LoadSlots()
        self._checks = ArgumentCheck()  # of its own: calls that nobody has allowed yet are checked elsewhere
        self._runtimes: dict[str, PluginRuntime] = {}
        self._leaving: set[PluginRuntime] = set()
        self._generations: dict[str, int] = {}
        self._next_worker = itertools.count(1).__next__
        self._next_call = itertools.count(1).__next__
        self._is_stopping = False
        self._all_gone = asyncio.Event()

    # Life

    async def start(self) -> None:
        """Start, and return when each plugin found first is ready, has failed, or took longer than allowed.

        Raises:
            OSError: the plugin host cannot be started.
        """
        self._parents.start()
        await self._catalogue.start(self._tasks)
        self._tasks.start(self._ask_activations(), name="are the plugins for this host?")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.load_timeout + _START_SLACK):
                for runtime in list(self._runtimes.values()):
                    await runtime.wait_settled()

    async def stop(self) -> None:
        """End everything. Running calls have ``stop_timeout`` to finish; when this returns, no process is left."""
        self._is_stopping = True
        self._parents.retire()
        await self._tasks.cancel_all()
        await self._catalogue.stop()
        for name in list(self._runtimes):
            self._retire(name, drain_timeout=self._limits.stop_timeout)
        if self._leaving:
            patience = self._limits.stop_timeout + 3 * self._limits.term_grace
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._all_gone.wait()
        await self._parents.stop()
        # Only for workers whose end was never reported: their warm parent has killed and reaped them just now.
        for runtime in list(self._leaving):
            runtime.parent_lost("the agent stops")

    # Questions and requests

    @property
    def misnamed(self) -> tuple[Path, ...]:
        """Files and folders that would be plugins if their names were identifiers, sorted."""
        return self._catalogue.listing.misnamed

    @property
    def parent_pid(self) -> int | None:
        """Process id of Python's warm parent while it runs."""
        return self._parents.pids.get(PYTHON.name)

    @property
    def parent_pids(self) -> Mapping[str, int]:
        """Language -> process id of its warm parent, for those that run."""
        return self._parents.pids

    def statuses(self) -> list[PluginStatus]:
        """All plugins as they are now, by name in alphabetical order."""
        return [runtime.status() for _, runtime in sorted(self._runtimes.items())]

    def status(self, name: str) -> PluginStatus | None:
        """One plugin as it is now, or None."""
        runtime = self._runtimes.get(name)
        return None if runtime is None else runtime.status()

    def worker_pids(self, name: str) -> list[int]:
        """Process ids of a plugin's workers, those that are ending included."""
        runtimes = [each for each in (*self._runtimes.values(), *self._leaving) if each.name == name]
        return sorted(pid for runtime in runtimes for pid in runtime.pids.values() if pid is not None)

    def no_plugin(self, name: str) -> str:
        """The sentence for a name that no plugin has."""
        return f"no plugin {name[:MAX_NAME]}{did_you_mean(name[:MAX_NAME], self._runtimes)}"

    def memory(self, name: str) -> int:
        """Resident memory of the worker in service in bytes, read now; 0 when there is none."""
        runtime = self._runtimes.get(name)
        return 0 if runtime is None else resident_memory(runtime.serving_pid)

    def reconfigure(self, limits: Limits) -> None:
        """Use other limits from now on, for every plugin; a worker keeps its concurrency until it is replaced."""
        self._limits = limits
        for runtime in self._runtimes.values():
            runtime.reconfigure(limits)

    async def reload(self, name: str) -> PluginStatus:
        """Load the plugin as it is on disk at this moment as a new generation, and wait for the outcome.

        Raises:
            PluginError: there is no such plugin.
        """
        await self._catalogue.look_closely(name)
        runtime = self._runtimes.get(name)
        if runtime is None:
            raise PluginError(self.no_plugin(name), plugin=name)
        runtime.reload()
        await runtime.wait_settled()
        return runtime.status()

    async def reload_all(self) -> list[PluginStatus]:
        """Do so for all plugins, and give them by name in alphabetical order."""
        await self._catalogue.look_closely()
        runtimes = sorted(self._runtimes.items())
        for _, runtime in runtimes:
            runtime.reload()
        for _, runtime in runtimes:
            await runtime.wait_settled()
        return [runtime.status() for _, runtime in runtimes]

    def find(self, name: str, method: str) -> Action:
        """The action that a call is for now, for whoever checks and decides first; a call for none counts as a failure.

        Raises:
            CallFailure: there is none in service.
        """
        return self._runtime(name).find(method)

    def refuse(self, name: str, failure: CallFailure) -> CallFailure:
        """Count a call that somebody else refuses; gives ``failure`` back."""
        runtime = self._runtimes.get(name)
        return failure if runtime is None else runtime.refuse(failure)

    async def call(
        self,
        name: str,
        method: str,
        args: Sequence[str] = (),
        kwargs: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
        caller: str = "",
        request_id: str = "",
        on_progress: Reporter | None = None,
    ) -> str:
        """Run an action and give the JSON text of its result. Arguments and errors are those of :meth:`invoke`."""
        result = await self.invoke(
            name, method, args, kwargs, timeout=timeout, caller=caller, request_id=request_id, on_progress=on_progress
        )
        return result.text

    async def invoke(
        self,
        name: str,
        method: str,
        args: Sequence[str] = (),
        kwargs: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
        caller: str = "",
        request_id: str = "",
        on_progress: Reporter | None = None,
        checked: Action | None = None,
        on_start: Callable[[int], None] | None = None,
        afterlife: Afterlife | None = None,
    ) -> CallResult:
        """Run an action, and give its result and whether that is as declared.

        Args:
            name: the plugin.
            method: the action.
            args: JSON texts, by position.
            kwargs: JSON texts, by name.
            timeout: seconds; the limit of the method, or else of the plugin, holds when it is lower, or when there is none here.
            caller: who asks, for the action's context.
            request_id: for logs and the action's context.
            on_progress: hears what the call tells while it runs; must not block, and what it raises is logged.
            checked: what :meth:`find` gave, and fits; it is not checked again while the version is the same.
            on_start: told the number of the call once it was taken; the plugin's events name it.
            afterlife: told when the call goes on after its outcome, before that, and how it then ended.

        Raises:
            CallFailure: there is no result, for a reason that it tells.
        """
        runtime = self._runtime(name)
        answer = CallAnswer(afterlife)
        hear = None if on_progress is None else functools.partial(self._report, on_progress)
        number = runtime.submit(
            method, args, kwargs or {}, request=request_id, caller=caller, timeout=timeout, answer=answer,
            reporter=hear, checked=checked,
        )  # fmt: skip
        if on_start is not None:
            on_start(number)
        try:
            return await self._checks.finished(await answer)
        except asyncio.CancelledError:
            runtime.abandon(number)
            await answer.tell(LET_GO)
            raise
        except CallFailure:
            await answer.tell()
            raise

    def _runtime(self, name: str) -> PluginRuntime:
        runtime = self._runtimes.get(name)
        if runtime is None:
            text = self.no_plugin(name)
            raise CallFailure("not_loaded", "NotLoaded", text, text=text)
        return runtime

    def _report(self, on_progress: Reporter, report: CallReport) -> asyncio.Future[None] | None:
        return self._tell(lambda: on_progress(report))

    async def _ask_activations(self) -> None:
        while True:
            await asyncio.sleep(self._limits.activate_interval)
            for runtime in list(self._runtimes.values()):
                runtime.ask_activation()

    # What the catalogue tells

    def _apply(self, changes: Changes) -> None:
        if self._is_stopping:
            return
        for name in changes.removed:
            self._retire(name)
        for found in changes.changed:
            runtime = self._runtimes.get(found.name)
            if runtime is None:
                runtime = PluginRuntime(
                    found.name,
                    self._limits,
                    self,
                    self._slots,
                    next_worker=self._next_worker,
                    next_call=self._next_call,
                    generation=self._generations.pop(found.name, 0),
                )
                self._runtimes[found.name] = runtime
            runtime.content_changed(found.content)

    def _retire(self, name: str, *, drain_timeout: float | None = None) -> None:
        runtime = self._runtimes.pop(name, None)
        if runtime is None:
            return
        self._generations[name] = runtime.generation
        if len(self._generations) > _MAX_REMEMBERED:
            del self._generations[next(iter(self._generations))]
        self._leaving.add(runtime)
        self._all_gone.clear()
        runtime.remove(drain_timeout=drain_timeout)
        if not self._is_stopping:
            self._tell(lambda: self._listener.plugin_removed(name))

    # What runtimes ask (RuntimeOwner)

    @property
    def facts(self) -> Mapping[str, Json]:
        """What is known of this host now."""
        return self._facts()

    def spawn(self, runtime: PluginRuntime, link: WorkerLink, bounds: ProcessBounds, language: str) -> None:
        """Ask the warm parent of a language for a worker, now or when there is one again."""
        self._parents.spawn(runtime, link, bounds, language)

    def kill(self, worker: int, number: int) -> None:
        """Signal a worker's process group."""
        self._parents.kill(worker, number)

    def check_again(self, runtime: PluginRuntime, recheck: Recheck) -> None:
        """Check a call beside the event loop."""
        self._tasks.start(self._checks.again(recheck, runtime.rechecked), name=f"check call {recheck.call} again")

    def parent_stuck(self, worker: int) -> None:
        """A killed worker does not end."""
        self._parents.stuck(worker)

    def plugin_changed(self, status: PluginStatus) -> None:
        """Pass it on."""
        if not self._is_stopping:
            self._tell(lambda: self._listener.plugin_changed(status))

    def plugin_notice(self, notice: Notice) -> None:
        """Pass it on."""
        if not self._is_stopping:
            self._tell(lambda: self._listener.plugin_notice(notice))

    def plugin_gone(self, runtime: PluginRuntime) -> None:
        """A removed plugin has no worker left."""
        self._leaving.discard(runtime)
        if not self._leaving:
            self._all_gone.set()

    def _tell(self, tell: Callable[[], T]) -> T | None:
        try:
            return tell()
        except Exception:  # noqa: BLE001  # the listener's fault must not stop what is under way here
            _log.exception("a listener of plugins failed")
            return None

"""All facts of this host: collected side by side, with time limits, kept for a while, faults apart from facts."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from matahari.errors import MatahariError
from matahari.hooks import FACTS, Extensions, Implementation, JsonValue, Threads, run_guarded

from .builtin import BUILTIN
from .directory import Source, find_sources
from .executable import EXECUTABLE_TIMEOUT
from .flatten import flatten

__all__ = ["FACTS_AGE", "FactFault", "FactSnapshot", "Facts"]

FACTS_AGE: Final = 60.0
"""Seconds for which facts are good. Programs are run to get them; descriptions seldom change."""

SOURCE_TIMEOUT: Final = EXECUTABLE_TIMEOUT + 1.0  # a program's own limit comes first, because it kills the program
REFRESH_TIMEOUT: Final = 30.0  # seconds for all of them, with several slow ones in a row
AT_ONCE: Final = 4  # sources read at the same time: programs of facts must not be felt by the host's real work


@dataclass(frozen=True, slots=True)
class FactFault:
    """A source that gave no facts, or not all: its name and why."""

    source: str
    text: str


@dataclass(frozen=True, slots=True)
class FactSnapshot:
    """The facts at one moment.

    Attributes:
        facts: values by dotted name.
        sources: name of the source of each fact.
        faults: what is missing, by source.
        taken: monotonic seconds at which it was complete.
    """

    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[FactFault, ...] = ()
    taken: float = 0.0


class Facts:
    """The facts of this host: built in, then of ``directories``, then of extensions.

    Of two sources with the same fact the first one counts and the second has a fault: what a built-in fact says
    can be relied upon. A source that fails has no facts, not those of yesterday. Used from one event loop.

    Args:
        directories: ``facts.d`` directories; see :func:`~matahari.facts.directory.find_sources`.
        extensions: those whose ``facts`` hook is asked.
        builtin: the built-in groups; for tests.
        uid: whose files are taken beside root's, None for the user who runs this.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        directories: Iterable[Path] = (),
        extensions: Extensions | None = None,
        *,
        builtin: Mapping[str, Callable[[], Mapping[str, object]]] = BUILTIN,
        uid: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directories = tuple(directories)
        self._extensions = extensions
        self._builtin = builtin
        self._uid = os.geteuid() if uid is None else uid
        self._clock = clock
        self._threads = Threads()
        self._stop = threading.Event()
        self._refreshing: asyncio.Lock | None = None
        self._snapshot: FactSnapshot | None = None

    @property
    def latest(self) -> FactSnapshot | None:
        """What was collected last, however old; None before the first time. For those who cannot wait."""
        return self._snapshot

    async def collect(self, max_age: float = FACTS_AGE) -> FactSnapshot:
        """Facts that are at most ``max_age`` seconds old. Who asks meanwhile waits for the same collection."""
        if self._refreshing is None:
            self._refreshing = asyncio.Lock()
        asked = self._clock()
        async with self._refreshing:
            snapshot = self._snapshot
            # One that was completed after the question is new enough even for an age of 0.
            if snapshot is None or (snapshot.taken < asked and self._clock() - snapshot.taken > max_age):
                snapshot = self._snapshot = await self._collect()
            return snapshot

    def stop(self) -> None:
        """End fact programs that are running; nothing is collected from programs afterwards."""
        self._stop.set()

    async def _collect(self) -> FactSnapshot:
        faults: list[FactFault] = []
        sources = [Source(f"built-in {name}", read) for name, read in self._builtin.items()]
        for directory in self._directories:
            sources += await self._found(directory, faults)
        if self._extensions is not None:
            sources += [_extension(one) for one in self._extensions.implementations(FACTS.name)]
        answers: dict[int, dict[str, JsonValue] | FactFault] = {}
        at_once = asyncio.Semaphore(AT_ONCE)

        async def ask(number: int, source: Source) -> None:
            async with at_once:
                answers[number] = await self._read(source)

        try:
            async with asyncio.timeout(REFRESH_TIMEOUT), asyncio.TaskGroup() as tasks:
                for number, source in enumerate(sources):
                    tasks.create_task(ask(number, source))
        except TimeoutError:
            pass  # those that are missing are told below
        facts: dict[str, JsonValue] = {}
        origins: dict[str, str] = {}
        for number, source in enumerate(sources):
            late = FactFault(source.name, f"its turn did not come within {REFRESH_TIMEOUT:g} s")
            answer = answers.get(number, late)
            if isinstance(answer, FactFault):
                faults.append(answer)
                continue
            taken = [name for name in answer if name in facts]
            for name in answer:
                if name not in facts:
                    facts[name], origins[name] = answer[name], source.name
            faults += [FactFault(source.name, f"{name}: {origins[name]} has this fact already") for name in taken]
        return FactSnapshot(facts, origins, tuple(faults), self._clock())

    async def _found(self, directory: Path, faults: list[FactFault]) -> list[Source]:
        try:
            return await self._threads.run(
                lambda: find_sources(directory, self._uid, self._stop), timeout=SOURCE_TIMEOUT
            )
        except (MatahariError, TimeoutError) as error:
            faults.append(FactFault(str(directory), str(error)))
            return []

    async def _read(self, source: Source) -> dict[str, JsonValue] | FactFault:
        try:
            return await self._threads.run(lambda: flatten(source.read()), timeout=SOURCE_TIMEOUT)
        except (MatahariError, TimeoutError) as error:
            # The name of the file stands in front of it already.
            return FactFault(source.name, str(error).removeprefix(f"{source.name}: "))
        # built-in facts ask the system in many ways; one that is not as expected takes only its group away
        except Exception as error:  # noqa: BLE001 - see above
            return FactFault(source.name, f"{type(error).__name__}: {error}")


def _extension(one: Implementation) -> Source:
    def read() -> Mapping[str, object]:
        def ask() -> Mapping[str, object]:
            value = one.function()
            return {} if value is None else FACTS.read(value)

        return run_guarded(FACTS.name, one.provider, ask)

    return Source(f"extension {one.provider}", read)

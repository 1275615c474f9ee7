"""What lies in the directories, always up to date: watches, waits for saves to be complete, looks, tells changes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from matahari.net import TaskKeeper

from .languages import PYTHON, Language
from .names import NAME_RULE
from .scan import Changes, Found, Listing, Scanner, compare
from .settling import PATIENCE_NS, Debounce
from .watcher import DirectoryWatcher

__all__ = ["Catalogue"]

_log = logging.getLogger(__name__)

#: How often the directories themselves are checked (missing, replaced), in seconds; with inotify, and without.
_CHECK: Final = 1.0
_POLL: Final = 0.5
#: How often everything is looked at although nothing was heard, in seconds: targets of links, lost events.
_SAFETY: Final = 10.0
#: Longest wait before looking again at what was not settled, in seconds; each look doubles it.
_LONGEST_AGAIN: Final = 0.25
#: Longest time to look again and again on request, in seconds: an open or empty file has counted as it is before.
_SETTLED: Final = 2 * PATIENCE_NS / 1e9


class Catalogue:
    """Keeps a listing of ``directories`` and tells what changed.

    Args:
        directories: plugins directories.
        apply: called on the event loop with each set of changes.
        languages: of plugins, see :class:`Scanner`.
        uid: whose plugins are loaded, see there.
    """

    def __init__(
        self,
        directories: Sequence[Path],
        apply: Callable[[Changes], None],
        languages: Sequence[Language] = (PYTHON,),
        *,
        uid: int | None = None,
    ) -> None:
        self._directories = tuple(Path(directory).absolute() for directory in directories)
        self._apply = apply
        self._languages = tuple(languages)
        self._scanner = Scanner(self._directories, languages, uid=uid)
        self._debounce = Debounce()
        self._watcher: DirectoryWatcher | None = None
        self._wake = asyncio.Event()
        self._looking = asyncio.Lock()
        self._again = 0.0
        self._told: Mapping[str, Found] = {}
        self._warned: frozenset[Path] = frozenset()
        self._refused: frozenset[str] = frozenset()
        self.listing = Listing({})

    async def start(self, tasks: TaskKeeper) -> None:
        """Watch, look once, and go on in a task of ``tasks``."""
        watcher = DirectoryWatcher(self._directories, self._notice)
        self._watcher = watcher
        # Watch first: what is saved between the look and the watch would be missed.
        await asyncio.to_thread(watcher.check)
        # Files saved just before the start are part of the first look, so that "started" means all of them.
        await self.look_closely()
        tasks.start(self._run(watcher), name="plugins directories")

    async def stop(self) -> None:
        """Hear nothing more. The task is ended by its keeper."""
        if self._watcher is not None:
            await asyncio.to_thread(self._watcher.stop)

    async def look(self) -> None:
        """Look now, and tell what changed."""
        async with self._looking:
            open_paths = self._debounce.look(time.monotonic())
            listing = await asyncio.to_thread(self._scanner.scan, time.time_ns(), open_paths)
            self.listing = listing
            if listing.look_again is not None:
                self._again = min(_LONGEST_AGAIN, max(listing.look_again, 2 * self._again))
                self._debounce.ask(time.monotonic() + self._again)
                self._wake.set()
            else:
                self._again = 0.0
            self._warn(listing)
            changes = compare(self._told, listing.plugins)
            self._told = listing.plugins
            if changes.changed or changes.removed:
                self._apply(changes)

    async def look_closely(self, name: str | None = None) -> None:
        """Look until what was saved before this moment is known: a file must have rested before it is read.

        One that does not come to rest is left for later.

        Args:
            name: the plugin that matters; without it, all of them.
        """
        patience = time.monotonic() + _SETTLED
        await self.look()
        while (again := self.listing.look_again) is not None and time.monotonic() < patience:
            if name is not None and name not in self.listing.unsettled:
                return
            await asyncio.sleep(again)
            await self.look()

    def _notice(self, path: str, kind: str) -> None:
        self._debounce.note(path, kind, time.monotonic())
        self._wake.set()

    async def _run(self, watcher: DirectoryWatcher) -> None:
        loop = asyncio.get_running_loop()
        next_check = next_safety = 0.0
        while True:
            now = time.monotonic()
            due = self._debounce.next_deadline()
            if now >= next_check:
                next_check = now + (_CHECK if watcher.is_complete else _POLL)
                if await asyncio.to_thread(watcher.check) or not watcher.is_complete:
                    due = now
            if now >= next_safety:
                next_safety = now + _SAFETY
                due = now
            if due is not None and due <= now:
                await self.look()
                continue
            # One timer for whatever comes first; events set the same flag.
            until = min(next_check, next_safety, next_check if due is None else due)
            timer = loop.call_later(until - now, self._wake.set)
            await self._wake.wait()
            timer.cancel()
            self._wake.clear()

    def _warn(self, listing: Listing) -> None:
        strange = frozenset((*listing.misnamed, *listing.shadowed, *listing.headless))
        for path in sorted(strange - self._warned):
            if path in listing.misnamed:
                _log.warning("%s is not loaded: %s", path, NAME_RULE)
            elif path in listing.headless:
                mains = " or ".join(each.main_file for each in self._languages if each.main_file)
                _log.info("%s is not loaded: a folder is a plugin when it has the file %s", path, mains)
            else:
                first = listing.plugins.get(path.stem)
                where = "another plugin" if first is None else first.content.path
                _log.warning("%s is not loaded: %s has this name, and comes first", path, where)
        self._warned = strange
        for text in sorted(set(listing.refused) - self._refused):
            _log.warning("plugins are not loaded, for others can run code through them: %s", text)
        self._refused = frozenset(listing.refused)

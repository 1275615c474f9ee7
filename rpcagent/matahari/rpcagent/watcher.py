"""Hears of changes in the plugins directories: by inotify, and by looking now and then where that is not to be had."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from .names import touches_plugins

__all__ = ["DirectoryWatcher"]

_log = logging.getLogger(__name__)

#: Events between two turns of the event loop; what is more is lost, and the look that follows finds all the same.
_MAX_EVENTS: Final = 4096
#: Reading a plugin opens and closes it: those events would call for the next look, and so on.
_EVENTS: Final[list[type[FileSystemEvent]]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


@dataclass(slots=True)
class _Watched:
    """One directory: ``identity`` (device, inode) and ``root`` (without links) say which one the watch is for."""

    path: Path
    root: str = ""
    identity: tuple[int, int] | None = None
    watch: ObservedWatch | None = None
    is_polled: bool = False
    was_missed: bool = False


class _Handler(FileSystemEventHandler):
    def __init__(self, take: Callable[[FileSystemEvent], None]) -> None:
        self._take = take

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._take(event)


class DirectoryWatcher:
    """Watches ``directories``, which need not exist yet.

    Args:
        directories: the directories.
        notice: called on the event loop with path and kind (``modified``, ``created``, ``closed``, ``moved``,
            ``deleted``) of each change that can matter.
    """

    def __init__(self, directories: Sequence[Path], notice: Callable[[str, str], None]) -> None:
        self._watched = [_Watched(Path(directory)) for directory in directories]
        self._notice = notice
        self._loop = asyncio.get_running_loop()
        self._observer: BaseObserver | None = None
        self._events: deque[tuple[str, str]] = deque(maxlen=_MAX_EVENTS)
        self._checking = threading.Lock()
        self._is_woken = False
        self._is_stopped = False

    @property
    def is_complete(self) -> bool:
        """Whether every directory is watched; if not, ``check`` and a look are needed more often."""
        return all(each.watch is not None for each in self._watched)

    def check(self) -> bool:
        """See to it that every directory that exists is watched, also one that was replaced.

        Blocks for as long as the file system does: to be run in a thread.

        Returns:
            Whether anything changed, so that a look is due.
        """
        with self._checking:
            return not self._is_stopped and self._check()

    def _check(self) -> bool:
        is_changed = False
        for each in self._watched:
            identity = _identity(each.path)
            if identity is None and not each.was_missed:
                each.was_missed = True
                _log.warning("the plugins directory %s does not exist; it is used as soon as it does", each.path)
            if identity == each.identity and not self._is_lost(each):
                continue
            is_changed = True
            self._unwatch(each)
            each.identity = identity
            if identity is not None:
                each.was_missed = False
                self._watch(each)
        return is_changed

    def stop(self) -> None:
        """Stop watching. Blocks until the watching threads have ended: to be run in a thread."""
        with self._checking:
            self._is_stopped = True
            if self._observer is not None:
                self._observer.stop()
                self._observer.join()
                self._observer = None

    def _watch(self, each: _Watched) -> None:
        try:
            if self._observer is None:
                observer = Observer()
                observer.start()
                self._observer = observer
            each.root = os.path.realpath(each.path)
            each.watch = self._observer.schedule(_Handler(self._take), each.root, recursive=True, event_filter=_EVENTS)
        except OSError as error:
            if not each.is_polled:
                each.is_polled = True
                _log.warning("%s cannot be watched (%s); it is looked at twice a second instead", each.path, error)
        else:
            each.is_polled = False

    def _is_lost(self, each: _Watched) -> bool:
        """Whether the watch went with its directory: one made anew at once often has the number of the old one."""
        if each.watch is None or self._observer is None:
            return False
        emitters = [emitter for emitter in self._observer.emitters if emitter.watch == each.watch]
        return not any(emitter.should_keep_running() for emitter in emitters)

    def _unwatch(self, each: _Watched) -> None:
        if each.watch is not None and self._observer is not None:
            try:
                self._observer.unschedule(each.watch)
            except (KeyError, OSError) as error:
                _log.debug("unwatching %s: %s", each.path, error)  # the directory took its watch along
            each.watch = None

    def _take(self, event: FileSystemEvent) -> None:
        """Take an event, in a thread of the observer."""
        for raw in {event.src_path, event.dest_path} - {"", b""}:
            path = self._as_configured(os.fsdecode(raw))
            if path is not None:
                self._events.append((path, event.event_type))
        if self._events and not self._is_woken and not self._is_stopped:
            self._is_woken = True
            try:
                self._loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:
                self._is_stopped = True  # the loop has been closed

    def _as_configured(self, path: str) -> str | None:
        """Give the path below the directory as it was named to us, or None when the change cannot matter."""
        for each in self._watched:
            if path == each.root:
                return str(each.path)
            if path.startswith(each.root + os.sep):
                inner = path[len(each.root) + 1 :]
                return str(each.path / inner) if touches_plugins(inner.split(os.sep)) else None
        return None

    def _deliver(self) -> None:
        # First the mark, then the events: one that comes in between asks for a further turn.
        self._is_woken = False
        while self._events:
            self._notice(*self._events.popleft())


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino

"""What lies in the plugins directories: one look, and what changed since the last.

:class:`Scanner` reads the disk and remembers what it read, so that a look at unchanged plugins costs only ``stat``
calls. :func:`compare` is pure.
"""

from __future__ import annotations

import base64
import errno
import itertools
import os
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from matahari.errors import ConfigError
from matahari.hooks import require_unshared
from matahari.hostproto import SINGLE_FILE, content_digest
from matahari.pluginhost import MAX_SOURCE, seems_typed, source_files

from .languages import PYTHON, Language
from .limits import Options
from .names import Kind, classify, is_noise
from .options import MAX_OPTIONS, find_options, read_options
from .orders import Content
from .owning import PlaceFaults, folder_fault, place_faults
from .records import LoadFailure
from .settling import PATIENCE_NS, QUIET_NS, Stamp, is_settled, is_trusted

__all__ = ["Changes", "Found", "Listing", "Scanner", "compare", "plugin_faults"]

#: Contents up to this many bytes travel in the load message, so that what is loaded is what was looked at, and an
#: older version can be started again. Larger plugins are read by the worker. Base64 adds a third.
MAX_CARRIED: Final = 700 * 1024
#: A plugin that is missing is only gone when it still is after this long, in nanoseconds: some editors save by
#: deleting and writing anew.
REMOVAL_GRACE_NS: Final = 100_000_000
#: When to look again at what was not settled, in seconds.
_LOOK_AGAIN: Final = QUIET_NS / 1e9 + 0.002
#: Entries of a folder that is no plugin which are looked at for sources; it is done again and again.
_MAX_LOOKED_AT: Final = 200


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin on disk."""

    name: str
    content: Content
    stamps: Mapping[str, Stamp]
    read_ns: int
    missing_since_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything at one moment.

    Attributes:
        plugins: name -> plugin.
        misnamed: paths whose name is not one for a plugin, sorted.
        shadowed: paths that are not loaded because of another of the same name, sorted.
        headless: folders with files of a language, but not the one that makes them a plugin, sorted.
        look_again: seconds until something should be looked at once more, or None.
        unsettled: names of the plugins that it is for.
        refused: why nothing of a directory is loaded, or no single file of it, sorted.
    """

    plugins: Mapping[str, Found]
    misnamed: tuple[Path, ...] = ()
    shadowed: tuple[Path, ...] = ()
    look_again: float | None = None
    unsettled: frozenset[str] = frozenset()
    refused: tuple[str, ...] = ()
    headless: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different: new or changed plugins in the order of their names, and names of those that are gone."""

    changed: tuple[Found, ...]
    removed: tuple[str, ...]


def compare(before: Mapping[str, Found], after: Mapping[str, Found]) -> Changes:
    """Say what changed between two looks. Times do not count, contents and paths do."""
    changed = [found for name, found in after.items() if name not in before or _differs(before[name], found)]
    removed = [name for name in before if name not in after]
    return Changes(tuple(sorted(changed, key=lambda found: found.name)), tuple(sorted(removed)))


def _differs(before: Found, after: Found) -> bool:
    old, new = before.content, after.content
    before_all = (old.digest, old.path, old.fault, old.options.digest)
    return before_all != (new.digest, new.path, new.fault, new.options.digest)


def plugin_faults(directory: Path) -> list[str]:
    """Why an agent of this process's user would not read plugins of a directory, in words, sorted."""
    later = time.time_ns() + 2 * PATIENCE_NS  # what was saved just now counts as it is
    listing = Scanner((directory,), uid=os.geteuid()).scan(later)
    faults = [found.content.fault for found in listing.plugins.values()]
    return sorted({*listing.refused, *(fault.text for fault in faults if fault is not None)})


class Scanner:
    """Looks at ``directories``. Not for two threads at once.

    When a name occurs twice, the earlier directory wins; in one directory, a folder before a file, then the earlier
    language, then the name of the file.

    Args:
        directories: plugins directories; they need not exist.
        languages: of plugins; their suffixes differ.
        uid: what others than root and this user can change is not loaded; None takes everything.
    """

    def __init__(
        self, directories: Sequence[Path], languages: Sequence[Language] = (PYTHON,), *, uid: int | None = None
    ) -> None:
        self._directories = tuple(directories)
        self._uid = uid
        self._refused: dict[Path, PlaceFaults] = {}
        self._languages = {language.name: language for language in languages}
        self._ranks = {language.name: rank for rank, language in enumerate(languages)}
        self._known: dict[str, Found] = {}

    def scan(self, now_ns: int, open_paths: Iterable[str] = ()) -> Listing:
        """Look once.

        Args:
            now_ns: time of day.
            open_paths: files that are being written to.
        """
        candidates, misnamed, shadowed, headless = self._candidates()
        opened = frozenset(open_paths)
        plugins: dict[str, Found] = {}
        unsettled: set[str] = set()
        for name, (path, language) in candidates.items():
            found, is_complete = self._look_at(name, path, language, now_ns, opened)
            if not is_complete:
                unsettled.add(name)
            if found is not None:
                plugins[name] = found
        for name, known in self._known.items():
            if name not in plugins and name not in candidates:
                since = known.missing_since_ns or now_ns
                if 0 <= now_ns - since < REMOVAL_GRACE_NS:
                    plugins[name] = replace(known, missing_since_ns=since)
                    unsettled.add(name)
        self._known = plugins
        look_again = _LOOK_AGAIN if unsettled else None
        listed = dict(sorted(plugins.items()))
        refused = sorted(str(each.files) for each in self._refused.values() if each.files is not None)
        strange = tuple(misnamed), tuple(shadowed)
        return Listing(listed, *strange, look_again, frozenset(unsettled), tuple(refused), tuple(headless))

    def _candidates(self) -> tuple[dict[str, tuple[Path, str]], list[Path], list[Path], list[Path]]:
        candidates: dict[str, tuple[Path, str]] = {}
        misnamed: list[Path] = []
        shadowed: list[Path] = []
        headless: list[Path] = []
        self._refused.clear()
        for directory in self._directories:
            try:
                with os.scandir(directory) as found:
                    entries = list(found)
                if self._uid is not None:
                    self._refused[directory] = place_faults(directory, entries, self._uid)
                ordered = sorted(filter(None, map(self._candidate, entries)))
            except OSError:
                continue  # it does not exist (yet), which is no fault; the watcher says so
            for _, _, path, kind, name, language in ordered:
                if kind == "misnamed":
                    misnamed.append(Path(path))
                elif kind == "headless":
                    headless.append(Path(path))
                elif name in candidates:
                    shadowed.append(Path(path))
                else:
                    candidates[name] = (Path(path), language)
        return candidates, sorted(misnamed), sorted(shadowed), sorted(headless)

    def _candidate(self, entry: os.DirEntry[str]) -> tuple[bool, int, str, Kind, str, str] | None:
        """Path, kind, name and language of an entry, behind what it is sorted by; None when it is no plugin."""
        is_folder = _is_folder(entry)
        folder = self._folder_language(entry.path) if is_folder else PYTHON.name
        if not folder:
            return (False, 0, entry.path, "headless", "", "") if self._is_headless(entry) else None
        languages = tuple(self._languages.values())
        kind, name, language = classify(entry.name, is_folder=is_folder, folder=folder, languages=languages)
        if kind == "other":
            return None
        # A folder comes before a file of the same name, as in Python's own imports.
        return not is_folder, self._ranks.get(language, 0), entry.path, kind, name, language

    def _is_headless(self, entry: os.DirEntry[str]) -> bool:
        """Whether somebody may take a folder for a plugin that has no main file: it has sources."""
        if is_noise(entry.name) or entry.name.startswith("_"):
            return False
        suffixes = tuple(suffix for each in self._languages.values() for suffix in each.suffixes)
        try:
            with os.scandir(entry.path) as inner:
                return any(one.name.endswith(suffixes) for one in itertools.islice(inner, _MAX_LOOKED_AT))
        except OSError:
            return False

    def _folder_language(self, path: str) -> str:
        """The first language whose main file a folder has, empty when there is none."""
        for each in self._languages.values():
            if each.main_file and os.path.exists(os.path.join(path, each.main_file)):
                return each.name
        return ""

    def _look_at(
        self, name: str, path: Path, language: str, now_ns: int, opened: frozenset[str]
    ) -> tuple[Found | None, bool]:
        """Give the plugin, and whether this look was enough. What is not complete stays as it was known."""
        known = self._known.get(name)
        suffixes = self._languages[language].suffixes
        try:
            options = find_options(path)
            stamps = _stamps(path, options, suffixes)
        except FileNotFoundError as error:
            if path.is_symlink():
                return _faulty(name, path, language, error, now_ns), True
            return known, False
        except (OSError, ValueError) as error:
            return _faulty(name, path, language, error, now_ns), True
        refusal = self._refusal(path, stamps)
        if refusal is not None:
            return _faulty(name, path, language, refusal, now_ns), True
        if known is not None and known.content.path == str(path) and known.stamps == stamps:
            newest = max(stamps.values(), key=lambda stamp: stamp.changed_ns)
            if is_trusted(newest, read_ns=known.read_ns):
                return replace(known, missing_since_ns=None) if known.missing_since_ns else known, True
        for inner, stamp in stamps.items():
            if not is_settled(stamp, is_open=str(path / inner) in opened, now_ns=now_ns):
                return known, False
        try:
            files = {inner: _read(path / inner, self._uid) for inner in stamps}
            is_same = _stamps(path, find_options(path), suffixes) == stamps
        except FileNotFoundError:
            return known, False
        except (OSError, ValueError, ConfigError) as error:
            return _faulty(name, path, language, error, now_ns), True
        if not is_same:
            return known, False
        own = None if options is None else files.pop(str(options))
        return Found(name, _content(path, language, files, options, own), stamps, now_ns), True

    def _refusal(self, path: Path, stamps: Mapping[str, Stamp]) -> ConfigError | None:
        """Why others can change the place of a plugin. Its files are looked at once more where they are read."""
        place = self._refused.get(path.parent)
        if self._uid is None or place is None:
            return None
        if SINGLE_FILE in stamps:
            return place.files
        try:
            return place.all or folder_fault(path, [inner for inner in stamps if not os.path.isabs(inner)], self._uid)
        except OSError:
            return None  # it has gone since, which is found where it is read


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _stamps(path: Path, options: Path | None, suffixes: tuple[str, ...]) -> dict[str, Stamp]:
    """Stamps by the path within the plugin; of the options by their whole path, which no module has."""
    names = source_files(path, suffixes) if path.is_dir() else [SINGLE_FILE]
    stamps: dict[str, Stamp] = {}
    size = 0
    for name in names:
        facts = _regular(path / name)
        size += facts.st_size
        if size > MAX_SOURCE:
            raise ValueError(f"more than {MAX_SOURCE} bytes of source")
        stamps[name] = _stamp(facts)
    if options is not None:
        if options.is_symlink() and not options.exists():
            raise ValueError(f"{options.name} is a link to nothing")
        facts = _regular(options)
        if facts.st_size > MAX_OPTIONS:
            raise ValueError(f"{options.name} has more than {MAX_OPTIONS} bytes")
        stamps[str(options)] = _stamp(facts)
    return stamps


def _regular(file: Path) -> os.stat_result:
    facts = file.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise ValueError(f"{file.name} is not a regular file")
    return facts


def _read(file: Path, uid: int | None) -> bytes:
    """The content of a file that was a regular one a moment ago.

    Raises:
        ConfigError: others than root and user ``uid`` can change it.
        FileNotFoundError: it is gone, or something else is in its place, which is not read: a FIFO would block.
    """
    # Without O_NONBLOCK already the opening of a FIFO waits for a writer.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)  # open() would refuse a directory, and leave it open
        raise FileNotFoundError(errno.ENOENT, "it was replaced while it was looked at", str(file))
    with open(descriptor, "rb") as opened:
        if uid is not None:
            require_unshared(os.fstat(descriptor), file, uid)
        return opened.read(MAX_SOURCE + 1)


def _stamp(facts: os.stat_result) -> Stamp:
    return Stamp(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def _content(
    path: Path, language: str, files: Mapping[str, bytes], options: Path | None, data: bytes | None
) -> Content:
    is_small = sum(map(len, files.values())) <= MAX_CARRIED
    carried = {name: base64.b64encode(data).decode("ascii") for name, data in files.items()} if is_small else None
    own, fault = Options(), None
    if options is not None and data is not None:
        try:
            own = read_options(data, str(options))
        except ConfigError as error:
            # The digest makes the next state of the file a change, also when its fault reads the same.
            own = Options(content_digest({SINGLE_FILE: data}))
            fault = LoadFailure("ConfigError", str(error), str(options))
    is_typed = language == PYTHON.name and seems_typed(files.values())
    return Content(str(path), language, content_digest(files), carried, fault, own, is_typed)


def _faulty(name: str, path: Path, language: str, error: Exception, now_ns: int) -> Found:
    if isinstance(error, ConfigError):
        fault = LoadFailure("ConfigError", str(error), error.file)
    else:
        text = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        fault = LoadFailure(type(error).__name__, f"{path} cannot be read: {text}", str(path))
    return Found(name, Content(str(path), language, "", None, fault), {}, now_ns)

"""The lines that were typed, with the mode that each was typed in, in memory and in a file.

The file has an entry for each line: a comment with the time and the mode, and the line behind ``+``. Shells that run at
the same time append to the same file; each knows the lines of the others from its next start.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from matahari.shell.base.ports import ObjectsLike
from matahari.shell.display.render import printable
from matahari.shell.verbs.sensitive import SensitiveMethods

__all__ = ["Entry", "LineHistory", "history_path"]

MAX_BYTES: Final = 1024 * 1024  # about 20,000 commands; the older half goes when the file is longer
MAX_ENTRIES: Final = 20_000  # in memory, what a full file holds
MAX_CHARACTERS: Final = 2 * MAX_BYTES  # in memory, modes included: a full file and as much again that is typed
MAX_LINE: Final = 16_384  # characters of a line that is remembered, the longest filter; more was pasted, not typed


@dataclass(frozen=True, slots=True)
class Entry:
    """A line that was typed.

    Attributes:
        text: the line; may have line breaks when an older shell wrote it.
        context: the mode it was typed in, see :attr:`Selection.context`; empty when that is not known.
        shown: the line for lists; without its secrets where it has some, which then is in memory only.
    """

    text: str
    context: str
    shown: str

    @property
    def size(self) -> int:
        """Characters of it in memory."""
        return len(self.text) + len(self.context) + (0 if self.shown is self.text else len(self.shown))


class LineHistory:
    """The history of one shell. One thread uses it.

    Attributes:
        sensitive: which methods take secrets.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Take where it is kept; in memory only without a path, or when the file cannot be had."""
        self._path = path
        self._entries: deque[Entry] | None = None
        self._characters = 0
        self.sensitive = SensitiveMethods()

    @property
    def entries(self) -> Sequence[Entry]:
        """All entries, the oldest first."""
        if self._entries is None:
            self._entries = deque()
            for entry in self._load():
                self._keep(entry)
        return self._entries

    def _keep(self, entry: Entry) -> None:
        """Remember one more; the oldest are forgotten for it."""
        assert self._entries is not None
        self._entries.append(entry)
        self._characters += entry.size
        while len(self._entries) > MAX_ENTRIES or self._characters > MAX_CHARACTERS:
            self._characters -= self._entries.popleft().size

    def meet(self, objects: ObjectsLike) -> None:
        """Learn which methods of selected objects take secrets."""
        self.sensitive.meet(objects)

    def add(self, text: str, context: str, *, is_blind: bool = False) -> None:
        """Remember a line, but for an empty one, one as the last one, and an endless one.

        A line with arguments that a method declares sensitive does not get into the file.

        Args:
            is_blind: no class is selected: the arguments of a call may be anything, and stay out of the file as well.
        """
        entries = self.entries
        context = printable(context).replace("\n", " ")
        text = text.lstrip() if text.rstrip().endswith("\\") else text.strip()  # an escaped blank is no margin
        if not text or len(text) > MAX_LINE or (entries and entries[-1].text == text):
            return
        masked = self.sensitive.masked(text, known=() if is_blind else None)
        self._keep(Entry(text, context, text if masked is None else masked))
        if masked is None:
            lines = "".join(f"+{line}\n" for line in text.split("\n"))
            self._append(f"\n# {datetime.now()} {context}\n{lines}")

    def offered(self, context: str) -> Iterator[str]:
        """Each line once: those of this mode, those of its class with or without hosts, and all others; latest first."""
        class_part = context[context.find("[") :] if "[" in context else ""
        ranked: tuple[dict[str, None], dict[str, None], dict[str, None]] = ({}, {}, {})
        for entry in reversed(self.entries):
            if entry.context == context:
                rank = 0
            else:
                rank = 1 if class_part and entry.context.endswith(class_part) else 2
            ranked[rank].setdefault(entry.text)
        seen: set[str] = set()
        for lines in ranked:
            for text in lines:
                if text not in seen:
                    seen.add(text)
                    yield text

    def clear(self) -> None:
        """Forget all lines, in the file too.

        Raises:
            OSError: the file cannot be emptied; the lines in memory are forgotten all the same.
        """
        self._entries, self._characters = deque(), 0
        if self._path is not None:
            os.truncate(self._path, 0)

    def _load(self) -> list[Entry]:
        if self._path is None:
            return []
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "r+b") as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode):
                    # A link to /dev/null: nothing is to be kept, and the mode of a device is the system's.
                    self._path = None
                    return []
                os.fchmod(file.fileno(), 0o600)
                _trim(self._path, found.st_size)
                # Of one that could not be shortened no more than memory may hold.
                text = _tail(self._path, MAX_CHARACTERS).decode("utf-8", "replace")
        except OSError:
            self._path = None
            return []
        return [entry for entry in _parsed(text) if len(entry.text) <= MAX_LINE]

    def _append(self, text: str) -> None:
        if self._path is None:
            return
        try:
            # In one piece, which other shells do not tear apart.
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, text.encode("utf-8", "replace"))
            finally:
                os.close(descriptor)
        except OSError:
            self._path = None  # a full disk must not end the shell, nor is each line worth a complaint


def history_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the history is kept: below ``$XDG_STATE_HOME``, which must be absolute, else ``~/.local/state``."""
    state = environment.get("XDG_STATE_HOME", "")
    base = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return base / "matahari" / "mhsh_history"


def _trim(path: Path, size: int) -> None:
    if size <= MAX_BYTES:
        return
    kept = _tail(path, MAX_BYTES // 2)
    target = os.path.realpath(path)
    new = f"{target}.{os.getpid()}"
    # Beside it, so that a full disk or a kill costs no lines. What other shells write meanwhile is lost.
    with contextlib.suppress(OSError):  # then it stays long
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(kept)
            os.replace(new, target)
        except OSError:
            os.unlink(new)
            raise


def _tail(path: Path, limit: int) -> bytes:
    """Whole entries at the end of the file."""
    with path.open("rb") as file:
        start = max(0, os.fstat(file.fileno()).st_size - limit)
        file.seek(start)
        found = file.read(limit)
    # An entry begins with its time as a comment.
    return found[found.find(b"\n#") + 1 :] if start else found


def _parsed(text: str) -> Iterator[Entry]:
    context = ""
    lines: list[str] = []
    for line in [*text.split("\n"), ""]:
        if line.startswith("+"):
            lines.append(line[1:])
            continue
        if lines:
            typed = "\n".join(lines)
            yield Entry(typed, context, typed)
            lines, context = [], ""
        if line.startswith("# "):
            context = "".join(line.split(" ", 3)[3:])  # behind date and time; an older shell wrote none

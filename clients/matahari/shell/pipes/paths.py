"""Names of files for completion. A directory that does not answer, as on a lost network mount, is not waited for.

Imported when a path is completed.
"""

from __future__ import annotations

import os
import threading
from itertools import islice
from typing import Final

from matahari.shell.syntax.lines import quote

__all__ = ["MAX_OFFERED", "complete_path"]

TIMEOUT: Final = 0.5  # seconds; a person waits for the cursor
MAX_LOOKED: Final = 10_000  # entries of a directory; more take longer than the time limit
MAX_OFFERED: Final = 200  # names; nobody reads more

_looking = threading.Lock()  # held by a thread that looks: a second one behind a lost mount would hang as well


def complete_path(fragment: str) -> list[str]:
    """Files, each with a final blank, and directories with a slash, of which the path begins so.

    Hidden ones are offered when their dot is typed. ``~`` at the beginning is the home directory, as in the path itself.
    """
    found: list[str] = []

    def look() -> None:
        try:
            found.extend(_looked(fragment))
        finally:
            _looking.release()

    if not _looking.acquire(blocking=False):
        return []
    thread = threading.Thread(target=look, name="mhsh-paths", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no thread can be had now
        _looking.release()
        return []
    thread.join(TIMEOUT)
    return [] if thread.is_alive() else found


def _looked(fragment: str) -> list[str]:
    head, slash, begin = fragment.rpartition("/")
    if not slash and fragment == "~":
        return ["~/"]
    head += slash
    expanded = os.path.expanduser(head)
    offered: list[str] = []
    try:
        with os.scandir(expanded or ".") as entries:
            for entry in islice(entries, MAX_LOOKED):
                name = entry.name
                if not name.startswith(begin) or (name.startswith(".") and not begin.startswith(".")):
                    continue
                if not name.isprintable():
                    continue  # nobody could type it, and a terminal might obey it
                # What must be quoted would be no abbreviation of the home directory.
                whole = (head if quote(head + name) == head + name else expanded) + name
                offered.append(f"{whole}/" if entry.is_dir() else f"{whole} ")
    except (OSError, ValueError):
        return []  # no such directory, or it is not ours to read
    return sorted(offered)[:MAX_OFFERED]

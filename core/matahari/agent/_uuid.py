"""Reading and writing the files in which UUIDs are kept.

Every reader returns None for "there is none", whatever the reason: a file's error message must never
become an identity.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from pathlib import Path

__all__ = ["cloud_instance_id", "first_line", "machine_id", "smbios_uuid", "write_atomically"]

LIMIT_BYTES = 4096
"""Most that is read of such a file; a UUID has 36 characters, a path set wrongly may lead anywhere."""

_MACHINE_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def first_line(path: Path) -> str | None:
    """First line of a file without surrounding blanks, None when it is empty or cannot be read as text."""
    try:
        # Not a pipe or a device: opening one could block the agent for ever.
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            content = stream.read(LIMIT_BYTES)
        text = content.decode().partition("\n")[0].strip(" \t\r\0")
    except (OSError, UnicodeDecodeError):
        return None
    return text if text and text.isprintable() else None


def machine_id(path: Path) -> str | None:
    """The id in a machine-id file; None also for ``uninitialized``, which systemd writes before the first boot.

    Source: machine-id(5)
    """
    text = first_line(path)
    return text if text and _MACHINE_ID.fullmatch(text) else None


def smbios_uuid(path: Path) -> str | None:
    """The UUID of the system board; all zeros and all ones mean that the maker did not set it.

    Source: SMBIOS specification, System Information (type 1), UUID
    """
    text = first_line(path)
    if text is None or not _MACHINE_ID.fullmatch(text):
        return None
    digits = set(text.lower()) - {"-"}
    return None if digits in ({"0"}, {"f"}) else text


def cloud_instance_id(path: Path) -> str | None:
    """The instance id that cloud-init has stored; None when it found no cloud."""
    text = first_line(path)
    return None if text is None or text.startswith("iid-datasource-none") else text


def write_atomically(path: Path, text: str) -> None:
    """Replace the contents of ``path`` so that after a crash it holds the old or the new line, never half of one.

    Raises:
        OSError: it cannot be written; the old contents remain.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(f"{text}\n" if text else "")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    # The rename itself must reach the disk too.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

"""The digest of a plugin's content, the same in agent and hosts (PROTOCOL.md section 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

__all__ = ["SINGLE_FILE", "content_digest"]

#: The path, within itself, of a plugin that is one file.
SINGLE_FILE: Final = ""


def content_digest(files: Mapping[str, bytes]) -> str:
    """Give ``sha256:…`` of a plugin's files.

    Args:
        files: path relative to the plugin, with ``/`` -> content; the one path ``""`` for a single file.
    """
    if set(files) == {SINGLE_FILE}:
        return f"sha256:{hashlib.sha256(files[SINGLE_FILE]).hexdigest()}"
    whole = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.encode("utf-8", "surrogateescape")):
        whole.update(path.encode("utf-8", "surrogateescape") + b"\0" + hashlib.sha256(files[path]).digest())
    return f"sha256:{whole.hexdigest()}"

"""Which directory entries are plugins, and which are rubbish that editors leave. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from matahari.hostproto import MAX_NAME

__all__ = ["LANGUAGES", "NAME_RULE", "RESERVED", "Kind", "classify", "is_noise", "touches_plugins"]

#: Suffix of a plugin that is one file -> language of its host.
LANGUAGES: Final = {".py": "python"}
#: Names of objects of the agent itself, which a plugin must not take.
RESERVED: Final = frozenset({"Plugins"})
NAME_RULE: Final = "a plugin's name has letters, digits and _ only, begins with a letter, and is not Plugins"

Kind: TypeAlias = Literal["plugin", "misnamed", "other"]

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_NOISE: Final = re.compile(
    r"\..*|.*~|#.*#|.*\.(?:sw[a-z]|tmp|temp|bak|orig|rej|part|pyc|pyo)|__pycache__|4913", re.DOTALL
)


def is_noise(name: str) -> bool:
    """Whether an entry is an editor's temporary file, hidden, or a cache: as if it were not there."""
    return _NOISE.fullmatch(name) is not None


def classify(entry: str, *, is_folder: bool) -> tuple[Kind, str, str]:
    """Say what a directory entry is.

    Args:
        entry: name of the entry, without the directory.
        is_folder: whether it is a folder (one with ``__init__.py``; others are no plugins).

    Returns:
        Kind, name of the plugin, language; the last two are empty when it is none. An entry that begins with ``_``
        is private to the plugins beside it.
    """
    if is_noise(entry) or entry.startswith("_"):
        return "other", "", ""
    name, language = entry, "python"
    if not is_folder:
        suffix = next((suffix for suffix in LANGUAGES if entry.endswith(suffix)), None)
        if suffix is None:
            return "other", "", ""
        name, language = entry.removesuffix(suffix), LANGUAGES[suffix]
    if _NAME.fullmatch(name) is None or len(name) > MAX_NAME or name in RESERVED:
        return "misnamed", "", ""
    return "plugin", name, language


def touches_plugins(parts: Iterable[str]) -> bool:
    """Whether a change of the path with these parts, below a plugins directory, can matter."""
    return not any(is_noise(part) for part in parts)

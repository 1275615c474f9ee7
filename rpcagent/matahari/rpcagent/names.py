"""Which directory entries are plugins, and which are rubbish that editors leave. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias

from matahari.hostproto import MAX_NAME

from .languages import PYTHON, Language

__all__ = ["NAME_RULE", "RESERVED", "Kind", "classify", "is_noise", "is_plugin_name", "name_fault", "touches_plugins"]

#: Names of objects of the agent itself, which a plugin must not take.
RESERVED: Final = frozenset({"Plugins"})
NAME_RULE: Final = (
    f"a plugin's name has letters, digits and _ only, begins with a letter, and is not {' or '.join(sorted(RESERVED))}"
)

Kind: TypeAlias = Literal["plugin", "misnamed", "headless", "other"]

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_NOISE: Final = re.compile(
    r"\..*|.*~|#.*#|.*\.(?:sw[a-z]|tmp|temp|bak|orig|rej|part|pyc|pyo)|__pycache__|4913", re.DOTALL
)


def is_noise(name: str) -> bool:
    """Whether an entry is an editor's temporary file, hidden, or a cache: as if it were not there."""
    return _NOISE.fullmatch(name) is not None


def is_plugin_name(name: str) -> bool:
    """Whether a plugin may be called so; ``NAME_RULE`` says it in words."""
    return not name_fault(name)


def name_fault(name: str) -> str:
    """Why no plugin may be called so, as the rest of a sentence that begins with the name; empty when one may."""
    if name in RESERVED:
        return "is the name of an object of the agent itself; take another"
    if len(name) > MAX_NAME:
        return f"is longer than {MAX_NAME} characters; take a shorter one"
    return "" if _NAME.fullmatch(name) is not None else f"is no name for a plugin: {NAME_RULE}"


def classify(
    entry: str, *, is_folder: bool, folder: str = PYTHON.name, languages: Sequence[Language] = (PYTHON,)
) -> tuple[Kind, str, str]:
    """Say what a directory entry is.

    Args:
        entry: name of the entry, without the directory.
        is_folder: whether it is a folder (one with the main file of a language; others are no plugins).
        folder: the language of a folder.
        languages: those that files may have.

    Returns:
        Kind, name of the plugin, language; the last two are empty when it is none. An entry that begins with ``_``
        is private to the plugins beside it.
    """
    if is_noise(entry) or entry.startswith("_"):
        return "other", "", ""
    name, language = entry, folder
    if not is_folder:
        found = [(each, suffix) for each in languages for suffix in each.suffixes if entry.endswith(suffix)]
        if not found:
            return "other", "", ""
        [(own, suffix)] = found  # a suffix has one dot, and one language
        name, language = entry.removesuffix(suffix), own.name
    if not is_plugin_name(name):
        return "misnamed", "", ""
    return "plugin", name, language


def touches_plugins(parts: Iterable[str]) -> bool:
    """Whether a change of the path with these parts, below a plugins directory, can matter."""
    return not any(is_noise(part) for part in parts)

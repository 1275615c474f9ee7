"""What a language backend must be, before anything is started with it. Pure."""

from __future__ import annotations

import re
from typing import Final

from .records import LanguageBackend

__all__ = ["check_backend"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9][A-Za-z0-9_+-]{0,31}", re.ASCII)
_OWN: Final = "python"
_TAKEN: Final = {".py": "is Python's", ".toml": "is for the limits and settings of plugins"}


def check_backend(backend: LanguageBackend) -> None:
    """Look at one backend.

    Raises:
        TypeError: a member is of another type than it should be.
        ValueError: a member has a value that cannot be.
    """
    for member in ("name", "reason", "main_file"):
        if not isinstance(getattr(backend, member), str):
            raise TypeError(f"returned a backend whose {member} is no text")
    if _NAME.fullmatch(backend.name) is None:
        raise ValueError(f"returned a backend with the name {backend.name!r}; use lower-case letters, digits and _")
    if backend.name == _OWN:
        raise ValueError(f"returned a backend with the name {_OWN}, which is built in")
    _check_texts(backend, "suffixes")
    _check_texts(backend, "command")
    _check_suffixes(backend)
    _check_command(backend)


def _check_texts(backend: LanguageBackend, member: str) -> None:
    values: object = getattr(backend, member)
    if not isinstance(values, tuple | list) or not all(isinstance(each, str) for each in values):
        raise TypeError(f"returned backend {backend.name}, whose {member} must be a list of texts")


def _check_suffixes(backend: LanguageBackend) -> None:
    if not backend.suffixes:
        raise ValueError(f"returned backend {backend.name} without a suffix")
    for suffix in backend.suffixes:
        if _SUFFIX.fullmatch(suffix) is None:
            raise ValueError(f"returned backend {backend.name} with the suffix {suffix!r}; write it as in '.rb'")
        if suffix in _TAKEN:
            raise ValueError(f"returned backend {backend.name} with the suffix {suffix}, which {_TAKEN[suffix]}")
    if len(set(backend.suffixes)) < len(backend.suffixes):
        raise ValueError(f"returned backend {backend.name} with a suffix twice")
    main = backend.main_file
    if main and (not main.endswith(tuple(backend.suffixes)) or "/" in main or main.startswith(".")):
        raise ValueError(
            f"returned backend {backend.name} with the main file {main!r}; it is a file name with a suffix of the backend"
        )


def _check_command(backend: LanguageBackend) -> None:
    if any("\0" in each for each in backend.command):
        raise ValueError(f"returned backend {backend.name} with a zero character in its command")
    if backend.reason:
        return
    if not backend.command or not backend.command[0]:
        raise ValueError(f"returned backend {backend.name} without a command and without a reason for that")
    program = backend.command[0]
    if "/" in program and not program.startswith("/"):
        # What a relative path means would depend on the directory in which the node was started.
        raise ValueError(
            f"returned backend {backend.name} with the program {program!r}; "
            "give an absolute path, or a name that is found in PATH"
        )

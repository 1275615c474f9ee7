"""Names that do not exist, and what may have been meant. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

__all__ = ["MAX_SHOWN", "close_names", "did_you_mean", "shown", "unknown_action"]

#: Most of a name or a value that an error text repeats, in characters.
MAX_SHOWN: Final = 200


def close_names(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Those of ``known`` that may have been meant with ``name``, the closest first; at most two."""
    return tuple(difflib.get_close_matches(name[:MAX_SHOWN], list(known), n=2))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give ``; did you mean 'x'?`` for names close to ``name``, else nothing."""
    close = close_names(name, known)
    return f"; did you mean {' or '.join(repr(each) for each in close)}?" if close else ""


def unknown_action(plugin: str, name: str, known: Iterable[str]) -> str:
    """The text for a method that the plugin has not."""
    return f"{plugin} has no method {shown(name)}{did_you_mean(name, known)}"


def shown(value: object) -> str:
    """A value as it is written in Python, a text in quotes; cut where it is too long for a message."""
    if isinstance(value, str):
        return repr(value) if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]!r}…"
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"

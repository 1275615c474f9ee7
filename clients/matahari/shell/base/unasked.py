"""What the shell asks the bus by itself, in the background: nobody wants to read what is logged about that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import logging  # most starts need none of it yet

__all__ = ["is_wanted", "unasked"]

_ERROR: Final = 40  # logging.ERROR

# Whatever is begun in a context, also on the console's thread, has a copy of it.
_IS_UNASKED: Final[ContextVar[bool]] = ContextVar("is_unasked", default=False)


@contextmanager
def unasked() -> Iterator[None]:
    """Meanwhile this thread asks for what nobody at the terminal wants to know at the moment."""
    token = _IS_UNASKED.set(True)
    try:
        yield
    finally:
        _IS_UNASKED.reset(token)


def is_wanted(record: logging.LogRecord) -> bool:
    """A filter for handlers: whether somebody asked for what this is about, or it is an error all the same."""
    return record.levelno >= _ERROR or not _IS_UNASKED.get()

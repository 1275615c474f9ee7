"""SIGTERM, and SIGHUP of a terminal that is closed, while a line is typed.

The handlers of the program raise an error wherever it is at that moment. The line editor runs an event loop; raised in
the midst of that, it leaves things half done, and complaints about them. So the editor is ended first.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from prompt_toolkit.application import Application

__all__ = ["ended_in_order"]

_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)
_AGAIN: Final = 0.05  # seconds; the editor is only just beginning, or putting the terminal in order

_Handler = Callable[[int, FrameType | None], Any]


@contextmanager
def ended_in_order(editor: Application[str]) -> Iterator[None]:
    """Meanwhile these signals end the editor, and then do what they did before; a second one does what it usually does.

    Where they do nothing of the program's own nothing is changed.
    """
    came: list[int] = []
    before: dict[int, _Handler] = {}

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        if editor.loop is None:
            before[number](number, frame)
        else:
            came.append(number)
            editor.loop.call_soon_threadsafe(leave)

    def leave() -> None:
        if editor.is_running and editor.future is not None and not editor.future.done():
            editor.exit(result="")
        elif editor.loop is not None:
            editor.loop.call_later(_AGAIN, leave)

    for one in _SIGNALS:
        handler = signal.getsignal(one)
        if callable(handler):
            before[one] = handler
            signal.signal(one, end)
    try:
        yield
    except OSError:  # a terminal that has gone cannot be put in order
        if not came:
            raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        before[came[0]](came[0], None)

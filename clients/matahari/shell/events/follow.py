"""Follow a stream of events: each is shown when it comes, and what was lost is said.

Imported when events are followed.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import TextIO

from matahari.shell.base.event_ports import EventLike, EventStreamLike
from matahari.shell.display.output import Output
from matahari.shell.display.rows import counted
from matahari.shell.events.log import Heard
from matahari.shell.events.rows import show_event

__all__ = ["follow"]

CHECK_INTERVAL = 1.0  # seconds after which a reader that has gone is noticed though nothing happens


def follow(
    stream: EventStreamLike,
    output: Output,
    *,
    meant: Callable[[EventLike], bool] = lambda event: True,
    count: int | None = None,
    seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], int] = time.time_ns,
) -> int:
    """Show events until there were ``count``, until ``seconds`` are over, or for ever.

    Args:
        meant: which events are shown.

    Returns:
        How many were shown.

    Raises:
        BrokenPipeError: whoever reads the output has gone.
        KeyboardInterrupt: as it comes; the stream is still the caller's to close.
        RequestError: the console is closed.
    """
    ends_at = None if seconds is None else clock() + seconds
    shown = lost = 0
    while count is None or shown < count:
        wait = CHECK_INTERVAL if ends_at is None else min(CHECK_INTERVAL, ends_at - clock())
        event = stream.next(timeout=wait) if wait > 0 else None
        is_shown = event is not None and meant(event)
        if event is not None and is_shown:
            show_event(output, Heard(event, now()))
            shown += 1
        if stream.dropped > lost:
            more = stream.dropped - lost
            were = "was lost: events" if more == 1 else "were lost: they"
            output.remark(f"% {counted(more, 'event')} {were} came faster than they could be shown")
            lost = stream.dropped
        if not is_shown:
            if ends_at is not None and clock() >= ends_at:
                break
            if _is_gone(output.out):
                raise BrokenPipeError("the reader of the events has gone")
    return shown


def _is_gone(stream: TextIO) -> bool:
    """Whether nobody can read what is written there: the other end of the pipe, or the terminal, is closed."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return False  # no file: a buffer of this process
    poll = select.poll()
    poll.register(number, 0)
    return any(happened & (select.POLLERR | select.POLLHUP) for _, happened in poll.poll(0))

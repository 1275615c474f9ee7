"""What a running action may know about the call that runs it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Context", "context", "running"]


@dataclass(frozen=True, slots=True)
class Context:
    """One call, as the action that it runs may see it.

    Attributes:
        plugin: name of the plugin.
        request_id: identifies the request in the logs of console and agent; empty when the caller gave none.
        caller: who asks, as the agent knows them; empty when nobody was identified.
        deadline: moment, on the clock of ``time.monotonic``, after which nobody waits for the result;
            infinite when there is no limit.
    """

    plugin: str
    request_id: str = ""
    caller: str = ""
    deadline: float = math.inf
    _cancelled: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.deadline - time.monotonic())

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits any more: a long action should look now and then, and return."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Make :attr:`is_cancelled` true (called by the host)."""
        self._cancelled.set()


_current: Final[ContextVar[Context]] = ContextVar("matahari_plugin_context")


def context() -> Context:
    """Give the call that runs here.

    Works in the function that was called and in whatever it calls or awaits. Threads that the plugin
    starts itself see it only when they are started with ``contextvars.copy_context().run``.

    Raises:
        RuntimeError: no call runs here, for example while the plugin is being loaded.
    """
    try:
        return _current.get()
    except LookupError:
        raise RuntimeError("context() is only available while an action runs") from None


@contextmanager
def running(call: Context) -> Iterator[Context]:
    """Make ``call`` the context within the block: for the host, and for an author's own tests."""
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)

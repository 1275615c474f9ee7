"""Asking a plugin again and again whether it wants to be published, without keeping the socket waiting."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Final

from matahari.hostproto import Activation
from matahari.plugin import Context, running

from .selfcheck import activation

__all__ = ["Activity"]

#: The question that is being asked, and one more: a plugin that does not answer piles up nothing.
_MOST_WANTED: Final = 2


class Activity:
    """Answers ``activate`` messages. :meth:`ask` belongs to the thread that reads the socket.

    Args:
        function: the plugin's ``activate``; a plugin without one is always active.
        context: in which it runs.
        send: sends the answer; called from a thread of our own.
    """

    def __init__(
        self, function: Callable[[], object] | None, context: Context, send: Callable[[Activation], None]
    ) -> None:
        self._function = function
        self._context = context
        self._send = send
        self._lock = threading.Lock()
        self._wanted = 0

    def first(self) -> tuple[bool, str]:
        """Ask now and wait for it: while the plugin is loaded."""
        if self._function is None:
            return True, ""
        with running(self._context):
            return activation(self._function)

    def ask(self) -> None:
        """Ask, and send the answer when there is one. Questions that come meanwhile share one further answer."""
        with self._lock:
            self._wanted = min(self._wanted + 1, _MOST_WANTED)
            if self._wanted > 1:
                return  # the thread that runs sees it
        variables = contextvars.copy_context()
        # A daemon: a plugin that does not answer must not keep the worker from ending.
        thread = threading.Thread(target=variables.run, args=(self._serve,), name="activate", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            with self._lock:
                self._wanted = 0
            self._send(Activation(False, f"the system gives no thread to ask in: {error}"))

    def _serve(self) -> None:
        while True:
            self._send(Activation(*self.first()))
            with self._lock:
                self._wanted -= 1
                if not self._wanted:
                    return

"""What a running action may know about the call that runs it."""

from __future__ import annotations

import logging
import math
import threading
import time
import typing
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol, TypeVar, cast

__all__ = ["Context", "Reporter", "context", "running", "settings"]

_Settings = TypeVar("_Settings")


def _nothing() -> Mapping[str, object]:
    return MappingProxyType({})


class Reporter(Protocol):
    """Takes what a running action reports (the host's part). May block while the agent does not read."""

    def progress(self, done: float, total: float | None, text: str) -> None:
        """Take how far the call is."""

    def output(self, chunk: str) -> None:
        """Take text to show."""

    def event(self, name: str, severity: int, fields: str) -> None:
        """Take an event; ``fields`` is the JSON text of an object.

        Raises:
            ValueError: more than one event may hold.
        """


class _CallLogger(logging.LoggerAdapter[logging.Logger]):
    """Puts the request's id before each text."""

    def process(self, msg: object, kwargs: MutableMapping[str, object]) -> tuple[object, MutableMapping[str, object]]:
        request = (self.extra or {}).get("request_id")
        return (f"[{request}] {msg}" if request else msg), kwargs


@dataclass(frozen=True, slots=True)
class Context:
    """One call, as the action that it runs may see it.

    Attributes:
        plugin: name of the plugin.
        request_id: identifies the request in the logs of console and agent; empty when the caller gave none.
        caller: who asks, as the agent knows them; empty when nobody was identified.
        deadline: moment, on the clock of ``time.monotonic``, after which nobody waits for the result;
            infinite when there is no limit.
        facts: what the agent knows of this host; name -> JSON value.
        settings: what the operator configured for this plugin; name -> JSON value. With a class ``Settings`` in the
            plugin it is an instance of that, once the plugin is imported; :func:`settings` gives it with its type.
        reporter: takes what the action tells; None outside of a worker.
    """

    plugin: str
    request_id: str = ""
    caller: str = ""
    deadline: float = math.inf
    facts: Mapping[str, object] = field(default_factory=_nothing, repr=False, compare=False)
    settings: Mapping[str, object] = field(default_factory=_nothing, repr=False, compare=False)
    reporter: Reporter | None = field(default=None, repr=False, compare=False)
    _cancelled: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.deadline - time.monotonic())

    @property
    def is_cancelled(self) -> bool:
        """Whether nobody waits any more: a long action should look now and then, and return."""
        return self._cancelled.is_set()

    @property
    def logger(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger with the plugin's name, whose records begin with the request's id."""
        return _CallLogger(logging.getLogger(self.plugin), {"request_id": self.request_id})

    def cancel(self) -> None:
        """Make :attr:`is_cancelled` true (called by the host)."""
        self._cancelled.set()


_current: Final[ContextVar[Context]] = ContextVar("matahari_plugin_context")


def context() -> Context:
    """Give the call that runs here.

    Works in the function that was called and in whatever it calls or awaits. Threads that the plugin
    starts itself see it only when they are started with ``contextvars.copy_context().run``.
    While the plugin is loaded, and in ``self_check`` and ``activate``, there is a context without a caller.

    Raises:
        RuntimeError: nothing of that runs here.
    """
    found = current()
    if found is None:
        raise RuntimeError("context() is only available while a method runs")
    return found


def settings(kind: type[_Settings]) -> _Settings:
    """Give the settings of this plugin as its class declares them: ``settings(Settings).keep``.

    In an action, in ``self_check`` and in ``activate``. In an author's own tests, within :func:`running`, plain values
    become arguments of the class, unchecked.

    Args:
        kind: the plugin's class ``Settings``.

    Raises:
        RuntimeError: nothing of that runs here.
        TypeError: the plain values are no arguments of the class.
    """
    found: object = context().settings
    if not typing.is_typeddict(kind) and isinstance(found, kind):
        return found
    return kind(**cast("Mapping[str, object]", found))


def current() -> Context | None:
    """Give the call that runs here, or None."""
    return _current.get(None)


@contextmanager
def running(call: Context) -> Iterator[Context]:
    """Make ``call`` the context within the block: for the host, and for an author's own tests."""
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)

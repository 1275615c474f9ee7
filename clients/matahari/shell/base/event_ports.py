"""What the shell needs of ``matahari.console.sync`` to hear events, as protocols; see :mod:`matahari.shell.base.ports`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Protocol, Self

__all__ = ["EventLike", "EventSource", "EventStreamLike"]


class EventLike(Protocol):
    """Something happened: an agent raised an event, came or went."""

    @property
    def kind(self) -> str:
        """``event``, ``agent_added`` or ``agent_removed``."""

    @property
    def host(self) -> str:
        """Name of the host, empty when the agent tells none."""

    @property
    def agent(self) -> str:
        """Name of the agent."""

    @property
    def package(self) -> str:
        """Package of the event's class, empty for agents that come and go."""

    @property
    def name(self) -> str:
        """Name of the event's class, empty for agents that come and go."""

    @property
    def severity(self) -> int:
        """0 (emergency) to 7 (debug)."""

    @property
    def timestamp_ns(self) -> int:
        """Nanoseconds since 1970 as the agent says, 0 when not known."""

    @property
    def values(self) -> Mapping[str, object]:
        """Of the event, by name."""


class EventStreamLike(Protocol):
    """Events as they come; hears from when it is entered until it is left."""

    @property
    def dropped(self) -> int:
        """Events that came while too many waited."""

    def __enter__(self) -> Self:
        """Hear events from now on."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hear no more."""

    def next(self, timeout: float | None = None) -> EventLike | None:
        """The next event, None when there is none within ``timeout`` seconds."""


class EventSource(Protocol):
    """A connected console, as far as events go."""

    def events(
        self, name: str | None = None, *, hosts: str | Iterable[str] | None = None, timeout: float = 10.0
    ) -> EventStreamLike:
        """Events of a class (None: all, and agents that come and go) and of some hosts (None: of all)."""

    def listen(self, callback: Callable[[EventLike], None]) -> object:
        """Call ``callback`` for each event from now on, from another thread."""

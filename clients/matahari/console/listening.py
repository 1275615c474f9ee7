"""Callbacks that hear what agents raise, and agents come and go."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Self

from matahari.console.directory import host_name
from matahari.errors import RequestError
from matahari.qmf import AgentAdded, AgentInfo, AgentRemoved, EngineEvent, EventRaised

if TYPE_CHECKING:
    from matahari.console.values import ConsoleEvent

__all__ = ["Listeners", "Listening"]

_log = logging.getLogger(__name__)

MAX_LISTENERS = 100  # a leak of listeners would slow every event
DEFAULT_SEVERITY = 5  # notice, of an event that tells none


class Listening:
    """A registered callback; ``close`` ends it. Also a context manager."""

    def __init__(
        self, listeners: list[Callable[[ConsoleEvent], None]], callback: Callable[[ConsoleEvent], None]
    ) -> None:
        self._listeners = listeners
        self._callback = callback

    def close(self) -> None:
        if self._callback in self._listeners:
            self._listeners.remove(self._callback)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Listeners:
    """All callbacks of one console, which its event loop calls."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[ConsoleEvent], None]] = []
        self._host_by_agent: dict[str, str] = {}

    def add(self, callback: Callable[[ConsoleEvent], None]) -> Listening:
        """Call ``callback`` for each event from now on.

        Raises:
            RequestError: too many listeners.
        """
        if len(self._callbacks) >= MAX_LISTENERS:
            raise RequestError(f"a console has {MAX_LISTENERS} listeners at most; close some")
        self._callbacks.append(callback)
        return Listening(self._callbacks, callback)

    def handle_event(self, event: EngineEvent, agents: Mapping[str, AgentInfo]) -> None:
        """Tell them, if it is one of the events that they hear of. ``agents`` are those on the bus."""
        if isinstance(event, AgentAdded):
            self._host_by_agent[event.info.name] = host_name(event.info)
        host = self._host_by_agent.pop(event.name, "") if isinstance(event, AgentRemoved) else ""
        told = self._told(event, agents, host) if self._callbacks else None
        if told is None:
            return
        for callback in list(self._callbacks):
            # callbacks are foreign code: one that fails must not keep the others from hearing
            try:
                callback(told)
            except Exception:  # noqa: BLE001 - see above
                _log.exception("a listener failed")

    def _told(self, event: EngineEvent, agents: Mapping[str, AgentInfo], left_host: str) -> ConsoleEvent | None:
        from matahari.console.values import ConsoleEvent  # most programs listen to nothing

        if isinstance(event, EventRaised):
            data, info = event.data, agents.get(event.agent)
            schema = data.schema_id
            return ConsoleEvent(
                "event",
                "" if info is None else host_name(info),
                event.agent,
                "" if schema is None else schema.package,
                "" if schema is None else schema.name,
                DEFAULT_SEVERITY if data.severity is None else data.severity,
                data.timestamp_ns or 0,
                data.decoded(),
            )
        if isinstance(event, AgentAdded):
            return ConsoleEvent("agent_added", host_name(event.info), event.info.name)
        if isinstance(event, AgentRemoved):
            return ConsoleEvent("agent_removed", left_host, event.name)
        return None

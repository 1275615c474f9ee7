"""Events on the in-memory console, as a test scripts them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from matahari.console import ConsoleEvent
from matahari.errors import MatahariError

__all__ = ["HEARTBEAT", "FakeEvents", "FakeStream", "heartbeat"]

HEARTBEAT = "org.matahariproject:heartbeat"
MOMENT = 1_600_000_000_123_456_789  # 2020-09-13, 12:26:40.123 UTC


def heartbeat(host: str, sequence: int = 1, *, severity: int = 6) -> ConsoleEvent:
    agent, values = f"matahariproject.org:host:{host}", {"sequence": sequence}
    return ConsoleEvent("event", host, agent, "org.matahariproject", "heartbeat", severity, MOMENT, values)


class FakeStream:
    """Stands for :class:`matahari.console.sync.EventStream`: what comes next is scripted.

    ``None`` is an event that does not come in time, a number that many that were lost, an exception is raised; when
    there is nothing more, Ctrl-C is pressed.
    """

    def __init__(self, script: Iterable[ConsoleEvent | BaseException | int | None]) -> None:
        self._script = deque(script)
        self.dropped = 0
        self.is_open = False
        self.waits: list[float | None] = []

    def __enter__(self) -> Self:
        self.is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_open = False

    def next(self, timeout: float | None = None) -> ConsoleEvent | None:
        assert self.is_open
        self.waits.append(timeout)
        told = self._script.popleft() if self._script else KeyboardInterrupt()
        if isinstance(told, BaseException):
            raise told
        if isinstance(told, int):
            self.dropped += told
            return None
        return told


class FakeEvents:
    """What a console does about events; ``script`` is of the next stream, ``asked`` records what streams are of.

    ``published`` are the classes of events that agents publish; with a ``fault`` they cannot be asked for.
    """

    def __init__(self) -> None:
        self.published = [HEARTBEAT, "org.matahariproject.rpc:plugin_loaded"]
        self.fault: MatahariError | None = None
        self.script: Iterable[ConsoleEvent | BaseException | int | None] = ()
        self.asked: list[tuple[str | None, object]] = []
        self.streams: list[FakeStream] = []
        self.listeners: list[Callable[[ConsoleEvent], None]] = []

    def events(
        self, name: str | None = None, *, hosts: str | Iterable[str] | None = None, timeout: float = 10.0
    ) -> FakeStream:
        self.asked.append((name, hosts))
        self.streams.append(FakeStream(self.script))
        return self.streams[-1]

    def listen(self, callback: Callable[[ConsoleEvent], None]) -> object:
        self.listeners.append(callback)
        return callback

    def raise_event(self, *events: ConsoleEvent) -> None:
        for event in events:
            for listener in self.listeners:
                listener(event)

"""The workers of one plugin: their links, and what they tell besides answers. No decisions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Final

from matahari.agent import Allowance
from matahari.errors import LocalProtocolError
from matahari.hostproto import Activate, Bye, Call, Cancel, Drain, Failure, Load, PluginEvent

from .workerlink import WorkerLink

__all__ = ["Workers"]

_log = logging.getLogger(__name__)

#: Events of one plugin that pass at once, and then a second: each goes to every listener on the bus.
EVENT_BURST: Final = 100
EVENT_RATE: Final = 20.0


class Workers:
    """Links by worker, and why we ended a worker when we did."""

    def __init__(self, plugin: str) -> None:
        self._plugin = plugin
        self._links: dict[int, WorkerLink] = {}
        self._reasons: dict[int, str] = {}
        self._asked: set[int] = set()
        self._events = Allowance(EVENT_BURST, EVENT_RATE)

    def __contains__(self, worker: int) -> bool:
        return worker in self._links

    def __iter__(self) -> Iterator[int]:
        return iter(tuple(self._links))

    def add(self, link: WorkerLink) -> None:
        """A worker is being made."""
        self._links[link.worker] = link

    def spawned(self, worker: int, pid: int) -> None:
        """Its process exists."""
        if worker in self._links:
            self._links[worker].pid = pid

    def pid(self, worker: int | None) -> int | None:
        """The process id of a worker, None when it is not known."""
        link = self._links.get(worker) if worker is not None else None
        return None if link is None else link.pid

    @property
    def pids(self) -> dict[int, int | None]:
        """Worker -> process id, None while it is not known."""
        return {worker: link.pid for worker, link in self._links.items()}

    def printed(self, worker: int, call: int | None) -> str:
        """The last lines that a worker has printed, without those of other calls than this."""
        return self._links[worker].printed(call) if worker in self._links else ""

    def send(self, worker: int, message: Load | Activate | Call | Cancel | Drain | Bye) -> None:
        """Send a message; to a worker that has ended it is lost.

        Raises:
            LocalProtocolError: it does not fit into a frame.
        """
        if worker in self._links:
            self._links[worker].send(message)

    def send_call(self, worker: int, message: Call | Cancel) -> Failure | None:
        """Send what belongs to a call. When the worker has gone, its end is being dealt with, and its calls with it.

        Returns:
            Why it cannot be sent: escaping made it too large, which takes a strange name or text of an argument.
        """
        try:
            self.send(worker, message)
        except LocalProtocolError as error:
            return Failure(message.id, "too_large", "TooLarge", str(error))
        return None

    def hold(self, worker: int, until: asyncio.Future[None] | None) -> None:
        """Do not read a worker until that is done; None changes nothing."""
        if until is not None and worker in self._links:
            self._links[worker].hold(until)

    def ask_activation(self, worker: int) -> None:
        """Ask whether the plugin is for this host, unless an earlier question is still open."""
        if worker in self._links and worker not in self._asked:
            self._asked.add(worker)
            self._links[worker].send(Activate())

    def answered_activation(self, worker: int) -> bool:
        """It has said so, and may be asked again; false when nobody has asked it."""
        if worker not in self._asked:
            return False
        self._asked.discard(worker)
        return True

    def blame(self, worker: int, reason: str, *, calls: int = 0) -> None:
        """Remember why we are about to signal a worker; the first reason counts.

        It is logged when the worker is ended with ``calls`` still running in it.
        """
        if worker not in self._links or worker in self._reasons:
            return
        self._reasons[worker] = reason
        if calls:
            text = "worker process %s of plugin %s is ended with %d calls in it: %s"
            _log.warning(text, self.pid(worker), self._plugin, calls, reason)

    def take_reason(self, worker: int) -> str | None:
        """Why we signalled a worker that has ended, None when we did not."""
        return self._reasons.pop(worker, None)

    def close(self, worker: int, *, read_rest: bool = False) -> Callable[[int | None], str] | None:
        """Let go of a worker that has ended.

        Args:
            worker: its number.
            read_rest: first take what it has said before: answers that it gave before it died are answers.

        Returns:
            What gives the last lines that it printed, without those of other calls than a given one; None when it was
            not there (any more).
        """
        link = self._links.get(worker)
        if link is None:
            return None
        if read_rest:
            link.read_rest()
        self._links.pop(worker, None)
        self._reasons.pop(worker, None)
        self._asked.discard(worker)
        link.close()
        return link.printed

    def admit(self, event: PluginEvent, now: float) -> bool:
        """Whether an event of the plugin may pass, or there are too many."""
        is_admitted, dropped = self._events.take(now)
        if dropped:
            _log.warning("plugin %s: %d events were dropped: too many a second", self._plugin, dropped)
        if not is_admitted:
            _log.debug("plugin %s: event %s dropped", self._plugin, event.name)
        return is_admitted

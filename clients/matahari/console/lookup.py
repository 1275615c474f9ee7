"""Asking many agents for the same, so that one that does not answer delays nobody: its answer may come later.

Who asks goes on when something was found and nobody new has answered for a moment. The questions to the others stay
open, and who is still interested can wait for them; what was not answered in time is asked again when it is needed.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, TypeAlias

from matahari.console.directory import CALL_TIMEOUT
from matahari.console.values import RemoteObject
from matahari.errors import MatahariError
from matahari.net import TaskKeeper
from matahari.qmf import AgentInfo, Data

__all__ = ["LOOKUP_GRACE", "Latecomers", "Lookup"]

#: Seconds without a new answer after which a lookup goes on with what it has; an agent that is well answers within
#: milliseconds, and one under load is not lost: it is asked last.
LOOKUP_GRACE: Final = 1.0

Items: TypeAlias = list[Data] | None
"""What an agent has; None when it did not answer."""


class Lookup:
    """One question to many agents. One event loop owns it.

    Args:
        keeper: owns the questions.
        ask: asks one agent, within so many seconds.

    Attributes:
        answers: by the agent's name, as far as they came.
    """

    def __init__(self, keeper: TaskKeeper, ask: Callable[[AgentInfo, float], Awaitable[Items]]) -> None:
        self._keeper = keeper
        self._ask = ask
        self._open: dict[str, asyncio.Task[object]] = {}
        self._news = asyncio.Event()
        self._error: MatahariError | None = None
        self.answers: dict[str, Items] = {}

    async def find(self, infos: Sequence[AgentInfo], timeout: float) -> list[Items]:
        """What each of them has, in their order; None for those of which nothing is known yet.

        It waits for all of them while nothing was found, for ``timeout`` seconds at most.

        Raises:
            MatahariError: an agent cannot be asked.
        """
        self.ask(infos, timeout)
        try:
            while self._open:
                # Not how many answers there are: an answer is there a turn of the loop before it is news, so that one
                # that has been counted already would look like silence.
                count = len(self._open)
                some = any(self.answers.values())
                await self.wait_news(LOOKUP_GRACE if some else None)
                if some and (len(self._open) == count or self._error is not None):
                    break
        except BaseException:
            for task in list(self._open.values()):
                task.cancel()
            raise
        if self._error is not None:
            raise self._error
        return [self.answers.get(info.name) for info in infos]

    def ask(self, infos: Iterable[AgentInfo], timeout: float) -> None:
        """Ask those of which no answer is awaited."""
        for info in infos:
            if info.name not in self._open:
                task = self._keeper.start(self._one(info, timeout), name=f"asking {info.name}")
                self._open[info.name] = task
                task.add_done_callback(functools.partial(self._ended, info.name))

    def is_open(self, agent: str) -> bool:
        """Whether its answer may still come."""
        return agent in self._open

    async def wait_news(self, timeout: float | None) -> None:
        """Return when something has been answered, or when the time is over."""
        self._news.clear()
        try:
            async with asyncio.timeout(timeout):
                await self._news.wait()
        except TimeoutError:
            return

    def wake(self) -> None:
        """End the waiting for news."""
        self._news.set()

    async def _one(self, info: AgentInfo, timeout: float) -> None:
        try:
            self.answers[info.name] = await self._ask(info, timeout)
        except MatahariError as error:
            self._error = error

    def _ended(self, name: str, _: asyncio.Task[object]) -> None:
        self._open.pop(name, None)
        self._news.set()


class Latecomers:
    """Agents that had not answered when a plugin was looked up. One event loop owns it.

    Args:
        lookup: in which they were asked.
        infos: of the agents.
        read: gives the objects that an agent has, within so many seconds.
    """

    def __init__(
        self,
        lookup: Lookup,
        infos: Iterable[AgentInfo],
        read: Callable[[AgentInfo, list[Data], float], Awaitable[list[RemoteObject]]],
    ) -> None:
        self._lookup = lookup
        self._infos = {info.name: info for info in infos}
        self._read = read

    def ask(self) -> None:
        """Ask those again who have not answered so far."""
        silent = [info for name, info in self._infos.items() if self._lookup.answers.get(name) is None]
        self._lookup.ask(silent, LOOKUP_GRACE)

    def may_answer(self, agent: str) -> bool:
        """Whether it is being asked."""
        return self._lookup.is_open(agent)

    async def read(self, agent: str) -> list[RemoteObject] | None:
        """The objects of one of them; None when it has not answered."""
        items, info = self._lookup.answers.get(agent), self._infos.get(agent)
        return None if items is None or info is None else await self._read(info, items, CALL_TIMEOUT)

    async def wait_news(self, timeout: float | None) -> None:
        """Return when one of them has answered or will not, when somebody wakes us, or when the time is over."""
        await self._lookup.wait_news(timeout)

    def wake(self) -> None:
        """End the waiting."""
        self._lookup.wake()

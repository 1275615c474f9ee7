"""Asking many agents for the same, so that one that does not answer delays nobody: its answer may come later.

Who asks goes on when something was found and nobody new has answered for a moment. The questions to the others stay
open, and who is still interested can wait for them; what was not answered in time is asked again when it is needed.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeAlias, TypeVar

from matahari.console.doubts import Doubts
from matahari.console.inquiry import LOOKUP_GRACE, TARDY
from matahari.console.rollout import NotAskedReason
from matahari.console.values import Host, RemoteObject
from matahari.errors import MatahariError
from matahari.net import TaskKeeper
from matahari.qmf import AgentInfo, Data

__all__ = ["Items", "Latecomers", "Lookup"]

T = TypeVar("T")

Items: TypeAlias = list[Data] | None
"""What an agent has; None when it did not answer."""


class Lookup(Generic[T]):
    """One question to many agents. One event loop owns it.

    Args:
        keeper: owns the questions.
        ask: asks one agent, within so many seconds; gives None where it does not answer.
        news: is set at each answer, for who waits for those of several lookups; None for one of its own.

    Attributes:
        answers: by the agent's name, as far as they came.
    """

    def __init__(
        self,
        keeper: TaskKeeper,
        ask: Callable[[AgentInfo, float], Awaitable[list[T] | None]],
        news: asyncio.Event | None = None,
    ) -> None:
        self._keeper = keeper
        self._ask = ask
        self._open: dict[str, asyncio.Task[object]] = {}
        self._error: MatahariError | None = None
        self.news = asyncio.Event() if news is None else news
        self.answers: dict[str, list[T] | None] = {}

    async def find(self, infos: Sequence[AgentInfo], timeout: float) -> list[list[T] | None]:
        """What each of them has, in their order; None for those of which nothing is known yet.

        It waits for all of them while nothing was found, for ``timeout`` seconds at most. Those that were asked before
        are not asked again.

        Raises:
            MatahariError: an agent cannot be asked.
        """
        clock = asyncio.get_running_loop().time
        self.ask([info for info in infos if info.name not in self.answers], timeout)
        try:
            while any(info.name in self._open for info in infos):
                # Not how many answers there are: an answer is there a turn of the loop before it is news, so that one
                # that has been counted already would look like silence. And who waited for longer did not run itself.
                count = len(self._open)
                some = any(self.answers.values())
                begun = clock()
                await self.wait_news(LOOKUP_GRACE if some else None)
                is_silent = len(self._open) == count and clock() - begun <= LOOKUP_GRACE + TARDY
                if some and (is_silent or self._error is not None):
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
        """Return when something has been answered, when ``news`` is set, or when the time is over."""
        self.news.clear()
        try:
            async with asyncio.timeout(timeout):
                await self.news.wait()
        except TimeoutError:
            return

    async def _one(self, info: AgentInfo, timeout: float) -> None:
        try:
            self.answers[info.name] = await self._ask(info, timeout)
        except MatahariError as error:
            self._error = error

    def _ended(self, name: str, _: asyncio.Task[object]) -> None:
        self._open.pop(name, None)
        self.news.set()


class Latecomers:
    """Agents that had not answered when a plugin was looked up. One event loop owns it.

    Args:
        keeper: owns what is done for them.
        lookup: in which they were asked.
        infos: of the agents.
        read: gives the objects that an agent has, within so many seconds.
        doubts: tells which of them are meant only if a filter is true there.
    """

    def __init__(
        self,
        keeper: TaskKeeper,
        lookup: Lookup[Data],
        infos: Iterable[AgentInfo],
        read: Callable[[AgentInfo, list[Data], float], Awaitable[list[RemoteObject]]],
        doubts: Doubts,
    ) -> None:
        self._lookup = lookup
        self._infos = {info.name: info for info in infos}
        self._read = read
        self._doubts = doubts
        self._objects: Lookup[RemoteObject] = Lookup(keeper, self._read_one, lookup.news)

    def ask(self) -> None:
        """Ask those again who have not answered so far, or did not tell what their objects are."""
        silent = [info for name, info in self._infos.items() if self._lookup.answers.get(name) is None]
        self._lookup.ask(silent, LOOKUP_GRACE)
        answers = self._objects.answers
        for name in [name for name, objects in answers.items() if objects is None and not self._objects.is_open(name)]:
            del answers[name]

    def read(self, agents: Iterable[str], timeout: float) -> None:
        """Begin to read the objects of those of them that have answered, all at the same time."""
        new = [name for name in agents if self._lookup.answers.get(name) is not None]
        infos = [self._infos[name] for name in new if name not in self._objects.answers]
        self._objects.ask(infos, timeout)

    def may_answer(self, agent: str) -> bool:
        """Whether it is being asked, or its objects are being read."""
        return self._lookup.is_open(agent) or self._objects.is_open(agent)

    def objects(self, agent: str) -> list[RemoteObject] | None:
        """The objects of one of them, once they have been read; None when it has not answered."""
        return self._objects.answers.get(agent)

    def reason_at(self, host: Host) -> NotAskedReason | None:
        """Why a host that was undecided when it was chosen is left out, though nobody there is late any more."""
        told = [agent for agent, on in self._doubts.hosts.items() if on == host and agent in self._doubts.truths]
        return self.reason(told[0], False) if told else "undecided"

    def reason(self, agent: str, chosen: bool) -> NotAskedReason | None:
        """Why one that has no objects is left out; None for one that was not meant.

        Args:
            chosen: whether its host was, whatever it answers.
        """
        if agent not in self._doubts.hosts:
            return "no_plugin" if chosen else None
        truth = self._doubts.truths.get(agent)
        return "undecided" if truth is None else "no_plugin" if truth else None

    async def wait_news(self, timeout: float | None) -> None:
        """Return when one of them has answered or will not, when somebody wakes us, or when the time is over."""
        await self._lookup.wait_news(timeout)

    def wake(self) -> None:
        """End the waiting."""
        self._lookup.news.set()

    async def _read_one(self, info: AgentInfo, timeout: float) -> list[RemoteObject] | None:
        items = self._lookup.answers.get(info.name) or []
        objects = await self._read(info, items, timeout)
        return None if items and not objects else objects

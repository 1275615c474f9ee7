"""Hosts that a call asks last: their agents had not answered when the plugin was looked up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matahari.console.directory import CALL_TIMEOUT
from matahari.console.extending import absent_object
from matahari.console.inquiry import LEAST_WAIT
from matahari.console.rollout import NotAsked, NotAskedReason
from matahari.console.values import AgentSummary, ClassName, RemoteObject, Result
from matahari.errors import RequestTimeoutError

if TYPE_CHECKING:
    from matahari.console.lookup import Latecomers

__all__ = ["LateAnswer", "LateHosts"]


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """What became of one agent: it has objects, or it is silent, or it lacks what it was chosen for."""

    agent: AgentSummary
    objects: tuple[RemoteObject, ...] = ()
    silence: Result | None = None
    lacking: NotAsked | None = None


class LateHosts:
    """The late agents of one call. One event loop owns it.

    Args:
        agents: that have not answered.
        latecomers: by which they are asked; None when there are none.
        class_name: of the plugin.
        chosen: names of the hosts that were chosen, of which it is told when they lack the plugin.

    Attributes:
        left: those of which nothing is known yet.
    """

    def __init__(
        self,
        agents: Iterable[AgentSummary] = (),
        latecomers: Latecomers | None = None,
        class_name: ClassName | None = None,
        chosen: frozenset[str] = frozenset(),
    ) -> None:
        self.left = list(agents) if latecomers is not None else []
        self._latecomers = latecomers
        self._class_name = class_name
        self._chosen = chosen

    def leave_out(self, reason: NotAskedReason) -> list[NotAsked]:
        """Ask none of them."""
        left, self.left = self.left, []
        return [NotAsked(one.host or one.name, reason) for one in left]

    def ask(self) -> None:
        """Ask them again, unless their answer is being waited for."""
        if self._latecomers is not None and self.left:
            self._latecomers.ask()

    def wake(self) -> None:
        """End the waiting."""
        if self._latecomers is not None:
            self._latecomers.wake()

    async def wait(self, timeout: float | None) -> Sequence[LateAnswer]:
        """Return what is known when there is something, all that are left being silent when the time is over.

        It may be nothing, when somebody woke us. They are left until they are settled.
        """
        assert self._latecomers is not None
        if timeout is not None and timeout <= 0:
            return [self._silent(one) for one in self.left]
        names = [one.name for one in self.left]
        clock = asyncio.get_running_loop().time
        deadline = None if timeout is None else clock() + timeout
        self._latecomers.read(names, CALL_TIMEOUT if timeout is None else timeout)
        if all(map(self._latecomers.may_answer, names)):
            await self._latecomers.wait_news(timeout)
            left = CALL_TIMEOUT if deadline is None else max(deadline - clock(), LEAST_WAIT)
            self._latecomers.read(names, left)
        return [self._answer(one) for one in self.left if not self._latecomers.may_answer(one.name)]

    def settle(self, answers: Iterable[LateAnswer]) -> None:
        """Something has been made of these."""
        known = {one.agent for one in answers}
        self.left = [one for one in self.left if one not in known]

    def _answer(self, agent: AgentSummary) -> LateAnswer:
        assert self._latecomers is not None
        objects = self._latecomers.objects(agent.name)
        if objects is None:
            return self._silent(agent)
        reason = None if objects else self._latecomers.reason(agent.name, agent.host in self._chosen)
        return LateAnswer(agent, tuple(objects), lacking=None if reason is None else NotAsked(agent.host, reason))

    def _silent(self, agent: AgentSummary) -> LateAnswer:
        assert self._class_name is not None
        text = "no answer when it was asked for the plugin"
        item = absent_object(agent.host, self._class_name, agent.name)
        return LateAnswer(agent, silence=Result(item, None, RequestTimeoutError(text, timeout=0.0), 0.0))

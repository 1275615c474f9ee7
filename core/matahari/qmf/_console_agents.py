"""The agents that a console knows: their latest announcements, and when each was heard last."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from matahari.qmf._deadlines import Deadlines
from matahari.qmf.agent_info import AgentInfo

#: Most agents known at once: twice the largest fleet. When it is full, further ones are ignored until others age, so
#: that a flood of invented names cannot drive out agents that are known; agents that never age give way.
MAX_AGENTS: Final = 20_000


class AgentTable:
    """See the module."""

    def __init__(self) -> None:
        self._infos: dict[str, AgentInfo] = {}
        self._last_seen: dict[str, float] = {}
        self._ageing: Deadlines[str] = Deadlines()
        self._ageless: dict[str, None] = {}  # in the order of their latest announcements

    @property
    def infos(self) -> Mapping[str, AgentInfo]:
        """The agents by name; a live view."""
        return MappingProxyType(self._infos)

    def heard(self, name: str | None, now: float) -> None:
        """Note that a message came from an agent, whatever it was."""
        if name in self._last_seen:
            self._last_seen[name] = now

    def find(self, name: str) -> AgentInfo | None:
        return self._infos.get(name)

    def is_full(self) -> bool:
        return len(self._infos) >= MAX_AGENTS

    def oldest_ageless(self) -> str | None:
        """Return the agent that would stay for ever and has not announced itself for longest, or None."""
        return next(iter(self._ageless), None)

    def put(self, info: AgentInfo, now: float) -> AgentInfo | None:
        """Take an announcement and return the one before it."""
        name, known = info.name, self._infos.get(info.name)
        self._infos[name] = info
        self._last_seen[name] = now
        limit, earlier = info.ageing_time, None if known is None else known.ageing_time
        self._ageless.pop(name, None)
        if limit is None:
            self._ageing.drop(name)
            self._ageless[name] = None
        elif earlier is None or limit < earlier:
            self._ageing.put(name, now + limit)
        return known

    def remove(self, name: str) -> bool:
        """Forget an agent; False when it is not known."""
        if self._infos.pop(name, None) is None:
            return False
        del self._last_seen[name]
        self._ageing.drop(name)
        self._ageless.pop(name, None)
        return True

    def next_deadline(self) -> float | None:
        """Return when ``pop_silent`` is due."""
        return self._ageing.earliest()

    def pop_silent(self, now: float) -> str | None:
        """Forget and return an agent that was silent for too long, or None."""
        while (name := self._ageing.pop_due(now)) is not None:
            limit = self._infos[name].ageing_time
            assert limit is not None  # those that never age have no deadline
            due = self._last_seen[name] + limit
            if due <= now:
                self.remove(name)
                return name
            # Heard of since. Moving the deadline here instead of at each message keeps those cheap.
            self._ageing.put(name, due)
        return None

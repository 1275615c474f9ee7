"""What the tests of plugins at the console ask of a fleet of calling agents."""

from __future__ import annotations

from matahari.console import NotAsked
from tests.support.calling_agent import CallingAgent

__all__ = ["asked", "fleet", "left_out", "not_asked"]


def fleet(count: int = 5, **failing: object) -> list[CallingAgent]:
    return [CallingAgent(f"h{number}", failing.get(f"h{number}", number)) for number in range(count)]


def asked(agents: list[CallingAgent]) -> list[str]:
    return [agent.engine.name.rpartition(":")[2] for agent in agents if agent.called]


def not_asked(reason: str, *hosts: str) -> list[tuple[str, str]]:
    return [(host, reason) for host in hosts]


def left_out(found: tuple[NotAsked, ...]) -> list[tuple[str, str]]:
    return [(one.host, one.reason) for one in found]

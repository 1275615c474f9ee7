"""Many simulated hosts on one event loop."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from matahari.net import parse_address

from .functions import PluginCode, load_code
from .host import SimulatedHost
from .plan import FleetError, Plan

__all__ = ["Crew", "find_shortage", "raise_file_limit"]

#: Hosts that connect at the same time; more would only wait for the broker, and time out there.
AT_ONCE: Final = 32
#: Open files of a process beside its connections: Python's own, pipes, files of plugins as they are read.
OTHER_FILES: Final = 64


class Crew:
    """See the module. One event loop owns it.

    Args:
        plan: what to simulate.
        codes: plugins beside those that the plan has files for.

    Raises:
        PluginLoadError: the file of a plugin cannot be used.
        ConfigError: the broker's address is none.
        FleetError: this process may not open so many files.
    """

    def __init__(self, plan: Plan, codes: Mapping[str, PluginCode] | None = None) -> None:
        raise_file_limit(plan.connections)
        loaded = {name: load_code(name, Path(path)) for name, path in plan.plugins.items()}
        loaded |= codes or {}
        address = parse_address(plan.broker)
        self._hosts = {one.name: SimulatedHost(one, plan, address, loaded.values()) for one in plan.hosts}

    @property
    def names(self) -> list[str]:
        """Of the hosts, in order."""
        return list(self._hosts)

    async def start(self) -> None:
        """Bring all hosts up; returns when all have announced themselves.

        Raises:
            TransportError: the broker cannot be used.
        """
        turn = asyncio.Semaphore(AT_ONCE)

        async def start(host: SimulatedHost) -> None:
            async with turn:
                await host.start()

        try:
            async with asyncio.TaskGroup() as group:
                for host in self._hosts.values():
                    group.create_task(start(host))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def stop(self) -> None:
        """Bring all hosts down at once, whatever they are doing."""
        await asyncio.gather(*(host.stop() for host in self._hosts.values()))

    async def order(self, what: str, name: str) -> None:
        """``kill``, ``revive``, ``mute`` or ``unmute`` a host.

        Raises:
            FleetError: there is no such host or order, or it is up already.
            TransportError: the broker cannot be used.
        """
        host = self._hosts.get(name)
        if host is None:
            raise FleetError(f"this fleet has no host {name!r}")
        match what:
            case "kill":
                await host.kill()
            case "revive":
                if host.is_up:
                    raise FleetError(f"{name} is up")
                await host.start()
            case "mute" | "unmute":
                host.mute(what == "mute")
            case _:
                raise FleetError(f"no such order: {what!r}")


def find_shortage(connections: int, hard: int) -> str:
    """Why a process may not have so many connections under that hard limit of open files; empty when it may."""
    needed = connections + OTHER_FILES
    if hard == resource.RLIM_INFINITY or needed <= hard:
        return ""
    return (
        f"{connections} connections in one process need {needed} open files, and the hard limit is {hard}: take more"
        " processes or fewer hosts, or raise the limit (ulimit -Hn, LimitNOFILE= of a service)"
    )


def raise_file_limit(connections: int) -> None:
    """Allow this process as many open files as it needs.

    Raises:
        FleetError: the hard limit is lower; says what to do.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if shortage := find_shortage(connections, hard):
        raise FleetError(shortage)
    if soft != resource.RLIM_INFINITY and soft < connections + OTHER_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (connections + OTHER_FILES, hard))

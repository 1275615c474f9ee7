"""A fleet of simulated hosts, on the event loop. The blocking face of it is in ``blocking.py``."""

from __future__ import annotations

import asyncio
import math
import os
import resource
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias, TypedDict, Unpack

from matahari.console import connect

from .crew import Crew, find_shortage
from .functions import PluginCode, code_of
from .plan import FactsOf, FleetError, Plan, divide, make_hosts
from .process import WorkerProcess
from .rules import Rule

__all__ = ["READY_TIMEOUT", "AsyncFleet", "FleetOptions", "PluginSource"]

PluginSource: TypeAlias = str | os.PathLike[str] | Mapping[str, Callable[..., object]]
"""What answers the calls of a plugin: a Python file, as plugins are, or functions by name."""

READY_TIMEOUT: Final = 120.0  # seconds for 10,000 hosts on a slow machine
HOSTS_EACH: Final = 250  # that one process is given before a further one is started, as far as there are processors
_AGENTS: Final = ("host", "rpc")


class FleetOptions(TypedDict, total=False):
    """What :class:`AsyncFleet` and :class:`matahari.testing.fleet.Fleet` take beside the number of hosts.

    Attributes:
        broker: address; None takes what consoles take: ``MATAHARI_BROKER``, the configuration, the local socket.
        plugins: by name, see :data:`PluginSource`. Functions need ``processes=0``, for they live in this process.
        rules: who fails, is slow, silent or crashes; the first that applies counts.
        facts: of the hosts, see :data:`matahari.testing.fleet.FactsOf`.
        labels, classes: of the inventory, the same on all hosts.
        prefix: of the names ``host0001``, ``host0002``, …
        agents: which of ``host`` and ``rpc`` each host has.
        processes: that simulate; None for a fitting number, 0 for none but this one.
        heartbeat_interval: seconds between QMF heartbeats of an agent, 60.
        update_interval: seconds between heartbeat events of a host; 0, as without it, for none.
        broker_kind, virtual_host, insecure_anonymous: see :func:`matahari.console.connect`.
        timeout: seconds in which all hosts must have announced themselves.
    """

    broker: str | None
    plugins: Mapping[str, PluginSource]
    rules: Sequence[Rule]
    facts: FactsOf | None
    labels: Mapping[str, str]
    classes: Iterable[str]
    prefix: str
    agents: Iterable[str]
    processes: int | None
    heartbeat_interval: int
    update_interval: int
    broker_kind: str
    virtual_host: str
    insecure_anonymous: bool
    timeout: float


class AsyncFleet:
    """Hosts on a broker, from entering to leaving: real agents, each on a connection of its own. One event loop owns it.

    ::

        async with AsyncFleet(1000, broker=address, plugins={"calls": "calls.py"}) as fleet:
            await fleet.kill("host0007")

    Args:
        count: of the hosts.
        options: see :class:`FleetOptions`.

    Raises:
        ValueError: a count, a fact, a name of an agent or a plugin that cannot be.
        PluginLoadError: functions that cannot be a plugin.
        SchemaError: facts that no host could have.
    """

    def __init__(self, count: int, **options: Unpack[FleetOptions]) -> None:
        hosts = make_hosts(
            count,
            prefix=options.get("prefix", "host"),
            facts=options.get("facts"),
            labels=options.get("labels"),
            classes=options.get("classes", ()),
        )
        agents = tuple(dict.fromkeys(options.get("agents", _AGENTS)))
        if not agents or not set(agents) <= set(_AGENTS):
            raise ValueError(f"a host has one or both of the agents {' and '.join(_AGENTS)}, not {agents}")
        processes = options.get("processes")
        self._processes = _fitting(count) if processes is None else processes
        if self._processes < 0:
            raise ValueError(f"processes are 0 or more, not {self._processes}")
        self._timeout = options.get("timeout", READY_TIMEOUT)
        if not self._timeout > 0:
            raise ValueError(f"a timeout is a number of seconds above 0, not {self._timeout:g}")
        files, self._codes = _divided(options.get("plugins", {}))
        if self._codes and self._processes:
            raise ValueError("functions live in this process: give processes=0, or put them in a file")
        self.names = [host.name for host in hosts]
        self._plan = Plan(
            options.get("broker") or "",
            hosts,
            agents,
            files,
            tuple(options.get("rules", ())),
            options.get("broker_kind", "auto"),
            options.get("virtual_host", ""),
            options.get("insecure_anonymous", False),
            options.get("heartbeat_interval", 60),
            options.get("update_interval", 0),
        )
        self._crew: Crew | None = None
        self._workers: list[WorkerProcess] = []

    async def __aenter__(self) -> Self:
        """Bring the hosts up; returns when all have announced themselves.

        Raises:
            ConnectFailedError: the broker cannot be reached or used.
            ConfigError: the address is none.
            FleetError: a process may not open enough files, a plugin cannot be run, or it took too long.
            OSError: no process can be made.
        """
        plan = await self._on_broker()
        try:
            async with asyncio.timeout(self._timeout):
                if self._processes:
                    await self._start_processes(plan)
                else:
                    self._crew = Crew(plan, self._codes)
                    await self._crew.start()
        except TimeoutError as error:
            await self._close()
            raise FleetError(f"{len(self.names)} hosts were not up within {self._timeout:g} s") from error
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut all connections, and leave no process behind."""
        await self._close()

    @property
    def pids(self) -> list[int]:
        """Process ids of the processes that simulate, this one apart."""
        return [pid for worker in self._workers if (pid := worker.pid) is not None]

    async def kill(self, host: str) -> None:
        """Cut a host's connections without a goodbye, as when its power fails; returns when they are cut.

        Raises:
            FleetError: there is no such host, or its process has ended.
        """
        await self._order("kill", host)

    async def revive(self, host: str) -> None:
        """Bring a killed host up again, as the same host; returns when it has announced itself.

        Raises:
            FleetError: as :meth:`kill`; also when it is up.
        """
        await self._order("revive", host)

    async def mute(self, host: str) -> None:
        """Let a host hear nothing any more while its connections stand, as a machine that hangs.

        Raises:
            FleetError: as :meth:`kill`.
        """
        await self._order("mute", host)

    async def unmute(self, host: str) -> None:
        """Let it hear again; what was lost stays lost.

        Raises:
            FleetError: as :meth:`kill`.
        """
        await self._order("unmute", host)

    async def _on_broker(self) -> Plan:
        """The plan with the broker's real address, which was tried."""
        plan = self._plan
        async with connect(
            plan.broker or None,
            insecure_anonymous=plan.insecure_anonymous,
            broker_kind=plan.broker_kind,
            virtual_host=plan.virtual_host,
        ) as console:
            return replace(plan, broker=str(console.address))

    async def _start_processes(self, plan: Plan) -> None:
        parts = divide(plan, self._processes)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if shortage := find_shortage(parts[0].connections, hard):  # here, before any process is started
            raise FleetError(shortage)
        self._workers = [WorkerProcess(part) for part in parts]
        for worker in self._workers:
            await worker.start()
        await asyncio.gather(*(worker.wait_ready() for worker in self._workers))

    async def _order(self, what: str, host: str) -> None:
        if self._crew is not None:
            await self._crew.order(what, host)
            return
        worker = next((one for one in self._workers if host in one), None)
        if worker is None:
            raise FleetError(f"this fleet has no host {host!r}")
        await worker.order(what, host)

    async def _close(self) -> None:
        crew, self._crew = self._crew, None
        workers, self._workers = self._workers, []
        if crew is not None:
            await crew.stop()
        await asyncio.gather(*(worker.stop() for worker in workers))


def _fitting(count: int) -> int:
    return max(1, min(os.cpu_count() or 1, math.ceil(count / HOSTS_EACH)))


def _divided(plugins: Mapping[str, PluginSource]) -> tuple[dict[str, str], dict[str, PluginCode]]:
    """Paths of those from files, and code of those made of functions."""
    files: dict[str, str] = {}
    codes: dict[str, PluginCode] = {}
    for name, source in plugins.items():
        if isinstance(source, Mapping):
            codes[name] = code_of(name, source)
        else:
            files[name] = str(Path(source).absolute())
    return files, codes

"""One simulated host: real agents on real connections, with made-up values behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache

from matahari.agent import Agent, AgentIdentity
from matahari.agents.host import HEARTBEAT_SCHEMA, HostObject, heartbeats
from matahari.config import Settings, load
from matahari.facts import HostDescription
from matahari.net import Address, TaskKeeper
from matahari.qmf import METHOD_REQUEST, Packet, text
from matahari.rpcagent import PluginFace

from .functions import PluginCode
from .machine import SimulatedIdentity, SimulatedSystem
from .plan import HostPlan, Plan, uuid_of
from .plugins import SimulatedPlugins
from .rules import find_rule

__all__ = ["SimulatedHost"]


class SimulatedHost:
    """Its agents, as a real host has them. One event loop owns it.

    Args:
        host: which one.
        plan: of the process.
        address: of the broker.
        codes: its plugins.
    """

    def __init__(self, host: HostPlan, plan: Plan, address: Address, codes: Iterable[PluginCode]) -> None:
        self.name = host.name
        self._host = host
        self._plan = plan
        self._address = address
        self._codes = tuple(codes)
        self._epoch = 0
        self._tasks = TaskKeeper()
        self._agents: list[_SimulatedAgent] = []

    @property
    def is_up(self) -> bool:
        """Whether it was started, and neither stopped nor killed since."""
        return bool(self._agents)

    async def start(self) -> None:
        """Connect, and return when all its agents have announced themselves.

        Raises:
            TransportError: the broker cannot be used.
        """
        self._epoch += 1
        self._agents = [self._agent(product) for product in self._plan.agents]
        running = [self._tasks.start(one.run(), name=f"agent {one.name}") for one in self._agents]
        ready = [asyncio.ensure_future(one.wait_ready()) for one in self._agents]
        try:
            for waiting, run in zip(ready, running, strict=True):
                await asyncio.wait((waiting, run), return_when=asyncio.FIRST_COMPLETED)
                if run.done():
                    run.result()
        finally:
            for waiting in ready:
                waiting.cancel()

    async def stop(self) -> None:
        """Say goodbye at once; calls under way are answered with that."""
        agents, self._agents = self._agents, []
        await asyncio.gather(*(one.stop() for one in agents))
        await self._tasks.cancel_all()

    async def kill(self) -> None:
        """Cut the connections, without a goodbye and without another try; what was called is never answered."""
        self._agents = []
        await self._tasks.cancel_all()

    def mute(self, is_mute: bool) -> None:
        """Hear nothing any more, as a machine that hangs while its connections stand; or hear again."""
        for one in self._agents:
            one.is_mute = is_mute

    def _agent(self, product: str) -> _SimulatedAgent:
        start = AgentIdentity(self.name, uuid_of(self.name), uuid_of(self.name, product), self._epoch)
        agent = _SimulatedAgent(product, start, self._address, self._plan, self._crash)
        if product == "host":
            self._publish_host(agent)
        else:
            self._publish_plugins(agent)
        return agent

    def _publish_host(self, agent: Agent) -> None:
        told = HostDescription(self._host.facts, self._host.labels, self._host.classes)
        item = HostObject(
            replace(_settings(), update_interval=self._plan.update_interval),
            SimulatedIdentity(self.name),
            system=SimulatedSystem(self._host.number),
            run=_do_nothing,
            beep=_stay_quiet,
            publish=lambda: agent.object_changed("Host"),
            describe=lambda: told,
        )
        agent.add_object(item)
        agent.add_schemas([HEARTBEAT_SCHEMA])
        if self._plan.update_interval:
            self._tasks.start(_beat(agent, item), name=f"heartbeat of {self.name}")

    def _publish_plugins(self, agent: Agent) -> None:
        plugins = SimulatedPlugins(self._host, self._codes, self._plan.rules)
        face = PluginFace(agent)
        face.attach(plugins)
        for status in plugins.statuses():
            face.plugin_changed(status)

    def _crash(self, wait: float) -> None:
        self._tasks.start(self._cut_after(wait), name=f"crash of {self.name}")

    async def _cut_after(self, wait: float) -> None:
        await asyncio.sleep(wait)
        agents, self._agents = self._agents, []
        for one in agents:
            one.cut()


class _SimulatedAgent(Agent):
    """A real agent that can be made to hear nothing.

    Attributes:
        is_mute: whatever comes is dropped.
    """

    def __init__(
        self,
        product: str,
        start: AgentIdentity,
        address: Address,
        plan: Plan,
        crash: Callable[[float], None],
    ) -> None:
        super().__init__(
            product,
            start,
            address,
            heartbeat_interval=plan.heartbeat_interval,
            broker_kind=plan.broker_kind,
            virtual_host=plan.virtual_host,
            insecure_anonymous=plan.insecure_anonymous,
        )
        self.is_mute = False
        self._rules = plan.rules
        self._crash = crash
        self._run: asyncio.Task[object] | None = None

    async def run(self) -> None:
        self._run = asyncio.current_task()
        await super().run()

    async def stop(self) -> None:
        """As a real one, but without waiting for calls: some of a simulation take for ever."""
        await self._tasks.cancel_all()
        await super().stop()

    def cut(self) -> None:
        """End the connection in the middle of whatever it does."""
        if self._run is not None:
            self._run.cancel()

    def handle_packet(self, packet: Packet) -> None:
        if not self.is_mute and not self._is_lost(packet):
            super().handle_packet(packet)

    def _is_lost(self, packet: Packet) -> bool:
        """Whether nothing may come of it: a call that a rule leaves unanswered, or that brings the host down."""
        if not self._rules or packet.opcode != METHOD_REQUEST or not isinstance(packet.body, dict):
            return False
        target = packet.body.get("_object_id")
        name = text(target.get("_object_name")) if isinstance(target, dict) else None
        rule = find_rule(self._rules, self.identity.hostname, name or "", text(packet.body.get("_method_name")) or "")
        if rule is not None and rule.outcome == "crash":
            self._crash(rule.wait(self.identity.hostname))
        return rule is not None and rule.outcome in ("silent", "crash")


async def _beat(agent: Agent, item: HostObject) -> None:
    await agent.wait_ready()
    await heartbeats(item, agent.raise_event)


async def _do_nothing(commands: object) -> None:
    """Shut nothing down."""


def _stay_quiet() -> None:
    """Make no sound."""


@cache
def _settings() -> Settings:
    """Defaults, whatever this machine's configuration says."""
    return load({}, environ={}, files=())

"""The Host agent as a whole: its object, its heartbeat event, its place on the bus."""

from __future__ import annotations

from matahari.agent import Agent, AgentIdentity, Gate
from matahari.agent.identity import Identity
from matahari.agents.host.agent import HostObject
from matahari.agents.host.heartbeat import heartbeats
from matahari.agents.host.schema import HEARTBEAT_SCHEMA
from matahari.config import Settings
from matahari.facts import FactKeeper, HostDescription
from matahari.net import Address, TaskKeeper

__all__ = ["HostAgent"]


class HostAgent:
    """Publishes class ``Host`` (product ``host``). One event loop owns it."""

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        start: AgentIdentity,
        address: Address,
        *,
        gate: Gate | None = None,
        facts: FactKeeper | None = None,
    ) -> None:
        """Prepare.

        Args:
            gate: see :class:`matahari.agent.Agent`.
            facts: what is told of the host beside what 2012 told; somebody else keeps it fresh.
        """
        self.agent = Agent(
            "host",
            start,
            address,
            heartbeat_interval=settings.heartbeat_interval,
            broker_kind=settings.broker_kind,
            virtual_host=settings.virtual_host or "",
            insecure_anonymous=settings.insecure_anonymous,
            reconnect=settings.reconnect,
            gate=gate,
        )
        self._facts = facts
        describe = HostDescription if facts is None else lambda: facts.latest
        self._host = HostObject(settings, identity, publish=self._publish, describe=describe)
        if facts is not None:
            facts.on_news(self._described)
        self._tasks = TaskKeeper()
        self._is_published = False

    async def run(self) -> None:
        """Serve until :meth:`stop`; raises as :meth:`matahari.agent.Agent.run`."""
        self.agent.add_object(self._host)
        self._is_published = True
        self.agent.add_schemas([HEARTBEAT_SCHEMA])
        self._tasks.start(self._beat(), name="host heartbeat")
        try:
            await self.agent.run()
        finally:
            await self._tasks.cancel_all()

    async def wait_ready(self) -> None:
        """Return when the agent is on the bus, and knows what to tell of the host."""
        await self.agent.wait_ready()
        if self._facts is not None:
            await self._facts.wait_first()

    async def stop(self) -> None:
        await self._tasks.cancel_all()
        await self.agent.stop()

    async def reload(self, settings: Settings) -> None:
        """Take new settings into use."""
        self._host.reconfigure(settings)

    def _described(self) -> None:
        if self._is_published:
            self._publish()

    def _publish(self) -> None:
        self.agent.object_changed(self._host.name)

    async def _beat(self) -> None:
        await self.agent.wait_ready()
        await heartbeats(self._host, self.agent.raise_event)

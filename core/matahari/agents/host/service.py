"""The Host agent as a whole: its object, its heartbeat event, its place on the bus."""

from __future__ import annotations

from matahari.agent import Agent, AgentIdentity
from matahari.agent.identity import Identity
from matahari.agents.host.agent import HostObject
from matahari.agents.host.heartbeat import heartbeats
from matahari.agents.host.schema import HEARTBEAT_SCHEMA
from matahari.config import Settings
from matahari.net import Address, TaskKeeper

__all__ = ["HostAgent"]


class HostAgent:
    """Publishes class ``Host`` (product ``host``). One event loop owns it."""

    def __init__(self, settings: Settings, identity: Identity, start: AgentIdentity, address: Address) -> None:
        self.agent = Agent(
            "host",
            start,
            address,
            heartbeat_interval=settings.heartbeat_interval,
            broker_kind=settings.broker_kind,
            virtual_host=settings.virtual_host or "",
            insecure_anonymous=settings.insecure_anonymous,
            reconnect=settings.reconnect,
        )
        self._host = HostObject(settings, identity, publish=self._publish)
        self._tasks = TaskKeeper()

    async def run(self) -> None:
        """Serve until :meth:`stop`; raises as :meth:`matahari.agent.Agent.run`."""
        self.agent.add_object(self._host)
        self.agent.add_schemas([HEARTBEAT_SCHEMA])
        self._tasks.start(self._beat(), name="host heartbeat")
        try:
            await self.agent.run()
        finally:
            await self._tasks.cancel_all()

    async def wait_ready(self) -> None:
        """Return when the agent is on the bus."""
        await self.agent.wait_ready()

    async def stop(self) -> None:
        await self._tasks.cancel_all()
        await self.agent.stop()

    async def reload(self, settings: Settings) -> None:
        """Take new settings into use."""
        self._host.reconfigure(settings)

    def _publish(self) -> None:
        self.agent.object_changed(self._host.name)

    async def _beat(self) -> None:
        await self.agent.wait_ready()
        await heartbeats(self._host, self.agent.raise_event)

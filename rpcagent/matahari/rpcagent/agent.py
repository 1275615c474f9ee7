"""The RPC agent as a whole: the plugin service and its face on the bus."""

from __future__ import annotations

import asyncio

from matahari.agent import Agent, AgentIdentity
from matahari.config import Settings
from matahari.net import Address, TaskKeeper
from matahari.rpcagent.face import PLUGIN_EXCEPTION, PluginFace
from matahari.rpcagent.records import Limits
from matahari.rpcagent.service import PluginService

__all__ = ["RpcAgent"]


class RpcAgent:
    """Publishes every plugin (product ``rpc``). One event loop owns it."""

    def __init__(self, settings: Settings, start: AgentIdentity, address: Address) -> None:
        self.agent = Agent(
            "rpc",
            start,
            address,
            heartbeat_interval=settings.heartbeat_interval,
            insecure_anonymous=settings.insecure_anonymous,
            reconnect=settings.reconnect,
        )
        face = PluginFace(self.agent)
        self.plugins = PluginService(
            settings.plugins,
            listener=face,
            limits=Limits(
                concurrency=settings.plugin_concurrency,
                queue=settings.plugin_queue,
                call_timeout=settings.plugin_call_timeout,
                load_timeout=settings.plugin_load_timeout,
                drain_timeout=settings.plugin_drain_timeout,
            ),
        )
        face.attach(self.plugins)
        self._tasks = TaskKeeper()
        self._loaded = asyncio.Event()

    async def run(self) -> None:
        """Serve until :meth:`stop`; raises as :meth:`matahari.agent.Agent.run`.

        The agent is on the bus while plugins still load, so that one that hangs at import is seen as ``loading``.
        """
        self.agent.add_schemas([PLUGIN_EXCEPTION])
        loading = self._tasks.start(self._load(), name="first load of the plugins")
        try:
            await self.agent.run()
        finally:
            loading.cancel()
            await self._tasks.cancel_all()
            await self.plugins.stop()

    async def wait_ready(self) -> None:
        """Return when every plugin was loaded once, or failed to, and the agent is on the bus."""
        await self._loaded.wait()
        await self.agent.wait_ready()

    async def stop(self) -> None:
        await self.agent.stop()

    async def reload(self, settings: Settings) -> None:
        """Load every plugin anew."""
        await self.plugins.reload_all()

    async def _load(self) -> None:
        await self.plugins.start()
        self._loaded.set()

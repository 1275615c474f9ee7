"""The RPC agent as a whole: the plugin service and its face on the bus."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Sequence
from pathlib import Path

from matahari.agent import Agent, AgentIdentity, Gate
from matahari.config import Settings
from matahari.errors import ConfigError
from matahari.facts import FactKeeper
from matahari.hooks import OfferedLanguage
from matahari.net import Address, TaskKeeper
from matahari.rpcagent.face import PluginFace
from matahari.rpcagent.formats import FormatChecks
from matahari.rpcagent.limits import MIB, Limits
from matahari.rpcagent.service import PluginService

__all__ = ["RpcAgent"]


class RpcAgent:
    """Publishes every plugin (product ``rpc``). One event loop owns it."""

    def __init__(
        self,
        settings: Settings,
        start: AgentIdentity,
        address: Address,
        *,
        gate: Gate | None = None,
        facts: FactKeeper | None = None,
        languages: Sequence[OfferedLanguage] = (),
    ) -> None:
        """Prepare.

        Args:
            gate: see :class:`matahari.agent.Agent`.
            facts: what plugins are told of the host; somebody else keeps it fresh. They load when it is there.
            languages: of plugins, beside Python.

        Raises:
            ConfigError: a plugin directory is no directory.
        """
        for directory in settings.plugins:
            _check_directory(directory)
        self.agent = Agent(
            "rpc",
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
        face = PluginFace(self.agent, None if gate is None else FormatChecks(gate.validators, gate.threads))
        self.plugins = PluginService(
            settings.plugins,
            listener=face,
            limits=_limits(settings),
            facts=dict if facts is None else lambda: facts.latest.facts,
            languages=languages,
        )
        face.attach(self.plugins)
        self._tasks = TaskKeeper()
        self._loaded = asyncio.Event()

    async def run(self) -> None:
        """Serve until :meth:`stop`; raises as :meth:`matahari.agent.Agent.run`.

        The agent is on the bus while plugins still load, so that one that hangs at import is seen as ``loading``.
        """
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
        """Take the limits into use, and load every plugin anew."""
        self.plugins.reconfigure(_limits(settings))
        await self.plugins.reload_all()

    async def _load(self) -> None:
        if self._facts is not None:
            await self._facts.wait_first()
        await self.plugins.start()
        self._loaded.set()


def _limits(settings: Settings) -> Limits:
    return Limits(
        concurrency=settings.plugin_concurrency,
        queue=settings.plugin_queue,
        call_timeout=settings.plugin_call_timeout,
        load_timeout=settings.plugin_load_timeout,
        drain_timeout=settings.plugin_drain_timeout,
        queue_age=settings.plugin_queue_age,
        memory=settings.plugin_memory * MIB,
        open_files=settings.plugin_open_files,
        processes=settings.plugin_processes,
        nice=settings.plugin_nice,
        activate_interval=settings.plugin_activate_interval,
    )


def _check_directory(path: Path) -> None:
    """Refuse what is no directory. Who can change it is looked at whenever plugins are.

    Raises:
        ConfigError: the path is something else than a directory.
    """
    try:
        found = path.stat()
    except OSError:
        return  # the watcher waits for it to appear
    if not stat.S_ISDIR(found.st_mode):
        raise ConfigError(f"{path} is not a directory; plugins are the files in one", key="plugins.directories")

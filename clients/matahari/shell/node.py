"""Runs the parts of a node in one process: embedded broker, Host agent, RPC agent, in any selection.

The parts talk to each other over the broker's socket, exactly as they do when each is a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from matahari.agent import AgentIdentity, next_start
from matahari.agent.identity import Identity, IdentityFiles
from matahari.config import Settings, StateLock, configure_logging, private_directory
from matahari.errors import MatahariError
from matahari.net import Address, TaskKeeper, notify_systemd

__all__ = ["AGENTS", "Plan", "run_node"]

_log = logging.getLogger(__name__)

AGENTS: tuple[str, ...] = ("host", "rpc")
_FIXED = ("broker", "socket", "state", "plugins", "hostname", "reconnect", "heartbeat_interval", "custom_uuid_file")
"""Settings that SIGHUP cannot change."""

WARN_EVERY = 60.0  # seconds between two reminders that anybody on this machine may use the open port


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run.

    Attributes:
        program: the word after ``ready``.
        broker: whether the embedded broker is part of it.
        agents: which of ``AGENTS``.
    """

    program: str
    broker: bool
    agents: tuple[str, ...]


class Part(Protocol):
    """An agent as a program runs it."""

    async def run(self) -> None: ...

    async def wait_ready(self) -> None: ...

    async def stop(self) -> None: ...

    async def reload(self, settings: Settings) -> None: ...


async def run_node(settings: Settings, plan: Plan, reread: Callable[[], Settings], say: Callable[[str], None]) -> int:
    """Run until SIGTERM or SIGINT, or until a part fails; SIGHUP reloads.

    Args:
        reread: reads the configuration again.
        say: prints the line ``ready PROGRAM key=value …`` once everything really is.

    Returns:
        Exit status: 0 after an ordered stop.

    Raises:
        MatahariError: a part cannot start or has failed.
    """
    async with contextlib.AsyncExitStack() as stack:
        facts: list[str] = []
        address = settings.broker
        if plan.agents:
            _lock(stack, settings, plan.agents)
        if plan.broker:
            address, more = await stack.enter_async_context(_broker(settings))
            facts += more
        else:
            facts.append(f"broker={address}")
        tasks = TaskKeeper()
        stack.push_async_callback(tasks.cancel_all)
        parts = _agents(settings, plan.agents, address)
        if parts:
            facts.append(f"agents={','.join(plan.agents)}")
        stop = asyncio.Event()
        running = [tasks.start(part.run(), name=type(part).__name__) for part in parts]
        _on_signals(tasks, stop, parts, reread, settings)
        ready = tasks.start(_announce(parts, plan, facts, say), name="readiness")
        stopping = tasks.start(stop.wait(), name="stop")
        done, _ = await asyncio.wait((*running, stopping), return_when=asyncio.FIRST_COMPLETED)
        notify_systemd("STOPPING=1")
        ready.cancel()
        for part in reversed(parts):
            await part.stop()
        if running:
            await asyncio.wait(running)
        for task in done:
            if task is not stopping:
                task.result()
                raise MatahariError(f"{task.get_name()} ended without being asked to")
    return 0


def _lock(stack: contextlib.AsyncExitStack, settings: Settings, agents: Sequence[str]) -> None:
    """Own the state directory of each agent, so that two processes never are one agent."""
    private_directory(settings.state)
    for name in agents:
        lock = StateLock(settings.state / name)
        lock.acquire()
        stack.callback(lock.release)


@contextlib.asynccontextmanager
async def _broker(settings: Settings) -> AsyncIterator[tuple[Address, list[str]]]:
    from matahari.broker import Broker

    private_directory(settings.socket.parent)
    broker = Broker()
    tasks = TaskKeeper()
    try:
        await broker.listen_unix(settings.socket)
        address = Address("unix", path=str(settings.socket))
        facts = [f"broker={address}"]
        if settings.insecure_port is not None:
            port = await broker.listen_insecure(settings.insecure_port)
            facts.append(f"insecure-anonymous=127.0.0.1:{port}")
            tasks.start(_remind(port), name="reminder")
        yield address, facts
    finally:
        await tasks.cancel_all()
        await broker.close()


async def _remind(port: int) -> None:
    while True:
        _log.warning("INSECURE: every user of this machine can use the broker on 127.0.0.1:%d without a login", port)
        await asyncio.sleep(WARN_EVERY)


def _agents(settings: Settings, names: Sequence[str], address: Address) -> list[Part]:
    """The chosen agents; modules are imported only for these."""
    if not names:
        return []
    uid = os.geteuid()
    identity = Identity(
        IdentityFiles.of_host(settings.state, settings.custom_uuid_file, uid=uid), hostname=settings.hostname
    )
    parts: list[Part] = []
    for name in names:
        instance, epoch = next_start(settings.state / name)
        start = AgentIdentity(identity.hostname, identity.uuid, instance, epoch)
        if name == "host":
            from matahari.agents.host import HostAgent

            parts.append(HostAgent(settings, identity, start, address))
        else:
            from matahari.rpcagent import RpcAgent

            parts.append(RpcAgent(settings, start, address))
    return parts


async def _announce(parts: Sequence[Part], plan: Plan, facts: Sequence[str], say: Callable[[str], None]) -> None:
    for part in parts:
        await part.wait_ready()
    say(" ".join(["ready", plan.program, *facts, f"pid={os.getpid()}"]))
    notify_systemd("READY=1")


def _on_signals(
    tasks: TaskKeeper, stop: asyncio.Event, parts: Sequence[Part], reread: Callable[[], Settings], settings: Settings
) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def reload() -> None:
        tasks.start(_reload(parts, reread, settings), name="reload")

    loop.add_signal_handler(signal.SIGHUP, reload)


async def _reload(parts: Sequence[Part], reread: Callable[[], Settings], running: Settings) -> None:
    """Take a changed configuration into use; a faulty one changes nothing but a log line."""
    notify_systemd("RELOADING=1")
    try:
        settings = reread()
        configure_logging(settings)
        fixed = [name for name in _FIXED if getattr(settings, name) != getattr(running, name)]
        if fixed:
            _log.warning("a change of %s takes effect at the next start only", ", ".join(fixed))
        for part in parts:
            await part.reload(settings)
        _log.info("configuration and plugins were reloaded")
    except MatahariError as error:
        _log.error("not reloaded: %s", error)
    notify_systemd("READY=1")

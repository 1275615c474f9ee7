"""Runs the parts of a node in one process: embedded broker, Host agent, RPC agent, in any selection.

The parts talk to each other over the broker's socket, exactly as they do when each is a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import stat
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from matahari.agent import AgentIdentity, next_start
from matahari.agent.identity import Identity, IdentityFiles
from matahari.config import Settings, StateLock, configure_logging, private_directory
from matahari.errors import ConfigError, MatahariError
from matahari.net import Address, TaskKeeper, notify_systemd
from matahari.shell.service.offers import find_offers, keep_running, setting_texts
from matahari.shell.service.surroundings import Surroundings, surround

if TYPE_CHECKING:
    from matahari.broker import Broker

__all__ = ["AGENTS", "Plan", "run_node"]

_log = logging.getLogger(__name__)

AGENTS: tuple[str, ...] = ("host", "rpc")
_FIXED = (
    "broker",
    "socket",
    "acl_file",
    "state",
    "plugins",
    "hostname",
    "reconnect",
    "heartbeat_interval",
    "custom_uuid_file",
    "authorisation",
    "audit",
    "hooks",
    "facts",
)
"""Settings that SIGHUP cannot change."""

WARN_EVERY = 60.0  # seconds between two reminders that anybody on this machine may use the open port


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run.

    Attributes:
        program: the word after ``ready``.
        broker: whether the embedded broker is part of it.
        agents: which of ``AGENTS``.
        offered: which of the agents that extensions offer, None for all.
    """

    program: str
    broker: bool
    agents: tuple[str, ...]
    offered: tuple[str, ...] | None = ()


@dataclass(frozen=True, slots=True)
class Running:
    """What SIGHUP reaches."""

    broker: Broker | None
    parts: Sequence[Part]
    shared: Surroundings | None


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
        if plan.broker:  # before the state, which may lie in it and would make it for one user alone
            private_directory(settings.socket.parent, is_open=settings.acl_file is not None)
        if plan.agents:
            _lock(stack, settings, plan.agents)
        if plan.broker:
            broker, address, more = await stack.enter_async_context(_broker(settings))
            facts += more
        else:
            broker = None
            facts.append(f"broker={address}")
        shared, offers = None, []
        identity = _identity(settings) if plan.agents else None
        if plan.agents or plan.offered != ():
            hostname = settings.hostname if identity is None else identity.hostname
            shared = await stack.enter_async_context(surround(settings, hostname))
            offers = await find_offers(shared.extensions, shared.gate.threads, plan.offered, AGENTS)
        tasks = TaskKeeper()
        stack.push_async_callback(tasks.cancel_all)
        parts = [] if shared is None or identity is None else _agents(settings, plan.agents, address, shared, identity)
        if parts or offers:
            facts.append(f"agents={','.join([*plan.agents, *(offer.agent.name for offer in offers)])}")
        if shared is not None:
            tasks.start(shared.facts.run(), name="facts of this host")
        for offer in offers:
            tasks.start(keep_running(offer, setting_texts(settings, address)), name=f"agent {offer.agent.name}")
        stop = asyncio.Event()
        running = [tasks.start(part.run(), name=type(part).__name__) for part in parts]
        _on_signals(tasks, stop, Running(broker, parts, shared), reread, settings)
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
async def _broker(settings: Settings) -> AsyncIterator[tuple[Broker, Address, list[str]]]:
    from matahari.broker import Broker, raise_descriptor_limit, read_acl

    acl = None if settings.acl_file is None else read_acl(settings.acl_file)
    broker = Broker(acl)
    tasks = TaskKeeper()
    try:
        address = await broker.listen_unix(settings.socket)
        raise_descriptor_limit()
        if acl is not None:
            _log.info("access rules of %s are in force: %d in all", settings.acl_file, len(acl))
            _check_reachable(settings)
        facts = [f"broker={address}"]
        if settings.insecure_port is not None:
            port = await broker.listen_insecure(settings.insecure_port)
            facts.append(f"insecure-anonymous=127.0.0.1:{port}")
            tasks.start(_remind(port), name="reminder")
        yield broker, address, facts
    finally:
        await tasks.cancel_all()
        await broker.close()


def _check_reachable(settings: Settings) -> None:
    """Access rules are for other users; one whom the directory keeps out would only see "permission denied"."""
    folder = settings.socket.parent
    if not folder.stat().st_mode & stat.S_IXOTH:
        _log.warning("%s keeps other users out, whatever the access rules say; chmod o+x lets them in", folder)


async def _remind(port: int) -> None:
    while True:
        _log.warning("INSECURE: every user of this machine can use the broker on 127.0.0.1:%d without a login", port)
        await asyncio.sleep(WARN_EVERY)


def _identity(settings: Settings) -> Identity:
    files = IdentityFiles.of_host(settings.state, settings.custom_uuid_file, uid=os.geteuid())
    return Identity(files, hostname=settings.hostname)


def _agents(
    settings: Settings, names: Sequence[str], address: Address, shared: Surroundings, identity: Identity
) -> list[Part]:
    """The chosen agents; modules are imported only for these."""
    parts: list[Part] = []
    for name in names:
        instance, epoch = next_start(settings.state / name)
        start = AgentIdentity(identity.hostname, identity.uuid, instance, epoch)
        if name == "host":
            from matahari.agents.host import HostAgent

            parts.append(HostAgent(settings, identity, start, address, gate=shared.gate, facts=shared.facts))
        else:
            from matahari.rpcagent import RpcAgent

            gate, facts, languages = shared.gate, shared.facts, shared.languages
            parts.append(RpcAgent(settings, start, address, gate=gate, facts=facts, languages=languages))
    return parts


async def _announce(parts: Sequence[Part], plan: Plan, facts: Sequence[str], say: Callable[[str], None]) -> None:
    for part in parts:
        await part.wait_ready()
    say(" ".join(["ready", plan.program, *facts, f"pid={os.getpid()}"]))
    notify_systemd("READY=1")


def _on_signals(
    tasks: TaskKeeper,
    stop: asyncio.Event,
    running: Running,
    reread: Callable[[], Settings],
    settings: Settings,
) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    on_terminal = os.isatty(0)

    def reload() -> None:
        if on_terminal and not os.isatty(0):
            stop.set()  # the terminal has gone: this was no request to reload
            return
        tasks.start(_reload(running, reread, settings), name="reload")

    loop.add_signal_handler(signal.SIGHUP, reload)


async def _reload(running: Running, reread: Callable[[], Settings], started: Settings) -> None:
    """Take a changed configuration into use; a faulty one changes nothing but a log line."""
    notify_systemd("RELOADING=1")
    try:
        settings = reread()
        configure_logging(settings)
        fixed = [name for name in _FIXED if getattr(settings, name) != getattr(started, name)]
        if fixed:
            _log.warning("a change of %s takes effect at the next start only", ", ".join(fixed))
        if running.broker is not None and started.acl_file is not None:
            _reload_acl(running.broker, started.acl_file)
        if running.shared is not None:
            running.shared.facts.reconfigure(settings.facts_interval)
        for part in running.parts:
            await part.reload(settings)
        _log.info("configuration and plugins were reloaded")
    except MatahariError as error:
        _log.error("not reloaded: %s", error)
    notify_systemd("READY=1")


def _reload_acl(broker: Broker, file: Path) -> None:
    """Access rules are read whole or not at all; a fault in them keeps nothing else from being reloaded."""
    from matahari.broker import read_acl

    try:
        acl = read_acl(file)
    except ConfigError as error:
        _log.error("the access rules stay as they were: %s", error)
        return
    broker.replace_acl(acl)
    _log.info("access rules of %s were read again: %d in all", file, len(acl))

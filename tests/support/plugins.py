"""A plugin service over a temporary directory, with real processes, and ways to wait for what it tells."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import psutil

from matahari.rpcagent import CallFailure, Limits, Notice, PluginService, PluginStatus

#: Slow machines wait longer: every deadline is multiplied.
TIME = float(os.environ.get("MATAHARI_TEST_TIME", "1"))


class Recorder:
    """A listener that remembers everything and can be waited for."""

    def __init__(self) -> None:
        self.history: list[PluginStatus] = []
        self.now: dict[str, PluginStatus] = {}
        self.removed: list[str] = []
        self.notices: list[Notice] = []
        self._heard = asyncio.Event()

    def plugin_changed(self, status: PluginStatus) -> None:
        self.history.append(status)
        self.now[status.name] = status
        self._heard.set()

    def plugin_removed(self, name: str) -> None:
        self.removed.append(name)
        self.now.pop(name, None)
        self._heard.set()

    def plugin_notice(self, notice: Notice) -> None:
        self.notices.append(notice)
        self._heard.set()

    async def wait(self, condition: Callable[[], bool], *, timeout: float = 10.0) -> None:
        """Wait until ``condition`` holds, looking whenever something was told."""
        async with asyncio.timeout(timeout * TIME):
            while not condition():
                self._heard.clear()
                await self._heard.wait()


@dataclass
class Box:
    """One running service."""

    directory: Path
    service: PluginService
    heard: Recorder
    _seen: set[int] = field(default_factory=set)

    def save(self, name: str, source: str) -> Path:
        """Write a plugin file in one go; the name may have a folder in it."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
        return path

    async def wait_state(self, name: str, state: str) -> PluginStatus:
        await self.heard.wait(lambda: name in self.heard.now and self.heard.now[name].state == state)
        return self.heard.now[name]

    async def wait_method(self, name: str, method: str) -> PluginStatus:
        await self.heard.wait(lambda: name in self.heard.now and method in methods(self.heard.now[name]))
        return self.heard.now[name]

    async def wait_error(self, name: str, error_type: str) -> PluginStatus:
        def is_told() -> bool:
            error = self.heard.now[name].last_error if name in self.heard.now else None
            return error is not None and error.type == error_type

        await self.heard.wait(is_told)
        return self.heard.now[name]

    async def wait_generation(self, name: str, generation: int) -> PluginStatus:
        await self.heard.wait(lambda: name in self.heard.now and self.heard.now[name].generation >= generation)
        return self.heard.now[name]

    async def call(self, plugin: str, method: str, *args: object, **kwargs: object) -> object:
        """Call with Python values; gives the decoded result."""
        return json.loads(
            await self.service.call(
                plugin, method, [json.dumps(arg) for arg in args], {name: json.dumps(v) for name, v in kwargs.items()}
            )
        )

    async def fail(self, plugin: str, method: str, *args: object, timeout: float | None = None) -> CallFailure:
        """Call what must fail; gives the failure."""
        try:
            result = await self.service.call(plugin, method, [json.dumps(arg) for arg in args], timeout=timeout)
        except CallFailure as failure:
            return failure
        raise AssertionError(f"{plugin}.{method} gave {result}")

    async def pid(self, plugin: str) -> int:
        """The process id of the worker that serves; the plugin must have ``import os`` and an action ``pid``."""
        found = await self.call(plugin, "pid")
        assert isinstance(found, int)
        return found

    def processes(self) -> set[int]:
        """The warm parent and everything below it."""
        parent = self.service.parent_pid
        if parent is None:
            return set()
        try:
            return {parent, *(child.pid for child in psutil.Process(parent).children(recursive=True))}
        except psutil.NoSuchProcess:
            return set()


def methods(status: PluginStatus) -> list[str]:
    return [method.name for method in status.methods]


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def wait_dead(*pids: int, timeout: float = 10.0) -> None:
    """Wait for the end of processes that are not ours to reap."""
    async with asyncio.timeout(timeout * TIME):
        for pid in pids:
            try:
                descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            ended = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.add_reader(descriptor, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(descriptor)
                os.close(descriptor)


@asynccontextmanager
async def plugin_service(directory: Path, **limits: float) -> AsyncIterator[Box]:
    """Run a service; at the end it is stopped, and must have left no process."""
    heard = Recorder()
    service = PluginService([directory], listener=heard, limits=Limits(**limits))  # type: ignore[arg-type]  # ints too
    box = Box(directory, service, heard)
    await service.start()
    try:
        yield box
    finally:
        processes = box.processes()
        await service.stop()
    left = [pid for pid in processes if is_alive(pid)]
    assert not left, f"processes left: {left}"
    assert service.parent_pid is None

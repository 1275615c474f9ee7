"""What a plugin has started ends with its worker, wherever it has gone: other sessions, other groups, no parent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from tests.support.plugins import TIME, Box, is_alive, plugin_service, wait_dead

pytestmark = pytest.mark.integration

SOURCE = """
import os
import signal
import subprocess
import time

def pid(): return os.getpid()
def die(): os._exit(3)
def hang():
    while True: time.sleep(3600)

def session():
    return subprocess.Popen(["sleep", "3600"], start_new_session=True).pid

def deaf():
    child = subprocess.Popen(["sh", "-c", "trap '' TERM HUP INT; echo; while :; do sleep 1; done"],
                             start_new_session=True, stdout=subprocess.PIPE)
    child.stdout.readline()
    return child.pid

def daemon():
    # Twice forked, a session of its own, nothing open, nothing of the environment.
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(write, b"%d" % os.getpid())
            os.chdir("/")
            os.closerange(0, 1024)
            os.execve("/bin/sleep", ["sleep", "3600"], {})
        os._exit(0)
    os.wait()
    return int(os.read(read, 20))

def family():
    # A daemon with children in sessions of their own.
    script = "setsid sleep 3600 & setsid sleep 3600 & echo $$; wait"
    child = subprocess.Popen(["sh", "-c", script], start_new_session=True, stdout=subprocess.PIPE)
    return int(child.stdout.readline())

def runner():
    # Never the same process for long: each makes the next, in a session of its own, and ends.
    read, write = os.pipe()
    is_over = time.monotonic() + 30
    if os.fork() == 0:
        os.set_blocking(write, False)
        while time.monotonic() < is_over:
            os.setsid()
            if os.fork():
                os._exit(0)
            try:
                os.write(write, b"%d\\n" % os.getpid())
            except OSError:
                pass
            time.sleep(0.001)
        os._exit(0)
    return int(os.read(read, 20).split()[0])
"""

#: How the process comes to be.
STARTS = ("session", "deaf", "daemon", "family")


async def crash(box: Box) -> None:
    assert (await box.fail("a", "die")).kind == "crashed"


async def hang(box: Box) -> None:
    pid = await box.pid("a")
    assert (await box.fail("a", "hang", timeout=0.2)).kind == "timeout"
    await wait_dead(pid)


async def save(box: Box) -> None:
    pid = await box.pid("a")
    box.save("a.py", SOURCE + "\n# new\n")
    await box.wait_generation("a", 2)
    await wait_dead(pid)


async def remove(box: Box) -> None:
    pid = await box.pid("a")
    (box.directory / "a.py").unlink()
    await wait_dead(pid)


async def stop(box: Box) -> None:
    await box.service.stop()


def below(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def wait_gone(processes: list[psutil.Process]) -> None:
    await wait_dead(*(process.pid for process in processes), timeout=5.0)
    assert all(is_gone(process) for process in processes)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("end", [crash, hang, save, remove, stop])
def test_it_ends_with_the_worker(tmp_path: Path, start: str, end: Callable[[Box], Awaitable[None]]) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("a.py", SOURCE)
            await box.wait_state("a", "ready")
            pid = await box.call("a", start)
            assert isinstance(pid, int)
            processes = below(pid)
            assert not any(is_gone(process) for process in processes)
            await end(box)
            await wait_gone(processes)

    asyncio.run(story())


def test_when_a_crash_or_the_stop_is_told_it_is_gone_already(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("a.py", SOURCE)
            await box.wait_state("a", "ready")
            for start in STARTS:
                pid = await box.call("a", start)
                assert isinstance(pid, int)
                processes = below(pid)
                await crash(box)
                assert all(is_gone(process) for process in processes), start
                await box.service.reload("a")
            pid = await box.call("a", "family")
            assert isinstance(pid, int)
            processes = below(pid)
            await box.service.stop()
            assert all(is_gone(process) for process in processes)

    asyncio.run(story())


def test_the_worker_of_another_plugin_keeps_what_it_has_started(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            for name in ("a", "b"):
                box.save(f"{name}.py", SOURCE)
                await box.wait_state(name, "ready")
            kept = [await box.call("b", start) for start in STARTS]
            for start in STARTS:
                pid = await box.call("a", start)
                assert isinstance(pid, int)
                await crash(box)
                assert not is_alive(pid)
                await box.service.reload("a")
            assert all(is_alive(pid) for pid in kept if isinstance(pid, int))
            assert len(kept) == len(STARTS)

    asyncio.run(story())


def test_one_that_runs_away_from_process_to_process_is_caught(tmp_path: Path) -> None:
    def runners(parent: int) -> list[psutil.Process]:
        """Orphans: children of the warm parent that are no workers."""
        found = []
        for child in psutil.Process(parent).children(recursive=True):
            try:
                if child.pid not in workers and child.status() != psutil.STATUS_ZOMBIE:
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return found

    workers: set[int] = set()

    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("a.py", SOURCE)
            box.save("b.py", SOURCE)
            await box.wait_state("a", "ready")
            await box.wait_state("b", "ready")
            await box.call("a", "runner")
            await crash(box)
            await box.service.reload("a")
            workers.update((await box.pid("a"), await box.pid("b")))
            parent = box.service.parent_pid
            assert parent is not None
            async with asyncio.timeout(5.0 * TIME):
                while runners(parent):
                    await box.call("b", "pid")
            # Nothing of it comes back.
            for _ in range(20):
                await box.call("b", "pid")
                assert not runners(parent)

    asyncio.run(story())


def test_orphans_that_end_by_themselves_are_reaped_while_the_worker_lives(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save(
                "a.py",
                """
                import subprocess
                def start():
                    script = "sh -c 'echo $$; read line' <&0 & exit 0"
                    child = subprocess.Popen(["sh", "-c", script], start_new_session=True,
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                    pid = int(child.stdout.readline())
                    child.wait()
                    child.stdin.close()
                    return pid
                """,
            )
            await box.wait_state("a", "ready")
            for _ in range(5):
                pid = await box.call("a", "start")
                assert isinstance(pid, int)
                async with asyncio.timeout(5.0 * TIME):
                    while psutil.pid_exists(pid):
                        await asyncio.sleep(0)

    asyncio.run(story())


def test_a_plugin_may_wait_for_any_child_and_gets_only_its_own(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save(
                "a.py",
                """
                import os
                def strange():
                    for _ in range(3):
                        if os.fork() == 0:
                            if os.fork() == 0:
                                os._exit(5)
                            os._exit(0)
                    found = []
                    try:
                        while True:
                            found.append(os.waitstatus_to_exitcode(os.wait()[1]))
                    except ChildProcessError:
                        return found
                """,
            )
            await box.wait_state("a", "ready")
            assert await box.call("a", "strange") == [0, 0, 0]

    asyncio.run(story())


def test_what_runs_as_another_user_ends_too(tmp_path: Path) -> None:
    assert os.geteuid() == 0, "this needs root: only root can run a plugin as another user"

    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("a.toml", '[limits]\nuser = "nobody"\n')
            box.save("a.py", SOURCE)
            await box.wait_state("a", "ready")
            pid = await box.call("a", "daemon")
            assert isinstance(pid, int)
            assert psutil.Process(pid).username() == "nobody"
            await crash(box)
            assert not is_alive(pid)

    asyncio.run(story())


def test_one_that_hides_and_goes_on_writing_to_the_workers_socket_does_not_hold_up_the_agent(tmp_path: Path) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        async with plugin_service(tmp_path) as box:
            box.save(
                "a.py",
                """
                import os
                import resource
                import time

                def die(): os._exit(3)

                def write():
                    read, write = os.pipe()
                    socket = os.dup(3)
                    if os.fork() == 0:
                        os.setsid()
                        if os.fork() == 0:
                            # As a program does that asks for real-time priority: it bears another worker's mark now.
                            resource.setrlimit(resource.RLIMIT_RTTIME, (200_000, 200_000))
                            frame = b'{"type":"pong","id":1}'
                            # Not more than the kernel passes on in one piece: the worker's own answer comes between
                            # two of them, and not into a frame.
                            data = (len(frame).to_bytes(4, "big") + frame) * 500
                            is_over = time.monotonic() + 20
                            while time.monotonic() < is_over:
                                try:
                                    os.write(socket, data)
                                except OSError:
                                    break
                                os.write(write, b".") if write else None
                                write = 0
                        os._exit(0)
                    os.wait()
                    os.close(write)
                    return os.read(read, 1).decode()
                """,
            )
            await box.wait_state("a", "ready")
            assert await box.call("a", "write") == "."
            start = loop.time()
            await crash(box)
            assert loop.time() - start < 5.0 * TIME

    asyncio.run(story())

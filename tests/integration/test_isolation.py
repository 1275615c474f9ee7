"""Calls of one worker side by side: what one does, prints and breaks, and what the others get to know of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
from pathlib import Path

import psutil
import pytest

from matahari.rpcagent import CallFailure, PluginLoaded
from tests.support.plugins import TIME, Box, plugin_service

pytestmark = pytest.mark.integration

SHARED = """
import ctypes, os, subprocess, sys, threading, time
from matahari.plugin import method, output

print("imported")
ready = threading.Semaphore(0)

def whisper(word):
    print("secret of", word)
    print("and of", word, file=sys.stderr)
    ready.release()
    time.sleep(3600)

@method(timeout=3600)
def patient(word):
    whisper(word)

def dots(word):
    for _ in range(3):
        print(word, end="", flush=True)
    ready.release()
    time.sleep(3600)

def show(word):
    print("printed", word)
    output(f"shown {word}\\n")
    ready.release()
    time.sleep(3600)

def fine():
    return "fine"

def wait(number):
    for _ in range(number):
        ready.acquire(timeout=5)

def segfault(number):
    wait(number)
    print("before the end")
    ctypes.string_at(0)

def leave(number):
    wait(number)
    os.write(2, b"no call has written this\\n")
    os._exit(3)
"""


async def outcome(box: Box, method: str, *args: str, request: str = "", timeout: float | None = None) -> CallFailure:
    try:
        await box.service.call("a", method, args, request_id=request, timeout=timeout)
    except CallFailure as failure:
        return failure
    raise AssertionError(f"{method} gave a result")


class TestCrash:
    @pytest.mark.parametrize(("end", "why"), [("leave", "exit status 3"), ("segfault", "SIGSEGV")])
    def test_each_call_learns_why_and_sees_its_own_lines_and_those_of_no_call(
        self, tmp_path: Path, end: str, why: str
    ) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("a.py", SHARED)
                await box.wait_state("a", "ready")
                async with asyncio.timeout(10.0 * TIME):
                    alice, bob, carol, breaker = await asyncio.gather(
                        outcome(box, "whisper", '"alice"'),
                        outcome(box, "whisper", '"bob"'),
                        outcome(box, "dots", '"carol"'),
                        outcome(box, end, "3"),
                    )
                for failure in (alice, bob, carol, breaker):
                    assert failure.kind == "crashed"
                    assert why in failure.text
                    assert ("no call has written this" if end == "leave" else "most recent call first") in failure.text
                assert "secret of alice" in alice.text
                assert "and of alice" in alice.text
                assert carol.text.count("carol") == 3  # in pieces, when another call's line came between
                assert ("before the end" in breaker.text) == (end == "segfault")
                for failure, others in ((alice, "bob carol"), (bob, "alice carol"), (breaker, "alice bob carol")):
                    assert not [other for other in others.split() if other in failure.text]
                # What everybody may read of the plugin shows no caller's lines.
                seen = [status.last_error.text for status in box.heard.history if status.last_error is not None]
                assert any(why in text for text in seen)
                assert not [text for text in seen if "secret" in text or "carol" in text]

        asyncio.run(story())

    def test_calls_that_waited_for_their_turn_are_answered_by_the_next_worker(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path, concurrency=1) as box:
                box.save("a.py", SHARED)
                await box.wait_state("a", "ready")
                first = asyncio.ensure_future(outcome(box, "leave", "0"))
                assert await asyncio.gather(*(box.call("a", "fine") for _ in range(5))) == ["fine"] * 5
                assert (await first).kind == "crashed"

        asyncio.run(story())


class TestTimeOut:
    def test_the_answer_has_the_output_so_far_and_the_other_calls_get_answers_of_their_own(
        self, tmp_path: Path
    ) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path, call_timeout=2.0, hung_drain=0.5, term_grace=0.5) as box:
                box.save("a.py", SHARED)
                await box.wait_state("a", "ready")
                async with asyncio.timeout(15.0 * TIME):
                    bob = asyncio.ensure_future(outcome(box, "patient", '"bob"'))
                    await box.call("a", "wait", 1)
                    alice = await outcome(box, "whisper", '"alice"', timeout=0.5)
                    shown = await outcome(box, "show", '"carol"', timeout=0.5)
                    other = await bob
                assert (alice.kind, shown.kind, other.kind) == ("timeout", "timeout", "crashed")
                assert "secret of alice\nand of alice" in alice.text
                assert shown.text.endswith("its output so far:\nshown carol")
                assert "did not let go when its time was up (whisper)" in other.text
                assert "bob" not in alice.text
                assert "bob" not in shown.text
                assert "alice" not in other.text
                assert await box.call("a", "fine") == "fine"

        asyncio.run(story())

    def test_the_limit_of_one_caller_costs_no_other_its_call(self, tmp_path: Path) -> None:
        gate = tmp_path / "gate"
        source = """
            import pathlib, time

            def slow():
                time.sleep(3600)

            def gated(path):
                while not pathlib.Path(path).exists():
                    time.sleep(0.01)
                return "whole"
            """

        async def story() -> None:
            async with plugin_service(tmp_path, call_timeout=3600, term_grace=0.5) as box:
                box.save("a.py", source)
                await box.wait_state("a", "ready")
                async with asyncio.timeout(15.0 * TIME):
                    other = asyncio.ensure_future(box.call("a", "gated", str(gate)))
                    hurried = await outcome(box, "slow", timeout=0.5)
                    assert hurried.kind == "timeout"
                    again = await outcome(box, "slow", timeout=1.0)  # the grace of the first is over then
                    assert again.kind == "timeout"
                    gate.touch()
                    assert await other == "whole"
                    assert (await outcome(box, "slow", timeout=0.1)).kind == "timeout"

        asyncio.run(story())

    def test_a_method_may_declare_more_time_than_the_default_and_the_operator_has_the_last_word(
        self, tmp_path: Path
    ) -> None:
        source = """
            import time
            from matahari.plugin import method

            @method(timeout=30)
            def slow():
                time.sleep(1.0)
                return "done"

            def plain():
                time.sleep(30)
            """

        async def story() -> None:
            async with plugin_service(tmp_path, call_timeout=0.5) as box:
                box.save("a.py", source)
                await box.wait_state("a", "ready")
                assert await box.call("a", "slow") == "done"
                assert "took longer than 0.5 s" in (await outcome(box, "plain")).text
                assert "took longer than 0.3 s" in (await outcome(box, "slow", timeout=0.3)).text
                box.save("a.toml", "[limits]\ncall_timeout = 0.7\n")
                await box.wait_generation("a", 2)
                assert "took longer than 0.7 s" in (await outcome(box, "slow")).text
                assert "took longer than 0.7 s" in (await outcome(box, "plain", timeout=5.0)).text

        asyncio.run(story())


class TestLog:
    def test_a_printed_line_is_logged_with_the_plugin_and_its_request(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)

        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save(
                    "a.py",
                    """
                    import asyncio, contextvars, subprocess, threading
                    print("imported")
                    def say(word):
                        print("said", word)
                        subprocess.run(["echo", "a child of", word], check=True)
                        print("no end", word, end="")
                    async def later(word):
                        for step in range(3):
                            print(word, end=" ")
                            await asyncio.sleep(0)
                        print()
                        await asyncio.to_thread(print, "in a thread", word)
                    """,
                )
                await box.wait_state("a", "ready")
                for method in ("say", "later"):
                    calls = [box.service.call("a", method, [f'"{n}"'], request_id=f"r{n}") for n in range(5)]
                    await asyncio.gather(*calls)

        asyncio.run(story())
        lines = [record.getMessage() for record in caplog.records]
        assert "plugin a: imported" in lines
        for number in range(5):
            for text in (f"said {number}", f"no end {number}", f"{number} {number} {number} ", f"in a thread {number}"):
                assert f"plugin a: [r{number}] {text}" in lines
            assert f"plugin a: a child of {number}" in lines


def bounded_processes() -> str:
    """Limits under which a fork bomb has room for 40 processes; the kernel counts all of a user's, and none of root's."""
    if os.geteuid() == 0:
        return 'user = "nobody"\nprocesses = 40'
    number = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it ends just now
            number += process.num_threads() if process.uids().real == os.getuid() else 0
    return f"processes = {number + 40}"


BOMB = """
import os, time
def go():
    while True:
        try:
            if os.fork() == 0:
                os.setsid()
        except OSError:
            time.sleep(0.01)
def fine():
    return {answer!r}
"""


class TestForkBomb:
    @pytest.mark.parametrize("is_saved_at_once", [True, False])
    def test_the_next_version_runs_calls_when_the_processes_of_the_last_are_gone(
        self, tmp_path: Path, is_saved_at_once: bool
    ) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path, call_timeout=1.0) as box:
                box.save("a.toml", f"[limits]\ncall_timeout = 1\n{bounded_processes()}\n")
                box.save("a.py", BOMB.format(answer="before"))
                await box.wait_state("a", "ready")
                [worker] = box.service.worker_pids("a")
                bomb = asyncio.ensure_future(outcome(box, "go"))
                assert (await bomb).kind == "timeout"
                assert len(psutil.Process(worker).children(recursive=True)) > 5
                if not is_saved_at_once:
                    # The one that takes over by itself is as good.
                    await box.heard.wait(lambda: takeovers(box) == 2)
                    assert await box.service.call("a", "fine", timeout=10.0) == '"before"'
                box.save("a.py", BOMB.format(answer="after"))
                await box.wait_generation("a", 2)
                async with asyncio.timeout(10.0 * TIME):
                    assert await asyncio.gather(*(box.call("a", "fine") for _ in range(3))) == ["after"] * 3
                assert worker not in box.service.worker_pids("a")
                assert not bombs(box)

        asyncio.run(story())

    def test_a_worker_that_gets_no_thread_says_busy_and_nothing_else(self, tmp_path: Path) -> None:
        source = """
            import os, sys, threading
            def thread_of(*_):
                raise RuntimeError("can't start new thread")
            threading.Thread.start = thread_of
            def blocking(): return 1
            async def on_the_loop(): return 2
            """

        async def story() -> None:
            async with plugin_service(tmp_path, restart_delay_limit=0.0) as box:
                box.save("a.py", source)
                await box.wait_state("a", "ready")
                for method in ("blocking", "on_the_loop"):
                    failure = await outcome(box, method)
                    assert (failure.kind, failure.type) == ("busy", "NoThread")
                    assert "can't start new thread" in failure.text
                # It is replaced, so that what has used up the threads ends with it.
                await box.heard.wait(lambda: takeovers(box) > 1)

        asyncio.run(story())


def takeovers(box: Box) -> int:
    return sum(isinstance(notice, PluginLoaded) for notice in box.heard.notices)


def bombs(box: Box) -> list[psutil.Process]:
    """Processes below the warm parent that are no workers, nor children of one that serves."""
    parent = box.service.parent_pid
    assert parent is not None
    workers = {pid for status in box.service.statuses() for pid in box.service.worker_pids(status.name)}
    return [each for each in psutil.Process(parent).children(recursive=True) if each.pid not in workers]


class TestUser:
    def test_a_plugin_runs_as_the_user_of_its_settings_with_that_environment(self, tmp_path: Path) -> None:
        assert os.geteuid() == 0, "this needs root: only root can run a plugin as another user"
        nobody = pwd.getpwnam("nobody")
        source = """
            import os, subprocess
            def me():
                ids = [*os.getresuid(), *os.getresgid(), os.getgroups()]
                names = ("USER", "LOGNAME", "HOME", "COLOUR")
                child = subprocess.run(["sh", "-c", "id -u; echo $HOME $COLOUR"], capture_output=True, text=True)
                return [ids, [os.environ.get(name) for name in names], child.stdout.split()]
            """

        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("a.toml", '[limits]\nuser = "nobody"\nenvironment = { COLOUR = "blue" }\n')
                box.save("a.py", source)
                await box.wait_state("a", "ready")
                groups = sorted(os.getgrouplist("nobody", nobody.pw_gid))
                found = await box.call("a", "me")
                assert isinstance(found, list)
                ids, names, child = found
                assert (ids[:6], sorted(ids[6])) == ([nobody.pw_uid] * 3 + [nobody.pw_gid] * 3, groups)
                assert names == ["nobody", "nobody", nobody.pw_dir, "blue"]
                assert child == [str(nobody.pw_uid), nobody.pw_dir, "blue"]
                # The others go on as before.
                box.save("b.py", "import os\ndef me(): return [os.getuid(), os.environ.get('COLOUR')]\n")
                await box.wait_state("b", "ready")
                assert await box.call("b", "me") == [0, None]
                # Without the file it is the agent's user again.
                (tmp_path / "a.toml").unlink()
                await box.wait_generation("a", 2)
                found = await box.call("a", "me")
                assert isinstance(found, list)
                assert found[0][0] == 0

        asyncio.run(story())

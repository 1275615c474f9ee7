"""The plugin service with real processes: time limits, queues, and what becomes of each process."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Coroutine
from pathlib import Path

import pytest

from matahari.rpcagent import Limits, PluginService
from tests.support.plugins import TIME, Recorder, is_alive, plugin_service, wait_dead

pytestmark = [pytest.mark.integration, pytest.mark.embedded]
HELLO = "def hello(): return 'one'\n"
PID = "import os\ndef pid(): return os.getpid()\n"


def run(story: Coroutine[object, object, None]) -> None:
    asyncio.run(story)


class TestTime:
    def test_a_call_past_its_time_is_answered_at_once_and_a_hung_worker_is_replaced(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path, cancel_grace=0.1, concurrency=2, term_grace=0.2) as box:
                box.save("hang.py", PID + "import time\ndef hang(): time.sleep(600)\ndef nap(s): time.sleep(s)\n")
                await box.wait_state("hang", "ready")
                old = await box.pid("hang")
                healthy = asyncio.ensure_future(box.call("hang", "nap", 1.0))
                failure = await box.fail("hang", "hang", timeout=0.2)
                assert failure.kind == "timeout"
                assert "longer than 0.2 s" in failure.text
                assert await healthy is None  # an innocent call in the hung worker is not lost
                await wait_dead(old)
                assert await box.pid("hang") != old
                assert box.service.statuses()[0].timeouts == 1
                [said] = [text for text in caplog.messages if "is replaced" in text]
                assert "call 2 of hang.hang did not let go when its limit of 0.2 s was over" in said
                assert f"process {old} " in said

        run(story())

    def test_a_call_that_a_save_leaves_no_more_time_is_logged_when_its_worker_is_ended(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path, drain_timeout=0.1, term_grace=0.1) as box:
                box.save("slow.py", PID + "import time\ndef nap(): time.sleep(600)\n")
                await box.wait_state("slow", "ready")
                old = await box.pid("slow")
                nap = asyncio.ensure_future(box.fail("slow", "nap"))
                box.save("slow.py", PID)
                assert (await nap).kind == "crashed"
                await wait_dead(old)
            said = [text for text in caplog.messages if "is ended with" in text]
            reason = "the worker had no more time"
            assert said == [f"worker process {old} of plugin slow is ended with 1 calls in it: {reason}"]

        run(story())

    def test_an_action_that_looks_at_its_context_keeps_its_worker(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save(
                    "polite.py",
                    PID
                    + """
import asyncio, time
from matahari.plugin import context
def wait():
    while not context().is_cancelled: time.sleep(0.01)
async def wait_async(): await asyncio.sleep(600)
def who():
    c = context()
    return [c.plugin, c.caller, c.request_id, 0 < c.remaining <= 9]
""",
                )
                await box.wait_state("polite", "ready")
                old = await box.pid("polite")
                for name in ("wait", "wait_async"):
                    assert (await box.fail("polite", name, timeout=0.1)).kind == "timeout"
                assert await box.pid("polite") == old
                told = await box.service.call("polite", "who", timeout=9, caller="anna", request_id="r7")
                assert json.loads(told) == ["polite", "anna", "r7", True]

        run(story())

    def test_calls_beyond_the_queue_are_told_busy_at_once(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path, concurrency=1, queue=2) as box:
                box.save("slow.py", "import time\ndef slow(): time.sleep(0.2); return 1\n")
                await box.wait_state("slow", "ready")
                calls = [asyncio.ensure_future(box.call("slow", "slow")) for _ in range(3)]
                await asyncio.sleep(0)
                failure = await box.fail("slow", "slow")
                bound = "limits.queue in slow.toml, or plugins.queue"
                text = f"slow is busy: 2 calls are waiting, and no more may ({bound})"
                assert (failure.kind, failure.text) == ("busy", text)
                assert await asyncio.gather(*calls) == [1, 1, 1]
                assert box.service.statuses()[0].busy == 1

        run(story())

    def test_blocking_and_async_actions_run_side_by_side(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save(
                    "both.py",
                    """
                    import asyncio, threading
                    gate = threading.Barrier(4)
                    def blocking(): gate.wait(20); return 1
                    arrived = 0
                    async def coroutine():
                        global arrived
                        arrived += 1
                        while arrived < 4: await asyncio.sleep(0.001)
                        return 2
                    """,
                )
                await box.wait_state("both", "ready")
                assert await asyncio.gather(*(box.call("both", "blocking") for _ in range(4))) == [1] * 4
                assert await asyncio.gather(*(box.call("both", "coroutine") for _ in range(4))) == [2] * 4

        run(story())

    def test_a_caller_that_gives_up_frees_its_place(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path, concurrency=1) as box:
                box.save(
                    "polite.py",
                    """
                    import time
                    from matahari.plugin import context
                    def wait():
                        while not context().is_cancelled: time.sleep(0.01)
                    def fine(): return 1
                    """,
                )
                await box.wait_state("polite", "ready")
                call = asyncio.ensure_future(box.service.call("polite", "wait"))
                await asyncio.sleep(0)
                call.cancel()
                assert await box.call("polite", "fine") == 1
                assert box.service.statuses()[0].active == 0

        run(story())


class TestProcesses:
    def test_a_warm_parent_that_is_killed_comes_back_with_its_workers(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("one.py", PID + "import time\ndef nap(): time.sleep(60)\n")
                box.save("two.py", PID)
                await box.wait_state("one", "ready")
                await box.wait_state("two", "ready")
                parent = box.service.parent_pid
                assert parent is not None
                workers = [await box.pid("one"), await box.pid("two")]
                call = asyncio.ensure_future(box.fail("one", "nap"))
                await asyncio.sleep(0)
                os.kill(parent, signal.SIGKILL)
                failure = await call
                assert failure.kind == "crashed"
                assert "the plugin host was killed by signal 9" in failure.text
                await wait_dead(parent, *workers)
                assert await box.pid("one") not in workers
                assert await box.pid("two") not in workers
                assert box.service.parent_pid not in (None, parent)
                assert [status.state for status in box.service.statuses()] == ["ready", "ready"]

        run(story())

    def test_grandchildren_of_a_worker_end_with_it(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save(
                    "parent.py",
                    """
                    import os, subprocess
                    def start(): return subprocess.Popen(["sleep", "600"]).pid
                    def leave(): os._exit(1)
                    """,
                )
                await box.wait_state("parent", "ready")
                child = await box.call("parent", "start")
                assert isinstance(child, int)
                assert is_alive(child)
                assert (await box.fail("parent", "leave")).kind == "crashed"
                await wait_dead(child)

        run(story())

    def test_a_plugin_that_closes_all_descriptors_is_replaced(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("rough.py", "import os\ndef shut(): os.closerange(0, 4096)\ndef fine(): return 1\n")
                await box.wait_state("rough", "ready")
                assert (await box.fail("rough", "shut")).kind == "crashed"
                assert await box.call("rough", "fine") == 1

        run(story())

    def test_a_plugin_that_writes_to_the_protocol_socket_hurts_only_itself(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("rough.py", "import os\ndef spoil(): os.write(3, b'rubbish!')\ndef fine(): return 1\n")
                await box.wait_state("rough", "ready")
                failure = await box.fail("rough", "spoil")
                assert failure.kind == "crashed"
                assert "broke the protocol" in failure.text
                assert await box.call("rough", "fine") == 1

        run(story())

    def test_a_worker_has_only_its_own_descriptors(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("look.py", "import os\ndef look(): return sorted(os.listdir('/proc/self/fd'), key=int)\n")
                await box.wait_state("look", "ready")
                found = await box.call("look", "look")
                assert isinstance(found, list)
                assert found[:4] == ["0", "1", "2", "3"]
                assert len(found) == 5  # the last one is the listing itself

        run(story())

    def test_a_worker_has_the_agents_environment_and_nothing_of_its_own_needs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYTHONPATH", "/given")
        monkeypatch.setenv("SITE", "here")

        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("look.py", "import os\ndef look(): return dict(os.environ)\n")
                await box.wait_state("look", "ready")
                found = await box.call("look", "look")
                assert isinstance(found, dict)
                assert (found["PYTHONPATH"], found["SITE"]) == ("/given", "here")
                assert not [name for name in found if name.startswith(("MATAHARI_PLUGIN", "MALLOC"))]

        run(story())

    def test_stop_waits_for_running_calls_and_leaves_nothing(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path, stop_timeout=0.5, term_grace=0.2) as box:
                box.save("nap.py", "import time\ndef nap(s): time.sleep(s); return 'rested'\n")
                box.save(
                    "stubborn.py",
                    """
                    import signal, subprocess, time
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                    subprocess.Popen(["sleep", "600"])
                    def hang(): time.sleep(600)
                    """,
                )
                await box.wait_state("nap", "ready")
                await box.wait_state("stubborn", "ready")
                short = asyncio.ensure_future(box.call("nap", "nap", 0.2))
                long = asyncio.ensure_future(box.fail("stubborn", "hang"))
                await asyncio.sleep(0)
                processes = box.processes()
                assert len(processes) >= 4
                await box.service.stop()
                assert await short == "rested"
                assert (await long).kind == "crashed"
                assert [pid for pid in processes if is_alive(pid)] == []
                assert (await box.fail("nap", "nap", 1)).kind == "not_loaded"

        run(story())

    def test_a_service_that_was_never_started_can_be_stopped(self, tmp_path: Path) -> None:
        async def story() -> None:
            service = PluginService([tmp_path], listener=Recorder())
            await service.stop()

        run(story())

    def test_a_listener_that_raises_stops_nothing(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        class Broken(Recorder):
            def plugin_changed(self, status: object) -> None:
                raise RuntimeError("broken listener")

        async def story() -> None:
            (tmp_path / "greet.py").write_text(HELLO)
            service = PluginService([tmp_path], listener=Broken(), limits=Limits())
            await service.start()
            try:
                assert await service.call("greet", "hello") == '"one"'
            finally:
                await service.stop()

        run(story())
        assert any("listener" in record.getMessage() for record in caplog.records)


def test_a_process_that_a_plugin_forks_logs_without_the_workers_socket(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save(
                "a.py",
                """
                import logging, os, time
                from matahari.plugin import output, progress

                said = 0

                def shout():
                    global said
                    for said in range(16):
                        output("x" * 60_000)

                def fork(path):
                    # Until the thread of the other call waits within a message that the agent does not take.
                    before = -1
                    while said != before or not said:
                        before = said
                        time.sleep(0.3)
                    if os.fork() == 0:
                        logging.getLogger("a").warning("%s", "from the child")
                        output("not heard")
                        progress(1)
                        os.rename(path, path + ".done")
                        os._exit(0)
                    os.wait()
                    return "waited"
                """,
            )
            await box.wait_state("a", "ready")
            mark = tmp_path / "mark"
            mark.touch()
            gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            async with asyncio.TaskGroup() as calls:
                shouting = calls.create_task(box.service.invoke("a", "shout", on_progress=lambda _: gate))
                forking = calls.create_task(box.call("a", "fork", str(mark)))
                async with asyncio.timeout(10.0 * TIME):
                    while not mark.with_name("mark.done").exists():
                        await asyncio.sleep(0)
                gate.set_result(None)
            assert forking.result() == "waited"
            assert shouting.result().text == "null"

    run(story())
    assert any("WARNING: a: from the child" in record.getMessage() for record in caplog.records)

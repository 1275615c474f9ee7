"""The plugin service with real processes: every sentence is something an author or an operator may do."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Coroutine
from pathlib import Path

import pytest

from matahari.errors import PluginError
from matahari.rpcagent import Limits, PluginService
from tests.support.plugins import Recorder, is_alive, methods, plugin_service, wait_dead

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

HELLO = "def hello(): return 'one'\n"
PID = "import os\ndef pid(): return os.getpid()\n"


def run(story: Coroutine[object, object, None]) -> None:
    asyncio.run(story)


class TestSaving:
    def test_plugins_that_are_there_at_the_start_are_ready_when_start_returns(self, tmp_path: Path) -> None:
        async def story() -> None:
            (tmp_path / "first.py").write_text(HELLO)
            (tmp_path / "second.py").write_text(
                "__version__ = '1.2'\ndef two(a: int = 1) -> int:\n  'Doc.'\n  return a\n"
            )
            async with plugin_service(tmp_path) as box:
                first, second = box.service.statuses()
                assert (first.name, first.state, first.generation, methods(first)) == ("first", "ready", 1, ["hello"])
                assert (second.version, second.language, second.origin) == ("1.2", "python", "local")
                assert second.methods[0].doc == "Doc."
                assert second.methods[0].result == {"type": "integer"}
                assert second.loaded_ns > 0
                assert second.digest.startswith("sha256:")

        run(story())

    def test_a_file_that_is_dropped_in_can_be_called(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                assert box.service.statuses() == []
                box.save("greet.py", "def hello(name, mark='!'): return f'hello {name}{mark}'")
                await box.wait_state("greet", "ready")
                assert await box.call("greet", "hello", "you") == "hello you!"
                assert await box.call("greet", "hello", name="all", mark="?") == "hello all?"

        run(story())

    def test_a_plugin_of_2012_works_as_it_did(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save(
                    "test.py",
                    """
                    def testFunction(): return "This is a test"
                    def testException(): raise Exception("This is a test exception")
                    def showArgs(*args, **kwargs): return "args: %s, kwargs: %s" % (args, kwargs)
                    def _hidden(): return 1
                    class TestClass: pass
                    """,
                )
                status = await box.wait_state("test", "ready")
                assert methods(status) == ["showArgs", "testException", "testFunction"]
                assert await box.service.call("test", "showArgs", ["1", '"a"'], {"k": "[2]"}) == (
                    "\"args: (1, 'a'), kwargs: {'k': [2]}\""
                )
                failure = await box.fail("test", "testException")
                assert (failure.kind, failure.type, failure.value) == (
                    "raised",
                    "Exception",
                    "This is a test exception",
                )
                assert failure.text == "Exception: This is a test exception"
                assert "testException" in failure.traceback
                assert "matahari" not in failure.traceback

        run(story())

    def test_an_edit_takes_effect_and_the_old_process_ends(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("greet.py", PID + HELLO)
                await box.wait_state("greet", "ready")
                old = await box.pid("greet")
                box.save("greet.py", PID + "def bye(): return 2\n")
                status = await box.wait_method("greet", "bye")
                assert (status.generation, methods(status)) == (2, ["bye", "pid"])
                assert await box.call("greet", "bye") == 2
                assert (await box.fail("greet", "hello")).kind == "unknown_action"
                await wait_dead(old)

        run(story())

    def test_a_broken_edit_leaves_the_old_version_in_service_and_says_why(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("greet.py", HELLO)
                await box.wait_state("greet", "ready")
                box.save("greet.py", "def hello(:\n")
                status = await box.wait_state("greet", "degraded")
                assert status.generation == 1
                assert status.last_error is not None
                assert (status.last_error.type, status.last_error.line) == ("SyntaxError", 1)
                assert status.last_error.file == str(tmp_path / "greet.py")
                assert await box.call("greet", "hello") == "one"
                box.save("greet.py", "def hello(): return 'three'\n")
                status = await box.wait_state("greet", "ready")
                assert status.last_error is None
                assert await box.call("greet", "hello") == "three"

        run(story())

    def test_an_old_version_that_dies_after_a_broken_edit_comes_back(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("greet.py", "import os\ndef leave(): os._exit(1)\n" + HELLO)
                await box.wait_state("greet", "ready")
                box.save("greet.py", "def hello(:\n")
                await box.wait_state("greet", "degraded")
                failure = await box.fail("greet", "leave")
                assert failure.kind == "crashed"
                assert await box.call("greet", "hello") == "one"
                assert box.service.statuses()[0].state == "degraded"

        run(story())

    def test_a_helper_in_a_folder_plugin_changes_with_it(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("shop/helper.py", "PRICE = 1\n")
                box.save("shop/__init__.py", "def price():\n    from . import helper\n    return helper.PRICE\n")
                await box.wait_state("shop", "ready")
                assert await box.call("shop", "price") == 1
                box.save("shop/helper.py", "PRICE = 2\n")
                await box.wait_generation("shop", box.service.statuses()[0].generation + 1)
                assert await box.call("shop", "price") == 2
                assert not list(tmp_path.rglob("__pycache__"))

        run(story())

    def test_a_removed_file_takes_its_plugin_and_its_process_away(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                path = box.save("greet.py", PID)
                await box.wait_state("greet", "ready")
                pid = await box.pid("greet")
                path.unlink()
                await box.heard.wait(lambda: box.heard.removed == ["greet"])
                failure = await box.fail("greet", "pid")
                assert (failure.kind, failure.text) == ("not_loaded", "no plugin greet")
                await wait_dead(pid)
                box.save("greet.py", PID)
                assert (await box.wait_state("greet", "ready")).generation == 2

        run(story())

    def test_an_editor_that_deletes_and_writes_anew_does_not_withdraw_the_plugin(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                path = box.save("greet.py", HELLO)
                await box.wait_state("greet", "ready")
                path.unlink()
                box.save(".greet.py.swp", "x")
                box.save("greet.py", "def hello(): return 'two'\n")
                await box.wait_generation("greet", 2)
                new = tmp_path / "greet.py.tmp"
                new.write_text("def hello(): return 'three'\n")
                new.rename(path)
                await box.wait_generation("greet", 3)
                assert await box.call("greet", "hello") == "three"
                assert box.heard.removed == []

        run(story())

    def test_the_directory_may_appear_later_and_be_replaced_as_a_whole(self, tmp_path: Path) -> None:
        async def story() -> None:
            directory = tmp_path / "plugins"
            async with plugin_service(directory) as box:
                box.save("greet.py", HELLO)
                await box.wait_state("greet", "ready")
                other = tmp_path / "other"
                other.mkdir()
                (other / "greet.py").write_text("def hello(): return 'other'\n")
                directory.rename(tmp_path / "old")
                other.rename(directory)
                await box.wait_generation("greet", 2)
                assert await box.call("greet", "hello") == "other"
                box.save("late.py", HELLO)
                await box.wait_state("late", "ready")
                assert box.heard.removed == []

        run(story())

    def test_a_bad_file_name_is_named_once_with_the_rule(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def story() -> None:
            (tmp_path / "my-plugin.py").write_text(HELLO)
            (tmp_path / "_private.py").write_text(HELLO)
            async with plugin_service(tmp_path) as box:
                box.save("good.py", HELLO)
                await box.wait_state("good", "ready")
                assert box.service.misnamed == (tmp_path / "my-plugin.py",)
                assert [status.name for status in box.service.statuses()] == ["good"]

        run(story())
        told = [record.getMessage() for record in caplog.records if "my-plugin.py" in record.getMessage()]
        assert len(told) == 1
        assert "letters, digits and _" in told[0]

    def test_a_plugin_named_json_is_itself_and_takes_nothing_from_others(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("json.py", "import json\ndef mine(): return [json.dumps([1]), __name__]\n")
                box.save("os.py", "def mine(): return 'os'\n")
                box.save("user.py", "import json, os\ndef use(): return json.loads('[1]') + [os.sep]\n")
                for name in ("json", "os", "user"):
                    await box.wait_state(name, "ready")
                assert await box.call("json", "mine") == ["[1]", "matahari_plugins.json"]
                assert await box.call("os", "mine") == "os"
                assert await box.call("user", "use") == [1, "/"]

        run(story())

    def test_polling_takes_over_where_nothing_can_be_watched(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(28, "inotify watch limit reached")

        async def story() -> None:
            monkeypatch.setattr("watchdog.observers.api.BaseObserver.schedule", refuse)
            async with plugin_service(tmp_path) as box:
                box.save("greet.py", HELLO)
                await box.wait_state("greet", "ready")

        run(story())
        assert any("looked at twice a second" in record.getMessage() for record in caplog.records)

    def test_many_plugins_that_appear_at_once_are_all_loaded(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                for number in range(60):
                    box.save(f"p{number}.py", f"def number(): return {number}\n")
                await box.heard.wait(
                    lambda: sum(status.state == "ready" for status in box.heard.now.values()) == 60, timeout=30
                )
                assert await asyncio.gather(*(box.call(f"p{n}", "number") for n in range(60))) == list(range(60))

        run(story())


class TestLoadingFails:
    @pytest.mark.parametrize(
        ("source", "error_type", "text"),
        [
            ("x = (\n", "SyntaxError", "never closed"),
            ("\nimport no_such_module\n", "ModuleNotFoundError", "no_such_module"),
            ("from os import no_such_name\n", "ImportError", "no_such_name"),
            ("1 / 0\n", "ZeroDivisionError", "division by zero"),
            ("import sys\nsys.exit(4)\n", "SystemExit", "ended itself while it was loaded (exit 4)"),
            ("import os\nprint('last words')\nos._exit(5)\n", "Crashed", "ended with exit status 5"),
            ("__all__ = ['gone']\n", "ExportError", "'gone'"),
            ("raise BaseException('odd')\n", "BaseException", "odd"),
        ],
    )
    def test_a_plugin_that_cannot_be_loaded_is_shown_with_its_error(
        self, tmp_path: Path, source: str, error_type: str, text: str
    ) -> None:
        async def story() -> None:
            (tmp_path / "good.py").write_text(HELLO)
            (tmp_path / "bad.py").write_text(source)
            async with plugin_service(tmp_path) as box:
                bad, good = box.service.statuses()
                assert (bad.state, bad.generation, bad.methods) == ("failed", 0, ())
                assert bad.last_error is not None
                assert bad.last_error.type == error_type
                assert text in bad.last_error.text
                failure = await box.fail("bad", "anything")
                assert failure.kind == "not_loaded"
                assert text in failure.text
                assert good.state == "ready"
                box.save("bad.py", HELLO)
                await box.wait_state("bad", "ready")

        run(story())

    def test_the_last_words_of_a_load_that_crashed_are_told(self, tmp_path: Path) -> None:
        async def story() -> None:
            (tmp_path / "bad.py").write_text("import os\nprint('last words', flush=True)\nos._exit(5)\n")
            async with plugin_service(tmp_path) as box:
                error = box.service.statuses()[0].last_error
                assert error is not None
                assert "last words" in error.text

        run(story())

    def test_an_endless_loop_at_import_is_stopped_at_its_limit(self, tmp_path: Path) -> None:
        async def story() -> None:
            (tmp_path / "loop.py").write_text("while True: pass\n")
            (tmp_path / "stubborn.py").write_text(
                "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass\n"
            )
            async with plugin_service(tmp_path, load_timeout=0.5, term_grace=0.2) as box:
                for name in ("loop", "stubborn"):
                    status = await box.wait_state(name, "failed")
                    assert status.last_error is not None
                    assert status.last_error.type == "LoadTimeout"
                    assert "longer than 0.5 s" in status.last_error.text
                pids = [pid for name in ("loop", "stubborn") for pid in box.service.worker_pids(name)]
                await wait_dead(*pids)
                box.save("loop.py", HELLO)
                await box.wait_state("loop", "ready")

        run(story())

    def test_a_file_that_nobody_may_read_or_that_is_none_is_a_failed_plugin(self, tmp_path: Path) -> None:
        async def story() -> None:
            os.mkfifo(tmp_path / "pipe.py")
            (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere")
            async with plugin_service(tmp_path) as box:
                states = {status.name: status for status in box.service.statuses()}
                assert [states[name].state for name in ("dangling", "pipe")] == ["failed", "failed"]
                error = states["pipe"].last_error
                assert error is not None
                assert "not a regular file" in error.text

        run(story())


class TestCallsFail:
    def test_a_crash_is_told_with_its_reason_and_the_worker_is_replaced(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save(
                    "rough.py",
                    """
                    import ctypes, os, sys
                    def leave(): sys.stderr.write("going\\n"); os._exit(3)
                    def fault(): ctypes.string_at(0)
                    def exit_politely(): sys.exit(2)
                    def fine(): return 1
                    """,
                )
                await box.wait_state("rough", "ready")
                failure = await box.fail("rough", "leave")
                assert failure.kind == "crashed"
                assert "exit status 3" in failure.text
                assert "going" in failure.text
                assert await box.call("rough", "fine") == 1
                failure = await box.fail("rough", "fault")
                assert failure.kind == "crashed"
                assert "SIGSEGV" in failure.text
                assert "in fault" in failure.text  # the interpreter's own last words
                assert await box.call("rough", "fine") == 1
                failure = await box.fail("rough", "exit_politely")
                assert (failure.kind, failure.type) == ("raised", "SystemExit")
                status = await box.wait_state("rough", "ready")
                assert status.generation == 1
                assert box.service.statuses()[0].failures == 3

        run(story())

    def test_every_call_in_a_worker_that_is_killed_gets_its_answer(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path, concurrency=4) as box:
                box.save("nap.py", PID + "import time\ndef nap(s): time.sleep(s)\n")
                await box.wait_state("nap", "ready")
                pid = await box.pid("nap")
                calls = [asyncio.ensure_future(box.fail("nap", "nap", 60)) for _ in range(4)]
                waiting = asyncio.ensure_future(box.call("nap", "pid"))
                await asyncio.sleep(0)
                os.kill(pid, signal.SIGKILL)
                failures = await asyncio.gather(*calls)
                assert {failure.kind for failure in failures} == {"crashed"}
                assert "SIGKILL" in failures[0].text
                assert await waiting != pid  # what waits is served by the next worker

        run(story())

    def test_a_worker_that_dies_too_often_is_left_alone_until_it_is_saved_or_reloaded(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path, restart_limit=3, restart_delay=0.01) as box:
                box.save("rough.py", "import os\ndef leave(): os._exit(3)\ndef fine(): return 1\n")
                await box.wait_state("rough", "ready")
                for _ in range(3):
                    assert (await box.fail("rough", "leave")).kind == "crashed"
                status = await box.wait_state("rough", "quarantined")
                assert status.last_error is not None
                assert "exit status 3" in status.last_error.text
                failure = await box.fail("rough", "fine")
                assert failure.kind == "not_loaded"
                assert "quarantined" in failure.text
                assert (await box.service.reload("rough")).state == "ready"
                assert await box.call("rough", "fine") == 1

        run(story())

    def test_nothing_printed_touches_the_protocol_and_lines_are_logged_with_the_name(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)

        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save(
                    "loud.py",
                    """
                    import logging, os, subprocess, sys
                    print("at import")
                    def shout():
                        print("to stdout"); print("to stderr", file=sys.stderr)
                        os.write(1, b"\\x00\\xff raw\\n")
                        subprocess.run(["echo", "from a child"], check=True)
                        logging.getLogger("mine").warning("through logging")
                        return 1
                    """,
                )
                await box.wait_state("loud", "ready")
                assert await box.call("loud", "shout") == 1
                assert await asyncio.gather(*(box.call("loud", "shout") for _ in range(20))) == [1] * 20

        run(story())
        lines = [record.getMessage() for record in caplog.records]
        for text in ("at import", "to stdout", "to stderr", "\\x00\\xff raw", "from a child", "mine: through logging"):
            assert f"plugin loud: {text}" in lines

    def test_a_flood_of_output_neither_stops_the_service_nor_fills_the_log(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)

        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("flood.py", "def flood():\n    for n in range(50_000): print('line', n)\n    return 'done'\n")
                box.save("quiet.py", HELLO)
                await box.wait_state("flood", "ready")
                await box.wait_state("quiet", "ready")
                flood = asyncio.ensure_future(box.call("flood", "flood"))
                assert await box.call("quiet", "hello") == "one"
                assert await flood == "done"

        run(story())
        lines = [record for record in caplog.records if "plugin flood: line" in record.getMessage()]
        assert 100 < len(lines) < 5000

    @pytest.mark.parametrize(
        ("expression", "kind", "text"),
        [
            ("{1, 2}", "bad_result", "odd.give returned what is not JSON: a value of class set"),
            ("{'a': [1, object()]}", "bad_result", "a value of class object at a[1]"),
            ("float('nan')", "bad_result", "nan"),
            ("'\\ud800'", "bad_result", "lone surrogate"),
            ("'x' * 5_000_000", "too_large", "odd.give returned 5000002 bytes of JSON, at most 921600 are allowed"),
        ],
    )
    def test_a_result_that_cannot_travel_is_refused_with_its_reason(
        self, tmp_path: Path, expression: str, kind: str, text: str
    ) -> None:
        async def story() -> None:
            (tmp_path / "odd.py").write_text(f"def give(): return {expression}\ndef fine(): return 1\n")
            async with plugin_service(tmp_path) as box:
                failure = await box.fail("odd", "give")
                assert failure.kind == kind
                assert text in failure.text
                assert await box.call("odd", "fine") == 1

        run(story())

    def test_the_largest_allowed_result_and_argument_pass_whatever_is_in_them(self, tmp_path: Path) -> None:
        async def story() -> None:
            (tmp_path / "big.py").write_text("def echo(x): return x\n")
            async with plugin_service(tmp_path) as box:
                for value in ("x" * 900_000, '"' * 450_000, "\u20ac" * 300_000):
                    text = json.dumps(value, ensure_ascii=False)
                    assert await box.service.call("big", "echo", [text]) == text
                failure = await box.fail("big", "echo", "x" * 1_100_000)
                assert failure.kind == "too_large"

        run(story())

    def test_a_call_that_does_not_fit_never_reaches_the_worker(self, tmp_path: Path) -> None:
        async def story() -> None:
            (tmp_path / "calc.py").write_text("def add(left: int, right: int = 0) -> int: return left + right\n")
            async with plugin_service(tmp_path) as box:
                expected = {
                    (): "missing_argument",
                    ("one",): "invalid_argument",
                    (1, 2, 3): "invalid_argument",
                }
                for args, kind in expected.items():
                    assert (await box.fail("calc", "add", *args)).kind == kind
                failure = await box.fail("calc", "ad")
                assert failure.kind == "unknown_action"
                assert "did you mean 'add'?" in failure.text
                failure = await box.fail("calk", "add")
                assert (failure.kind, "did you mean 'calc'?" in failure.text) == ("not_loaded", True)
                status = box.service.statuses()[0]
                assert (status.calls, status.failures, status.active) == (4, 4, 0)

        run(story())


class TestTime:
    def test_a_call_past_its_time_is_answered_at_once_and_a_hung_worker_is_replaced(self, tmp_path: Path) -> None:
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
                assert (failure.kind, failure.text) == ("busy", "slow is busy: 2 calls are waiting")
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


class TestReload:
    def test_no_call_is_lost_while_a_plugin_is_saved_again_and_again(self, tmp_path: Path) -> None:
        async def story() -> None:
            def source(number: int) -> str:
                return (
                    f"import time\nFIRST = {number}\ndef ask():\n    time.sleep(0.002)\n    return [FIRST, {number}]\n"
                )

            async with plugin_service(tmp_path) as box:
                box.save("hot.py", source(0))
                await box.wait_state("hot", "ready")
                seen: set[int] = set()
                is_over = asyncio.Event()
                calls = 0

                async def caller() -> None:
                    nonlocal calls
                    while not is_over.is_set():
                        answer = await box.call("hot", "ask")
                        assert isinstance(answer, list)
                        assert answer[0] == answer[1]  # wholly from one generation
                        seen.add(answer[0])
                        calls += 1

                callers = [asyncio.ensure_future(caller()) for _ in range(64)]
                for number in range(1, 21):
                    box.save("hot.py", source(number))
                    await box.wait_generation("hot", number + 1)
                while await box.call("hot", "ask") != [20, 20]:
                    pass
                is_over.set()
                await asyncio.gather(*callers)
                status = box.service.statuses()[0]
                assert (status.failures, status.generation, status.state) == (0, 21, "ready")
                assert {0, 20} <= seen
                assert calls > 200

        run(story())

    def test_saves_in_quick_succession_end_with_the_last(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                for number in range(40):
                    box.save("hot.py", f"def v{number}(): return {number}\n")
                    await asyncio.sleep(0)
                status = await box.wait_method("hot", "v39")
                assert methods(status) == ["v39"]
                assert await box.call("hot", "v39") == 39

        run(story())

    def test_a_slow_load_gives_way_to_a_newer_save(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path, superseded_grace=0.1) as box:
                box.save("hot.py", "import time\ntime.sleep(600)\n")
                await box.wait_state("hot", "loading")
                box.save("hot.py", HELLO)
                assert (await box.wait_state("hot", "ready")).generation == 1

        run(story())

    def test_reload_makes_a_new_generation_of_the_same_file(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("greet.py", PID)
                box.save("other.py", PID)
                await box.wait_state("greet", "ready")
                await box.wait_state("other", "ready")
                old = await box.pid("greet")
                status = await box.service.reload("greet")
                assert (status.generation, status.state) == (2, "ready")
                assert await box.pid("greet") != old
                assert [status.generation for status in await box.service.reload_all()] == [3, 2]
                with pytest.raises(PluginError, match="did you mean 'greet'"):
                    await box.service.reload("gret")

        run(story())

    def test_calls_in_an_old_generation_finish_there(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                go = tmp_path / "go.txt"
                source = "import os, time\ndef old(path):\n    while not os.path.exists(path): time.sleep(0.01)\n    return 1\n"
                box.save("hot.py", source)
                await box.wait_state("hot", "ready")
                call = asyncio.ensure_future(box.call("hot", "old", str(go)))
                await asyncio.sleep(0)
                box.save("hot.py", HELLO)
                await box.wait_method("hot", "hello")
                assert await box.call("hot", "hello") == "one"
                assert not call.done()
                go.write_text("")
                assert await call == 1

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

"""The plugin service with real processes: plugins that cannot be loaded and calls that fail."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Coroutine
from pathlib import Path

import pytest

from tests.support.plugins import plugin_service, wait_dead

pytestmark = [pytest.mark.integration, pytest.mark.embedded]
HELLO = "def hello(): return 'one'\n"
PID = "import os\ndef pid(): return os.getpid()\n"


def run(story: Coroutine[object, object, None]) -> None:
    asyncio.run(story)


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

    def test_an_endless_loop_at_import_is_stopped_at_its_limit_and_the_log_shows_where(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)

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
        place = f'plugin loop:   File "{tmp_path}/loop.py", line 1 in <module>'
        assert place in [record.getMessage() for record in caplog.records]

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
                assert "save the file or reload it" in status.last_error.text
                failure = await box.fail("rough", "fine")
                assert failure.kind == "not_loaded"
                assert "quarantined" in failure.text
                assert "save the file or reload it" in failure.text
                assert (await box.service.reload("rough")).state == "ready"
                assert await box.call("rough", "fine") == 1
                # What one caller does wrong is not in a row with good calls between.
                for _ in range(4):
                    assert (await box.fail("rough", "leave")).kind == "crashed"
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
                    from matahari.plugin import context
                    print("at import")
                    def shout():
                        print("to stdout"); print("to stderr", file=sys.stderr)
                        os.write(1, b"\\x00\\xff raw\\n")
                        subprocess.run(["echo", "from a child"], check=True)
                        logging.getLogger("mine").warning("through logging")
                        context().logger.warning("through its own logger")
                        return 1
                    """,
                )
                await box.wait_state("loud", "ready")
                assert await box.call("loud", "shout") == 1
                assert await asyncio.gather(*(box.call("loud", "shout") for _ in range(20))) == [1] * 20

        run(story())
        lines = [record.getMessage() for record in caplog.records]
        own = "through its own logger"
        for text in (
            "at import",
            "to stdout",
            "to stderr",
            "\\x00\\xff raw",
            "from a child",
            "mine: through logging",
            own,
        ):
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
            ("{'a': [1, object()]}", "bad_result", 'a value of class object at ["a"][1]'),
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

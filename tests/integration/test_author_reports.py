"""What authors see of a call while it runs: in a test, and with ``matahari plugin run``; and settings of their own."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Coroutine
from pathlib import Path

import pytest

from matahari.errors import PluginLoadError
from matahari.testing import EventReport, Plugin, PluginHarness, PluginLoader, PluginPlace, ProgressReport
from tests.support.desk import KEPT, Desk
from tests.support.node import Program
from tests.support.plugins import TIME

pytest_plugins = ["matahari.testing.pytest_plugin"]
pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

COPY = """
import time
from matahari.plugin import context, event, method, output, progress

@method(sensitive=["password"])
def copy(files: list[str], password: str = ""):
    for number, file in enumerate(files):
        progress(number + 1, len(files), file)
        output(f"copied {file}\\n")
        yield {"file": file}
    event("copied", severity=5, files=len(files))

def told(words: list[str]):
    yield from words
    return "end"

def fail():
    output("so far\\n")
    raise KeyError("gone")

def wait():
    event("waiting")
    print("begun")
    while not context().is_cancelled:
        time.sleep(0.01)
    event("let_go")
    print("let go")

def stubborn():
    print("begun")
    while True:
        time.sleep(0.01)
"""


LONG = """
import resource
from matahari.plugin import method

@method(timeout=120)
def long(): return "at once"

def bounds():
    return [resource.getrlimit(resource.RLIMIT_AS)[0], resource.getrlimit(resource.RLIMIT_NOFILE)[0]]
"""


class TestLimits:
    def test_a_worker_has_the_bounds_that_it_has_on_a_node_without_a_configuration(
        self, load_plugin: PluginLoader
    ) -> None:
        plugin = load_plugin(load_plugin.save("long.py", LONG))
        assert plugin.call("bounds") == [4096 << 20, 1024]

    def test_a_test_waits_as_long_as_a_call_may_take_by_its_method_or_by_the_plugins_file(
        self, load_plugin: PluginLoader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waits: list[float] = []
        wait = Plugin._wait

        def noted(plugin: Plugin, coroutine: Coroutine[object, object, object], timeout: float) -> object:
            waits.append(timeout)
            return wait(plugin, coroutine, timeout)

        monkeypatch.setattr(Plugin, "_wait", noted)
        path = load_plugin.save("long.py", LONG)
        plugin = load_plugin(path)
        assert plugin.call("long") == "at once"
        assert 120 < max(waits) < 150
        assert plugin.record("bounds").failure is None
        assert 60 < waits[-1] < 90
        load_plugin.save("long.toml", "[limits]\ncall_timeout = 300\nload_timeout = 40\n")
        plugin = load_plugin(path)
        plugin.call("long")
        assert 300 < waits[-1] < 330
        plugin.reload()
        assert 40 < waits[-1] < 70


class TestRecord:
    def test_everything_that_a_call_tells_is_in_its_record(self, load_plugin: PluginLoader) -> None:
        plugin = load_plugin(load_plugin.save("copy.py", COPY))
        record = plugin.record("copy", ["a", "b"], password="secret")
        assert (record.value, record.failure, record.output) == (2, None, "copied a\ncopied b\n")
        assert record.partials == [{"file": "a"}, {"file": "b"}]
        assert record.progress[-1] == ProgressReport(2, 2, "b")
        assert record.events == plugin.events == [EventReport("copied", 5, {"files": 2})]
        assert record.reports[-1] == record.events[0]
        assert record.arguments == {"files": ["a", "b"], "password": "<hidden>"}

    def test_a_failure_is_part_of_the_record(self, load_plugin: PluginLoader) -> None:
        path = load_plugin.save("copy.py", COPY)
        record = load_plugin(path).record("fail")
        assert record.failure is not None
        assert (record.failure.kind, record.failure.type, record.output) == ("raised", "KeyError", "so far\n")
        assert str(path) in record.failure.traceback

    def test_reports_come_while_the_call_runs_and_a_cancelled_one_lets_go(self, load_plugin: PluginLoader) -> None:
        path = load_plugin.save("copy.py", COPY)

        async def story() -> None:
            async with PluginHarness(PluginPlace.of(path)) as plugin:
                waiting = plugin.begin("wait")
                copying = plugin.begin("copy", ["a"])
                assert await anext(aiter(waiting)) == EventReport("waiting", 6, {})
                assert [report async for report in copying][-1] == EventReport("copied", 5, {"files": 1})
                assert (await copying, waiting.is_over) == (1, False)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                async with asyncio.timeout(10 * TIME):
                    while plugin.status.active:
                        await plugin.call("copy", [])
                assert waiting.reports[-1] == EventReport("let_go", 6, {})

        asyncio.run(story())

    def test_settings_are_given_by_the_test_or_by_a_file(self, load_plugin: PluginLoader, tmp_path: Path) -> None:
        path = load_plugin.save("kept.py", KEPT)
        load_plugin.save("kept.toml", "[settings]\nkeep = 1\n")
        assert load_plugin(path).call("show") == 1
        assert load_plugin(path, settings={"keep": 2, "token": '\x7f"ä'}).call("show") == 2
        assert load_plugin(path, settings={}).call("show") == 7
        other = load_plugin.save("other.toml", "[settings]\nkeep = 3\n")
        plugin = load_plugin(path, settings=other)
        assert plugin.call("show") == 3
        assert plugin.status.settings is not None
        with pytest.raises(PluginLoadError, match=r"<settings>: settings\.keep: must be a valid integer, not \"x\""):
            load_plugin(path, settings={"keep": "x"})
        other.write_text("[settings]\nkeep = 'x'\n")
        with pytest.raises(PluginLoadError) as told:
            load_plugin(path, settings=other)
        assert told.value.file == str(other)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    (tmp_path / "copy.py").write_text(COPY)
    (tmp_path / "kept.py").write_text(KEPT)
    return made


class TestRun:
    def test_what_a_call_tells_is_shown_and_values_alone_are_on_standard_output(self, desk: Desk) -> None:
        done = desk.run("run", "copy.py", "copy", '["a", "b"]')
        assert (done.returncode, done.stdout) == (0, '{"file": "a"}\n{"file": "b"}\n')
        told = done.stderr.splitlines()
        assert "copied a" in told
        assert "[2/2] b" in told
        assert 'event copied (severity 5): {"files": 2}' in told
        assert told[-1] == "2 values"
        done = desk.run("run", "copy.py", "told", '["a", "b"]')
        assert (done.stdout, done.stderr) == ("a\nb\nend\n", "")

    def test_with_json_each_report_is_an_object_and_the_outcome_the_last(self, desk: Desk) -> None:
        done = desk.run("run", "--json", "copy.py", "copy", '["a"]')
        assert done.stderr == ""
        assert [json.loads(line) for line in done.stdout.splitlines()] == [
            {"report": "progress", "done": 1, "total": 1, "text": "a"},
            {"report": "output", "chunk": "copied a\n"},
            {"report": "partial", "value": {"file": "a"}},
            {"report": "event", "name": "copied", "severity": 5, "fields": {"files": 1}},
            {"ok": True, "value": 1, "error": None},
        ]
        done = desk.run("run", "--json", "copy.py", "fail")
        assert [json.loads(line).get("report", "end") for line in done.stdout.splitlines()] == ["output", "end"]

    def test_ctrl_c_cancels_the_call_and_the_method_lets_go(self, desk: Desk) -> None:
        with Program("matahari", "plugin", "run", "copy.py", "wait", cwd=desk.home, env=desk.env) as program:
            program.wait_line("plugin copy: begun")
            assert program.stop(signal.SIGINT) == 130
            assert "plugin copy: let go" in program.text
            assert "matahari: cancelled; the method has 3 s to let go" in program.text
        desk.check_nothing_left()

    def test_a_second_ctrl_c_ends_what_does_not_let_go(self, desk: Desk) -> None:
        with Program("matahari", "plugin", "run", "copy.py", "stubborn", cwd=desk.home, env=desk.env) as program:
            program.wait_line("plugin copy: begun")
            program.process.send_signal(signal.SIGINT)
            program.wait_line("matahari: cancelled")
            assert program.stop(signal.SIGINT) == 130
            assert "Traceback" not in program.text
        desk.check_nothing_left()

    def test_settings_are_given_by_a_file(self, desk: Desk) -> None:
        (desk.home / "mine.toml").write_text("[settings]\nkeep = 3\n")
        assert desk.run("run", "kept.py", "show").stdout == "7\n"
        assert desk.run("run", "--settings", "mine.toml", "kept.py", "show").stdout == "3\n"
        (desk.home / "mine.toml").write_text("[settings]\nkeep = 'x'\n")
        done = desk.run("run", "--settings", "mine.toml", "kept.py", "show")
        assert done.returncode == 2
        assert f"{desk.home}/mine.toml: settings.keep: must be a valid integer" in done.stderr
        assert desk.run("run", "--settings", "none.toml", "kept.py", "show").returncode == 64

"""What authors of plugins use: the fixture and ``matahari plugin …``, with real workers and no broker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from matahari.errors import PluginError, PluginLoadError
from matahari.testing import (
    CallFailure,
    Limits,
    Plugin,
    PluginLoader,
)
from tests.support.desk import KEPT, Desk
from tests.support.node import Program
from tests.support.plugins import TIME, is_alive

pytest_plugins = ["matahari.testing.pytest_plugin"]
pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

CALC = '''
"""Sums."""
import os
from pathlib import Path

def add(left: int, right: int = 0) -> int:
    """Give the sum."""
    return left + right

def fail(): raise KeyError("gone")
def pid(): return os.getpid()
def hang(): import time; time.sleep(600)
def data(): return (Path(__file__).parent / "data.txt").read_text()
def helped():
    import _helper
    return _helper.VALUE
'''


class TestFixture:
    def test_a_plugin_runs_in_a_worker_and_is_called_with_values(self, load_plugin: PluginLoader) -> None:
        plugin = load_plugin(load_plugin.save("calc.py", CALC))
        assert plugin.call("add", 1, right=2) == 3
        assert plugin.call("pid") != os.getpid()
        assert plugin.worker_pids == [plugin.call("pid")]
        assert plugin.methods["add"].result == {"type": "integer"}
        assert (plugin.name, plugin.status.state, plugin.status.calls) == ("calc", "ready", 3)

    def test_failures_are_those_of_an_agent(self, load_plugin: PluginLoader) -> None:
        path = load_plugin.save("calc.py", CALC)
        plugin = load_plugin(path, limits=Limits(cancel_grace=0.1, term_grace=0.2))
        with pytest.raises(CallFailure) as raised:
            plugin.call("fail")
        assert (raised.value.kind, raised.value.type) == ("raised", "KeyError")
        assert f'File "{path}", line 10' in raised.value.traceback
        with pytest.raises(CallFailure) as refused:
            plugin.call("add", "one")
        assert refused.value.kind == "invalid_argument"
        with pytest.raises(CallFailure) as late:
            plugin.call_with("hang", timeout=0.1)
        assert late.value.kind == "timeout"
        assert plugin.call("add", 1) == 1

    def test_what_lies_beside_a_plugin_is_found_and_other_plugins_are_not_loaded(
        self, load_plugin: PluginLoader
    ) -> None:
        load_plugin.save("other.py", "raise RuntimeError('loaded')\n")
        load_plugin.save("data.txt", "facts")
        load_plugin.save("_helper.py", "VALUE = 7\n")
        plugin = load_plugin(load_plugin.save("calc.py", CALC))
        assert plugin.call("data") == "facts"
        assert plugin.call("helped") == 7

    def test_a_folder_is_loaded_and_reloaded(self, load_plugin: PluginLoader) -> None:
        load_plugin.save("shop/prices.py", "PRICE = 1\n")
        plugin = load_plugin(
            load_plugin.save("shop/__init__.py", "from . import prices\ndef price(): return prices.PRICE\n")
        )
        assert plugin.call("price") == 1
        load_plugin.save("shop/prices.py", "PRICE = 22\n")
        assert plugin.reload().generation == 2
        assert plugin.call("price") == 22
        load_plugin.save("shop/prices.py", "PRICE = \n")
        with pytest.raises(PluginLoadError, match="SyntaxError"):
            plugin.reload()
        assert plugin.call("price") == 22

    def test_a_plugin_that_does_not_load_is_told_with_its_own_file_and_line(self, load_plugin: PluginLoader) -> None:
        path = load_plugin.save("bad.py", "x = 1\nimport no_such_module\n")
        with pytest.raises(PluginLoadError) as told:
            load_plugin(path)
        assert (told.value.file, told.value.line, told.value.error_type) == (str(path), 2, "ModuleNotFoundError")
        with pytest.raises(PluginError, match="there is no"):
            load_plugin("nowhere.py")

    def test_several_threads_may_call(self, load_plugin: PluginLoader) -> None:
        plugin = load_plugin(load_plugin.save("calc.py", CALC))
        found: list[object] = []
        threads = [threading.Thread(target=lambda: found.append(plugin.call("add", 1, 1))) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30 * TIME)
        assert found == [2] * 16

    def test_after_closing_no_process_is_left_and_calls_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "calc.py"
        path.write_text(CALC)
        with Plugin(path) as plugin:
            pids = plugin.worker_pids
            assert all(is_alive(pid) for pid in pids)
        assert not any(is_alive(pid) for pid in pids)
        with pytest.raises(PluginLoadError, match="is closed"):
            plugin.call("add", 1)
        plugin.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    (tmp_path / "calc.py").write_text(CALC)
    return made


class TestNew:
    def test_what_is_written_is_fine_by_lint_runs_and_passes_its_own_test(self, desk: Desk) -> None:
        done = desk.run("new", "greeter", "--dir", "work")
        assert done.stdout.splitlines() == ["work/greeter.py", "work/tests/test_greeter.py"]
        checked = desk.run("lint", "work/greeter.py")
        assert (checked.stdout, checked.returncode) == ("greeter is fine: 2 methods (disk_usage, greet)\n", 0)
        assert desk.run("run", "work/greeter.py", "greet", "you", "times=2").stdout == "hello you\nhello you\n"
        tested = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", "../base", "tests"],
            cwd=desk.home / "work",
            env=desk.env,
            capture_output=True,
            text=True,
            timeout=120 * TIME,
            check=False,
        )
        assert tested.returncode == 0, tested.stdout
        assert "3 passed" in tested.stdout
        again = desk.run("new", "greeter", "--dir", "work")
        assert (again.returncode, "already" in again.stderr) == (1, True)


class TestLint:
    def test_findings_have_file_and_line_and_make_the_status_1(self, desk: Desk) -> None:
        done = desk.run("lint", "calc.py")
        assert done.returncode == 1
        expected = "warning: fail has no docstring; write one: its first line is what help shows [undocumented]"
        assert f"{desk.home}/calc.py:10:1: {expected}" in done.stdout.splitlines()
        found = json.loads(desk.run("lint", "--json", "calc.py").stdout)
        assert (found["plugin"], found["ok"]) == ("calc", False)
        assert found["methods"] == ["add", "data", "fail", "hang", "helped", "pid"]
        assert {"severity", "code", "text", "line", "name", "column", "remedy", "file"} == set(found["findings"][0])

    @pytest.mark.parametrize(
        ("source", "line", "text"),
        [
            ("x = 1\ndef f(:\n", 2, "SyntaxError"),
            ("import no_such_module\n", 1, "ModuleNotFoundError"),
            ("import os\nos._exit(3)\n", 0, "exit status 3"),
            ("__all__ = ['gone']\n", 0, "ExportError"),
        ],
    )
    def test_a_plugin_that_does_not_load_is_an_error_with_its_line(
        self, desk: Desk, source: str, line: int, text: str
    ) -> None:
        (desk.home / "bad.py").write_text(source)
        done = desk.run("lint", "--json", "bad.py")
        assert done.returncode == 1
        found = json.loads(done.stdout)
        [finding] = found["findings"]
        assert (finding["severity"], finding["code"], finding["line"]) == ("error", "load", line)
        assert text in finding["text"]
        assert found["file"] == str(desk.home / "bad.py")

    def test_a_fault_of_syntax_has_its_column(self, desk: Desk) -> None:
        (desk.home / "bad.py").write_text("x = 1\ndef f(:\n")
        assert desk.run("lint", "bad.py").stdout.startswith(f"{desk.home}/bad.py:2:7: error: it cannot be loaded: ")

    def test_a_reserved_name_is_told_and_not_loaded(self, desk: Desk) -> None:
        for name in ("Plugins.py", "my-plugin.py"):
            (desk.home / name).write_text(CALC)
            found = json.loads(desk.run("lint", "--json", name).stdout)["findings"]
            assert [(each["severity"], each["code"], each["remedy"]) for each in found] == [
                ("error", "name", "rename it")
            ]
            assert "is not Plugins" in found[0]["text"]

    def test_a_setting_that_nobody_reads_is_told_in_its_own_file(self, desk: Desk) -> None:
        (desk.home / "calc.toml").write_text("[settings]\nkeep = 3\n")
        done = desk.run("lint", "calc.py")
        assert f"{desk.home}/calc.toml:2:1: warning: the setting keep is written nowhere in the plugin; " in done.stdout
        other = desk.home / "other.toml"
        other.write_text("[settings]\nright = 3\n")
        assert "calc.toml" not in desk.run("lint", "--settings", other, "calc.py").stdout

    def test_settings_that_do_not_fit_are_an_error_of_the_load(self, desk: Desk) -> None:
        (desk.home / "kept.py").write_text(KEPT)
        (desk.home / "kept.toml").write_text("[settings]\nkep = 3\n")
        done = desk.run("lint", "kept.py")
        assert done.returncode == 1
        assert "kept.toml: settings.kep: there is no such setting; did you mean keep? [load]" in done.stdout

    def test_a_folder_and_a_file_of_one_name_are_told(self, desk: Desk) -> None:
        (desk.home / "calc").mkdir()
        (desk.home / "calc" / "__init__.py").write_text(CALC)
        assert "the folder calc beside it is loaded instead" in desk.run("lint", "calc.py").stdout
        assert "calc.py beside it is not loaded" in desk.run("lint", "calc").stdout

    def test_what_is_no_plugin_is_a_fault_of_usage(self, desk: Desk) -> None:
        for words in (["lint", "nowhere.py"], ["lint"], ["lint", "calc.py", "--colour"]):
            done = desk.run(*words)
            assert (done.returncode, done.stdout) == (64, "")
            assert done.stderr


class TestRun:
    def test_arguments_are_read_as_mhsh_reads_them(self, desk: Desk) -> None:
        assert desk.run("run", "calc.py", "add", "1", "right=2").stdout == "3\n"
        assert desk.run("run", "calc.py", "add", "-5", "2").stdout == "-3\n"
        assert desk.run("run", "calc.py", "add", "[1]", '{"right": 2}').stdout == "3\n"
        done = desk.run("run", "--json", "calc.py", "add", "1")
        assert json.loads(done.stdout) == {"ok": True, "value": 1, "error": None}

    @pytest.mark.parametrize(
        ("words", "kind", "text"),
        [
            (("fail",), "raised", "KeyError: 'gone'"),
            (("add", "one"), "invalid_argument", "left"),
            (("add",), "missing_argument", "left"),
            (("ad",), "unknown_action", "did you mean 'add'"),
        ],
    )
    def test_a_failure_is_told_with_its_kind_and_status_2(
        self, desk: Desk, words: tuple[str, ...], kind: str, text: str
    ) -> None:
        done = desk.run("run", "calc.py", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"matahari: {kind}: ")
        assert text in done.stderr
        done = desk.run("run", "--json", "calc.py", *words)
        assert done.returncode == 2
        assert json.loads(done.stdout)["error"]["kind"] == kind

    def test_a_destructive_method_needs_somebody_who_allows_it(self, desk: Desk) -> None:
        source = "from matahari.plugin import method\n@method(destructive=True)\ndef wipe(disk: str): return disk\n"
        (desk.home / "disks.py").write_text(source)
        done = desk.run("run", "disks.py", "wipe", "sda")
        assert (done.returncode, done.stdout) == (64, "")
        assert 'disks.wipe "sda" is declared destructive' in done.stderr
        assert desk.run("run", "disks.py", "wipe", "sda", "-y").stdout == "sda\n"

    def test_a_call_past_its_time_ends(self, desk: Desk) -> None:
        done = desk.run("run", "--timeout", "0.3", "calc.py", "hang")
        assert (done.returncode, done.stderr.startswith("matahari: timeout: ")) == (2, True)
        assert desk.run("run", "--timeout", "soon", "calc.py", "hang").returncode == 64

    def test_a_plugin_that_does_not_load_is_status_2_and_none_at_all_64(self, desk: Desk) -> None:
        (desk.home / "bad.py").write_text("1 / 0\n")
        done = desk.run("run", "bad.py", "f")
        assert (done.returncode, "not_loaded: ZeroDivisionError" in done.stderr) == (2, True)
        assert desk.run("run", "nowhere.py", "f").returncode == 64

    def test_what_the_plugin_prints_is_not_its_result(self, desk: Desk) -> None:
        (desk.home / "loud.py").write_text("print('at import')\ndef say(): print('spoken'); return 'said'\n")
        done = desk.run("run", "loud.py", "say")
        assert done.stdout == "said\n"
        assert done.stderr.splitlines() == ["plugin loud: at import", "plugin loud: spoken"]

    @pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_ctrl_c_and_sigterm_end_it_and_all_it_has_started(
        self, desk: Desk, number: signal.Signals, status: int
    ) -> None:
        source = "import subprocess\ndef hang():\n    print('begun')\n    subprocess.run(['sleep', '600'])\n"
        (desk.home / "calc.py").write_text(source)
        with Program("matahari", "plugin", "run", "calc.py", "hang", cwd=desk.home, env=desk.env) as program:
            program.wait_line("plugin calc: begun")
            assert program.stop(number) == status
            assert "Traceback" not in program.text
        desk.check_nothing_left()


class TestDoc:
    def test_a_file_and_a_name_in_the_plugin_directories_give_the_same_help(self, desk: Desk) -> None:
        by_file = desk.run("doc", "calc.py")
        assert by_file.returncode == 0
        assert "calc add LEFT (RIGHT) -> integer\n    Give the sum." in by_file.stdout
        assert desk.run("doc", "calc", "--plugins", ".").stdout == by_file.stdout
        page = desk.run("doc", "--format", "markdown", "calc.py").stdout
        assert page.startswith("# calc\n\nSums.\n")
        assert "## add" in page

    def test_an_unknown_name_is_told_with_a_hint(self, desk: Desk) -> None:
        done = desk.run("doc", "calk", "--plugins", ".")
        assert (done.returncode, "did you mean calc?" in done.stderr) == (1, True)
        (desk.home / "bad.py").write_text("1 / 0\n")
        assert desk.run("doc", "bad.py").returncode == 2


def test_the_command_explains_itself(desk: Desk) -> None:
    assert {"new", "lint", "run", "doc"} <= set(desk.run().stdout.split())
    assert "NAME=VALUE" in desk.run("run", "--help").stdout


def test_the_fixture_costs_other_test_runs_nothing() -> None:
    """It is asked for by name; nothing is registered for every run of pytest on the machine."""
    words = [sys.executable, "-m", "pytest", "--fixtures", "-q", "-p", "no:cacheprovider"]
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(words, cwd=empty, capture_output=True, text=True, timeout=60 * TIME, check=False)
    assert "load_plugin" not in done.stdout

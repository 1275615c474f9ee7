"""What mhsh loads before it does anything, and scripts that are none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.node import TIME, Box, box, environment

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

SHOW = "import sys; from matahari.shell.mhsh import main; main(sys.argv[1:]); print('loaded:', *sys.modules)"
HEAVY = {
    "asyncio",
    "ssl",
    "proton",
    "prompt_toolkit",
    "jsonschema",
    "pluggy",
    "yaml",
    "matahari.net",
    "matahari.console",
}
#: Nothing of it is needed to list hosts: archives and digests of the standard library, what only agents do, calls and
#: objects, and what is only wanted after a mistake.
UNUSED = {
    "prompt_toolkit",
    "jsonschema",
    "pydantic_core",
    "pluggy",
    "yaml",
    "csv",
    "psutil",
    "bz2",
    "difflib",
    "email",
    "hashlib",
    "hmac",
    "importlib.metadata",
    "lzma",
    "random",
    "secrets",
    "shutil",
    "statistics",
    "tempfile",
    "tomllib",
    "matahari.filters",
    "matahari.hooks",
    "matahari.validation",
    "matahari.qmf._calls",
    "matahari.qmf._objects",
    "matahari.qmf.agent",
    "matahari.qmf.predicate",
    "matahari.console.arguments",
    "matahari.console.blocking",
    "matahari.console.blocking_events",
    "matahari.console.blocking_objects",
    "matahari.console.blocking_plugin",
    "matahari.console.call_options",
    "matahari.console.calls",
    "matahari.console.checking",
    "matahari.console.choosing",
    "matahari.console.event_stream",
    "matahari.console.finder",
    "matahari.console.grouping",
    "matahari.console.matches",
    "matahari.console.matching",
    "matahari.console.objects",
    "matahari.console.plugin",
    "matahari.console.remote",
    "matahari.console.reports",
    "matahari.console.rollout",
    "matahari.console.running",
    "matahari.console.signatures",
    "matahari.console.stub_writing",
    "matahari.console.subscription",
    "matahari.console.values",
    "matahari.shell.direct.request",
    "matahari.shell.display.results",
    "matahari.shell.terminal.interactive",
}


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], ["--completion", "bash"], ["call", "--help"], ["--complete-words", "zsh", "--js"]],
)
def test_help_and_completion_load_neither_the_console_nor_what_it_needs(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW, *words],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60 * TIME,
        check=True,
    )
    loaded = set(done.stdout.rpartition("loaded:")[2].split())
    assert "matahari.shell.direct.options" in loaded
    assert loaded & HEAVY == set()


def test_a_list_of_hosts_loads_only_what_it_uses(tmp_path: Path) -> None:
    with box() as place, place.broker():
        done = subprocess.run(
            [sys.executable, "-c", SHOW, *place.bus.words, "-c", "list hosts"],
            env=environment(XDG_CONFIG_HOME=str(tmp_path)),
            capture_output=True,
            text=True,
            timeout=60 * TIME,
            check=True,
        )
    loaded = set(done.stdout.rpartition("loaded:")[2].split())
    assert "matahari.console.client" in loaded
    assert loaded & UNUSED == set()


def script(place: Box, *words: str | Path) -> tuple[int, str]:
    done = place.mhsh(*words)
    return done.returncode, done.stderr


def test_what_is_no_script_is_an_error_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "nul").write_bytes(b"list hosts\0\n")
    (tmp_path / "latin").write_bytes(b"list hosts # \xe9\n")
    reasons = {
        str(tmp_path): "Is a directory",
        str(tmp_path / "missing"): "No such file or directory",
        str(tmp_path / "nul"): "not text",
        str(tmp_path / "latin"): "not UTF-8 text",
        "/dev/zero": "not text",
    }
    with box() as place, place.broker():
        for path, reason in reasons.items():
            assert script(place, path) == (4, f"mhsh: cannot read {path}: {reason}\n")
        assert script(place, "/dev/null") == (0, "")
        assert script(place, "-") == (0, "")
        assert script(place, "-c", "") == (0, "")

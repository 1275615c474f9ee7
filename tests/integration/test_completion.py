"""Completion of mhsh in real bash, zsh and fish, against a real node."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from matahari.shell.direct.completion_scripts import SCRIPTS
from tests.support.node import BIN, TIME, Box, box, environment

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

PLUGIN = """\
from typing import Literal


def num_calls():
    return 3


def num_channels():
    return 0


def dial(number: int, priority: Literal["low", "high"] = "low"):
    return number
"""
PACKAGE = "org.matahariproject.rpc.plugin"


@pytest.fixture(scope="module")
def place() -> Iterator[Box]:
    with box() as made:
        made.save("asterisk.py", PLUGIN)
        with made.up("--hostname", "alpha"):
            with made.connect() as console:
                made.wait_plugin(console, "asterisk", lambda values: values["state"] == "ready")
            for shell, text in SCRIPTS.items():
                (made.home / f"completion.{shell}").write_text(text)
            yield made


def shell_environment(place: Box) -> dict[str, str]:
    home = str(place.home)
    return environment(
        PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}", HOME=home, XDG_CONFIG_HOME=home, XDG_DATA_HOME=home, TERM="dumb"
    )


def run(place: Box, *words: str) -> str:
    done = subprocess.run(
        words,
        cwd=place.home,
        env=shell_environment(place),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60 * TIME,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def bash_words(line: str) -> list[str]:
    """As bash makes ``COMP_WORDS`` of a line without quotes: ``:`` and ``=`` are words of their own."""
    words: list[str] = []
    for part in line.split(" "):
        words += part.replace(":", " : ").replace("=", " = ").split() or [""]
    return words


def in_bash(place: Box, line: str) -> list[str]:
    """``COMPREPLY`` for a line with the cursor at its end, from the function that ``complete`` has for mhsh."""
    words = bash_words(line)
    script = f"""
        source completion.bash
        function=$(complete -p mhsh); function=${{function#*-F }}; function=${{function%% *}}
        compopt() {{ echo "compopt $*"; }}  # is for a completion that readline has begun
        COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_CWORD={len(words) - 1}
        COMP_WORDS=({" ".join(map(shlex.quote, words))})
        "$function" mhsh "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return run(place, "bash", "--norc", "-c", script).split("\n")[:-1]


def options(place: Box) -> str:
    return " ".join(place.bus.words)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("--jso", ["--json"]),
        ("ho", ["compopt -o default", "hosts"]),
        ("call as", ["compopt -o nospace", "asterisk."]),
        ("call asterisk.num", ["asterisk.num_calls", "asterisk.num_channels"]),
        ("call asterisk.num_calls --hosts a", ["alpha"]),
        ("call asterisk.num_calls --hosts=a", ["alpha"]),
        ("get org.matahariproject:Ho", ["Host"]),
        ("get Host hostn", ["hostname"]),
        ("call asterisk.dial 7 pri", ["compopt -o nospace", "priority="]),
        ("call asterisk.dial 7 priority=h", ["high"]),
        ("describe asterisk.num_ca", ["asterisk.num_calls"]),
        ("events heart", ["heartbeat"]),
        ("hosts al", ["alpha"]),
        ("hosts b", [""]),
    ],
)
def test_bash_completes_options_direct_words_plugins_methods_and_hosts(
    place: Box, typed: str, expected: list[str]
) -> None:
    assert in_bash(place, f"mhsh {options(place)} {typed}") == expected


def test_bash_completes_at_the_prompt_of_a_person(place: Box) -> None:
    child = pexpect.spawn(
        "bash", ["--norc", "--noprofile"], cwd=place.home, env=shell_environment(place), encoding="utf-8", timeout=20
    )
    try:
        child.sendline("bind 'set enable-bracketed-paste off'; PS1='ready> '; source completion.bash")
        child.expect("\nready> ")
        child.send(f"mhsh {options(place)} call ast\t")
        child.expect_exact("asterisk.")
        child.send("num_ca\t")
        child.expect_exact("lls ")
        child.send("--hosts=al\t")
        child.expect_exact("pha ")
        child.sendline("")
        child.expect("alpha: 3\r?\n")
    finally:
        child.close(force=True)


def test_zsh_completes_at_the_prompt_of_a_person(place: Box) -> None:
    run(place, "zsh", "-n", "completion.zsh")
    child = pexpect.spawn("zsh", ["-f"], cwd=place.home, env=shell_environment(place), encoding="utf-8", timeout=20)
    try:
        child.sendline("PS1='ready> '; autoload -U compinit; compinit -u -D; source completion.zsh; echo is''there")
        child.expect("isthere")
        child.send(f"mhsh {options(place)} call ast\t")
        child.expect_exact("asterisk.")
        child.send("num_ca\t")
        child.expect_exact("lls ")
        child.send("--hosts=al\t")
        child.expect_exact("pha ")
        child.sendline("")
        child.expect("alpha: 3\r?\n")
    finally:
        child.close(force=True)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("call as", ["asterisk."]),
        ("call asterisk.num", ["asterisk.num_calls", "asterisk.num_channels"]),
        ("get Host hostn", ["hostname"]),
        ("call asterisk.dial 7 h", ["high"]),
        ("call --hosts=a", ["--hosts=alpha"]),
        ("-e", ["-e"]),
        ("events -n", ["-n"]),
    ],
)
def test_fish_completes(place: Box, typed: str, expected: list[str]) -> None:
    run(place, "fish", "-n", "completion.fish")
    line = shlex.quote(f"mhsh {options(place)} {typed}")
    told = run(place, "fish", "--no-config", "-c", f"source completion.fish; complete --do-complete {line}")
    assert [one.split("\t")[0] for one in told.splitlines()] == expected


def test_the_scripts_are_what_the_option_prints(place: Box) -> None:
    for shell, text in SCRIPTS.items():
        done = place.mhsh("--completion", shell)
        assert (done.returncode, done.stdout) == (0, text)


def test_completion_is_silent_and_quick_where_there_is_no_broker(place: Box, tmp_path: Path) -> None:
    begun = time.monotonic()
    done = place.mhsh("--version")
    start = time.monotonic() - begun
    begun = time.monotonic()
    done = subprocess.run(
        [BIN / "mhsh", "--complete-words", "zsh", "-b", f"unix:{tmp_path}/none", "call", ""],
        env=shell_environment(place),
        capture_output=True,
        text=True,
        timeout=20 * TIME,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "open\n", "")
    assert time.monotonic() - begun < start + 2.5 * TIME

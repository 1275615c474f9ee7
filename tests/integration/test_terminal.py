"""mhsh on a terminal, driven as a person would."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

import pexpect
import pytest

from tests.support.node import PLUGIN_PACKAGE, Box, box
from tests.support.spawned import spawned_shell

pytestmark = [pytest.mark.integration, pytest.mark.together]

PLUGIN = '''
import os
import threading

from matahari.plugin import context, method, output, progress

def add(x: int, y: int = 2) -> int:
    """Add two numbers."""
    return x + y

def slow(path: str) -> str:
    open(path, "w").close()
    threading.Event().wait(60)
    return "done"

def copy(path: str) -> str:
    output("copying\\n")
    progress(1, 4, "first of four")
    open(path, "w").close()
    while not context().is_cancelled:
        threading.Event().wait(0.01)
    open(path, "w").close()
    return "done"

@method(destructive=True)
def wipe(path: str) -> str:
    os.unlink(path)
    return "gone"
'''
CLASS = f"select class package {PLUGIN_PACKAGE} sums"


@pytest.fixture(scope="module")
def node() -> Iterator[Box]:
    with box() as made:
        made.save("sums.py", PLUGIN)
        with made.up("--hostname", "alpha"):
            yield made


@pytest.fixture
def shell(node: Box) -> Iterator[pexpect.spawn[str]]:
    with spawned_shell(node) as child:
        yield child


def test_a_session_with_its_prompts_ends_with_ctrl_d(shell: pexpect.spawn[str]) -> None:
    shell.sendline("list hosts")
    shell.expect("alpha\r\n")
    shell.sendline(CLASS)
    shell.expect(r"mhsh \[org\.matahariproject\.rpc\.plugin:sums\]>")
    shell.sendline("call add 40")
    shell.expect("alpha: 42\r\n")
    shell.sendline("select host alpha")
    shell.expect(r"mhsh \(host\)\[org\.matahariproject\.rpc\.plugin:sums\]>")
    shell.sendeof()
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0


def test_tab_completes_commands_classes_and_methods(shell: pexpect.spawn[str]) -> None:
    shell.send("sel\tcl\tpac\torg.matahariproject.rpc.pl\tsu\t")
    shell.expect("sums")
    shell.send("\r")
    shell.expect(r"plugin:sums\]>")
    shell.send("call a\t1 y=5\r")
    shell.expect("alpha: 6\r\n")


def test_ctrl_c_ends_a_call_that_runs_and_the_shell_goes_on(shell: pexpect.spawn[str], node: Box) -> None:
    shell.sendline(CLASS)
    shell.expect(r"plugin:sums\]>")
    flag = node.home / "slow"
    os.mkfifo(flag)
    shell.sendline(f"call slow {flag}")
    with flag.open():  # opens when the plugin opens it too: the call runs
        shell.sendintr()
    shell.expect(r"plugin:sums\]>")
    shell.sendline("call add 1")
    shell.expect("alpha: 3\r\n")


def test_ctrl_c_ends_a_call_on_the_host_and_says_so(shell: pexpect.spawn[str], node: Box) -> None:
    shell.sendline(CLASS)
    shell.expect(r"plugin:sums\]>")
    flag = node.home / "copy"
    os.mkfifo(flag)
    shell.sendline(f"call copy {flag}")
    with flag.open():  # opens when the plugin opens it too: the call runs
        shell.expect("alpha: copying\r\n")
        shell.expect(r"\ralpha: 1/4 \(25 %\) first of four\x1b\[K")
        shell.sendintr()
    shell.expect("% cancelling")
    shell.expect("alpha: % copy was cancelled by its caller; it has not let go yet\r\n")
    with flag.open():  # the plugin has seen it, and waits for us
        pass
    shell.expect(r"plugin:sums\]>")
    shell.sendline("call add 1")
    shell.expect("alpha: 3\r\n")


def test_faults_are_explained_where_they_are(shell: pexpect.spawn[str]) -> None:
    shell.sendline("select host alhpa")
    shell.expect(r'% Host "alhpa" not found; did you mean alpha\?')
    shell.sendline("frobnicate")
    shell.expect(r"\*\*\* Unknown syntax: frobnicate")
    shell.sendline("?")
    shell.expect("Commands:")
    shell.expect("select")


def test_the_history_is_kept_for_the_user_alone(shell: pexpect.spawn[str], node: Box) -> None:
    shell.sendline("list packages")
    shell.expect("org.matahariproject.rpc.plugin\r\n")
    shell.sendline("quit")
    shell.expect(pexpect.EOF)
    history = node.home / "matahari" / "mhsh_history"
    assert "list packages" in history.read_text()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_a_destructive_method_is_asked_about_at_the_terminal(shell: pexpect.spawn[str], node: Box) -> None:
    victim = node.home / "victim"
    question = rf'wipe "{victim}" is declared destructive, and would be called on 1 host: alpha\r\nCall it\? \[y/N\] '
    shell.sendline(CLASS)
    shell.expect(r"plugin:sums\]>")
    shell.sendline("help call")
    shell.expect("Declared: destructive\r\n")
    shell.expect(r"plugin:sums\]>")
    for answer, told in (("", "% wipe was not called\r\n"), ("y", "alpha: gone\r\n")):
        victim.touch()
        shell.sendline(f"call wipe {victim}")
        shell.expect(question)
        assert victim.exists()
        shell.sendline(answer)
        shell.expect(told)
        shell.expect(r"plugin:sums\]>")
        assert victim.exists() == (not answer)
    shell.sendline(f"call wipe {victim}")
    shell.expect(question)
    shell.sendintr()
    shell.expect(r"plugin:sums\]>")
    shell.sendline("call add 1")
    shell.expect("alpha: 3\r\n")


def test_a_script_calls_a_destructive_method_only_with_the_switch(node: Box) -> None:
    victim = node.home / "victim"
    victim.touch()
    commands = f"{CLASS}; call wipe {victim}"
    done = node.mhsh("-c", commands)
    assert (done.returncode, victim.exists()) == (64, True)
    assert "% Nobody can be asked here; add -y (--yes) to the command line of mhsh to call it\n" in done.stdout
    done = node.mhsh("-y", "-", stdin=f"{CLASS}\ncall wipe {victim}\n")
    assert (done.returncode, done.stdout, victim.exists()) == (0, "alpha: gone\n", False)

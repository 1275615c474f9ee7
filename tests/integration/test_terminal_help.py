"""Help in place, completion, history, pasted lines and odd bytes in mhsh, on a real terminal."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pexpect
import pytest

from tests.support.node import PLUGIN_PACKAGE, TIME, Box, box
from tests.support.spawned import spawned_shell

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

PLUGIN = '''
from typing import Literal

from matahari.plugin import method, output

def paint(colour: Literal["red", "green"], deep: bool = False) -> str:
    """Paint it."""
    return f"{colour} {deep}"

@method(sensitive=["password"])
def login(user: str, password: str) -> str:
    """Log in."""
    return user

def many(lines: int) -> str:
    """Give many lines."""
    return "".join(f"line {number}\\n" for number in range(lines))

def flood(lines: int) -> str:
    """Write many lines."""
    for number in range(lines):
        output(f"out {number}\\n")
    return "done"

def odd() -> str:
    """Give what no terminal should get."""
    return "a\\x1b[2Jb\\x9bc"

def echo(text: str) -> str:
    """Give it back."""
    return text
'''
CLASS = f"select class package {PLUGIN_PACKAGE} odds"
PROMPT = r"plugin:odds\]>"
MANY = 10_000


@pytest.fixture(scope="module")
def node() -> Iterator[Box]:
    with box() as made:
        made.save("odds.py", PLUGIN)
        with made.up("--hostname", "alpha"):
            yield made


@pytest.fixture
def shell(node: Box) -> Iterator[pexpect.spawn[str]]:
    with spawned_shell(node) as child:
        yield child


def select(shell: pexpect.spawn[str]) -> None:
    shell.sendline(CLASS)
    shell.expect(PROMPT)


def test_a_question_mark_is_answered_at_once_and_the_line_stays(shell: pexpect.spawn[str]) -> None:
    shell.send("?")
    shell.expect("Commands:\r\n")
    shell.expect(r"  sleep +Wait that many seconds\.\r\n")
    shell.send("sel?")
    shell.expect(r"  select +host, class, plugin, hosts\r\n")
    shell.expect("mhsh> sel")
    shell.send("ect ?")
    shell.expect(r"  class +Select a class, of the package org\.matahariproject")
    shell.expect("mhsh> select")
    shell.send("host alpha\r")
    shell.expect(r"mhsh \(host\)>")


def test_help_on_arguments_comes_from_the_schema(shell: pexpect.spawn[str]) -> None:
    select(shell)
    shell.send("call paint ?")
    shell.expect(r"  COLOUR +string \[one of red, green\]\r\n")
    shell.expect(r"  deep= +boolean \(default false\)\r\n")
    shell.send("red ?")
    shell.expect("  <cr>\r\n")
    shell.expect("call paint red")
    shell.send("\r")
    shell.expect("alpha: red False\r\n")


def test_in_quotes_and_pasted_text_a_question_mark_is_text(shell: pexpect.spawn[str]) -> None:
    select(shell)
    shell.send("call echo 'who?'\r")
    shell.expect(r"alpha: who\?\r\n")
    shell.send("\x1b[200~call echo why?\x1b[201~\r")
    shell.expect(r"alpha: why\?\r\n")
    shell.send("select hosts /alph?a/\r")
    shell.expect("1 of 1 host\r\n")


def test_tab_completes_abbreviations_enumerations_names_of_arguments_and_facts(shell: pexpect.spawn[str]) -> None:
    shell.send("sel cl Ho\t\r")
    shell.expect(r"\[org\.matahariproject:Host\]>")
    select(shell)
    shell.send("call paint g\tde\tt\t\r")
    shell.expect("alpha: green True\r\n")
    shell.send("select hosts python.ve\t>= 3 and plugin od\t\r")
    shell.expect("1 of 1 host\r\n")


def test_lines_are_found_again_by_search_and_those_of_the_mode_come_first(node: Box) -> None:
    with spawned_shell(node) as shell:
        select(shell)
        shell.sendline("call echo first")
        shell.expect("alpha: first\r\n")
        shell.expect(PROMPT)
        shell.sendline("clear class")
        shell.expect("mhsh>")
        shell.sendline("list packages")
        shell.expect(PLUGIN_PACKAGE + "\r\n")
        shell.sendline("quit")
        shell.expect(pexpect.EOF)
    with spawned_shell(node) as shell:
        select(shell)
        shell.send("\x1b[A")  # up: what was typed last in this mode
        shell.expect("clear class")
        shell.send("\x15call\x1b[A\r")
        shell.expect("alpha: first\r\n")
        shell.expect(PROMPT)
        shell.send("\x12list pa")
        shell.expect(r"list pa.*ckages")
        shell.send("\r\r")
        shell.expect(PLUGIN_PACKAGE + "\r\n")
        shell.sendline("show history PACKAGES")
        shell.expect(r"\d  list packages\r\n")


def test_a_secret_is_on_the_host_and_not_in_the_history(shell: pexpect.spawn[str], node: Box) -> None:
    select(shell)
    shell.sendline("call login bob hunter2")
    shell.expect("alpha: bob\r\n")
    shell.expect(PROMPT)
    shell.sendline("show history 1")
    shell.expect(r"\d  call login bob \*\*\*\r\n")
    shell.sendline("quit")
    shell.expect(pexpect.EOF)
    kept = (node.home / "matahari" / "mhsh_history").read_text()
    assert CLASS in kept
    assert "hunter2" not in kept


def test_pasted_lines_run_in_turn_and_an_error_is_told_behind_its_line(shell: pexpect.spawn[str]) -> None:
    shell.send(f"\x1b[200~{CLASS}\nfrobnicate now\ncall echo pasted\n\x1b[201~\r")
    for told in (
        rf"mhsh> {re.escape(CLASS)}\r\n",
        r"plugin:odds\]> frobnicate now\r\n\*\*\* Unknown syntax: frobnicate now\r\n",
        r"plugin:odds\]> call echo pasted\r\nalpha: pasted\r\n",
        PROMPT,
    ):
        shell.expect(told)
    shell.sendline("call echo again")
    shell.expect("alpha: again\r\n")


def test_bytes_that_are_no_utf_8_do_no_harm_either_way(shell: pexpect.spawn[str]) -> None:
    select(shell)
    os.write(shell.child_fd, b"call echo caf\xe9\r")
    shell.expect("% The byte 0xe9 is not UTF-8")
    shell.expect(PROMPT)
    shell.sendline("call odd")
    shell.expect(r"alpha: a\\x1b\[2Jb\\x9bc")
    shell.expect(PROMPT)
    shell.sendline("call echo café")
    shell.expect("alpha: café\r\n")


def test_a_resized_terminal_goes_on(shell: pexpect.spawn[str]) -> None:
    select(shell)
    shell.send("call echo ")
    shell.setwinsize(10, 30)
    shell.send("a")
    shell.setwinsize(50, 150)
    shell.send("b\r")
    shell.expect("alpha: ab\r\n")
    shell.setwinsize(2, 2)
    shell.setwinsize(40, 200)
    shell.expect(PROMPT)
    shell.send("call pa?")
    shell.expect("  paint +Paint it")


def test_ctrl_c_drops_a_line_and_ctrl_d_leaves_only_an_empty_one(shell: pexpect.spawn[str]) -> None:
    shell.send("list ho\x03")
    shell.expect("mhsh>")
    shell.send("list hostsx\x01\x05\x02\x04\r")  # to the start, the end, one back: there it deletes what is under it
    shell.expect("alpha\r\n")
    shell.send("\x04")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 0


def test_ten_thousand_lines_flow_as_an_answer_and_as_output(shell: pexpect.spawn[str]) -> None:
    select(shell)
    shell.sendline(f"call many {MANY}")
    shell.expect("alpha:\r\n")
    shell.expect(f"    line {MANY - 1}\r\n", timeout=60 * TIME)
    assert (shell.before or "").count("\r\n") == MANY - 1
    shell.expect(PROMPT)
    shell.sendline(f"call flood {MANY}")
    shell.expect("alpha: done\r\n", timeout=60 * TIME)
    shell.expect(PROMPT)
    shell.sendline("call echo after")
    shell.expect("alpha: after\r\n")

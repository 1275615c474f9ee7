"""mhsh on a terminal: what is typed, pasted and searched, in a window that changes, and bytes that no terminal should get."""

from __future__ import annotations

import stat
from collections.abc import Iterator

import pytest

from tests.support.node import Box
from tests.support.stage import SELECT, stage
from tests.support.terminal import CTRL_C, CTRL_R, CTRL_U, ENTER, UP, Terminal, open_shell

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

WORDS = " ".join(f"word{number:02}" for number in range(20))


@pytest.fixture(scope="module")
def place() -> Iterator[Box]:
    with stage() as made:
        yield made


@pytest.fixture
def shell(place: Box) -> Iterator[Terminal]:
    with open_shell(place) as terminal:
        terminal.run(SELECT)
        terminal.run("select host alpha")
        terminal.screen.clear()
        yield terminal


def test_a_long_line_is_whole_after_the_window_changed_and_goes_on(shell: Terminal) -> None:
    half = len(WORDS) // 2
    shell.typed(f"call echo '{WORDS[:half]}")
    for rows, columns in ((12, 60), (30, 100), (6, 40), (40, 160)):
        shell.resize(rows, columns)
        shell.line_is(f"call echo '{WORDS[:half]}")
    shell.typed(f"{WORDS[half:]}'")
    shell.resize(24, 80)
    shell.line_is(f"call echo '{WORDS}'")
    shell.enter()
    assert f"alpha: {WORDS}" in "".join(shell.screen.lines)


def test_pasted_lines_wait_for_enter_and_run_in_turn(shell: Terminal) -> None:
    shell.paste("call echo first\nfrobnicate now\ncall echo why?\ncall add 1\n")
    shell.shows("^call echo why\\?\ncall add 1$")
    shell.type(ENTER)
    shell.shows("^alpha: 3$")
    shell.wait_prompt()
    ran = shell.screen.text.split("call add 1\n", 1)[1].strip().splitlines()  # behind what was pasted
    prompt = shell.screen.before_cursor
    assert [row for row in ran if row] == [
        f"{prompt}call echo first",
        "alpha: first",
        f"{prompt}frobnicate now",
        "*** Unknown syntax: frobnicate now",
        f"{prompt}call echo why?",
        "alpha: why?",
        f"{prompt}call add 1",
        "alpha: 3",
        prompt.rstrip(),
    ]


def test_pasted_lines_that_are_not_wanted_are_dropped_with_ctrl_c(shell: Terminal) -> None:
    shell.paste("call echo one\ncall echo two\n")
    shell.shows("^call echo two$")
    shell.type(CTRL_C)
    shell.wait_prompt()
    assert "alpha: one" not in shell.screen.text
    assert shell.run("call echo three") == ["alpha: three"]


def test_typed_bytes_that_are_no_utf_8_are_refused_with_their_column(shell: Terminal) -> None:
    shell.type(b"call echo caf\xe9", ENTER)
    shell.shows("^% The byte 0xe9 is not UTF-8$")
    shell.wait_prompt()
    assert shell.run("call echo 'café 漢字 e\u0301'") == ["alpha: café 漢字 e\u0301"]


def test_what_a_plugin_tells_reaches_the_terminal_harmless_and_in_its_columns(shell: Terminal) -> None:
    """The screen takes no control character but those of the shell's own editor."""
    rows = shell.run("call odd")
    assert rows == [
        r"alpha: told \x1b[2J\x07 漢字 \u202e\x9b",
        "alpha: given \\x1b]0;title\\x07 漢字 café e\u0301\\x9b",
    ]
    shell.run("no select host")
    rows = shell.run("call odd | table")
    heading, *values = rows[1:]  # behind the closing line, for a table comes when all is in
    assert heading == "HOST   VALUE"
    assert {row.index("given") for row in values} == {heading.index("VALUE")}
    assert len(values) == 2


class TestHistory:
    """Lines are found again, those of the mode first, also by the next shell; secrets are not kept."""

    @pytest.fixture
    def private(self, place: Box, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
        self.home = tmp_path_factory.mktemp("history")
        with open_shell(place, home=self.home) as terminal:
            yield terminal

    def test_lines_come_back_by_key_and_by_search(self, private: Terminal, place: Box) -> None:
        private.run("list packages")
        private.run(SELECT)
        private.run("call echo apple")
        private.run("call add 1")
        private.run("no select class")
        private.run("list hosts")
        private.type(UP)
        private.edits("list hosts")
        private.type(UP)
        private.edits(SELECT)  # what was typed last without a class
        private.type(UP)
        private.edits("list packages")
        private.type(CTRL_U, CTRL_R, "app")
        private.shows("^.*reverse-i-search.*app.*call echo apple$")
        private.type(CTRL_C)
        private.wait_prompt()
        private.type("quit", ENTER)
        assert private.wait_end() == 0
        with open_shell(place, home=self.home) as shell:
            shell.run(SELECT)
            shell.type(UP)
            shell.edits("no select class")  # typed in this mode, though others came later
            shell.type(CTRL_U, "call e", UP)
            shell.edits("call echo apple")
            shell.type(CTRL_U, CTRL_R, "list p")
            shell.shows("list packages$")
            shell.type(ENTER)  # takes the line
            shell.until("the search has ended", lambda: "i-search" not in shell.screen.text)
            assert len(shell.enter()) == 3

    def test_a_line_with_a_secret_is_not_in_the_file(self, private: Terminal) -> None:
        private.run(SELECT)
        assert "hunter2" not in "".join(private.run("call login bob hunter2"))
        private.run("call login password=hunter2 user=eve")
        private.type(UP)
        private.edits("call login password=hunter2 user=eve")  # this shell still knows it
        private.type(CTRL_U)
        private.wait_prompt()
        kept = self.home / "matahari" / "mhsh_history"
        assert SELECT in kept.read_text()
        assert "hunter2" not in kept.read_text()
        assert "login" not in kept.read_text()
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600

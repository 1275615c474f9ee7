"""Commands whose answers go through a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from matahari.errors import ConnectFailedError
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.selection import Snapshot
from matahari.shell.display.output import Output
from tests.support.shell import ASTERISK, CALC, TestShell

OUTPUTS = [
    ("list hosts | grep web", "web1\nweb2\n"),
    ("list hosts | grep -v web", "db1\n"),
    ("list hosts | grep -i WEB1", "web1\n"),
    ("list hosts | grep -iv WEB", "db1\n"),
    ("list hosts | grep ^.*1$", "db1\nweb1\n"),
    ("list hosts | grep '-1|web2'", "web2\n"),
    ("list hosts | grep web | grep 2", "web2\n"),
    ("list hosts | count", "3\n"),
    ("list hosts | head 2", "db1\nweb1\n"),
    ("list hosts | head", "db1\nweb1\nweb2\n"),
    ("list hosts | head 0 | count", "0\n"),
    ("list hosts | table | head 1", "HOST  UUID\ndb1   00000000-0000-0000-0000-000000000000\n"),
    ("list hosts | table | grep web | count", "2\n"),
    ("list hosts | csv | grep b1 | head 1", "host,uuid\ndb1,00000000-0000-0000-0000-000000000000\n"),
    ("list hosts | yaml | grep ^host:.web2$", "---\nhost: web2\nuuid: 00000000-0000-0000-0000-000000000002\n"),
    ("list hosts | gr web | co", "2\n"),
    ("list hosts | count | json", '{"count": 3}\n'),
    ("help | grep clear | count", "1\n"),
    ("help help | json", '{"text": "Use \\"help\\" for the list of commands, \\"help COMMAND\\" for one of them."}\n'),
    ("list hosts | count; list hosts | count", "3\n3\n"),
]


@pytest.mark.parametrize(("line", "said"), OUTPUTS)
def test_answers_go_through_the_stages(line: str, said: str) -> None:
    shell = TestShell()
    assert shell.says(line) == said
    assert shell.err() == ""


def test_answers_of_several_lines_are_searched_line_by_line() -> None:
    shell = TestShell()
    shell.run(f"{ASTERISK}; select host web1 web2")
    assert shell.says("call num_calls | grep channels") == "web1: 0 active channels\nweb2: 0 active channels\n"
    assert shell.says("call num_calls | grep web2") == (
        "web2:\n    0 active channels\n    0 active calls\n    0 calls processed\n"
    )
    assert shell.says("call num_calls | grep calls | count") == "2\n"


def test_closing_counts_are_no_rows() -> None:
    shell = TestShell()
    shell.run(ASTERISK)
    assert shell.says("call num_calls | count") == "3\n"
    assert shell.err().startswith("3 hosts: 3 answered")


def test_failures_are_rows_and_the_status_is_that_of_the_command() -> None:
    shell = TestShell(colour=True)
    shell.run(CALC)
    assert shell.run("call boom | grep boom") is ExitStatus.SOME_FAILED
    assert shell.out() == "".join(f"\x1b[31m{host}: % ValueError: boom\x1b[0m\n" for host in ("web1", "web2"))
    assert shell.run("call boom | grep nothing") is ExitStatus.SOME_FAILED
    assert shell.run("call boom | head 0") is ExitStatus.SOME_FAILED
    assert shell.run("list hosts | grep nothing") is ExitStatus.NOTHING_MATCHED
    assert shell.run("list hosts | grep nothing | count") is ExitStatus.NOTHING_MATCHED


def test_a_call_goes_on_to_its_end_behind_head() -> None:
    shell = TestShell()
    shell.run(CALC)
    assert len(shell.says("call add 1 2 | head 1").splitlines()) == 1
    assert shell.err().startswith("3 hosts: 3 answered")


def test_many_hosts_are_not_grouped_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matahari.shell.display.results.MAX_ROWS", 1)
    shell = TestShell()
    shell.run(ASTERISK)
    assert shell.says("call num_calls | count") == "3\n"


def test_json_is_exactly_what_the_option_gives() -> None:
    for line in ("call boom", "get state", "call show", "list hosts", "select hosts explain web1"):
        plain, option = TestShell(), TestShell(as_json=True)
        assert plain.run(CALC) is option.run(CALC)
        assert plain.says(f"{line} | json") == option.says(line) != ""
        assert option.says(f"{line} | json") == option.says(line)


def test_a_format_shows_what_a_write_gives_though_it_prints_nothing() -> None:
    shell = TestShell()
    shell.run("select class Host; select host web1")
    assert shell.says("set update_interval 7") == ""
    assert shell.says("set update_interval 7 | table") == "HOST  VALUE\nweb1  null\n"


def test_with_json_the_stages_work_on_the_lines_of_json() -> None:
    shell = TestShell(as_json=True)
    assert [record["host"] for record in shell.records('list hosts | grep "\\"host\\": \\"web"')] == ["web1", "web2"]
    assert shell.records("list hosts | count") == [{"count": 3}]
    assert shell.says("list hosts | csv | head 1").startswith("host,uuid\ndb1,")


REFUSED = [
    ("list hosts | grpe web", 'There is no stage "grpe"; did you mean grep?', 13),
    ("list hosts | xyz", 'There is no stage "xyz"; there are count, csv, file, grep, head, json, table, yaml', 13),
    ("list hosts | c", 'Ambiguous command: "c" begins count, csv', 13),
    (
        "list hosts |",
        "A stage is missing behind the pipe; there are count, csv, file, grep, head, json, table, yaml",
        13,
    ),
    (
        "list hosts | | count",
        "A stage is missing behind the pipe; there are count, csv, file, grep, head, json, table, yaml",
        13,
    ),
    ("| count", "A command is missing in front of the pipe", 0),
    ("list hosts | grep", "Missing arguments: '(-i) (-v) PATTERN'", 18),
    ("list hosts | grep -v", "Missing arguments: 'PATTERN'", 21),
    ("list hosts | grep -x y", "grep knows -i and -v only; a PATTERN that begins with - needs quotes", 18),
    ("list hosts | grep a b", "Excess arguments: 'b'; a PATTERN with blanks needs quotes", 20),
    ("list hosts | grep (", "Invalid regular expression: unclosed group", 18),
    (f"list hosts | grep {'a' * 1001}", "A regular expression has 1000 characters at most", 18),
    ("list hosts | head x", 'Invalid argument value ("x" is not an integer)', 18),
    ("list hosts | head -1", "Invalid argument value (Value -1 underflows minimum of range (0))", 18),
    ("list hosts | head 1 2", "Excess arguments: '2'", 20),
    ("list hosts | count x", "Excess arguments: 'x'", 19),
    ("list hosts | json x", "Excess arguments: 'x'", 18),
    ("list hosts | file", "Missing arguments: '(-a) PATH'", 18),
    ("list hosts | file -a", "Missing arguments: 'PATH'", 21),
    ("list hosts | file ''", "A path has one character at least", 18),
    (
        "list hosts | file -b",
        "file knows -a only; a PATH that begins with - needs quotes",
        18,
    ),
    ("list hosts | file /dev/null | count", "Nothing comes out of file: nothing can follow it", 28),
    ("list hosts | grep a | head x | count", 'Invalid argument value ("x" is not an integer)', 27),
]


@pytest.mark.parametrize(("line", "message", "column"), REFUSED)
def test_a_wrong_stage_is_pointed_at_and_the_command_is_not_run(line: str, message: str, column: int) -> None:
    shell = TestShell()
    shell.console.fault = AssertionError("asked")  # type: ignore[assignment]  # any question would raise it
    assert shell.run(line) is ExitStatus.USAGE
    assert shell.out() == ""
    assert shell.err() == f"% {message}\n%     {line}\n%     {' ' * column}^\n\n"


def test_what_cannot_be_written_is_refused_before_the_command_is_run(tmp_path: Path) -> None:
    shell = TestShell()
    shell.run(CALC)
    assert shell.run(f"call add 1 2 | file {tmp_path}/no/out") is ExitStatus.COULD_NOT_ASK
    assert f"% Cannot write {tmp_path}/no/out: No such file or directory\n" in shell.err()
    assert not shell.console.calls


def test_a_select_with_a_wrong_stage_was_not_run_so_that_nothing_follows() -> None:
    shell = TestShell()
    shell.run("select host web1 | nosuch; list hosts")
    assert shell.out() == ""
    assert shell.session.is_lost
    assert shell.run("| count; list hosts | count") is ExitStatus.USAGE
    assert shell.out() == "3\n"


def test_errors_of_the_command_go_to_standard_error_and_not_into_the_pipe() -> None:
    shell = TestShell()
    assert shell.run("nosuch | count") is ExitStatus.USAGE
    assert shell.out() == ""
    assert shell.err() == "*** Unknown syntax: nosuch | count\n\n"
    assert shell.run("select host nosuch | grep x") is ExitStatus.NOTHING_MATCHED
    assert shell.out() == ""
    assert '% Host "nosuch" not found' in shell.err()
    shell.console.fault = ConnectFailedError("no broker", address="")
    assert shell.run("list hosts | count") is ExitStatus.COULD_NOT_ASK
    assert shell.out() == ""
    assert shell.run("list hosts") is ExitStatus.COULD_NOT_ASK
    assert shell.out() == "% no broker\n\n"


def test_missing_arguments_of_the_command_are_pointed_at_in_front_of_the_pipe() -> None:
    shell = TestShell()
    shell.run("sleep | count")
    assert shell.err() == "% Missing arguments: 'FLOAT'\n%     sleep | count\n%           ^\n\n"


def test_answers_are_written_to_a_file(tmp_path: Path) -> None:
    shell = TestShell()
    path = tmp_path / "out"
    assert shell.run(f"list hosts | grep web | file {path}") is ExitStatus.OK
    assert (shell.out(), shell.err()) == ("", f"% 2 rows written to {path}\n")
    assert path.read_text() == "web1\nweb2\n"
    shell.run(f"list hosts | csv | head 1 | file -a {path}")
    assert path.read_text() == "web1\nweb2\ndb1,00000000-0000-0000-0000-000000000000\n"
    shell.run(f"list hosts | json | file {path}")
    assert [json.loads(line)["host"] for line in path.read_text().splitlines()] == ["db1", "web1", "web2"]
    assert shell.run(f"list hosts | grep nothing | file {path}") is ExitStatus.NOTHING_MATCHED
    assert path.read_text() == ""


def test_the_file_stays_as_it_was_where_the_command_fails_before_any_row(tmp_path: Path) -> None:
    shell = TestShell()
    path = tmp_path / "out"
    path.write_text("old")
    for line in ("nosuch", "list nosuch", "select host nosuch"):
        shell.run(f"{line} | file {path}")
    shell.console.fault = ConnectFailedError("no broker", address="")
    assert shell.run(f"list hosts | file {path}") is ExitStatus.COULD_NOT_ASK
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    assert "written" not in shell.err()


def test_a_tilde_that_is_not_quoted_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    shell = TestShell()
    shell.run("list hosts | file ~/one; list hosts | file '~two'")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["one", "~two"]


def _interrupted(shell: TestShell, line: str) -> None:
    hosts = shell.console.hosts()

    def interrupted() -> Iterator[object]:
        yield from hosts
        raise KeyboardInterrupt

    shell.console.hosts = interrupted  # type: ignore[method-assign,assignment]  # for this one call
    with pytest.raises(KeyboardInterrupt):
        shell.run(line)


def test_ctrl_c_shows_the_rows_that_are_in(tmp_path: Path) -> None:
    shell = TestShell()
    _interrupted(shell, "list hosts | table")
    assert shell.out().startswith("HOST  UUID\ndb1   0000")
    shell = TestShell()
    _interrupted(shell, f"list hosts | file {tmp_path}/out")
    assert (tmp_path / "out").read_text() == "db1\nweb1\nweb2\n"
    assert not shell.session.output.is_piped


def test_what_breaks_the_shell_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = TestShell()

    def broken() -> None:
        raise BrokenPipeError

    monkeypatch.setattr(shell.console, "hosts", broken)
    with pytest.raises(BrokenPipeError):
        shell.run(f"list hosts | file {tmp_path}/out")
    assert not list(tmp_path.iterdir())


def test_a_command_within_a_piped_one_has_a_pipe_of_its_own() -> None:
    shell = TestShell()
    assert shell.says("time 'list hosts | grep web' | grep 2") == "web2\n"


def test_a_pipe_in_a_regular_expression_of_a_filter_is_none() -> None:
    shell = TestShell()
    assert shell.run("select hosts /web1 | db1|db1/ | count") is ExitStatus.OK
    assert shell.out() == "1\n"
    assert shell.session.selection.hosts == ("db1",)


@pytest.mark.parametrize("line", ["select hosts web*", "select host web1 web2"])
def test_the_hosts_that_were_selected_go_through_a_pipe(line: str) -> None:
    shell = TestShell()
    assert shell.says(f"{line} | count") == "2\n"
    assert shell.says(f"{line} | grep 2") == "web2\n"
    assert shell.session.selection.hosts == ("web1", "web2")
    assert shell.says(line) == ""


OFFERED = [
    ("list hosts |", 12, [" count ", " csv ", " file ", " grep ", " head ", " json ", " table ", " yaml "]),
    ("list hosts | ", 13, ["count ", "csv ", "file ", "grep ", "head ", "json ", "table ", "yaml "]),
    ("list hosts | c", 13, ["count ", "csv "]),
    ("list hosts | count | gr", 21, ["grep "]),
    ("list hosts | grep -", 18, ["-i ", "-v "]),
    ("list hosts | grep -i -", 21, ["-v "]),
    ("list hosts | grep ", 18, []),
    ("list hosts | file -", 18, ["-a "]),
    ("list hosts | # ", 15, []),
]


@pytest.mark.parametrize(("line", "start", "offered"), OFFERED)
def test_stages_and_their_options_complete(line: str, start: int, offered: list[str]) -> None:
    found = TestShell().session.commands(Snapshot()).complete(line)
    assert (found[0], sorted(text for text in found[1] if text)) == (start, offered)


def test_help_knows_the_stages() -> None:
    shell = TestShell()
    assert shell.says("help").endswith("\nBehind a command: | count csv file grep head json table yaml\n")
    assert shell.says("help grep").startswith(" > grep (-i) (-v) PATTERN\n\nBehind a pipe: ")
    for name in ("count", "csv", "file", "grep", "head", "json", "table", "yaml"):
        assert shell.says(f"help {name}").startswith(f" > {name}")
    assert "grep " in shell.session.commands(Snapshot()).complete("help gr")[1]


def test_a_line_without_a_pipe_needs_none_of_the_modules() -> None:
    names = ["running", "stages", "formats", "filestage"]
    saved = {name: sys.modules.pop(f"matahari.shell.pipes.{name}", None) for name in names}
    try:
        shell = TestShell()
        shell.run("list hosts")
        assert not [name for name in names if f"matahari.shell.pipes.{name}" in sys.modules]
        shell.run("list hosts | count")
        assert "matahari.shell.pipes.formats" not in sys.modules
    finally:
        sys.modules.update(
            {f"matahari.shell.pipes.{name}": module for name, module in saved.items() if module is not None}
        )


def test_an_output_tells_whether_it_is_piped_and_wants_records() -> None:
    shell = TestShell()
    output: Output = shell.session.output
    assert (output.is_piped, output.as_json) == (False, False)
    seen = []
    with output.into(lambda row: seen.append((output.is_piped, output.as_json)), wants_records=True):
        output.text("a\nb")
        output.text("web1:\n    a\n    b")
    assert seen == [(True, True)] * 3
    assert (output.is_piped, output.as_json) == (False, False)

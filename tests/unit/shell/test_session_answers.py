"""What the shell says of answers as a whole: refused calls, hosts that are missing, results not as declared, summaries."""

from __future__ import annotations

import pytest

from matahari.errors import (
    InvalidArgumentError,
    MatahariError,
    MissingArgumentError,
    UnexpectedError,
    UnknownActionError,
)
from matahari.shell.base.outcome import ExitStatus
from tests.support.shell import CALC, TestShell

MISMATCH = "the result of calc.add is not as declared: 'x' is a string; give an integer"


@pytest.mark.parametrize(
    ("error", "column", "status"),
    [
        (InvalidArgumentError("calc.add has no argument 'z'", kind="invalid_argument"), None, ExitStatus.USAGE),
        (MissingArgumentError("calc.add needs argument 'x'", kind="missing_argument"), 13, ExitStatus.USAGE),
        (UnknownActionError("calc has no method 'add'", kind="unknown_action"), None, ExitStatus.NOTHING_MATCHED),
    ],
)
def test_a_call_that_no_host_would_take_is_an_error_of_the_command_and_nothing_is_counted(
    error: MatahariError, column: int | None, status: ExitStatus
) -> None:
    shell = TestShell()
    shell.console.refusal = error
    shell.run(CALC)
    assert shell.run("call add 1 2") is status
    pointer = "" if column is None else f"%     call add 1 2\n%     {' ' * column}^\n"
    assert (shell.out(), shell.err()) == (f"% {error}\n{pointer}\n", "")


class TestOutOfService:
    def shell(self, *, state: str, hosts: int = 3) -> TestShell:
        def refuse(host: str, args: object, kwargs: object) -> object:
            if shell.console.kind("calc").values[host]["calc"]["state"] != "ready":
                text = "plugin calc is failed: SyntaxError: invalid syntax (calc.py, line 3)"
                raise UnexpectedError(text, kind="not_loaded", remote_type="NotLoaded")
            return f"ran on {host}"

        shell = TestShell()
        kind = shell.console.kind("calc")
        for host in list(kind.values)[:hosts]:
            kind.values[host]["calc"] = {"state": state, "methods": {}}
        kind.behaviours = {"go": refuse}
        kind.methods = [one for one in kind.methods if hosts < 3]
        return shell

    @pytest.mark.parametrize("state", ["failed", "quarantined", "inactive", "loading"])
    def test_each_hosts_reason_is_told_though_the_method_is_known_nowhere(self, state: str) -> None:
        shell = self.shell(state=state)
        shell.run(CALC)
        assert shell.run("call go") is ExitStatus.SOME_FAILED
        said = "% plugin calc is failed: SyntaxError: invalid syntax (calc.py, line 3)"
        assert shell.out().splitlines() == [f"{host} {said}" for host in ("db1: ", "web1:", "web2:")]
        assert shell.err() == "3 hosts: 0 answered, 3 failed, 0 silent, 0.00 s\n"

    def test_where_one_host_runs_it_the_others_go_on(self) -> None:
        shell = self.shell(state="failed", hosts=1)
        shell.run(CALC)
        assert shell.run("call go") is ExitStatus.SOME_FAILED
        assert "web1: ran on web1\n" in shell.out()
        assert shell.err() == "3 hosts: 2 answered, 1 failed, 0 silent, 0.00 s\n"

    def test_a_plugin_that_was_mended_since_it_was_selected_is_read_again(self) -> None:
        shell = self.shell(state="failed")
        shell.run(CALC)
        for values in shell.console.kind("calc").values.values():
            values["calc"]["state"] = "ready"
        assert shell.says("call go").splitlines()[0] == "db1:  ran on db1"

    def test_the_word_is_not_listed_or_completed(self) -> None:
        shell = self.shell(state="failed")
        assert "METHOD" not in shell.says(f"{CALC}; list commands")


def test_a_result_that_is_not_as_declared_is_shown_with_a_warning() -> None:
    shell = TestShell()
    shell.console.mismatch = MISMATCH
    shell.run(f"select host web1; {CALC}")
    assert shell.run("call add 1 2") is ExitStatus.OK
    assert shell.out() == "web1: [[1, 2], {}]\n"
    assert shell.err() == f"web1: warning: {MISMATCH}\n"


def test_the_record_of_a_result_has_the_mismatch_only_when_there_is_one() -> None:
    shell = TestShell(as_json=True)
    shell.run(f"select host web1; {CALC}")
    assert "mismatch" not in shell.records("call add 1 2")[0]
    shell.console.mismatch = MISMATCH
    assert shell.records("call add 1 2")[0]["mismatch"] == MISMATCH
    assert shell.err() == ""


class TestMissingHosts:
    @pytest.mark.parametrize("line", ["call add 1 2", "get state"])
    def test_a_host_that_is_expected_and_not_there_counts_as_silent_and_is_named(self, line: str) -> None:
        shell = TestShell()
        shell.console.missing = ["web7", "web8"]
        shell.run(CALC)
        assert shell.run(line) is ExitStatus.SOME_FAILED
        said = shell.out().splitlines()
        assert [text for text in said if text.startswith("web7")] == ["web7: % expected to answer, and not on the bus"]
        assert shell.err() == "5 hosts: 3 answered, 0 failed, 2 silent, 0.00 s (not on the bus: web7, web8)\n"

    @pytest.mark.parametrize("line", ["call add 1 2", "get state"])
    def test_it_has_a_record_of_its_own(self, line: str) -> None:
        shell = TestShell(as_json=True)
        shell.console.missing = ["web7"]
        shell.run(CALC)
        (record,) = [one for one in shell.records(line) if one["host"] == "web7"]
        assert (record["agent"], record["object"], record["ok"]) == ("", "", False)
        error = record["error"]
        assert isinstance(error, dict)
        assert error["code"] == "request.gone"

    def test_many_of_them_do_not_make_the_closing_line_long(self) -> None:
        shell = TestShell()
        shell.console.missing = [f"host{at:03}" for at in range(200)]
        shell.run(CALC)
        shell.run("call add 1 2")
        assert shell.err().endswith("host009 and 190 more)\n")


class TestSummaries:
    def test_the_last_answers_are_summarised(self) -> None:
        shell = TestShell()
        shell.run(CALC)
        shell.run("call boom")
        assert shell.says("summary count") == 'count: {"value": 1, "hosts": ["db1"]}\n'
        shell.run("get state")
        assert len(shell.says("summary count").splitlines()) == 3

    def test_the_summary_has_a_record(self) -> None:
        shell = TestShell(as_json=True)
        shell.run(CALC)
        shell.run("call boom")
        assert shell.records("summary count") == [{"summary": "count", "value": [{"value": 1, "hosts": ["db1"]}]}]

    def test_without_answers_there_is_nothing_to_summarise(self) -> None:
        shell = TestShell()
        shell.run(CALC)
        assert shell.run("summary count") is ExitStatus.NOTHING_MATCHED
        assert "There are no answers to summarise" in shell.out()

    def test_an_unknown_summary_is_refused_with_what_was_meant(self) -> None:
        shell = TestShell()
        shell.run(f"{CALC}; call boom")
        shell.out()
        assert shell.run("summary coumt") is ExitStatus.NOTHING_MATCHED
        assert shell.out() == '% Summary "coumt" not found; did you mean count?\n\n'

    def test_it_needs_a_class(self) -> None:
        assert "summary" not in TestShell().says("list commands")
        assert "summary NAME" in TestShell().says(f"{CALC}; list commands").splitlines()

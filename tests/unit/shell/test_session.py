"""Modes, prompts, commands and errors of the shell (matahari-2012.md 15.3 to 15.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.selection import take_snapshot
from tests.support.fake_classes import PLUGINS, asterisk_plugin
from tests.support.shell import ASTERISK, CALC, OLD, TestShell


def test_the_session_of_the_introduction() -> None:
    shell = TestShell()
    assert shell.says("list hosts") == "db1\nweb1\nweb2\n"
    assert shell.says(ASTERISK) == ""
    assert shell.session.prompt == "mhsh [org.matahariproject.rpc.plugin:asterisk]> "
    answer = ":\n    0 active channels\n    0 active calls\n    0 calls processed\n"
    assert shell.says("call num_calls") == "".join(host + answer for host in ("db1", "web1", "web2"))
    assert shell.says("select class Host") == ""
    assert shell.says("select host web1") == ""
    assert shell.session.prompt == "mhsh (host)[org.matahariproject:Host]> "
    assert shell.says("get load") == 'web1: {"1": 1.5, "5": 0.25, "15": 0.125}\n'


PROMPTS = [
    ("", "mhsh> "),
    ("select host web1", "mhsh (host)> "),
    ("select class Host", "mhsh [org.matahariproject:Host]> "),
    ("select host web1 db1; select class Host", "mhsh (host)[org.matahariproject:Host]> "),
    ("select class Host; select property hostname web1", "mhsh [org.matahariproject:Host]*> "),
    (
        "select host web1; select class Host; select property hostname web1",
        "mhsh (host)[org.matahariproject:Host]*> ",
    ),
    ("select class Host; select property hostname web1; clear properties", "mhsh [org.matahariproject:Host]> "),
    ("select class Host; select property hostname web1; select class Host", "mhsh [org.matahariproject:Host]> "),
    ("select host web1; select class Host; clear host", "mhsh [org.matahariproject:Host]> "),
    ("select host web1; select class Host; clear class", "mhsh (host)> "),
    ("select host web1; select class Host; clear all", "mhsh> "),
    ("sel cl Host; sel ho web1", "mhsh (host)[org.matahariproject:Host]> "),
    ("sel cl pa org.matahariproject Host", "mhsh [org.matahariproject:Host]> "),
]


@pytest.mark.parametrize(("lines", "prompt"), PROMPTS)
def test_the_prompt_shows_the_mode(lines: str, prompt: str) -> None:
    shell = TestShell()
    assert shell.run(lines) is ExitStatus.OK
    assert shell.session.prompt == prompt


def test_lists() -> None:
    shell = TestShell()
    assert shell.says("list packages") == "org.matahariproject\norg.matahariproject.rpc.plugin\n"
    assert shell.says(f"list classes package {PLUGINS}") == f"{PLUGINS}:asterisk\n{PLUGINS}:calc\n{PLUGINS}:old\n"
    assert "org.matahariproject:Host\n" in shell.says("list classes")
    assert shell.says("select host web1; list agents") == (
        "matahariproject.org:host:web1\nmatahariproject.org:rpc:web1\nmatahariproject.org:volume:web1\n"
    )


def test_commands_of_the_root_mode() -> None:
    assert TestShell().says("list commands") == (
        "clear all\n"
        "clear history\n"
        "events (-n COUNT) (PACKAGE:CLASS)\n"
        "exit\n"
        "help (COMMAND)\n"
        "help COMMAND WORD\n"
        "list agents\n"
        "list classes (package PACKAGE)\n"
        "list commands\n"
        "list hosts\n"
        "list packages\n"
        "no select class\n"
        "no select host ([HOST])\n"
        "no select hosts\n"
        "no select property (NAME)\n"
        "quit\n"
        "reload PLUGIN\n"
        "reload all\n"
        "roll (-b N|N%) (-c N) (-p SECONDS) (-f N|N%) (-l N|N%) CALL\n"
        "select class (package PACKAGE) CLASS\n"
        "select host [HOST]\n"
        "select hosts FILTER\n"
        "select hosts explain FILTER\n"
        "select plugin PLUGIN\n"
        "show agents\n"
        "show classes\n"
        "show events (-n COUNT) (PACKAGE:CLASS)\n"
        "show facts (NAME)\n"
        "show history (N|TEXT)\n"
        "show hosts\n"
        "show methods\n"
        "show plugins\n"
        "show selection\n"
        "sleep FLOAT\n"
        "time COMMAND\n"
        "timeout\n"
        "timeout SECONDS\n"
        "timeout default\n"
        "watch (-n SECONDS) (-c COUNT) COMMAND\n"
    )


def test_a_class_brings_a_syntax_per_member() -> None:
    shell = TestShell()
    host = set(shell.says("select class Host; list commands").splitlines())
    assert {
        "call identify",
        "call get_uuid LIFETIME",
        "call set_uuid LIFETIME (UUID)",
        "clear class",
        "clear properties",
        "get load",
        "select property load VALUE",
        "set update_interval VALUE",
    } <= host
    assert "set load VALUE" not in host
    calc = set(shell.says(f"{CALC}; list commands").splitlines())
    assert {"call add X Y", "call greet NAME (GREETING)", "call show ([ARG]) ([NAME=VALUE])"} <= calc
    assert "call show ([ARG])" in shell.says(f"{OLD}; list commands")


def test_the_selection_is_shown_with_one_object_a_line() -> None:
    shell = TestShell()
    assert shell.says("show selection") == "all hosts\n"
    assert shell.says("select class Host; select host db1; show selection") == (
        "org.matahariproject:Host[matahariproject.org:host:db1:Host] db1\n"
    )


def test_get_reads_the_values_of_now() -> None:
    shell = TestShell()
    shell.run("select class Host; select host web1")
    shell.console.kind("Host").values["web1"]["Host"]["load"] = {"1": 9.0}
    assert shell.says("get load") == 'web1: {"1": 9.0}\n'
    assert shell.says("get lo") == 'web1: {"1": 9.0}\n'


def test_a_property_that_was_not_sent_is_null() -> None:
    assert TestShell().says("select class Host; select host db1; get identity") == "db1: null\n"


def test_get_tells_which_host_did_not_answer_and_keeps_it_selected() -> None:
    shell = TestShell()
    shell.run("select class Host")
    shell.console.deaf = {"web1"}
    assert shell.run("get hostname") is ExitStatus.SOME_FAILED
    assert shell.out() == "db1:  db1\nweb2: web2\nweb1: % no answer\n"
    assert shell.err() == "3 hosts: 2 answered, 0 failed, 1 silent, 0.00 s\n"
    shell.console.deaf = {"db1", "web1", "web2"}
    assert shell.run("get hostname") is ExitStatus.NONE_ANSWERED
    shell.console.deaf = set()
    assert shell.says("get hostname") == "db1:  db1\nweb1: web1\nweb2: web2\n"


def test_set_writes_and_says_nothing() -> None:
    shell = TestShell()
    assert shell.says("select class Host; select host web1; set update_interval 30") == ""
    assert shell.says("get update_interval") == "web1: 30\n"


def test_a_value_with_a_unit_is_told_with_it_beside_the_answers_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = TestShell()
    shell.run("select class Host; select host web1")
    shell.says("get update_interval")
    assert shell.err() == ""
    monkeypatch.setattr(shell.session.output.out, "isatty", lambda: True)
    shell.says("get update_interval")
    assert shell.err() == "update_interval in s\n"
    shell.says("get hostname")
    assert shell.err() == ""
    shell.run("get update_interval | json")
    assert shell.err() == ""


def test_a_read_only_property_is_refused_before_anything_is_sent() -> None:
    shell = TestShell()
    shell.run("select class Host")
    assert shell.run("set load {}") is ExitStatus.USAGE
    assert '% Property "load" is read-only\n' in shell.out()


def test_a_value_out_of_range_is_refused_with_the_reason_and_the_column() -> None:
    shell = TestShell()
    shell.run("select class Host")
    assert shell.says("set update_interval -1") == (
        '% Invalid Command: "set update_interval -1"\n'
        "%                                       ^\n"
        "% Value -1 underflows minimum of range (0)\n"
        "% Candidates are:\n"
        "%     set update_interval VALUE\n"
        "\n"
    )


def test_methods_take_typed_arguments() -> None:
    shell = TestShell()
    shell.run("select class Host; select host web1")
    assert shell.says("call get_uuid Custom") == "web1: Custom-of-web1\n"
    assert shell.says("call set_uuid Custom") == "web1: 0\n"
    assert shell.says("call set_uuid Custom 'a b'") == "web1: 0\n"
    assert shell.says("call identify") == "web1: OK\n"
    assert shell.console.calls == [
        ("get_uuid", ("Custom",), {}),
        ("set_uuid", ("Custom",), {}),
        ("set_uuid", ("Custom", "a b"), {}),
        ("identify", (), {}),
    ]


PLUGIN_CALLS = [
    ("call add 1 2", [[1, 2], {}]),
    ("call add x=1 y=2", [[], {"x": 1, "y": 2}]),
    ('call greet "two words"', [["two words"], {}]),
    ("call greet 42", [["42"], {}]),
    ("call show [] {}", [[], {}]),
    ('call show [1] {"k": 2}', [[1], {"k": 2}]),
    ("call pair [1] {}", [[[1], {}], {}]),
    ("call wait timeout=3", [[], {"timeout": 3}]),
]


@pytest.mark.parametrize(("line", "received"), PLUGIN_CALLS)
def test_plugin_arguments_are_read_by_the_published_schema(line: str, received: object) -> None:
    shell = TestShell(as_json=True)
    shell.run(f"select host web1; {CALC}")
    assert [record["value"] for record in shell.records(line)] == [received]


def test_the_2012_form_works_on_plugins_with_and_without_a_schema() -> None:
    shell = TestShell()
    assert shell.says(f'select host web1; {OLD}; call show ["a", 1] {{"k": 2}}') == 'web1: [["a", 1], {"k": 2}]\n'
    assert shell.run(f"{ASTERISK}; call num_calls [] {{}}") is ExitStatus.OK


def test_failures_are_results_with_type_and_text_and_the_closing_line_counts_them() -> None:
    shell = TestShell()
    shell.console.deaf = {"web2"}
    shell.run(CALC)
    assert shell.run("call boom") is ExitStatus.SOME_FAILED
    assert shell.out() == "db1:  1\nweb1: % ValueError: boom\nweb2: % no answer within 10 s\n"
    assert shell.err() == "3 hosts: 1 answered, 1 failed, 1 silent, 0.00 s\n"


def test_one_host_has_no_closing_line() -> None:
    shell = TestShell()
    shell.run(f"select host web1; {CALC}; call boom")
    assert shell.err() == ""


def test_with_debug_the_remote_traceback_is_shown() -> None:
    shell = TestShell(debug=True)
    shell.run(f"select host web1; {CALC}")
    assert shell.says("call boom") == "web1: % ValueError: boom\n    File calc.py, line 3\n"


def test_failures_are_red_where_there_is_colour() -> None:
    shell = TestShell(colour=True)
    shell.run(f"select host web1; {CALC}")
    assert shell.says("call boom") == "\x1b[31mweb1: % ValueError: boom\x1b[0m\n"


def test_a_function_added_to_a_selected_plugin_can_be_called_at_once() -> None:
    shell = TestShell()
    shell.run(f"select host web1; {ASTERISK}")
    shell.console.kind("asterisk").methods.append(asterisk_plugin().methods[0].__class__("fresh"))
    shell.console.kind("asterisk").behaviours["fresh"] = lambda host, args, kwargs: "new"
    assert shell.says("call fresh") == "web1: new\n"


def test_a_plugin_that_had_no_methods_when_it_was_selected_is_looked_at_again() -> None:
    shell = TestShell()
    kind = shell.console.kind("asterisk")
    methods, kind.methods = kind.methods, []
    shell.run(f"select host web1; {ASTERISK}")
    assert 'asterisk has no method "num_calls"; it has none' in shell.says("call num_calls")
    kind.methods = methods
    assert shell.says("call num_calls").startswith("web1:\n")


def test_a_parameter_added_to_a_selected_plugin_can_be_named_at_once() -> None:
    shell = TestShell()
    shell.run(f"select host web1; {CALC}")
    kind = shell.console.kind("calc")
    published = kind.values["web1"]["calc"]["methods"]
    assert isinstance(published, dict)
    kind.values["web1"]["calc"]["methods"] = {**published, "add": published["show"]}
    assert shell.says("call add z=1") == 'web1: [[], {"z": 1}]\n'


def test_several_objects_on_a_host_are_told_apart() -> None:
    shell = TestShell()
    assert shell.says("select class Volume; get size") == "db1[data]: 2\ndb1[log]:  1\nweb1:      3\n"


def test_an_interrupted_call_is_ended_and_counts_what_is_in() -> None:
    shell = TestShell()

    def interrupt(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        if host == "web1":
            raise KeyboardInterrupt
        return 1

    shell.console.kind("calc").behaviours["add"] = interrupt
    shell.run(CALC)
    with pytest.raises(KeyboardInterrupt):
        shell.run("call add 1 2")
    assert shell.out() == "db1:  1\n"
    asked = "% cancelling; Ctrl-C again stops waiting for the hosts"
    assert shell.err() == f"\n{asked}\n3 hosts: 1 answered, 0 failed, 2 silent, 0.00 s\n"
    assert shell.console.ended_calls == 1


def test_quit_ends_the_line() -> None:
    for word in ("quit", "exit", "q", "EOF"):
        shell = TestShell()
        assert shell.says(f"{word}; list hosts") == ""
        assert shell.session.finished


def test_sleep_waits() -> None:
    waited: list[float] = []
    shell = TestShell(sleep=waited.append)
    assert shell.run("sleep 0.5; sl 2") is ExitStatus.OK
    assert waited == [0.5, 2.0]
    assert shell.run("sleep -1") is ExitStatus.USAGE


def test_nothing_harmful_reaches_the_terminal() -> None:
    shell = TestShell()
    shell.console.kind("calc").behaviours["add"] = lambda host, args, kwargs: "\x1b[2Jgone\u202e"
    shell.run(f"select host web1; {CALC}")
    assert shell.says("call add 1 2") == "web1: \\x1b[2Jgone\\u202e\n"
    assert shell.says("\x1b[2J") == "*** Unknown syntax: \\x1b[2J\n\n"


def test_a_plugin_is_selected_by_its_name_alone() -> None:
    shell = TestShell()
    assert shell.run("sel pl calc") is ExitStatus.OK
    assert shell.session.prompt == "mhsh [org.matahariproject.rpc.plugin:calc]> "
    assert shell.run("select plugin nosuch") is ExitStatus.NOTHING_MATCHED
    assert shell.session.commands(take_snapshot(shell.console)).complete("select plugin c") == (14, ["calc "])

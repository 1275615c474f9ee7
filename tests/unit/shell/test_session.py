"""Modes, prompts, commands and errors of the shell (matahari-2012.md 15.3 to 15.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from matahari.errors import ConnectionLostError, RefusedError, UnknownActionError
from matahari.shell.outcome import ExitStatus
from tests.support.fake_console import PLUGINS, asterisk_plugin
from tests.support.shell import TestShell

ASTERISK = f"select class package {PLUGINS} asterisk"
CALC = f"select class package {PLUGINS} calc"
OLD = f"select class package {PLUGINS} old"


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
        "exit\n"
        "help (COMMAND)\n"
        "list agents\n"
        "list classes (package PACKAGE)\n"
        "list commands\n"
        "list hosts\n"
        "list packages\n"
        "quit\n"
        "select class (package PACKAGE) CLASS\n"
        "select host [HOST]\n"
        "show selection\n"
        "sleep FLOAT\n"
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
    assert shell.says("show selection") == ""
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
    assert shell.out() == "db1: db1\nweb1: % no answer\nweb2: web2\n"
    assert shell.err() == "3 hosts: 2 answered, 0 failed, 1 silent\n"
    shell.console.deaf = {"db1", "web1", "web2"}
    assert shell.run("get hostname") is ExitStatus.NONE_ANSWERED
    shell.console.deaf = set()
    assert shell.says("get hostname") == "db1: db1\nweb1: web1\nweb2: web2\n"


def test_set_writes_and_says_nothing() -> None:
    shell = TestShell()
    assert shell.says("select class Host; select host web1; set update_interval 30") == ""
    assert shell.says("get update_interval") == "web1: 30\n"


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
    assert shell.out() == "db1: 1\nweb1: % ValueError: boom\nweb2: % no answer within 10 s\n"
    assert shell.err() == "3 hosts: 1 answered, 1 failed, 1 silent\n"


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


@pytest.mark.parametrize(
    ("deaf", "line", "status"),
    [
        (set(), "call add 1 2", ExitStatus.OK),
        ({"web1"}, "call add 1 2", ExitStatus.SOME_FAILED),
        ({"db1", "web1", "web2"}, "call add 1 2", ExitStatus.NONE_ANSWERED),
        ({"db1"}, "call boom", ExitStatus.SOME_FAILED),
        (set(), "call nosuch", ExitStatus.NOTHING_MATCHED),
        (set(), "get nosuch", ExitStatus.NOTHING_MATCHED),
        (set(), "get", ExitStatus.USAGE),
        (set(), "clear property x", ExitStatus.USAGE),
        (set(), "select host nosuch", ExitStatus.NOTHING_MATCHED),
        (set(), "select class Nosuch", ExitStatus.NOTHING_MATCHED),
        (set(), "help nosuch", ExitStatus.NOTHING_MATCHED),
        (set(), "nosuch", ExitStatus.USAGE),
        (set(), "call add 'x", ExitStatus.USAGE),
        (set(), "quit", ExitStatus.OK),
    ],
)
def test_each_command_has_an_honest_status(deaf: set[str], line: str, status: ExitStatus) -> None:
    shell = TestShell()
    shell.run(CALC)
    shell.console.deaf = deaf
    assert shell.run(line) is status


def test_an_unknown_first_word_is_unknown_syntax() -> None:
    shell = TestShell()
    assert shell.says("foo bar") == "*** Unknown syntax: foo bar\n\n"
    assert shell.says("call num_calls") == (
        '*** Unknown syntax: call num_calls\n% "call" needs a class: select class (package PACKAGE) CLASS\n\n'
    )


def test_an_unknown_host_is_named_in_the_group_error() -> None:
    assert TestShell().says("select host  web3") == (
        '% Invalid Command: "select host  web3"\n'
        "%                                ^\n"
        '% Host "web3" not found; did you mean web2, web1?\n'
        "% Candidates are:\n"
        "%     select host [HOST]\n"
        "%     select class (package PACKAGE) CLASS\n"
        "\n"
    )


def test_an_unknown_member_is_named_with_close_matches() -> None:
    shell = TestShell()
    shell.run(CALC)
    said = shell.says("call ad 1 2").splitlines()
    assert said[2] == '% Method "ad" not found; did you mean add?'
    assert said[3] == "% Candidates are:"


def test_errors_of_a_single_command_point_at_the_column() -> None:
    shell = TestShell()
    assert shell.says("list hosts; sleep 1 x").endswith("% Excess arguments: 'x'\n%     sleep 1 x\n%             ^\n\n")
    assert shell.says("sleep") == "% Missing arguments: 'FLOAT'\n%     sleep\n%           ^\n\n"
    assert shell.says("sleep x") == ('% Invalid argument value ("x" is not a number)\n%     sleep x\n%           ^\n\n')
    assert shell.says("show all") == "% Invalid keyword 'all'\n%     show all\n%          ^\n\n"
    assert shell.says("sleep 'x") == "% Unclosed quote\n%     sleep 'x\n%           ^\n\n"


def test_ambiguous_abbreviations_say_between_what() -> None:
    shell = TestShell()
    shell.run("select class Host")
    assert shell.says("se").startswith('% Ambiguous command: "se" begins select, set\n')
    assert shell.says("list c").startswith(
        '% Ambiguous Command: "list c"\n% Candidates are:\n%     list classes (package PACKAGE)\n%     list commands\n'
    )


def test_members_that_change_something_have_no_abbreviations() -> None:
    shell = TestShell()
    shell.run("select class Host")
    assert shell.run("call ident") is ExitStatus.NOTHING_MATCHED
    assert shell.run("set update 5") is ExitStatus.NOTHING_MATCHED
    assert shell.console.calls == []


def test_an_empty_selection_has_nothing_to_ask() -> None:
    shell = TestShell()
    shell.run("select class Host; select property hostname none")
    for line in ("get load", "set load 1", "call identify", "select property load {}"):
        assert shell.run(line) is ExitStatus.NOTHING_MATCHED
        assert shell.out() == "% No objects selected\n\n"
    assert shell.run("show selection") is ExitStatus.NOTHING_MATCHED


def test_a_selection_that_fails_changes_nothing() -> None:
    shell = TestShell()
    shell.run("select host web1; select class Host")
    shell.run("select class Nosuch")
    assert shell.session.prompt == "mhsh (host)[org.matahariproject:Host]> "
    assert shell.out() == '% Class "org.matahariproject:Nosuch" not found\n\n'


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
    assert shell.says("call num_calls") == "*** Unknown syntax: call num_calls\n\n"
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


def test_an_error_of_the_bus_is_one_line() -> None:
    shell = TestShell()
    shell.console.fault = ConnectionLostError("the broker went away")
    assert shell.run("list hosts") is ExitStatus.COULD_NOT_ASK
    assert shell.out() == "% the broker went away\n\n"


def test_with_debug_the_traceback_of_an_error_goes_to_standard_error() -> None:
    shell = TestShell(debug=True)
    shell.console.fault = ConnectionLostError("gone")
    shell.run("list hosts")
    assert "Traceback (most recent call last)" in shell.err()


def test_several_objects_on_a_host_are_told_apart() -> None:
    shell = TestShell()
    assert shell.says("select class Volume; get size") == "db1[data]: 2\ndb1[log]: 1\nweb1: 3\n"


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
    assert shell.out() == "db1: 1\n"
    assert shell.err() == "3 hosts: 1 answered, 0 failed, 2 silent\n"
    assert shell.console.ended_calls == 1


def test_a_line_stops_at_the_first_error_when_that_is_asked_for() -> None:
    shell = TestShell()
    assert shell.run("nosuch; list hosts") is ExitStatus.USAGE
    assert shell.out().endswith("web2\n")
    assert shell.run("select host x; nosuch; list hosts", stop_on_error=True) is ExitStatus.NOTHING_MATCHED
    assert "web2\n" not in shell.out().splitlines()


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


@pytest.mark.parametrize(
    ("error", "status"),
    [(UnknownActionError("no such"), ExitStatus.SOME_FAILED), (RefusedError("no"), ExitStatus.SOME_FAILED)],
)
def test_an_answered_refusal_is_a_failed_answer(error: Exception, status: ExitStatus) -> None:
    def refuse(host: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        raise error

    shell = TestShell()
    shell.console.kind("calc").behaviours["add"] = refuse
    shell.run(CALC)
    assert shell.run("call add 1 2") is status


def test_lists_as_json() -> None:
    shell = TestShell(as_json=True)
    assert shell.records("list hosts")[0] == {"host": "db1", "uuid": "00000000-0000-0000-0000-000000000000"}
    agent = {"host": "web1", "agent": "matahariproject.org:host:web1", "product": "host"}
    assert shell.records("select host web1; list agents")[0] == agent
    assert shell.records("list packages")[0] == {"package": "org.matahariproject"}
    assert shell.records("list classes")[0] == {"package": "org.matahariproject", "class": "Host"}
    assert shell.records("list commands")[0] == {"command": "clear all"}
    shown = {"host": "web1", "agent": agent["agent"], "class": "org.matahariproject:Host", "object": "Host"}
    assert shell.records("select class Host; show selection") == [shown]


def test_values_and_results_as_json() -> None:
    shell = TestShell(as_json=True)
    shell.run("select host web1; select class Host")
    about = {"host": "web1", "agent": "matahariproject.org:host:web1"}
    about |= {"class": "org.matahariproject:Host", "object": "Host"}
    good: dict[str, object] = {"ok": True, "error": None}
    assert shell.records("get hostname") == [{**about, "name": "hostname", "value": "web1", **good}]
    called = {**about, "name": "identify", "value": None, **good, "duration": 0.001}
    assert shell.records("call identify") == [called]
    assert shell.records("set update_interval 7") == [{**called, "name": "update_interval"}]
    shell.console.deaf = {"web1"}
    silent = {"code": "request", "text": "no answer", "type": ""}
    assert shell.records("get hostname") == [{**about, "name": "hostname", "ok": False, "value": None, "error": silent}]


def test_failures_as_json() -> None:
    shell = TestShell(as_json=True)
    shell.run(f"select host web1; {CALC}")
    error = {"code": "remote.aborted", "text": "ValueError: boom", "type": "ValueError"}
    record = shell.records("call boom")[0]
    assert (record["ok"], record["value"], record["error"]) == (False, None, error)


def test_with_json_errors_leave_standard_output_alone() -> None:
    shell = TestShell(as_json=True)
    shell.run("select host nosuch; nosuch")
    assert shell.out() == ""
    assert '% Host "nosuch" not found' in shell.err()

"""Direct commands on the in-memory fleet: what they print, where, and their exit statuses."""

from __future__ import annotations

import json

import pytest

from matahari.errors import ConnectFailedError
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.direct.options import parse
from matahari.shell.mhsh import main
from matahari.shell.syntax import mismatches
from tests.support.fake_classes import PLUGINS
from tests.support.fake_console import FakeConsole, fleet


class Ran:
    """One direct command: status and what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *argv: str, console: FakeConsole | None = None) -> None:
        self.console = console or fleet()
        self.status = main(argv, connect=lambda options: self.console)
        printed = capsys.readouterr()
        self.out, self.err = printed.out, printed.err

    @property
    def records(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


def test_a_call_prints_what_the_shell_prints(capsys: pytest.CaptureFixture[str]) -> None:
    direct = Ran(capsys, "call", "calc.add", "1", "y=2")
    shell = Ran(capsys, "-c", f"select class package {PLUGINS} calc; call add 1 y=2")
    assert direct.status == shell.status == 0
    assert direct.out == shell.out != ""
    assert direct.console.calls == [("add", (1,), {"y": 2})]
    assert direct.console.is_closed
    as_json = Ran(capsys, "call", "calc.add", "1", "y=2", "--json")
    assert [(one["host"], one["value"]) for one in as_json.records] == [
        (host, [[1], {"y": 2}]) for host in ("db1", "web1", "web2")
    ]


@pytest.mark.parametrize(
    ("words", "args", "kwargs"),
    [
        (["calc.greet", "42"], ("42",), {}),
        (["calc.greet", "two words; # no comment"], ("two words; # no comment",), {}),
        (["calc.greet", "name=a b"], (), {"name": "a b"}),
        (["calc.pair", "[1, 2]", '{"a": "b c"}'], ([1, 2], {"a": "b c"}), {}),
        (["calc.show", "[1]", '{"a": 2}'], (1,), {"a": 2}),
        (["calc.greet", ""], ("",), {}),
        (["calc.show", "--", "--json", "-5"], ("--json", -5), {}),
        (["calc.show", "-5", "x=-1.5"], (-5,), {"x": -1.5}),
        ([f"{PLUGINS}:calc.show", "null"], (None,), {}),
        (["old.show", "x=1"], ("x=1",), {}),
        (["org.matahariproject:Host.get_uuid", "Custom"], ("Custom",), {}),
    ],
)
def test_arguments_are_read_as_in_the_shell_one_word_each(
    words: list[str], args: tuple[object, ...], kwargs: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    ran = Ran(capsys, "call", *words)
    assert (ran.status, ran.err[:7]) == (0, "3 hosts")
    assert [call[1:] for call in ran.console.calls] == [(args, kwargs)]


def test_hosts_are_chosen_by_a_filter(capsys: pytest.CaptureFixture[str]) -> None:
    ran = Ran(capsys, "call", "org.matahariproject:Host.get_uuid", "Custom", "--hosts", "web* and not web2")
    assert (ran.status, ran.out, ran.err) == (0, "web1: Custom-of-web1\n", "")


def test_a_host_that_was_chosen_and_lacks_the_plugin_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    console = fleet()
    del console.kind("calc").values["web2"]
    ran = Ran(capsys, "call", "calc.show", "--hosts", "web*", console=console)
    assert ran.status == ExitStatus.SOME_FAILED
    assert ran.out == "web1: [[], {}]\nweb2: % has no plugin calc\n"
    ran = Ran(capsys, "--json", "call", "calc.show", "--hosts", "web*", console=console)
    assert ran.records[1] == {
        "host": "web2",
        "agent": "",
        "class": f"{PLUGINS}:calc",
        "object": "",
        "name": "show",
        "ok": False,
        "value": None,
        "duration": 0.0,
        "error": {"code": "request.none", "text": "has no plugin calc", "type": "NoAgentsError"},
    }
    assert Ran(capsys, "call", "calc.show", console=console).status == 0
    none = Ran(capsys, "call", "calc.show", "--hosts", "web2", console=console)
    assert (none.status, none.out) == (ExitStatus.NOTHING_MATCHED, "")
    assert none.err == "% The one host that is meant has no plugin calc\n"


def test_an_option_without_its_dashes_is_told_and_nothing_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    ran = Ran(capsys, "call", "calc.greet", "hosts=web*", "-y")
    assert (ran.status, ran.out, ran.console.calls) == (ExitStatus.USAGE, "", [])
    assert ran.err == (
        "% calc.greet has no argument 'hosts'; it takes name, greeting; as text it is '\"NAME=VALUE\"'\n"
        "% An option is --hosts\n"
        "%     call calc.greet hosts=web*\n"
        "%                     ^\n"
    )
    quoted = Ran(capsys, "call", "calc.greet", '"hosts=web*"')
    assert quoted.console.calls == [("greet", ("hosts=web*",), {})]


@pytest.mark.parametrize(
    ("argv", "status", "text"),
    [
        (["call", "calc.nosuch"], ExitStatus.NOTHING_MATCHED, '% Method "nosuch" not found'),
        (["call", "nosuch.add"], ExitStatus.NOTHING_MATCHED, '% Plugin "nosuch" not found\n%     call nosuch.add\n'),
        (["call", "Host.identify"], ExitStatus.NOTHING_MATCHED, "mhsh call org.matahariproject:Host.identify"),
        (["call", "calc.add", "1", "yy=2"], ExitStatus.USAGE, "did you mean 'y'?"),
        (["call", "org.matahariproject:Host.get_uuid"], ExitStatus.USAGE, "% Missing arguments: 'LIFETIME'"),
        (["call", "org.matahariproject:Host.identify", "x"], ExitStatus.USAGE, "% Excess arguments: 'x'"),
        (["call", "calc.add", "--hosts", "nosuch"], ExitStatus.NOTHING_MATCHED, "% None of 3 hosts matches"),
        (["call", "calc.add", "--hosts", "db1x"], ExitStatus.NOTHING_MATCHED, "did you mean db1?\n%     db1x\n%     ^"),
        (["hosts", "WBE1"], ExitStatus.NOTHING_MATCHED, "did you mean web1?\n%     WBE1\n%     ^"),
        (["call", "calc.add", "--hosts", "role ="], ExitStatus.USAGE, "%     role =\n%           ^\n"),
        (["get", "Host", "nosuch"], ExitStatus.NOTHING_MATCHED, '% Property "nosuch" not found'),
        (["get", "Host", "hostn"], ExitStatus.NOTHING_MATCHED, '% Property "hostn" not found'),
        (["get", "Hots", "load"], ExitStatus.NOTHING_MATCHED, 'Class "org.matahariproject:Hots" not found'),
        (["call", "nosuch.add", "s3cret"], ExitStatus.NOTHING_MATCHED, "\n%     call nosuch.add\n%          ^\n"),
        (["get", "org.nosuch:Host", "load"], ExitStatus.NOTHING_MATCHED, "get org.nosuch:Host\n%         ^\n"),
        (["get", f"{PLUGINS}:clac", "state"], ExitStatus.NOTHING_MATCHED, f"%{' ' * 40}^\n"),
        (["describe", "clac.add"], ExitStatus.NOTHING_MATCHED, "%     describe clac.add\n%              ^\n"),
        (["hosts", "nosuch*"], ExitStatus.NOTHING_MATCHED, "% None of 3 hosts matches"),
        (["hosts", "a", "b"], ExitStatus.USAGE, "% Invalid filter: "),
        (["hosts", ""], ExitStatus.USAGE, "% Invalid filter: "),
        (["hosts", "--explain", "("], ExitStatus.USAGE, "% Invalid filter: "),
    ],
)
def test_errors_of_a_command_are_on_standard_error(
    argv: list[str], status: ExitStatus, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = Ran(capsys, *argv)
    assert (ran.status, ran.out) == (status, "")
    assert text in ran.err
    assert "s3cret" not in ran.err  # of a method that nobody knows any argument may be one
    assert not ran.console.calls
    assert ran.console.is_closed


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["get", "Host", "nosuch"], "mhsh -c 'select class Host; help get'"),
        (["call", "calc.nosuch"], "mhsh -c 'select plugin calc; help call'"),
    ],
)
def test_an_error_that_leaves_members_out_says_what_lists_them_all(
    argv: list[str], text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mismatches, "MAX_SHOWN", 1)
    assert Ran(capsys, *argv).err.endswith(f"more: {text}\n")
    assert Ran(capsys, "-c", text.split("'")[1]).status is ExitStatus.OK


def test_an_option_that_is_none_names_the_one_that_may_be_meant(capsys: pytest.CaptureFixture[str]) -> None:
    ran = Ran(capsys, "call", "calc.add", "--batc=3")
    assert ran.status == ExitStatus.USAGE
    assert ran.err.endswith("unrecognized arguments: --batc=3; did you mean '--batch'?\n")


def test_an_error_points_at_the_word_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert Ran(capsys, "call", "calc.add", "1", "yy=2").err == (
        "% calc.add has no argument 'yy'; did you mean 'y'?\n%     call calc.add 1 yy=2\n%                     ^\n"
    )


@pytest.mark.parametrize(
    ("deaf", "status"),
    [(set(), 0), ({"web1"}, ExitStatus.SOME_FAILED), ({"db1", "web1", "web2"}, ExitStatus.NONE_ANSWERED)],
)
def test_who_does_not_answer_makes_the_status(deaf: set[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    console = fleet()
    console.deaf |= deaf
    assert Ran(capsys, "call", "calc.show", console=console).status == status
    assert Ran(capsys, "get", "Host", "load", console=console).status == status


def test_nobody_could_be_asked_without_a_broker(capsys: pytest.CaptureFixture[str]) -> None:
    def connect(options: object) -> FakeConsole:
        raise ConnectFailedError("connection refused", address="unix:/x")

    for argv in (["hosts"], ["get", "Host", "load"], ["call", "calc.show"], ["events", "--follow"]):
        assert main(argv, connect=connect) == ExitStatus.COULD_NOT_ASK
        assert capsys.readouterr().err == "mhsh: no broker at unix:/x: connection refused\n"


def test_destructive_methods_are_refused_where_nobody_can_be_asked_and_called_with_yes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = fleet()
    entry = console.kind("calc").values["web1"]["calc"]["methods"]
    assert isinstance(entry, dict)
    entry["show"] = {"effects": {"destructive": True}}
    ran = Ran(capsys, "call", "calc.show", console=console)
    assert (ran.status, ran.out) == (ExitStatus.USAGE, "")
    assert "show is declared destructive, and would be called on 3 hosts: db1, web1, web2" in ran.err
    assert "add -y (--yes)" in ran.err
    assert not console.calls
    for argv in (["call", "calc.show", "-y"], ["--yes", "call", "calc.show"]):
        assert Ran(capsys, *argv, console=console).status == 0


def test_hosts_are_listed_all_or_by_a_filter(capsys: pytest.CaptureFixture[str]) -> None:
    assert Ran(capsys, "hosts").out == "db1\nweb1\nweb2\n"
    assert Ran(capsys, "hosts", "web* and not web2").out == "web1\n"
    assert Ran(capsys, "hosts", "web*", "and", "not", "web2").out == "web1\n"
    ran = Ran(capsys, "hosts", "db1", "--json")
    assert ran.records == [{"host": "db1", "uuid": "00000000-0000-0000-0000-000000000000"}]
    explained = Ran(capsys, "hosts", "--explain", "db1")
    assert (explained.status, explained.out.splitlines()[0]) == (0, "db1:")
    empty = fleet()
    empty.machines.clear()
    assert Ran(capsys, "hosts", console=empty).status == ExitStatus.NOTHING_MATCHED


@pytest.mark.parametrize("name", ["Volume", "org.matahariproject:Volume"])
def test_a_property_is_read_of_a_class_with_or_without_its_package(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = Ran(capsys, "get", name, "size", "--hosts", "db1")
    assert (ran.status, ran.out) == (0, "db1[data]: 2\ndb1[log]:  1\n")


def test_a_class_of_one_other_package_is_found_and_of_several_has_to_be_told_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert Ran(capsys, "get", "calc", "state", "--hosts", "db1").out == "db1: ready\n"
    console = fleet()
    other = fleet().kind("calc")
    other.name = type(other.name)("com.example", "calc")
    console.kinds.append(other)
    ran = Ran(capsys, "get", "calc", "state", console=console)
    assert ran.status == ExitStatus.USAGE
    assert ran.err == f'% "calc" may be\n%     com.example:calc\n%     {PLUGINS}:calc\n'


def test_debug_shows_the_traceback_of_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Traceback" in Ran(capsys, "-d", "call", "calc.nosuch").err
    assert "Traceback" not in Ran(capsys, "call", "calc.nosuch").err


def test_a_method_is_described_as_in_the_shell(capsys: pytest.CaptureFixture[str]) -> None:
    direct = Ran(capsys, "describe", "calc.add")
    shell = Ran(capsys, "-c", f"select class package {PLUGINS} calc; describe add")
    assert direct.status == shell.status == 0
    assert direct.out == shell.out != ""
    [record] = Ran(capsys, "describe", "calc.add", "--json", "--hosts", "web1").records
    assert (record["name"], record["member"]) == ("add", "method")
    assert Ran(capsys, "describe", "org.matahariproject:Host.load").out.startswith("load: map\n")
    assert Ran(capsys, "describe", "Host.load").out.startswith("load: map\n")


def test_what_cannot_be_described_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    none = Ran(capsys, "describe", "calc.ad")
    assert (none.status, none.out) == (ExitStatus.NOTHING_MATCHED, "")
    assert 'Method or property "ad" not found; did you mean add' in none.err
    for words in ([], ["calc"], ["calc.add", "more"]):
        with pytest.raises(SystemExit):
            parse(["describe", *words])

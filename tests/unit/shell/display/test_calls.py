"""What a call tells at the shell, and Ctrl-C while it runs."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from matahari.console import Missed, Output, Partial, Progress, RemoteObject, Report
from matahari.shell.display.calls import MAX_LINE
from tests.support.fake_call import Tell
from tests.support.fake_classes import PLUGINS
from tests.support.shell import TestShell

CALC = f"select class package {PLUGINS} calc"
ADDED = "db1:  [[1, 2], {}]\nweb1: [[1, 2], {}]\nweb2: [[1, 2], {}]\n"
CANCELLING = "% cancelling; Ctrl-C again stops waiting for the hosts"


def shell_telling(tell: Tell, *, as_json: bool = False) -> TestShell:
    """A shell whose ``add`` tells that of each object before its result."""
    shell = TestShell(as_json=as_json)
    shell.console.reports["add"] = tell
    shell.run(CALC)
    shell.out()
    return shell


def on(host: str, *reports: Report | BaseException) -> Tell:
    """Tell something of one host alone."""
    return lambda item: reports if item.host == host else ()


def only_first(item: RemoteObject, *reports: Report) -> Iterable[Report]:
    return reports if item.host == "db1" else ()


def test_each_line_of_output_stands_behind_its_host_and_before_the_result() -> None:
    def tell(item: RemoteObject) -> Iterable[Report]:
        return only_first(
            item,
            Output(item, "one\ntw"),
            Output(item, "o\r\n\nno end"),
            Partial(item, {"a": 1}),
            Output(item, "last\x1b[31m"),
        )

    lines = 'db1:  one\ndb1:  two\ndb1:\ndb1:  no end\ndb1:  {"a": 1}\ndb1:  last\\x1b[31m\n'
    assert shell_telling(tell).says("call add 1 2") == lines + ADDED


def test_a_line_without_an_end_is_shown_when_it_is_long() -> None:
    def tell(item: RemoteObject) -> Iterable[Report]:
        return only_first(item, *(Output(item, "x" * 1000) for _ in range(2 * MAX_LINE // 1000 + 2)))

    lines = shell_telling(tell).says("call add 1 2").removesuffix(ADDED).splitlines()
    assert [len(line) for line in lines] == [len("db1:  ") + 9000, len("db1:  ") + 9000]


def test_progress_is_for_terminals_alone() -> None:
    def tell(item: RemoteObject) -> Iterable[Report]:
        return [Progress(item, 1, 2, "half")]

    shell = shell_telling(tell)
    assert shell.says("call add 1 2") == ADDED
    assert shell.err() == "3 hosts: 3 answered, 0 failed, 0 silent, 0.00 s\n"


def test_reports_that_were_lost_are_told_beside_the_answers() -> None:
    def tell(item: RemoteObject) -> Iterable[Report]:
        return only_first(item, Output(item, "one"), Missed(item, 3))

    shell = shell_telling(tell)
    assert shell.says("call add 1 2") == "db1:  one\n" + ADDED
    assert shell.err().startswith("db1: % 3 reports of the call were lost\n")


def test_reports_are_records_of_their_own() -> None:
    def tell(item: RemoteObject) -> Iterable[Report]:
        return only_first(
            item, Progress(item, 1, None, "begun"), Output(item, "x\n"), Partial(item, [1]), Missed(item, 2)
        )

    records = shell_telling(tell, as_json=True).records("call add 1 2")
    common = {
        "host": "db1", "agent": "matahariproject.org:rpc:db1", "class": f"{PLUGINS}:calc", "object": "calc",
        "name": "add",
    }  # fmt: skip
    assert records[:4] == [
        common | {"report": "progress", "done": 1, "total": None, "text": "begun"},
        common | {"report": "output", "chunk": "x\n"},
        common | {"report": "partial", "value": [1]},
        common | {"report": "missed", "count": 2},
    ]
    assert [record["ok"] for record in records[4:]] == [True, True, True]


def test_ctrl_c_ends_the_call_and_shows_what_is_in_and_what_was_cancelled() -> None:
    shell = shell_telling(on("web1", KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        shell.run("call add 1 2")
    cancelled = "% it was cancelled by its caller"
    assert shell.out() == f"db1:  [[1, 2], {{}}]\nweb1: {cancelled}\nweb2: {cancelled}\n"
    assert shell.err() == f"\n{CANCELLING}\n3 hosts: 1 answered, 0 failed, 2 cancelled, 0 silent, 0.00 s\n"
    assert shell.console.ended_calls == 1


def test_ctrl_c_again_stops_waiting() -> None:
    shell = shell_telling(on("web1", KeyboardInterrupt(), KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        shell.run("call add 1 2")
    assert shell.out() == "db1:  [[1, 2], {}]\n"
    assert shell.err() == f"\n{CANCELLING}\n3 hosts: 1 answered, 0 failed, 2 silent, 0.00 s\n"
    assert shell.console.ended_calls == 1

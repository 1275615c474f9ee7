"""The shell session: output as JSON."""

from __future__ import annotations

from tests.support.shell import CALC, TestShell


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

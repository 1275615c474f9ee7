"""``reload``: what came of it on each host."""

from __future__ import annotations

import pytest

from matahari.console import AgentSummary
from matahari.qmf import Value
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.selection import take_snapshot
from matahari.shell.verbs.reloading import Reloaded
from tests.support.fake_classes import HOSTS
from tests.support.fake_console import fleet
from tests.support.fake_plugins import plugins_class, reload_answer
from tests.support.shell import CALC, TestShell, without_time

ERROR: dict[str, Value] = {"type": "SyntaxError", "text": "invalid syntax", "file": "/p/calc.py", "line": 3}
GOOD = reload_answer(1, 2, added=["mul"], removed=["sub", "div"])
BAD = reload_answer(1, 1, state="degraded", error=ERROR)


def shell_with_plugins(*, as_json: bool = False, without: tuple[str, ...] = ()) -> TestShell:
    console = fleet()
    there = [host for host in HOSTS if host not in without]
    states = {host: {"calc": "ready", "asterisk": "ready"} if host in there else {} for host in HOSTS}
    answers = {host: {"calc": GOOD if host != "web1" else BAD, "asterisk": reload_answer(3, 4)} for host in there}
    console.kinds.append(plugins_class(states, answers))
    return TestShell(console, as_json=as_json)


def test_each_host_tells_generations_and_methods_and_a_load_error_is_a_failure() -> None:
    shell = shell_with_plugins()
    assert shell.run("reload calc") is ExitStatus.SOME_FAILED
    assert shell.out() == (
        "db1:  generation 1 -> 2; added mul; removed sub, div\n"
        "web2: generation 1 -> 2; added mul; removed sub, div\n"
        "web1: % generation 1 stays in service: SyntaxError: invalid syntax (/p/calc.py:3)\n"
    )
    assert without_time(shell.err()) == "3 hosts: 2 answered, 1 failed, 0 silent\n"
    assert shell.console.calls == [("reload", ("calc",), {})]


def test_only_selected_hosts_are_asked() -> None:
    shell = shell_with_plugins()
    assert shell.run("select host db1; rel calc") is ExitStatus.OK
    assert shell.out() == "db1: generation 1 -> 2; added mul; removed sub, div\n"


def test_a_host_that_hangs_or_has_left_is_told_and_the_others_are_asked() -> None:
    shell = shell_with_plugins()
    shell.console.mute = {"web1"}
    shell.run("select host db1 web1 web2")
    shell.console.gone = {"web2"}
    assert shell.run("reload calc") is ExitStatus.SOME_FAILED
    assert shell.out() == (
        "% web2 is not on the bus\n\n"
        "% web1 did not answer; not asked: matahariproject.org:rpc:web1\n\n"
        "db1: generation 1 -> 2; added mul; removed sub, div\n"
    )
    assert without_time(shell.err()) == "3 hosts: 1 answered, 0 failed, 2 silent (not on the bus: web2)\n"


def test_an_agent_of_unknown_host_is_told_by_a_reload_of_all() -> None:
    shell = shell_with_plugins(without=("web1", "web2"))
    shell.console.ghosts = [AgentSummary("v:rpc:1", "", "rpc")]
    assert shell.run("reload calc") is ExitStatus.SOME_FAILED
    assert "% a host of unknown name did not answer; not asked: v:rpc:1\n" in shell.out()
    assert "2 hosts: 1 answered, 0 failed, 1 silent" in shell.err()


def test_hosts_without_the_plugin_have_not_failed() -> None:
    shell = shell_with_plugins(without=("web1", "web2"))
    assert shell.run("reload calc") is ExitStatus.OK
    assert shell.out() == "db1: generation 1 -> 2; added mul; removed sub, div\n"
    assert shell.err() == "2 hosts without calc\n"


def test_a_plugin_that_nobody_has_is_told_with_close_matches() -> None:
    shell = shell_with_plugins()
    assert shell.run("reload clac") is ExitStatus.NOTHING_MATCHED
    assert shell.out() == ('% Plugin "clac" not found; did you mean calc?\n%     reload clac\n%            ^\n\n')
    assert shell.console.calls == [("reload", ("clac",), {})]


def test_a_plugin_that_came_just_now_is_loaded() -> None:
    shell = shell_with_plugins()
    for objects in shell.console.kind("Plugins").values.values():
        objects["Plugins"]["states"] = {}
    assert shell.run("select host db1; reload calc") is ExitStatus.OK


def test_silent_hosts_are_counted() -> None:
    shell = shell_with_plugins()
    shell.console.deaf = {"db1", "web1", "web2"}
    assert shell.run("reload calc") is ExitStatus.NONE_ANSWERED
    assert "db1:  % no answer within 10 s\n" in shell.out()


def test_the_selected_plugin_needs_no_name_and_is_fetched_again() -> None:
    shell = shell_with_plugins()
    assert shell.run(f"select host db1; {CALC}") is ExitStatus.OK
    before = shell.console.selects
    assert shell.run("reload") is ExitStatus.OK
    assert shell.console.calls == [("reload", ("calc",), {})]
    assert shell.console.selects == before + 2  # the Plugins object, and the plugin that may be another now
    assert "(PLUGIN)" in shell.says("list commands")


def test_elsewhere_a_name_is_needed() -> None:
    shell = shell_with_plugins()
    assert shell.run("select class Host; reload") is ExitStatus.USAGE
    assert "Missing arguments: 'PLUGIN'" in shell.out()
    assert shell.console.calls == []


def test_all_plugins_are_reloaded() -> None:
    shell = shell_with_plugins()
    assert shell.run("select host web1; reload all") is ExitStatus.SOME_FAILED
    assert shell.out() == (
        "web1:\n"
        "    asterisk: generation 3 -> 4\n"
        "    calc: % generation 1 stays in service: SyntaxError: invalid syntax (/p/calc.py:3)\n"
    )
    assert shell.run("select host db1; reload all") is ExitStatus.OK


def test_hosts_without_plugins_or_without_an_agent_for_them_say_so() -> None:
    shell = shell_with_plugins(without=HOSTS)
    assert shell.run("select host db1; reload all") is ExitStatus.OK
    assert shell.out() == "db1: no plugins\n"
    shell.console.kind("Plugins").values.clear()
    assert shell.run("reload all") is ExitStatus.NOTHING_MATCHED
    assert shell.out() == "% No selected host runs plugins\n\n"


def test_records_have_the_whole_answer_or_the_error() -> None:
    shell = shell_with_plugins(as_json=True)
    good, bad, _ = shell.records("reload calc")
    assert (good["host"], good["name"], good["ok"], good["value"]) == ("db1", "reload", True, GOOD)
    assert (bad["host"], bad["ok"], bad["value"]) == ("web1", False, None)
    assert bad["error"] == {
        "code": "remote.unexpected",
        "text": "generation 1 stays in service: SyntaxError: invalid syntax (/p/calc.py:3)",
        "type": "SyntaxError",
        "kind": "not_loaded",
    }


def test_names_of_plugins_complete_from_the_snapshot() -> None:
    shell = shell_with_plugins()
    commands = shell.session.commands(take_snapshot(shell.console))
    before = shell.console.selects
    assert commands.complete("reload ") == (7, ["all ", "asterisk ", "calc ", "old "])
    assert commands.complete("reload c") == (7, ["calc "])
    assert shell.console.selects == before


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (reload_answer(0, 1), "generation 1, new"),
        (reload_answer(1, 2, state="inactive"), "generation 1 -> 2, inactive"),
        (reload_answer(1, 2, changed=["add"]), "generation 1 -> 2; changed add"),
        (reload_answer(0, 0, state="failed", error=ERROR), "not loaded: SyntaxError: invalid syntax (/p/calc.py:3)"),
        (reload_answer(2, 2, state="quarantined"), "not loaded: quarantined"),
        ({"generation": "x", "added": 3, "last_error": 4}, "generation 0, new"),
    ],
)
def test_an_answer_in_words(answer: dict[str, object], text: str) -> None:
    assert Reloaded.of(answer).text == text

"""``show …``: what is there, one row each."""

from __future__ import annotations

import pytest

from matahari.qmf import Value
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.selection import Snapshot
from tests.support.fake_classes import PLUGINS
from tests.support.fake_console import fleet
from tests.support.shell import ASTERISK, CALC, OLD, TestShell

UUIDS = [f"00000000-0000-0000-0000-00000000000{at}" for at in range(3)]


def shell_with_facts(*, as_json: bool = False) -> TestShell:
    console = fleet()
    told: dict[str, Value] = {"role": "web", "os.version": "12", "net": {"eth0": {"mtu": 1500}, "none": {}}}
    console.kind("Host").values["web1"]["Host"].update({"facts": told, "labels": {"site": "two\nlines"}})
    console.kind("Host").values["db1"]["Host"].update({"facts": {"role": "db", "os.version": "\x1b[31m"}})
    return TestShell(console, as_json=as_json)


def test_hosts_are_shown_with_the_number_of_their_agents() -> None:
    shell = TestShell()
    assert shell.says("show hosts") == (
        f"db1   {UUIDS[0]}  3 agents\nweb1  {UUIDS[1]}  3 agents\nweb2  {UUIDS[2]}  2 agents\n"
    )
    assert shell.says("select host web1; sh ho") == f"web1  {UUIDS[1]}  3 agents\n"


def test_a_selected_host_that_has_gone_is_named() -> None:
    shell = TestShell()
    shell.run("select host web1 web2")
    shell.console.machines = [one for one in shell.console.machines if one.name != "web2"]
    assert shell.run("show hosts") is ExitStatus.SOME_FAILED
    assert shell.out() == f"web1  {UUIDS[1]}  3 agents\n% web2 is not on the bus\n\n"
    shell.console.machines = []
    assert shell.run("show hosts") is ExitStatus.NOTHING_MATCHED


def test_agents_are_shown_with_host_and_product() -> None:
    assert TestShell().says("select host web2; show agents") == (
        "web2  host  matahariproject.org:host:web2\nweb2  rpc   matahariproject.org:rpc:web2\n"
    )


def test_classes_are_those_of_the_selected_hosts() -> None:
    shell = TestShell()
    assert "org.matahariproject             Volume\n" in shell.says("show classes")
    said = shell.says("select host web2; sh cl")
    assert said.startswith(f"org.matahariproject             Host\n{PLUGINS}  asterisk\n")
    assert "Volume" not in said


def test_methods_are_shown_with_their_signatures() -> None:
    shell = TestShell()
    assert shell.says(f"{CALC}; show methods") == (
        "add(x: integer, y: integer)                      Add two numbers.\n"
        'greet(name: string, greeting: string = "Hello")\n'
        "pair(first, second)\n"
        "show(*args, **kwargs)\n"
        "boom()\n"
        "wait(timeout: integer)\n"
    )
    assert shell.says(f"{OLD}; sh me") == "show(…)\n"
    assert "set_uuid(lifetime: str, uuid: str = …) -> int  Write a UUID.\n" in shell.says("select class Host; sh me")


def test_methods_need_a_class_and_say_how_to_select_one() -> None:
    shell = TestShell()
    assert shell.run("show methods") is ExitStatus.NOTHING_MATCHED
    text = "No class is selected; select one with: select class (package PACKAGE) CLASS"
    assert shell.out() == f"% {text}\n\n"
    assert shell.run(f"select host web1; {CALC}; select property state nosuch; show methods") is (
        ExitStatus.NOTHING_MATCHED
    )
    assert shell.out() == "% No objects selected\n\n"


def test_plugins_are_shown_with_state_and_reason() -> None:
    console = fleet()
    error: dict[str, Value] = {"type": "NameError", "text": "name 'x' is not defined", "file": "/p/a.py", "line": 7}
    console.kind("asterisk").values["db1"]["asterisk"].update({"state": "failed", "last_error": error})
    shell = TestShell(console)
    assert shell.run("show plugins") is ExitStatus.OK
    assert shell.out() == (
        "asterisk  failed  -  1 method   db1\n"
        "    NameError: name 'x' is not defined (/p/a.py:7)\n"
        "asterisk  ready   -  1 method   web1, web2\n"
        "calc      ready   -  6 methods  db1, web1, web2\n"
        "old       ready   -  0 methods  db1, web1, web2\n"
    )
    assert shell.says("select host web1; sh pl").splitlines()[0] == "asterisk  ready  -  1 method   web1"


def test_without_any_plugin_nothing_matches() -> None:
    console = fleet()
    console.kinds = [kind for kind in console.kinds if kind.product != "rpc"]
    shell = TestShell(console)
    assert shell.run("show plugins") is ExitStatus.NOTHING_MATCHED
    assert shell.out() == "% There are no plugins\n\n"


@pytest.mark.parametrize("line", ["show plugins", "show facts"])
def test_hosts_that_do_not_answer_are_named(line: str) -> None:
    shell = shell_with_facts()
    shell.console.mute = {"web2"}
    assert shell.run(line) is ExitStatus.SOME_FAILED
    assert "% web2 did not answer: matahariproject.org:" in shell.out()


def test_facts_are_shown_by_host_with_flat_names() -> None:
    assert shell_with_facts().says("show facts") == (
        "db1   os.version    \\x1b[31m\n"
        "db1   role          db\n"
        'web1  label.site    "two\\nlines"\n'
        "web1  net.eth0.mtu  1500\n"
        "web1  net.none      {}\n"
        "web1  os.version    12\n"
        "web1  role          web\n"
    )


@pytest.mark.parametrize(
    ("line", "hosts"),
    [
        ("show facts role", ["db1", "web1"]),
        ("show facts o*", ["db1", "web1"]),
        ("show facts net.*.mtu", ["web1"]),
        ("show facts label.*", ["web1"]),
        ("select host db1; show facts role", ["db1"]),
    ],
)
def test_facts_are_chosen_by_name_or_pattern(line: str, hosts: list[str]) -> None:
    assert [record["host"] for record in shell_with_facts(as_json=True).records(line)] == hosts


def test_an_unknown_fact_has_close_matches() -> None:
    shell = shell_with_facts()
    assert shell.run("show facts rol") is ExitStatus.NOTHING_MATCHED
    assert shell.out() == ('% Fact "rol" not found; did you mean role?\n%     show facts rol\n%                ^\n\n')
    assert shell.run("show facts zz*") is ExitStatus.NOTHING_MATCHED
    assert TestShell().run("show facts") is ExitStatus.NOTHING_MATCHED


def test_facts_that_were_shown_complete_and_nobody_is_asked() -> None:
    shell = shell_with_facts()
    shell.run("show facts")
    before = shell.console.selects
    assert shell.session.commands(Snapshot()).complete("show facts o") == (11, ["os.version "])
    assert shell.session.commands(Snapshot()).complete("select hosts ro") == (13, ["role "])
    assert shell.console.selects == before


def test_facts_of_the_snapshot_complete_and_a_label_is_meant_by_its_bare_name() -> None:
    shell = shell_with_facts()
    snapshot = Snapshot(fact_values={"os.version": ("12",), "fact.or": ("x",), '"a b"': ("y",)})
    assert shell.session.commands(snapshot).complete("show facts o") == (11, ["or ", "os.version "])
    assert shell.session.commands(snapshot).complete("show facts a") == (11, [])
    assert shell.says("show facts site") == shell.says("show facts label.site") != ""


def test_records_are_stable() -> None:
    shell = shell_with_facts(as_json=True)
    assert shell.records("show hosts")[0] == {"host": "db1", "uuid": UUIDS[0], "agents": 3}
    agent = {"host": "db1", "agent": "matahariproject.org:host:db1", "product": "host"}
    assert shell.records("show agents")[0] == agent
    assert shell.records("show classes")[0] == {"package": "org.matahariproject", "class": "Host"}
    assert shell.records("show facts role")[0] == {"host": "db1", "fact": "role", "value": "db"}
    assert shell.records(f"{ASTERISK}; show methods") == [
        {
            "class": f"{PLUGINS}:asterisk",
            "method": "num_calls",
            "signature": "num_calls()",
            "description": "Ask Asterisk for its channels.",
        }
    ]
    assert shell.records("show plugins")[0]["hosts"] == ["db1", "web1", "web2"]


def test_without_a_class_the_selection_is_its_hosts() -> None:
    shell = TestShell()
    assert shell.says("show selection") == "all hosts\n"
    assert shell.says("select host web2 db1; show selection") == "web2\ndb1\n"
    shell = TestShell(as_json=True)
    no_object = {"agent": "", "class": "", "object": ""}
    assert shell.records("show selection") == [{"host": None, **no_object}]
    assert shell.records("select host web2; show selection") == [{"host": "web2", **no_object}]

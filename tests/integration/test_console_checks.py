"""Calls that are checked before they are sent, and extensions at the console: two real hosts with unlike plugins."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from matahari.console.sync import connect
from matahari.errors import InvalidArgumentError, MissingArgumentError, RemoteError, SchemaError, UnknownActionError
from tests.support.node import BIN, PLUGIN_PACKAGE, START, TIME, Box, box, environment
from tests.support.shell import without_time

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

EXAMPLES = Path(__file__).parents[2] / "examples/hooks"
CALC = """
from typing import Annotated, Literal
from matahari.plugin import method

def add(left: {type}, right: {type} = {default}) -> {type}:
    return left + right

def lies() -> int:
    return "no number"

@method(sensitive=["password"])
def login(user: str, password: str, mode: Literal["fast", "safe"] = "safe") -> str:
    return user
"""
BROKEN = "def fine():\n    return 1\n\nraise RuntimeError('no disk')\n"
AWAY = "def activate():\n    return False, 'this host has no disk'\n\ndef go():\n    return 1\n"


class Fleet:
    """Hosts alpha and beta, whose plugin calc has another signature; bad is broken on alpha, away inactive on both."""

    def __init__(self, made: Box) -> None:
        self.box = made
        self.hooks = made.home / "hooks"
        self.hooks.mkdir(mode=0o755)

    def run(self, *words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a program of ours that finds the extensions in ``hooks``."""
        home = str(self.box.home)
        return subprocess.run(
            [BIN / str(words[0]), *words[1:]],
            cwd=home,
            env=environment(XDG_CONFIG_HOME=home, XDG_STATE_HOME=home, MATAHARI_HOOKS=str(self.hooks), **env),
            capture_output=True,
            text=True,
            timeout=60.0 * TIME,
            check=False,
        )

    def mhsh(self, commands: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return self.run("mhsh", *map(str, self.box.bus.words), *words, "-c", commands, **env)

    @contextlib.contextmanager
    def extensions(self, *names: str, **sources: str) -> Iterator[None]:
        """Examples by name, and extensions by their source, until this is left."""
        for name in names:
            shutil.copy(EXAMPLES / f"{name}.py", self.hooks)
        for name, source in sources.items():
            (self.hooks / f"{name}.py").write_text(source)
        try:
            yield
        finally:
            for path in self.hooks.glob("*.py"):
                path.unlink()


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with box() as made:
        made.save("calc.py", CALC.format(type="int", default="0"))
        made.save("bad.py", BROKEN)
        made.save("away.py", AWAY)
        other = made.home / "others"
        other.mkdir()
        (other / "calc.py").write_text(CALC.format(type="str", default="''"))
        (other / "bad.py").write_text("def fine():\n    return 1\n")
        (other / "away.py").write_text(AWAY)
        words = ("--state", "state-of-beta", "--plugins", other, "--hostname", "beta")
        with made.up("--hostname", "alpha"), made.agent(*words), made.connect() as console:
            wait_hosts(made, 2)
            for name, states in (
                ("calc", ["ready", "ready"]),
                ("bad", ["failed", "ready"]),
                ("away", ["inactive"] * 2),
            ):
                made.wait_plugin(console, name, lambda values: values["state"] != "loading")
                assert console.select(name, package=PLUGIN_PACKAGE).get("state") == states
            yield Fleet(made)


def wait_hosts(made: Box, count: int) -> None:
    with made.connect() as console:
        assert len(console.hosts()) == count


def test_each_host_is_judged_by_what_it_published_and_the_others_go_on(fleet: Fleet) -> None:
    with fleet.box.connect() as console:
        calc = console.select("calc", package=PLUGIN_PACKAGE)
        before = calc.get("calls")
        refused, ran = calc.call("add", "x", "y")
        assert isinstance(refused.error, InvalidArgumentError)
        assert (refused.host, refused.error.kind) == ("alpha", "invalid_argument")
        assert str(refused.error) == "calc.add, argument 'left': 'x' is a string; give an integer"
        assert (ran.host, ran.value) == ("beta", "xy")
        after = calc.refresh().get("calls")
        assert [int(str(new)) - int(str(old)) for old, new in zip(before, after, strict=True)] == [0, 1]


def test_what_no_host_would_take_is_refused_before_anything_is_sent(fleet: Fleet) -> None:
    with fleet.box.connect() as console:
        calc = console.select("calc", package=PLUGIN_PACKAGE)
        before = calc.get("calls")
        with pytest.raises(MissingArgumentError, match=r"calc\.add needs argument 'left'"):
            calc.call("add")
        with pytest.raises(InvalidArgumentError, match=r"calc.add has no argument 'rigth'; did you mean 'right'\?"):
            calc.call("add", 1, rigth=2)
        with pytest.raises(UnknownActionError, match=r"calc has no method 'ad'; did you mean 'add'\?"):
            calc.call("ad", 1)
        with pytest.raises(InvalidArgumentError) as caught:
            calc.call("login", "me", 12345)
        assert "12345" not in str(caught.value)
        assert "'password': <hidden> does not fit; give a string" in str(caught.value)
        assert calc.refresh().get("calls") == before


def test_an_agent_refuses_in_the_same_words_what_a_console_did_not_check(fleet: Fleet) -> None:
    """A console of 2012 sends what it is told to; the object's class needs no more."""
    with fleet.box.connect() as console:
        [alpha] = console.select("calc", package=PLUGIN_PACKAGE, hosts=["alpha"])
        texts: dict[str, tuple[list[object], str]] = {
            "add": (["x"], "calc.add, argument 'left': 'x' is a string; give an integer"),
            "login": (["me", 12345], "calc.login, argument 'password': <hidden> does not fit; give a string"),
        }
        group = console.select("calc", package=PLUGIN_PACKAGE, hosts=["alpha"])
        # as it would be published without schemas
        group._objects._objects = (replace(alpha, values={"state": "ready"}),)
        for method, (args, text) in texts.items():
            [result] = group.call_with(method, args, {})
            assert isinstance(result.error, InvalidArgumentError)
            assert (str(result.error), result.error.kind) == (text, "invalid_argument")


def test_a_refusal_by_an_old_copy_is_taken_back_when_the_plugin_was_saved_since(fleet: Fleet) -> None:
    with fleet.box.connect() as console:
        fleet.box.save("young.py", "def one(x: int):\n    return x\n")
        fleet.box.wait_plugin(console, "young", lambda values: values["state"] == "ready")
        old = console.select("young", package=PLUGIN_PACKAGE)
        fleet.box.save("young.py", "def one(x: str):\n    return x\ndef two():\n    return 2\n")
        fleet.box.wait_plugin(console, "young", lambda values: values["generation"] == 2)
        assert old.call("one", "text").values() == ["text"]
        assert old.call("two").values() == [2]


def test_a_plugin_out_of_service_answers_with_the_hosts_own_reason(fleet: Fleet) -> None:
    with fleet.box.connect() as console:
        broken, fine = console.select("bad", package=PLUGIN_PACKAGE).call("fine")
        assert isinstance(broken.error, RemoteError)
        assert (broken.error.kind, fine.value) == ("not_loaded", 1)
        assert str(broken.error) == "plugin bad is failed: RuntimeError: no disk (bad.py, line 4)"
        for result in console.select("away", package=PLUGIN_PACKAGE).call("go"):
            assert isinstance(result.error, RemoteError)
            assert str(result.error) == "plugin away is inactive on this host: this host has no disk"
    done = fleet.mhsh(f"select class package {PLUGIN_PACKAGE} bad; select host alpha; call fine")
    assert done.stdout == "alpha: % plugin bad is failed: RuntimeError: no disk (bad.py, line 4)\n"
    assert done.returncode == 2
    done = fleet.mhsh(f"select class package {PLUGIN_PACKAGE} bad; call fine")
    assert done.stdout.startswith("beta:  1\nalpha: % plugin bad is failed")
    assert without_time(done.stderr) == "2 hosts: 1 answered, 1 failed, 0 silent\n"


def test_a_result_that_is_not_as_declared_is_flagged(fleet: Fleet) -> None:
    mismatch = "the result of calc.lies is not as declared: 'no number' is a string; give an integer"
    with fleet.box.connect() as console:
        for result in console.select("calc", package=PLUGIN_PACKAGE).call("lies"):
            assert (result.value, result.mismatch) == ("no number", mismatch)
    line = f"select host alpha; select class package {PLUGIN_PACKAGE} calc; call lies"
    done = fleet.mhsh(line)
    assert (done.stdout, done.stderr) == ("alpha: no number\n", f"alpha: warning: {mismatch}\n")
    [record] = [json.loads(text) for text in fleet.mhsh(line, "--json").stdout.splitlines()]
    assert (record["ok"], record["mismatch"]) == (True, mismatch)


def test_arguments_of_other_classes_are_checked_with_what_was_meant(fleet: Fleet) -> None:
    with fleet.box.connect() as console:
        host = console.select("Host")
        with pytest.raises(UnknownActionError, match=r"did you mean 'get_uuid' or 'set_uuid'\?"):
            host.call("get_uid", "Reboot")
        with pytest.raises(SchemaError, match=r"get_uuid: has no argument 'lifetim'; did you mean 'lifetime'\?"):
            host.call("get_uuid", lifetim="Reboot")
        with pytest.raises(SchemaError, match="lifetime: 3 is not of type string"):
            host.call("get_uuid", 3)
        with pytest.raises(SchemaError, match=r"has no property 'hostnam'; did you mean 'hostname'\?"):
            console.select("Host", where={"hostnam": "alpha"})
        assert "PluginException" not in [one.name for one in console.classes()]


def test_the_aggregator_of_the_examples_summarises_real_answers(fleet: Fleet) -> None:
    with fleet.extensions("aggregators"):
        with connect(fleet.box.address, hooks=fleet.hooks) as console:
            results = console.select("calc", package=PLUGIN_PACKAGE).call("lies")
            together = [{"value": "no number", "hosts": ["alpha", "beta"]}]
            assert results.summary("groups") == together
        line = f"select class package {PLUGIN_PACKAGE} calc; call lies; summary groups"
        done = fleet.mhsh(line)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == 'groups: {"value": "no number", "hosts": ["alpha", "beta"]}'
        records = [json.loads(text) for text in fleet.mhsh(line, "--json").stdout.splitlines()]
        assert records[-1] == {"summary": "groups", "value": together}
        done = fleet.mhsh(f"{line.removesuffix('groups')} grops")
        assert (done.returncode, '% Summary "grops" not found; did you mean groups?' in done.stdout) == (1, True)


def test_a_host_of_the_examples_list_that_is_not_there_is_told(fleet: Fleet) -> None:
    hosts = fleet.box.home / "hosts.txt"
    hosts.write_text("alpha\nbeta\ngamma  # in repair\n")
    with fleet.extensions("hosts_file"):
        line = f"select class package {PLUGIN_PACKAGE} calc; call lies"
        done = fleet.mhsh(line, MATAHARI_HOSTS=str(hosts))
        assert done.returncode == 2
        assert "gamma: % expected to answer, and not on the bus\n" in done.stdout
        closing = without_time(done.stderr).splitlines()[-1]
        assert closing == "3 hosts: 2 answered, 0 failed, 1 silent (not on the bus: gamma)"
        records = [
            json.loads(text) for text in fleet.mhsh(line, "--json", MATAHARI_HOSTS=str(hosts)).stdout.splitlines()
        ]
        assert {(one["host"], one["ok"]) for one in records} == {("alpha", True), ("beta", True), ("gamma", False)}
        done = fleet.mhsh(f"select host alpha; {line}", MATAHARI_HOSTS=str(hosts))
        assert done.returncode == 0, done.stdout


def test_an_extension_that_raises_is_named_and_the_command_goes_on(fleet: Fleet) -> None:
    raises = "from matahari.hooks import hookimpl\n@hookimpl\ndef discover(query): raise KeyError('rack')\n"
    with fleet.extensions(raises=raises, broken="1 / 0\n"):
        done = fleet.mhsh("select class Host; get hostname")
        assert (done.stdout, done.returncode) == ("alpha: alpha\nbeta:  beta\n", 0)
        assert "mhsh: hook discover of raises: KeyError: 'rack'\n" in done.stderr
        assert "mhsh: extension broken: ZeroDivisionError: division by zero (" in done.stderr
        assert "/broken.py:1)\n" in done.stderr


def test_the_command_of_the_examples_is_one_of_matahari(fleet: Fleet) -> None:
    with fleet.extensions("greeting"):
        done = fleet.run("matahari", "greet", "Ida")
        assert (done.returncode, done.stdout, done.stderr) == (0, "hello, Ida\n", "")
        assert fleet.run("matahari", "greet").returncode == 64
        assert "  greet       say hello to somebody (greeting)\n" in fleet.run("matahari", "--help").stdout
        done = fleet.run("matahari", "gret")
        assert (done.returncode, "invalid choice: 'gret'" in done.stderr) == (64, True)


@pytest.mark.parametrize(
    ("line", "absent"),
    [
        ("list hosts", ("jsonschema", "matahari.hooks", "importlib.metadata")),
        (
            f"select class package {PLUGIN_PACKAGE} calc; select host alpha; call add 1 2",
            ("jsonschema", "matahari.hooks"),
        ),
    ],
)
def test_what_a_command_does_not_need_is_not_imported(fleet: Fleet, line: str, absent: tuple[str, ...]) -> None:
    """Start-up is most of a short command's time."""
    program = (
        "import sys; from matahari.shell.mhsh import main\n"
        f"status = main({[*map(str, fleet.box.bus.words), '-c', line]!r})\n"
        f"sys.exit(status or ', '.join(one for one in {absent!r} if one in sys.modules) or None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(MATAHARI_HOOKS=str(fleet.hooks)),
        capture_output=True,
        text=True,
        timeout=START * TIME,
        check=False,
    )
    said = without_time(done.stderr).replace("2 hosts: 2 answered, 0 failed, 0 silent\n", "")
    assert (done.returncode, said) == (0, "")

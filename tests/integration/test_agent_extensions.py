"""Extensions, audit and facts in a running node: what callers, the audit log, consoles and plugins see of them."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import resource
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from matahari.console.sync import Console
from matahari.errors import InvalidArgumentError, MatahariError, RefusedError, UnexpectedError
from matahari.qmf import Value
from tests.support.node import PLUGIN_PACKAGE, TIME, Box, Program, box

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

EXAMPLES = Path(__file__).parents[2] / "examples/hooks"
GUIDE = Path(__file__).parents[2] / "core/docs/guide"
OTHER = 65534
LOGIN = pwd.getpwuid(os.geteuid()).pw_name

DISKS = """
from matahari.plugin import context, method

@method(destructive=True, sensitive=["password"])
def wipe(name: str, password: str = "") -> str:
    return name

@method(read_only=True)
def look(name: str) -> str:
    return name

def grow(name, by=1):
    return by

def fail():
    raise LookupError("s3cret")

def fact(name):
    return context().facts.get(name)
"""


@pytest.fixture
def home() -> Iterator[Box]:
    with box() as made:
        made.save("disks.py", DISKS)
        (made.home / "hooks").mkdir(mode=0o755)
        (made.home / "facts.d").mkdir(mode=0o755)
        yield made


def install(made: Box, name: str, text: str | None = None) -> None:
    """An extension: an example of that name, or one of its own."""
    path = made.home / "hooks" / f"{name}.py"
    path.write_text((EXAMPLES / path.name).read_text() if text is None else text)
    path.chmod(0o644)


def up(made: Box, *words: str | Path, **env: str) -> Program:
    return made.up("--hooks", "hooks", "--facts", "facts.d", *words, **env)


def ask(console: Console, method: str, *arguments: object, name: str = "disks", package: str = PLUGIN_PACKAGE) -> Any:
    """The result of a call on the one host."""
    [result] = console.select(name, package=package).call(method, *arguments)
    assert result.error is None, result.error
    return result.value


def error_of(
    console: Console, method: str, *arguments: object, name: str = "disks", package: str = PLUGIN_PACKAGE
) -> MatahariError:
    [result] = console.select(name, package=package).call(method, *arguments)
    assert result.error is not None, result.value
    return result.error


def records(made: Box, until: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """The audit log, once ``until`` says so."""
    deadline = time.monotonic() + 10 * TIME
    while True:
        found = [json.loads(line) for line in (made.home / "state/audit.log").read_text().splitlines()]
        if until(found):
            return found
        assert time.monotonic() < deadline, found
        threading.Event().wait(0.01)


def host_values(console: Console, until: Callable[[Mapping[str, Value]], bool]) -> Mapping[str, Value]:
    """Values of the one Host object, once ``until`` says so."""
    deadline = time.monotonic() + 20 * TIME
    while True:
        [host] = console.select("Host")
        if until(host.values):
            return host.values
        assert time.monotonic() < deadline, host.values
        threading.Event().wait(0.02)


def at_hour(hour: int) -> str:
    """A time zone in which it is that hour now."""
    return f"TEST{(datetime.now(UTC).hour - hour + 12) % 24 - 12:+d}"


def test_an_extension_refuses_by_its_rule_and_all_is_written_with_secrets_masked(home: Box) -> None:
    install(home, "office_hours")
    with up(home, TZ=at_hour(3)), home.connect() as console:
        error = error_of(console, "wipe", "sda", "s3cret")
        assert isinstance(error, RefusedError)
        assert error.kind == "refused"
        assert "wipe is for office hours (rule office_hours: office-hours)" in str(error)
        assert "matahari hooks" in str(error)
        assert ask(console, "grow", "sda", 4) == 4
        written = records(home, lambda found: len(found) == 3)
    refusal, intent, outcome = written
    assert (refusal["event"], refusal["stage"], refusal["rule"]) == (
        "refusal",
        "authorise",
        "office_hours: office-hours",
    )
    assert refusal["arguments"] == {"name": "sda", "password": "<hidden>"}
    assert (refusal["who"], refusal["local"]) == (LOGIN, True)
    assert (intent["event"], intent["plugin"], intent["action"]) == ("intent", "disks", "grow")
    assert (intent["arguments"], intent["read_only"]) == ({"name": "sda", "by": 4}, None)
    assert (outcome["event"], outcome["status"], outcome["id"]) == ("outcome", "ok", intent["id"])
    assert "s3cret" not in (home.home / "state/audit.log").read_text()


def test_by_day_the_same_extension_lets_it_pass(home: Box) -> None:
    install(home, "office_hours")
    with up(home, TZ=at_hour(12)), home.connect() as console:
        assert ask(console, "wipe", "sda") == "sda"


def test_calls_that_do_not_fit_or_fail_are_written_without_what_they_say(home: Box) -> None:
    with up(home), home.connect() as console:
        plugin = console.select("disks", package=PLUGIN_PACKAGE)
        [answer] = plugin.call("fail")
        assert answer.error is not None
        assert error_of(console, "shutdown", name="Host", package="org.matahariproject").code == RefusedError.code
        ask(console, "reload", "disks", name="Plugins", package="org.matahariproject.rpc")
        written = records(home, lambda found: len(found) == 5)
    assert [(one["event"], one["plugin"], one["action"]) for one in written] == [
        ("intent", "disks", "fail"),
        ("outcome", "disks", "fail"),
        ("refusal", "Host", "shutdown"),
        ("intent", "Plugins", "reload"),
        ("outcome", "Plugins", "reload"),
    ]
    assert (written[1]["status"], written[1]["kind"], written[1]["error_type"]) == ("failed", "raised", "LookupError")
    assert written[3]["arguments"] == {"name": "disks"}
    assert "s3cret" not in str(written)


def test_a_hook_that_raises_is_named_and_the_agent_lives(home: Box) -> None:
    broken = """
from matahari.hooks import hookimpl

@hookimpl
def authorise(request):
    if request.action == "wipe":
        raise KeyError("rack")

@hookimpl
def facts():
    raise SystemExit("no facts")
"""
    install(home, "broken", broken)
    install(home, "mistyped", "def authorise(:\n")
    with up(home) as node, home.connect() as console:
        error = error_of(console, "wipe", "sda")
        assert isinstance(error, RefusedError)
        assert "hook authorise of broken: KeyError: 'rack'" in str(error)
        assert ask(console, "look", "sda") == "sda"
        node.wait_line("ERROR.*extension mistyped: SyntaxError")
        node.wait_line("WARNING.*extension broken: hook facts of broken: SystemExit: no facts")
    done = home.run("hooks", "--hooks", "hooks")
    assert done.returncode == 2
    assert "extension mistyped: SyntaxError" in done.stderr


def test_facts_labels_and_classes_reach_consoles_and_plugins(home: Box) -> None:
    install(home, "inventory")
    inventory = home.home / "inventory.toml"
    inventory.write_text('classes = ["web", "db"]\n[labels]\nrack = "b12"\n')
    (home.home / "facts.d/site.json").write_text('{"site": {"name": "berlin"}}')
    (home.home / "facts.d/site.json").chmod(0o644)
    with up(home, MATAHARI_INVENTORY=str(inventory)) as node, home.connect() as console:
        values = host_values(console, lambda values: True)  # the node is ready, so it knows
        facts = values["facts"]
        assert isinstance(facts, dict)
        assert facts["site.name"] == "berlin"
        assert facts["kernel.release"] == os.uname().release
        assert (values["labels"], values["classes"]) == ({"rack": "b12"}, ["db", "web"])
        assert ask(console, "fact", "site.name") == "berlin"
        # SIGHUP collects anew and starts a new worker for each plugin.
        shutil.copyfile(EXAMPLES / "facts.d/contract.toml", home.home / "facts.d/contract.toml")
        (home.home / "facts.d/contract.toml").chmod(0o644)
        inventory.write_text('[labels]\nrack = "b13"\n')
        node.process.send_signal(signal.SIGHUP)
        values = host_values(console, lambda values: "contract.ends" in str(values["facts"]))
        assert (values["labels"], values["classes"]) == ({"rack": "b13"}, [])
        ask(console, "reload", "disks", name="Plugins", package="org.matahariproject.rpc")
        assert ask(console, "fact", "contract.ends") == "2031-12-31"


@contextlib.contextmanager
def full(node: Program, log: Path) -> Iterator[None]:
    """No file of the node may become longer than its audit log is now."""
    soft, hard = resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    try:
        yield
    finally:
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (soft, hard))


def filled(made: Box) -> Path:
    """An audit log that is long before the node starts, so that other files of it stay far below."""
    log = made.home / "state/audit.log"
    log.parent.mkdir(mode=0o700)
    log.write_text(json.dumps({"event": "old", "text": "x" * 1_000_000}) + "\n")
    log.chmod(0o600)
    return log


def test_on_a_full_disk_only_what_is_known_to_be_read_only_runs(home: Box) -> None:
    log = filled(home)
    with up(home) as node, home.connect() as console:
        with full(node, log):
            error = error_of(console, "grow", "sda")
            assert isinstance(error, RefusedError)
            assert f"make {log} writable" in str(error)
            assert ask(console, "look", "sda") == "sda"
        node.wait_line("ERROR.*audit.log: cannot be written, only calls known to be read-only go on")
        assert ask(console, "grow", "sda") == 1
        written = records(home, lambda found: [one["event"] for one in found[-2:]] == ["intent", "outcome"])
    # The intent that could not be written is lost; what nobody waited for may have come through when there was room.
    assert (written[1]["event"], written[1]["lost"] >= 1) == ("gap", True)
    assert [one["action"] for one in written if one["event"] == "intent"][-1] == "grow"
    assert sum(one["event"] == "intent" and one["action"] == "grow" for one in written) == 1


def test_where_audit_is_not_required_a_full_disk_costs_records_alone(home: Box) -> None:
    log = filled(home)
    with up(home, "--audit", "on") as node, home.connect() as console, full(node, log):
        assert ask(console, "grow", "sda") == 1
        node.wait_line("ERROR.*audit.log: cannot be written, calls go on")


def test_without_audit_nothing_is_written(home: Box) -> None:
    with up(home, "--audit", "off"), home.connect() as console:
        assert ask(console, "grow", "sda") == 1
    assert not (home.home / "state/audit.log").exists()


def test_an_audit_log_that_others_can_read_keeps_the_node_from_starting(home: Box) -> None:
    filled(home).chmod(0o644)
    done = home.run(*home.up_words)
    assert done.returncode == 1
    assert "the audit log belongs to user" in done.stderr


def test_a_validator_of_an_extension_checks_arguments_and_results_of_a_plugin(home: Box) -> None:
    install(home, "validators")
    home.save(
        "hosts.py",
        """
from typing import Annotated
from pydantic import Field

Address = Annotated[str, Field(json_schema_extra={"format": "ip_address"})]

def ping(address: Address) -> str:
    return address

def first(text: str) -> Address:
    return text
""",
    )
    with up(home), home.connect() as console:
        assert ask(console, "ping", "192.0.2.7", name="hosts") == "192.0.2.7"
        error = error_of(console, "ping", "192.0.2.700", name="hosts")
        assert isinstance(error, InvalidArgumentError)
        assert "argument 'address': '192.0.2.700' does not appear to be an IPv4 or IPv6 address" in str(error)
        [result] = console.select("hosts", package=PLUGIN_PACKAGE).call("first", "nowhere")
        assert result.value == "nowhere"
        values = home.wait_plugin(console, "hosts", lambda values: True)
        assert (values["calls"], values["failures"]) == (3, 1)
        written = records(home, lambda found: len(found) == 5)
    assert [one["event"] for one in written] == ["intent", "outcome", "refusal", "intent", "outcome"]
    assert written[2]["problems"] == [{"place": "address", "rule": "format"}]
    assert written[4]["reply_problems"] == 1


def test_an_offered_agent_runs_beside_our_own_or_alone(home: Box) -> None:
    install(home, "ticker")
    with up(home) as node:
        assert "agents=host,rpc,ticker" in node.text
        node.wait_line(f"the node on unix:{home.socket} is alive")
        with home.agent("--hooks", "hooks", "--only", "ticker", "--state", "state2") as alone:
            alone.wait_line(f"the node on unix:{home.socket} is alive")
            assert "agents=ticker" in alone.text
            assert alone.stop() == 0
        done = home.run("agent", *home.bus.words, "--hooks", "hooks", "--only", "tocker", "--state", "state2")
        assert done.returncode == 64
        assert "there is no agent tocker; the agents are host, rpc, ticker" in done.stderr
        assert node.stop() == 0


CONSOLES = """
[[rules]]
who = "{own}"
allow = "all"

[[rules]]
who = "{other}"
allow = ["publish", "bind", "attach"]
"""


@contextlib.contextmanager
def other_user(made: Box) -> Iterator[Console]:
    """A console of another user, whom the broker's rules let in."""
    os.seteuid(OTHER)
    try:
        console = made.connect()
    finally:
        os.seteuid(0)
    with console:
        yield console


def with_rules(made: Box) -> list[str | Path]:
    made.home.chmod(0o711)
    file = made.home / "acl.toml"
    file.write_text(CONSOLES.format(own=LOGIN, other=pwd.getpwuid(OTHER).pw_name))
    file.chmod(0o600)
    return ["--acl", file]


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can appear as another user")


@as_root
def test_a_user_whom_the_brokers_rules_let_in_may_call_unless_an_extension_refuses(home: Box) -> None:
    name = pwd.getpwuid(OTHER).pw_name
    text = """
from matahari.hooks import Decision, hookimpl

@hookimpl
def authorise(request):
    if request.caller.user != "{own}" and request.action != "look":
        return Decision(False, "look, do not touch", "visitors")
"""
    install(home, "visitors", text.replace("{own}", LOGIN))
    with up(home, *with_rules(home)), other_user(home) as console:
        assert ask(console, "look", "sda") == "sda"
        assert "look, do not touch" in str(error_of(console, "grow", "sda"))
        written = records(home, lambda found: len(found) == 3)
    assert [(one["event"], one["who"], one["local"]) for one in written] == [
        ("intent", name, True),
        ("outcome", name, True),
        ("refusal", name, True),
    ]
    assert (written[0]["rule"], written[2]["rule"]) == ("broker", "visitors: visitors")


@as_root
def test_with_the_owner_as_authorisation_whom_the_broker_lets_in_may_look_only(home: Box) -> None:
    config = home.home / "matahari.toml"
    config.write_text('[agent]\nauthorisation = "owner"\n')
    with up(home, "--config", config, *with_rules(home)):
        with other_user(home) as console:
            error = error_of(console, "look", "sda")
            assert isinstance(error, RefusedError)
            assert "only its owner may (rule owner)" in str(error)
            assert console.select("Host")
        with home.connect() as console:
            assert ask(console, "look", "sda") == "sda"


@as_root
def test_the_guides_extension_for_a_closed_house_lets_one_user_look(home: Box) -> None:
    text = (GUIDE / "access.md").read_text().split("```python\n")[1].split("```")[0]
    install(home, "house", text.replace('"alice"', repr(pwd.getpwuid(OTHER).pw_name)))
    config = home.home / "matahari.toml"
    config.write_text('[agent]\nauthorisation = "owner"\n')
    with up(home, "--config", config, *with_rules(home)), other_user(home) as console:
        assert ask(console, "look", "sda") == "sda"
        assert "only its owner may" in str(error_of(console, "grow", "sda"))


def test_a_method_that_is_not_implemented_is_a_refusal_in_the_audit_log(home: Box) -> None:
    with up(home), home.connect() as console:
        error = error_of(console, "get_power_profile", name="Host", package="org.matahariproject")
        assert not isinstance(error, UnexpectedError)
        [record] = records(home, lambda found: bool(found))
    assert (record["event"], record["stage"], record["rule"]) == ("refusal", "validate", "unknown_action")

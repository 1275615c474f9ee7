"""What a call on a real node knows of its caller, what it tells the whole bus, and what stays secret on the way."""

from __future__ import annotations

import json
import os
import pwd
import queue
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from matahari.console import ConsoleEvent, Output, Partial, Result
from matahari.console.sync import Console
from tests.support.node import PLUGIN_PACKAGE, TIME, Box, Program, box

pytestmark = pytest.mark.integration

SOURCE = '''
from dataclasses import dataclass

from matahari.plugin import context, event, method, output, progress

@dataclass(frozen=True)
class Settings:
    target: str
    keep: int = 7

def who() -> dict[str, object]:
    """What the call knows."""
    call = context()
    call.logger.warning("asked by %s", call.caller)
    settings = call.settings
    return {
        "plugin": call.plugin,
        "caller": call.caller,
        "request": call.request_id,
        "remaining": call.remaining,
        "kernel": call.facts["kernel.name"],
        "settings": [type(settings).__name__, settings.target, settings.keep],
    }

def work(gate: str):
    """Tell in all ways, and end when the gate is opened."""
    progress(1, 2, "half")
    output("a line\\n")
    event("moved", severity=4, path="/srv", count=2)
    yield {"piece": 1}
    with open(gate):
        return "done"

@method(sensitive=["password"])
def login(user: str, password: str, wrong: bool = False) -> str:
    """Let somebody in."""
    if wrong:
        raise PermissionError("no")
    return user
'''

SECRET = "s3cret-of-ida"


@pytest.fixture
def home() -> Iterator[Box]:
    with box() as made:
        made.save("story.py", SOURCE)
        made.save("story.toml", '[settings]\ntarget = "/srv"\n')
        yield made


def ready(console: Console, made: Box) -> None:
    made.wait_plugin(console, "story", lambda values: values["state"] == "ready")


def call(console: Console, method: str, *arguments: object) -> Result:
    [result] = console.select("story", package=PLUGIN_PACKAGE).call(method, *arguments)
    return result


@pytest.mark.embedded  # whose login a foreign broker names is its own matter
def test_the_context_knows_caller_request_deadline_facts_and_typed_settings_and_has_a_logger(home: Box) -> None:
    with home.up() as node, home.connect() as console:
        ready(console, home)
        story = console.select("story", package=PLUGIN_PACKAGE)
        with story.stream("who", timeout=8.0) as stream:  # which tells the host how long its caller waits
            [result] = stream.wait()
        assert isinstance(result.value, dict), result.error
        told: Mapping[str, object] = result.value
        remaining = told["remaining"]
        assert isinstance(remaining, float)
        assert 0 < remaining <= 8.0
        assert told["plugin"] == "story"
        assert told["caller"] == pwd.getpwuid(os.geteuid()).pw_name
        assert told["kernel"] == os.uname().sysname
        assert told["settings"] == ["Settings", "/srv", 7]
        request = str(told["request"])
        assert request
        node.wait_line(rf"WARNING.*plugin story: .*\[{request}\] asked by {told['caller']}")
        records = [json.loads(line) for line in (home.home / "state/audit.log").read_text().splitlines()]
        assert [one["id"] for one in records if one["event"] == "intent" and one["action"] == "who"] == [request]


def test_all_that_a_call_tells_arrives_while_it_runs_and_its_event_at_whoever_listens(home: Box) -> None:
    gate = home.home / "gate"
    os.mkfifo(gate)
    with home.up("--hostname", "alpha"), home.connect() as console, home.connect() as other:
        ready(console, home)
        heard: queue.Queue[ConsoleEvent] = queue.Queue()
        with other.listen(heard.put):
            story = console.select("story", package=PLUGIN_PACKAGE)
            with story.stream("work", str(gate), timeout=60 * TIME) as stream:
                while not isinstance(told := next(stream), Partial):
                    assert not isinstance(told, Output) or told.chunk == "a line\n"
                assert told.value == {"piece": 1}
                event = wait_event(heard, "story_event")
                values = event.values
                assert (values["plugin"], values["event"], values["fields"]) == (
                    "story",
                    "moved",
                    {"path": "/srv", "count": 2},
                )
                assert (event.host, event.severity) == ("alpha", 4)
                assert len(stream.running) == 1  # the gate is still closed
                with gate.open("w"):
                    pass
                [result] = stream.wait()
        assert (result.error, result.value) == (None, "done")


def wait_event(heard: queue.Queue[ConsoleEvent], name: str) -> ConsoleEvent:
    while True:
        event = heard.get(timeout=20 * TIME)
        if event.name == name:
            return event


def secret_in(node: Program, home: Path) -> list[str]:
    """Where the secret stands: lines of the programs' output, and files below the directory."""
    found = [line for line in node.lines if SECRET in line]
    for path in home.rglob("*"):
        if path.is_file() and SECRET.encode() in path.read_bytes():
            found.append(str(path))
    return found


def test_a_sensitive_argument_stands_in_no_log_at_any_level(home: Box) -> None:
    """Whether the call succeeds, fails, does not fit or is too late."""
    with home.up("--log", "debug") as node, home.connect() as console:
        ready(console, home)
        story = console.select("story", package=PLUGIN_PACKAGE)
        assert call(console, "login", "ida", SECRET).value == "ida"
        for arguments, named in ((["ida", SECRET, True], {}), (["ida"], {"password": SECRET})):
            [result] = story.call_with("login", list(arguments), dict(named))
            assert SECRET not in str(result.error)
        done = home.mhsh("-v", "-v", "-c", f"select class package {PLUGIN_PACKAGE} story; call login ida {SECRET}")
        assert done.returncode == 0
        assert SECRET not in done.stdout + done.stderr
        done = home.mhsh("-c", f"select class package {PLUGIN_PACKAGE} story; call login ida {SECRET} maybe")
        assert done.returncode == 64
        assert SECRET not in done.stdout + done.stderr
        log = home.home / "state/audit.log"
        assert "<hidden>" in log.read_text()
        assert node.stop() == 0
        assert secret_in(node, home.home) == []

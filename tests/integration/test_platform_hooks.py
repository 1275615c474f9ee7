"""Extensions that raise, wherever they can: each is named, and agents and commands go on; and how they are installed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from matahari.console.sync import connect
from matahari.errors import InvalidArgumentError, RefusedError
from matahari.hooks import HOOKS
from tests.support.node import BIN, PLUGIN_PACKAGE, TIME, Box, box, environment

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

EXAMPLES = Path(__file__).parents[2] / "examples/hooks"

#: Every hook, with the parameters that it takes.
PARAMETERS = {"authorise": "request", "audit": "record", "discover": "query"}
IN_THE_AGENT = ("languages", "facts", "host_inventory", "validators", "agents")

#: What hooks give away is called later, and may raise as well.
OFFERS = """
from matahari.hooks import AgentOffer, Aggregator, ShellCommand, Validator, hookimpl

def fail(*_):
    raise {error}

async def run(settings):
    raise {error}

@hookimpl
def validators():
    return [Validator("odd", "odd", fail)]

@hookimpl
def agents():
    return [AgentOffer("ticker", "ticks", run)]

@hookimpl
def aggregators():
    return [Aggregator("odd", "odd", fail)]

@hookimpl
def shell_commands():
    return [ShellCommand("odd", "odd", fail)]
"""

PLUGIN = """
from typing import Annotated
from pydantic import Field

def look(name: str) -> str:
    return name

def odd(name: Annotated[str, Field(json_schema_extra={"format": "odd"})]) -> str:
    return name
"""


def raising(hook: str, error: str) -> str:
    return (
        f"from matahari.hooks import hookimpl\n@hookimpl\ndef {hook}({PARAMETERS.get(hook, '')}):\n    raise {error}\n"
    )


@pytest.fixture
def home() -> Iterator[Box]:
    with box() as made:
        made.save("disks.py", PLUGIN)
        (made.home / "hooks").mkdir(mode=0o755)
        yield made


def install(made: Box, name: str, text: str) -> None:
    path = made.home / "hooks" / f"{name}.py"
    path.write_text(text)
    path.chmod(0o644)


def run(made: Box, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    home = str(made.home)
    return subprocess.run(
        [BIN / words[0], *words[1:]],
        cwd=home,
        env=environment(XDG_CONFIG_HOME=home, XDG_STATE_HOME=home, **env),
        capture_output=True,
        text=True,
        timeout=60.0 * TIME,
        check=False,
    )


@pytest.mark.parametrize(
    ("error", "named"), [("KeyError('rack')", "KeyError: 'rack'"), ("SystemExit('rack')", "SystemExit: rack")]
)
def test_every_hook_of_an_agent_that_raises_is_named_and_the_agent_lives(home: Box, error: str, named: str) -> None:
    for hook in (*IN_THE_AGENT, "audit", "authorise"):
        install(home, f"bad_{hook}", raising(hook, error))
    with home.up("--hooks", "hooks") as node, home.connect() as console:
        for hook in IN_THE_AGENT:
            node.wait_line(f"(WARNING|ERROR).*hook {hook} of bad_{hook}: {named}")
        disks = console.select("disks", package=PLUGIN_PACKAGE)
        [result] = disks.call("look", "sda")
        assert isinstance(result.error, RefusedError)  # nobody who should have been asked has said yes
        assert f"hook authorise of bad_authorise: {named}" in str(result.error)
        node.wait_line(f"(WARNING|ERROR).*hook audit of bad_audit: {named}")
        [host] = console.select("Host")
        assert host.values["hostname"]
        assert node.process.poll() is None
        assert node.stop() == 0
    (home.home / "hooks/bad_authorise.py").unlink()
    with home.up("--hooks", "hooks") as node, home.connect() as console:
        [result] = console.select("disks", package=PLUGIN_PACKAGE).call("look", "sda")
        assert (result.error, result.value) == (None, "sda")
        node.wait_line(f"(WARNING|ERROR).*hook audit of bad_audit: {named}")


@pytest.mark.parametrize(
    ("error", "named"), [("KeyError('rack')", "KeyError: 'rack'"), ("SystemExit('rack')", "SystemExit: rack")]
)
def test_what_hooks_have_given_may_raise_too(home: Box, error: str, named: str) -> None:
    install(home, "offers", OFFERS.format(error=error))
    with home.up("--hooks", "hooks") as node, connect(home.address, hooks=home.home / "hooks") as console:
        node.wait_line(f"ERROR.*agent ticker of extension offers failed: {named}; it is run again")
        disks = console.select("disks", package=PLUGIN_PACKAGE)
        [result] = disks.call("odd", "sda")
        assert isinstance(result.error, InvalidArgumentError)
        assert f"hook validators of offers: {named}" in str(result.error)
        results = disks.call("look", "sda")
        assert results.values() == ["sda"]
        settings = {"MATAHARI_HOOKS": str(home.home / "hooks")}
        line = f"select class package {PLUGIN_PACKAGE} disks; call look sda; summary odd; call look sdb"
        done = run(home, "mhsh", *map(str, home.bus.words), "-c", line, **settings)
        assert f"% hook aggregators of offers: {named}" in done.stdout
        assert done.stdout.endswith(": sdb\n")
        assert node.process.poll() is None


def test_a_command_that_raises_is_named(home: Box) -> None:
    install(home, "offers", OFFERS.format(error="KeyError('rack')"))
    done = run(home, "matahari", "odd", MATAHARI_HOOKS=str(home.home / "hooks"))
    assert done.returncode not in (0, 64)
    assert "hook shell_commands of offers: KeyError: 'rack'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("hook", [hook.name for hook in HOOKS])
def test_every_hook_that_cannot_be_loaded_is_named_by_the_list(home: Box, hook: str) -> None:
    install(home, "good", raising(hook, "KeyError"))
    install(home, "wrong", raising(hook, "KeyError").replace(f"def {hook}(", f"def {hook}(nobody_gives_this, "))
    done = home.run("hooks", "--hooks", "hooks", "--json")
    assert done.returncode == 2
    record = json.loads(done.stdout)
    assert {one["name"]: one["providers"] for one in record["hooks"]}[hook] == ["good"]
    assert [one["provider"] for one in record["failures"]] == ["wrong"]


AUDIT = """
import json, os
from matahari.hooks import hookimpl

@hookimpl
def audit(record):
    with open(os.environ["COPY"], "a") as file:
        file.write(json.dumps(dict(record)) + "\\n")
"""


def test_facts_and_audit_of_extensions_are_used_by_a_running_agent(home: Box) -> None:
    install(home, "uptime_facts", (EXAMPLES / "uptime_facts.py").read_text())
    install(home, "copy", AUDIT)
    copy = home.home / "copy.log"
    with home.up("--hooks", "hooks", COPY=str(copy)) as node, home.connect() as console:
        [host] = console.select("Host")
        facts = host.values["facts"]
        assert isinstance(facts, dict)
        assert isinstance(facts["uptime.is_long"], bool)
        assert console.select("disks", package=PLUGIN_PACKAGE).call("look", "sda").values() == ["sda"]
        assert node.stop() == 0  # what is still to be told is told by then
    told = [json.loads(line) for line in copy.read_text().splitlines()]
    assert [(one["event"], one["action"]) for one in told] == [("intent", "look"), ("outcome", "look")]
    assert told[0]["arguments"] == {"name": "sda"}
    kept = [json.loads(line) for line in (home.home / "state/audit.log").read_text().splitlines()]
    assert [one["id"] for one in told] == [one["id"] for one in kept]


def distribution(folder: Path) -> None:
    """An installed distribution with an entry point, as pip leaves it."""
    info = folder / "rack_extension-1.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: rack-extension\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text("[matahari]\nracks = rack_extension\nlost = no_such_module\n")
    (folder / "rack_extension.py").write_text(
        "from matahari.hooks import HostInventory, hookimpl\n"
        "@hookimpl\ndef host_inventory():\n    return HostInventory({'rack': 'b12'}, frozenset({'web'}))\n"
    )


def test_an_entry_point_of_an_installed_distribution_is_an_extension(home: Box) -> None:
    site = home.home / "site"
    distribution(site)
    with home.up(PYTHONPATH=str(site)) as node, home.connect() as console:
        node.wait_line("ERROR.*extension lost: ModuleNotFoundError")
        [host] = console.select("Host")
        assert (host.values["labels"], host.values["classes"]) == ({"rack": "b12"}, ["web"])

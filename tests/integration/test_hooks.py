"""The examples of all extension points, fact programs, and the commands that show them."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from matahari.errors import ConfigError
from matahari.facts import Facts
from matahari.facts.executable import OUTPUT_LIMIT_BYTES, run_executable
from matahari.hooks import (
    AGENTS,
    AGGREGATORS,
    AUDIT,
    AUTHORISE,
    DISCOVER,
    HOOKS,
    HOST_INVENTORY,
    LANGUAGES,
    SHELL_COMMANDS,
    VALIDATORS,
    ActionRequest,
    AuditLog,
    Caller,
    DiscoveryQuery,
    Extensions,
    HostInventory,
    LanguageBackend,
    call_all,
)

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

EXAMPLES = Path(__file__).parents[2] / "examples/hooks"
MATAHARI = Path(sysconfig.get_path("scripts")) / "matahari"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The examples as an administrator installs them, whatever the checkout's modes are."""
    for path in EXAMPLES.rglob("*"):
        target = tmp_path / path.relative_to(EXAMPLES)
        if path.is_dir():
            target.mkdir(mode=0o755)
        elif path.suffix != ".pyc":
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            target.chmod(0o755 if target.name == "shells" else 0o644)
    return tmp_path


@pytest.fixture
def extensions(folder: Path) -> Extensions:
    found = Extensions()
    found.load_directory(folder)
    assert found.failures == []
    return found


def module(extensions: Extensions, provider: str) -> ModuleType:
    (hook,) = next(one for one in extensions.providers if one.name == provider).hooks
    implementation = next(one for one in extensions.implementations(hook) if one.provider == provider)
    return sys.modules[implementation.function.__module__]


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([MATAHARI, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def program(folder: Path, body: str) -> Path:
    path = folder / "program"
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    return path


def test_there_is_an_example_for_each_hook(extensions: Extensions) -> None:
    assert {hook for provider in extensions.providers for hook in provider.hooks} == {hook.name for hook in HOOKS}


def test_the_language_backend_says_why_it_cannot_be_used(
    extensions: Extensions, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    (result,) = call_all(extensions, LANGUAGES).results
    assert result.value == (LanguageBackend("shell", (".sh",), (), "matahari-shellhost is not installed"),)
    program(folder, "").rename(folder / "matahari-shellhost")
    (result,) = call_all(extensions, LANGUAGES).results
    assert result.value[0].command == (str(folder / "matahari-shellhost"),)


def test_the_inventory_reads_its_file(extensions: Extensions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MATAHARI_INVENTORY", str(tmp_path / "inventory.toml"))
    assert call_all(extensions, HOST_INVENTORY).results == ()
    (tmp_path / "inventory.toml").write_text('classes = ["web"]\n[labels]\nrack = "b12"\n')
    (result,) = call_all(extensions, HOST_INVENTORY).results
    assert result.value == HostInventory({"rack": "b12"}, frozenset({"web"}))


def test_office_hours_refuse_what_destroys_at_night(extensions: Extensions, monkeypatch: pytest.MonkeyPatch) -> None:
    destructive = ActionRequest("1", "disk", "format", Caller("root", True), destructive=True)
    harmless = ActionRequest("2", "disk", "list", Caller("root", True))
    for hour, refused in ((3, 1), (12, 0), (17, 1)):
        monkeypatch.setattr(module(extensions, "office_hours"), "hour", lambda now=hour: now)
        assert len(call_all(extensions, AUTHORISE, request=destructive).results) == refused
        assert call_all(extensions, AUTHORISE, request=harmless).results == ()


def test_the_audit_log_goes_to_syslog_too(
    extensions: Extensions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said: list[str] = []
    monkeypatch.setattr(module(extensions, "syslog_audit").syslog, "syslog", lambda level, text: said.append(text))
    log = AuditLog(tmp_path / "audit.log", extensions)
    log.start()
    log.submit({"event": "refusal", "id": "1"})
    assert log.close()
    assert [json.loads(text.removeprefix("matahari "))["event"] for text in said] == ["refusal"]
    assert call_all(extensions, AUDIT, record={}).failures[0].error_type == "KeyError"


def test_the_validator_knows_addresses(extensions: Extensions) -> None:
    (result,) = call_all(extensions, VALIDATORS).results
    (validator,) = result.value
    assert (validator.name, validator.check("::1")) == ("ip_address", "")
    assert "does not appear" in validator.check("300.1.1.1")


def test_the_aggregator_puts_hosts_with_the_same_answer_together(extensions: Extensions) -> None:
    (result,) = call_all(extensions, AGGREGATORS).results
    (aggregator,) = result.value
    assert aggregator.combine({"b": 1, "a": 1, "c": [2]}) == [
        {"value": 1, "hosts": ["a", "b"]},
        {"value": [2], "hosts": ["c"]},
    ]


def test_discovery_reads_its_list(extensions: Extensions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("web1\n\nweb2  # in repair\n# db1\n")
    monkeypatch.setenv("MATAHARI_HOSTS", str(tmp_path / "hosts"))
    (result,) = call_all(extensions, DISCOVER, query=DiscoveryQuery()).results
    assert result.value == {"web1", "web2"}
    assert call_all(extensions, DISCOVER, query=DiscoveryQuery("os=debian")).results == ()


def test_the_agent_lives_until_it_is_cancelled(extensions: Extensions, caplog: pytest.LogCaptureFixture) -> None:
    (result,) = call_all(extensions, AGENTS).results
    (offer,) = result.value

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await offer.run({"broker": "unix:bus.sock"})

    with caplog.at_level("INFO"):
        asyncio.run(scenario())
    assert "the node on unix:bus.sock is alive" in caplog.messages


def test_the_command_greets(extensions: Extensions) -> None:
    (result,) = call_all(extensions, SHELL_COMMANDS).results
    (greet,) = result.value
    output = io.StringIO()
    assert (greet.run(["Ida"], output), output.getvalue()) == (0, "hello, Ida\n")
    assert greet.run([], output) == 64


def test_the_command_lists_hooks_and_what_could_not_be_loaded(folder: Path) -> None:
    shown = command("hooks", "--hooks", folder)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"    office_hours  ({folder}/office_hours.py)" in shown.stdout
    (folder / "broken.py").write_text("1 / 0\n")
    shown = command("hooks", "--hooks", folder)
    assert shown.returncode == 2
    place = f"({folder}/broken.py:1)"
    assert shown.stderr == f"matahari: extension broken: ZeroDivisionError: division by zero {place}\n"
    record = json.loads(command("hooks", "--hooks", folder, "--json").stdout)
    assert {hook["name"]: hook["providers"] for hook in record["hooks"]}["discover"] == ["hosts_file"]
    assert [failure["provider"] for failure in record["failures"]] == ["broken"]
    assert len(record["providers"]) == len(HOOKS)


def test_the_command_shows_facts_of_every_kind_of_source(folder: Path) -> None:
    names = ["site", "team", "owners", "contract", "shells", "uptime", "kernel.name"]
    shown = command("facts", "--facts", folder / "facts.d", "--hooks", folder, "--json", *names)
    assert shown.returncode == 0, shown.stdout
    record = json.loads(shown.stdout)
    assert record["faults"] == []
    assert isinstance(record["facts"].pop("uptime.is_long"), bool)
    assert int(record["facts"].pop("shells.count")) > 0
    assert record["facts"] == {
        "site.name": "berlin",
        "site.rack": "b12",
        "team": "storage",
        "owners": ["alice", "bob"],
        "contract.ends": "2031-12-31",
        "kernel.name": "Linux",
    }


def test_the_command_tells_faults_and_names_that_are_not_there(folder: Path) -> None:
    (folder / "facts.d/site.json").write_text("{")
    (folder / "facts.d/team.yaml").unlink()
    shown = command("facts", "--facts", folder / "facts.d", "--hooks", folder, "contract")
    assert (shown.returncode, shown.stdout) == (2, 'contract.ends = "2031-12-31"\n')
    assert shown.stderr.startswith(f"matahari: {folder}/facts.d/site.json: is no JSON")
    assert command("facts", "--facts", folder / "none", "--hooks", folder / "none", "no.such").returncode == 1


def test_a_program_gets_a_small_environment_and_no_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "canary")
    body = (
        "import os, sys, json\nprint(json.dumps([sorted(os.environ), os.getcwd(), sys.stdin.read(), sys.argv[1:]]))\n"
    )
    environment, folder, given, arguments = json.loads(run_executable(program(tmp_path, body)))
    assert set(environment) <= {"PATH", "LC_ALL", "LC_CTYPE"}
    assert (folder, given, arguments) == ("/", "", [])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("import sys\nprint('no disk', file=sys.stderr)\nsys.exit(3)\n", "ended with status 3: no disk"),
        ("import os\nos.abort()\n", "ended with signal 6"),
        (f"print('x' * {OUTPUT_LIMIT_BYTES})\n", "printed more than"),
        ("import sys\nwhile True: print('x' * 4096)\n", "printed more than"),
    ],
)
def test_a_program_that_fails_or_floods_is_a_fault(tmp_path: Path, body: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        run_executable(program(tmp_path, body))


def test_a_program_that_cannot_be_started_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_text("echo\n")
    path.chmod(0o755)
    with pytest.raises(ConfigError, match="#! line"):
        run_executable(path)


def wait_gone(path: Path) -> None:
    """Until the process whose number the file holds has ended."""
    number = int(path.read_text())
    deadline = time.monotonic() + 10
    while psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, f"process {number} is still there"
        threading.Event().wait(0.01)


def test_a_program_that_does_not_end_is_killed_with_its_children(tmp_path: Path) -> None:
    body = (
        "import os, signal, subprocess, sys\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"child = subprocess.Popen(['sleep', '600'])\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "child.wait()\n"
    )
    with pytest.raises(ConfigError, match="not ended within 1 s"):
        run_executable(program(tmp_path, body), timeout=1.0)
    wait_gone(tmp_path / "pid")


def test_a_child_that_is_left_behind_neither_delays_the_facts_nor_survives(tmp_path: Path) -> None:
    body = (
        "import subprocess\nchild = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\nprint('a=1')\n"
    )
    assert run_executable(program(tmp_path, body), timeout=30.0) == b"a=1\n"
    wait_gone(tmp_path / "pid")


def test_programs_end_when_the_facts_are_stopped_and_the_loop_stays_free(tmp_path: Path) -> None:
    (tmp_path / "facts.d").mkdir(mode=0o755)
    path = program(tmp_path / "facts.d", "import time\nopen('/dev/null').close()\ntime.sleep(600)\n")
    facts = Facts([tmp_path / "facts.d"], builtin={}, uid=os.geteuid())

    async def scenario() -> None:
        async with asyncio.TaskGroup() as tasks:
            collecting = tasks.create_task(facts.collect())
            for _ in range(10):
                began = time.monotonic()
                await asyncio.sleep(0.01)
                assert time.monotonic() - began < 1.0
            facts.stop()
        assert [fault.text for fault in collecting.result().faults] == ["stopped"]
        assert [fault.source for fault in collecting.result().faults] == [str(path)]

    asyncio.run(scenario())

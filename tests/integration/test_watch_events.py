"""``events``, ``show events`` and ``watch`` on a terminal against a real node, and ``mhsh events`` for scripts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pexpect
import pytest

from tests.support.node import BIN, TIME, Box, box, environment
from tests.support.spawned import spawned_shell

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

PLUGIN = "def add(x: int, y: int = 2) -> int:\n    return x + y\n"


@pytest.fixture(scope="module")
def node() -> Iterator[Box]:
    with box() as made:
        made.save("sums.py", PLUGIN)
        with made.up("--hostname", "alpha"):
            yield made


@pytest.fixture
def shell(node: Box) -> Iterator[pexpect.spawn[str]]:
    with spawned_shell(node, columns=250) as child:
        yield child


def test_a_plugin_that_is_saved_is_an_event_and_ctrl_c_ends_the_following_alone(
    shell: pexpect.spawn[str], node: Box
) -> None:
    shell.sendline("events started -n 1000; list hosts")  # there is no such class: nothing comes
    shell.expect("listening to all hosts; Ctrl-C ends")
    shell.sendintr()
    shell.expect("mhsh>")
    shell.sendline("events org.matahariproject.rpc:plugin_loaded")
    shell.expect("listening to all hosts")
    node.save("more.py", PLUGIN)
    shell.expect(r"  alpha  org\.matahariproject\.rpc:plugin_loaded  info   \{[^\r]*more[^\r]*\r\n")
    shell.sendintr()
    shell.expect("mhsh>")
    shell.sendline("list hosts")
    shell.expect("alpha\r\n")
    shell.expect("mhsh>")
    shell.sendline("show events org.matahariproject.rpc:plugin_loaded -n 1")
    shell.expect(r"  alpha  org\.matahariproject\.rpc:plugin_loaded  info   \{[^\r]*more[^\r]*\r\n")
    shell.expect("1 event of all hosts; listening since ")


def test_ctrl_c_ends_a_watch_and_the_shell_goes_on(shell: pexpect.spawn[str]) -> None:
    shell.sendline("watch -n 0.2 list hosts")
    for _ in range(3):
        shell.expect(r"\x1b\[H\x1b\[2JEvery 0\.2 s: list hosts  \d\d:\d\d:\d\d\r\n\r\nalpha\r\n")
    shell.sendintr()
    shell.expect("mhsh>")
    shell.sendline("time list hosts")
    shell.expect(r"alpha\r\n\d+\.\d{3} s, 1 row\r\n")


def test_a_script_waits_for_an_event_and_gets_its_record(node: Box) -> None:
    done = node.mhsh("events", "heartbeat", "--hosts", "al*", "--count", "1", "--json")
    record = json.loads(done.stdout)
    assert done.returncode == 0
    assert (record["host"], record["package"], record["class"]) == ("alpha", "org.matahariproject", "heartbeat")
    assert record["values"]["hostname"] == "alpha"
    assert record["time"].endswith("Z")


def test_a_script_that_waits_in_vain_is_told(node: Box) -> None:
    assert node.mhsh("events", "no.such:thing", "--for", "0.2").returncode == 1
    assert node.mhsh("events", "--follow", "--hosts", "nosuch").returncode == 1
    assert node.mhsh("events").returncode == 64


def test_following_ends_when_its_reader_has_gone(node: Box) -> None:
    env = environment(XDG_CONFIG_HOME=str(node.home), XDG_STATE_HOME=str(node.home))
    words = [str(BIN / "mhsh"), *map(str, node.bus.words), "events", "no.such:thing", "--follow"]
    with subprocess.Popen(words, cwd=node.home, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.close()
        try:
            assert child.wait(20 * TIME) == 0
        finally:
            child.kill()
        said = child.stderr.read().decode().splitlines()
        assert [line.split(";")[0] for line in said] == ["% no agent publishes the event class no.such:thing"]

"""Programs that start, stop, lose each other, and are started twice."""

from __future__ import annotations

import os
import signal
import socket
import threading
from pathlib import Path

import psutil
import pytest

from matahari.console import Results
from matahari.errors import AgentGoneError, ConnectionLostError, RemoteTimeoutError
from tests.support.node import PLUGIN_PACKAGE, TIME, Box, Program, box

pytestmark = [pytest.mark.integration, pytest.mark.together]

SLOW = """
import threading, time
started = None

def slow(path: str) -> str:
    open(path, "w").close()
    threading.Event().wait(60)
    return "done"
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_node_ends_with_status_0_and_leaves_nothing(number: int) -> None:
    with box() as made:
        made.save("plain.py", "def f():\n    return 1\n")
        with made.up() as node:
            family = psutil.Process(node.process.pid).children(recursive=True)
            assert {child.name() for child in family} >= {"mh-plugins", "mh-plain"}
            assert node.stop(number) == 0
            assert not [child for child in family if child.is_running()]
            assert "Traceback" not in node.text
        assert not made.socket.exists()


def test_the_ready_line_and_systemd_are_told_when_it_really_is() -> None:
    with box() as made, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(made.home / "notify"))
        manager.settimeout(20 * TIME)
        with made.up(NOTIFY_SOCKET=str(made.home / "notify")) as node:
            assert node.wait_line("^ready ").string.startswith(
                f"ready {made.up_words[0]} broker={made.address} agents=host,rpc pid="
            )
            assert manager.recv(100) == b"READY=1"
            assert made.mhsh("-c", "list hosts").returncode == 0
            node.stop()
            assert manager.recv(100) == b"STOPPING=1"


def test_sighup_reloads_settings_and_plugins() -> None:
    with box() as made:
        made.save("plain.py", "def f():\n    return 1\n")
        config = made.home / "matahari.toml"
        config.write_text("[host]\nupdate_interval = 100\n")
        with made.up("--config", config) as node, made.connect() as console:
            assert console.select("Host").get("update_interval") == [100]
            config.write_text("[host]\nupdate_interval = 200\n")
            node.process.send_signal(signal.SIGHUP)
            node.wait_line("were reloaded")
            assert console.select("Host").get("update_interval") == [200]
            made.save("plain.py", "import threading\ndef f():\n    threading.Event().wait(60)\n")
            made.wait_plugin(console, "plain", lambda values: values["generation"] == 3)
            config.write_text("hostname = 'beta'\n[host]\nupdate_interval = 200\n[plugins]\ncall_timeout = 0.2\n")
            node.process.send_signal(signal.SIGHUP)
            node.wait_line("a change of hostname takes effect at the next start only")
            made.wait_plugin(console, "plain", lambda values: values["generation"] == 4)
            [late] = console.select("plain", package=PLUGIN_PACKAGE).call("f")
            assert isinstance(late.error, RemoteTimeoutError)
            assert "0.2 s" in str(late.error)
            config.write_text("[host]\nupdate_intervall = 200\n")
            node.process.send_signal(signal.SIGHUP)
            node.wait_line("not reloaded: .*update_intervall.*did you mean")
            assert console.select("Host").get("update_interval") == [200]


@pytest.mark.embedded
def test_a_second_node_on_the_same_directory_is_refused() -> None:
    with box() as made, made.up() as node:
        done = made.run("up", "--socket", "other.sock", "--state", "state", "--plugins", "plugins")
        assert done.returncode == 1
        assert f"pid {node.process.pid}" in done.stderr
        assert "state" in done.stderr
        done = made.run("up", "--socket", made.socket, "--state", "other", "--plugins", "plugins")
        assert done.returncode == 1
        assert "another broker listens on" in done.stderr
        assert made.mhsh("-c", "list hosts").returncode == 0


def test_without_a_broker_the_shell_says_what_to_do_and_exits_with_4() -> None:
    with box() as made:
        done = made.mhsh("-c", "list hosts")
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert made.address.rpartition("/")[2] in done.stderr
    start = "start one with `matahari up`" if made.address.startswith("unix:") else "start it"
    assert f"{start}, or name another with -b" in done.stderr


def test_the_parts_run_as_processes_of_their_own_and_find_each_other_again() -> None:
    with box() as made:
        made.save("plain.py", "def f():\n    return 1\n")
        only_host = ("--only", "host", "--state", "a", "--hostname", "alpha")
        with Program("matahari", "agent", *made.bus.words, *only_host, cwd=made.home) as agent:
            agent.wait_line("trying again")  # started before its broker
            with made.broker() as broker:
                agent.wait_line("^ready agent")
                rpc = ("--only", "rpc", "--state", "b", "--plugins", "plugins", "--hostname", "beta")
                with made.agent(*rpc), made.connect() as console:
                    assert [host.name for host in console.hosts()] == ["alpha", "beta"]
                    assert console.select("plain", package=PLUGIN_PACKAGE).call("f").values() == [1]
                    broker.kill()
                    agent.wait_line("was lost")
                    with made.broker(), made.connect() as other:
                        _wait_hosts(other.hosts, ["alpha", "beta"])
                        assert other.select("plain", package=PLUGIN_PACKAGE).call("f").values() == [1]


def test_a_call_ends_at_once_when_the_broker_goes() -> None:
    with box() as made, made.broker() as broker:
        made.save("plain.py", SLOW)
        with made.agent("--state", "b", "--plugins", "plugins"), made.connect() as console:
            plugin = console.select("plain", package=PLUGIN_PACKAGE)
            [result] = _during_a_call(plugin.call, made, broker.kill)
        assert isinstance(result.error, ConnectionLostError)


@pytest.mark.embedded
def test_a_call_ends_at_once_when_its_agent_goes() -> None:
    with box() as made, made.broker():
        made.save("plain.py", SLOW)
        with made.agent("--state", "b", "--plugins", "plugins") as agent, made.connect() as console:
            plugin = console.select("plain", package=PLUGIN_PACKAGE)
            [result] = _during_a_call(plugin.call, made, agent.kill)
            assert isinstance(result.error, AgentGoneError)
            _wait_hosts(console.hosts, [])


def test_plugins_end_with_an_agent_that_was_killed() -> None:
    with box() as made:
        made.save("plain.py", "def f():\n    return 1\n")
        with made.up() as node:
            family = psutil.Process(node.process.pid).children(recursive=True)
            os.kill(node.process.pid, signal.SIGKILL)
            node.wait_end()
            _, alive = psutil.wait_procs(family, timeout=20 * TIME)
            assert not alive


@pytest.mark.embedded
def test_garbage_on_the_socket_disturbs_nobody() -> None:
    with box() as made, made.up() as node, made.connect() as console:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100, b"AMQP\x03\x01\x00\x00" + b"\xff" * 5000):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(20 * TIME)
                peer.connect(str(made.socket))
                peer.sendall(garbage)
                while peer.recv(4096):
                    pass
        assert console.select("Host")
        node.wait_line("WARNING.*connection of local user .* ended")
        assert "Traceback" not in node.text


@pytest.mark.embedded
def test_tcp_needs_the_explicit_flag_on_both_sides() -> None:
    with box() as made, made.start("broker", "--socket", made.socket, "--insecure-anonymous", "0") as broker:
        found = broker.wait_line(r"insecure-anonymous=127\.0\.0\.1:(\d+)")
        broker.wait_line("WARNING.*INSECURE")
        address = f"127.0.0.1:{found.group(1)}"
        refused = made.run("agent", "-b", address, "--state", "a")
        assert refused.returncode == 1
        assert "TCP without authentication is refused" in refused.stderr
        words = (
            "agent",
            "-b",
            address,
            "--insecure-anonymous",
            "--only",
            "host",
            "--state",
            "a",
            "--hostname",
            "alpha",
        )
        with made.start(*words):
            done = made.mhsh("-b", address, "-c", "list hosts")
            assert done.returncode == 4
            done = made.mhsh("-b", address, "--insecure-anonymous", "-c", "list hosts")
            assert done.stdout == "alpha\n"
        elsewhere = made.run("agent", "-b", "192.0.2.1", "--insecure-anonymous", "--state", "a")
        assert "this machine only" in elsewhere.stderr


def test_a_plugin_that_hangs_at_import_does_not_keep_the_node_from_serving() -> None:
    with box() as made:
        (made.home / "matahari.toml").write_text("[plugins]\nload_timeout = 2\n")
        made.save("hangs.py", "while True:\n    pass\n")
        made.save("plain.py", "def f():\n    return 1\n")
        with Program("matahari", *made.up_words, "--config", "matahari.toml", cwd=made.home) as node:
            node.wait_line("is on the bus")
            node.wait_line("rpc:.* is on the bus")
            with made.connect() as console:
                made.wait_plugin(console, "plain", lambda values: values["state"] == "ready")
                assert console.select("plain", package=PLUGIN_PACKAGE).call("f").values() == [1]
                failed = made.wait_plugin(console, "hangs", lambda values: values["state"] == "failed")
            error = failed["last_error"]
            assert isinstance(error, dict)
            assert "2 s" in str(error["text"])
            node.wait_line("^ready ")


def test_a_file_whose_name_is_no_identifier_and_a_folder_without_its_main_file_are_named_in_the_log() -> None:
    with box() as made:
        made.save("not-a-name.py", "def f():\n    return 1\n")
        made.save("headless/x.py", "def f():\n    return 1\n")
        with made.up() as node:
            node.wait_line("WARNING.*not-a-name.py is not loaded: .*letters, digits and _")
            node.wait_line("INFO.*headless is not loaded: a folder is a plugin when it has the file __init__.py")


def test_a_plugin_directory_that_is_none_is_refused_and_nothing_is_loaded_of_one_that_others_can_change() -> None:
    with box() as made:
        done = made.run("up", "--socket", made.socket, "--state", "state", "--plugins", "/etc/passwd")
        assert done.returncode == 1
        assert "/etc/passwd is not a directory" in done.stderr
        made.save("calc.py", "def one(): return 1\n")
        made.plugins.chmod(0o777)
        with made.up() as node:
            node.wait_line("WARNING.*plugins are not loaded.*/plugins: has mode 0777, so other users can add files")
            done = made.mhsh("-c", f"select class package {PLUGIN_PACKAGE} calc; call one")
            assert "plugin calc is failed: ConfigError: " in done.stdout
            assert "(chmod go-w)" in done.stdout
        done = made.run("doctor", *made.bus.words, "--state", "state", "--plugins", "plugins")
        assert f"FAIL  {made.plugins}: has mode 0777, so other users can add files" in done.stdout
        assert done.returncode == 1


def test_a_call_of_a_plugin_that_did_not_load_says_why() -> None:
    with box() as made:
        made.save("broken.py", "def f(:\n")
        with made.up():
            done = made.mhsh("-c", f"select class package {PLUGIN_PACKAGE} broken; call f")
            assert "plugin broken is failed: SyntaxError: " in done.stdout
            assert "(broken.py, line 1)" in done.stdout
            assert done.returncode == 2  # the host has answered


def test_version_and_help_need_nothing_and_bad_options_exit_with_64() -> None:
    with box() as made:
        assert made.run("--version").stdout.startswith("matahari 0.")
        assert "--plugins" in made.run("up", "--help").stdout
        assert made.run("up", "--nonsense").returncode == 64
        assert made.run("agent", "--only", "hots").returncode == 64


def _during_a_call(call: object, made: Box, disturb: object) -> Results:
    """Run ``disturb`` while a call of ``slow`` is under way; returns its results."""
    assert callable(call)
    assert callable(disturb)
    found: list[Results] = []
    flag = made.home / "started"
    thread = threading.Thread(target=lambda: found.append(call("slow", str(flag), timeout=60.0)))
    thread.start()
    _wait_file(flag)
    disturb()
    thread.join(20 * TIME)
    assert not thread.is_alive(), "the call went on waiting"
    return found[0]


def _wait_file(path: Path) -> None:
    waiter = threading.Event()
    for _ in range(int(2000 * TIME)):
        if path.exists():
            return
        waiter.wait(0.01)
    raise AssertionError(f"{path} did not appear")


def _wait_hosts(hosts: object, expected: list[str]) -> None:
    assert callable(hosts)
    waiter = threading.Event()
    found: list[str] = []
    for _ in range(int(2000 * TIME)):
        found = [host.name for host in hosts()]
        if found == expected:
            return
        waiter.wait(0.01)
    raise AssertionError(f"{found} instead of {expected}")

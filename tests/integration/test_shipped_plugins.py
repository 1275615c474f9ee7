"""The shipped plugins in a real node on this system, called through the console."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from matahari.console.sync import Console
from matahari.errors import PluginLoadError, RemoteError
from matahari.plugin import Context, running
from matahari.testing import Plugin
from plugins import nettest
from tests.support.node import BIN, PLUGIN_PACKAGE, TIME, Box, box

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

SHIPPED = Path(__file__).parents[2] / "plugins"
NAMES = ("filemgr", "nettest", "package", "process", "rpcutil")


class Host:
    """One node with the shipped plugins; ``files`` is the only root of filemgr."""

    def __init__(self, node: Box, console: Console) -> None:
        self.files = node.home / "files"
        self.plugins = node.plugins
        self.console = console

    def call(self, plugin: str, method: str, /, *args: object, **kwargs: object) -> object:
        found = self.console.select(plugin, package=PLUGIN_PACKAGE)
        [result] = found.call_with(method, args, kwargs, timeout=100 * TIME)
        if result.error is not None:
            raise result.error
        return result.value

    def map(self, plugin: str, method: str, /, *args: object, **kwargs: object) -> dict[str, object]:
        """A call whose answer is a map."""
        value = self.call(plugin, method, *args, **kwargs)
        assert isinstance(value, dict), value
        return value

    def error(self, plugin: str, method: str, /, *args: object, **kwargs: object) -> RemoteError:
        with pytest.raises(RemoteError) as caught:
            self.call(plugin, method, *args, **kwargs)
        return caught.value


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with box() as node:
        for name in NAMES:
            source = SHIPPED / name
            if source.is_dir():
                shutil.copytree(source, node.plugins / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source.with_suffix(".py"), node.plugins)
        files = node.home / "files"
        files.mkdir()
        (node.plugins / "filemgr.toml").write_text(f'[settings]\nroots = ["{files}"]\n')
        with node.up("--hostname", "alpha"), node.connect() as console:
            for name in NAMES:
                node.wait_plugin(console, name, lambda values: values["state"] == "ready")
            yield Host(node, console)


def listed(host: Host, **filters: object) -> list[dict[str, object]]:
    found = host.map("process", "list", **filters)["processes"]
    assert isinstance(found, list)
    return found


def test_every_method_says_what_it_takes_and_what_it_does(host: Host) -> None:
    methods = {
        "filemgr": {"digest", "read", "remove", "roots", "stat", "touch"},
        "nettest": {"connect", "ping", "resolve"},
        "package": {"install", "list", "remove", "search", "status", "update_check"},
        "process": {"list", "signal", "tree"},
        "rpcutil": {"facts", "get_fact", "inventory", "list_plugins", "ping", "statistics"},
    }
    for name, expected in methods.items():
        values = host.console.select(name, package=PLUGIN_PACKAGE)[0].values
        told = values["methods"]
        assert isinstance(told, dict)
        assert set(told) == expected
        for method, description in told.items():
            assert isinstance(description, dict)
            assert str(description["doc"]).partition("\n")[0].endswith("."), f"{name}.{method}"


class TestRpcutil:
    def test_ping_inventory_and_facts_tell_of_this_host(self, host: Host) -> None:
        assert host.map("rpcutil", "ping", "hello")["text"] == "hello"
        inventory = host.map("rpcutil", "inventory")
        assert inventory["plugins"] == list(NAMES)
        assert inventory["facts"] == host.map("rpcutil", "facts")
        assert host.call("rpcutil", "get_fact", "kernel.name") == "Linux"
        assert host.call("rpcutil", "get_fact", "cpu.count") == os.cpu_count()
        assert "did you mean" in str(host.error("rpcutil", "get_fact", "kernel.nam"))

    def test_the_list_of_plugins_is_that_of_the_directory(self, host: Host) -> None:
        told = host.map("rpcutil", "list_plugins")
        assert told["directory"] == str(host.plugins)
        assert isinstance(told["plugins"], list)
        assert [plugin["name"] for plugin in told["plugins"]] == list(NAMES)

    def test_statistics_name_the_agent_and_the_worker(self, host: Host) -> None:
        told = host.map("rpcutil", "statistics")
        agent, parent, worker = (told[name] for name in ("agent", "warm_parent", "worker"))
        assert isinstance(agent, dict)
        assert isinstance(parent, dict)
        assert isinstance(worker, dict)
        assert "up" in psutil.Process(agent["pid"]).cmdline()
        assert (parent["name"], worker["name"]) == ("mh-plugins", "mh-rpcutil")
        assert agent["memory_bytes"] > 1_000_000


class TestProcess:
    def test_the_list_finds_this_test(self, host: Host) -> None:
        found = listed(host, name=psutil.Process().name(), user=psutil.Process().username(), limit=1000)
        [mine] = [one for one in found if one["pid"] == os.getpid()]
        assert mine["ppid"] == os.getppid()
        assert "pytest" in str(mine["command"])

    def test_the_tree_shows_a_child_below_this_test(self, host: Host) -> None:
        branches = host.call("process", "tree", os.getpid())
        assert isinstance(branches, list)
        assert (branches[0]["pid"], branches[0]["depth"]) == (os.getpid(), 0)
        assert all(branch["depth"] >= 1 for branch in branches[1:])
        assert any("matahari" in branch["command"] for branch in branches[1:])

    def test_a_signal_reaches_only_the_process_that_was_meant(self, host: Host) -> None:
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
            try:
                [one] = [one for one in listed(host, name="python*", limit=1000) if one["pid"] == child.pid]
                ticks = one["start_ticks"]
                assert isinstance(ticks, int)
                error = host.error("process", "signal", child.pid, ticks - 1, "KILL")
                assert "has been given to another process" in str(error)
                assert error.remote_type == "LookupError"
                assert child.poll() is None
                told = host.map("process", "signal", child.pid, ticks, name="TERM", wait=10)
                assert (told["signal"], told["ended"]) == ("TERM", True)
                assert child.wait(10 * TIME) == -15
            finally:
                child.kill()

    def test_the_agent_its_parent_of_workers_and_the_first_process_are_refused(self, host: Host) -> None:
        told = host.map("rpcutil", "statistics")
        for role in ("agent", "warm_parent"):
            process = told[role]
            assert isinstance(process, dict)
            [one] = [one for one in listed(host, limit=1000) if one["pid"] == process["pid"]]
            error = host.error("process", "signal", one["pid"], one["start_ticks"], "KILL")
            assert error.remote_type == "PermissionError"
        assert host.error("process", "signal", 1, 0, "KILL").remote_type == "PermissionError"
        assert host.error("process", "signal", 0, 0).remote_type == "ValueError"
        assert host.map("rpcutil", "ping")["text"] == ""


class TestFilemgr:
    def test_a_file_is_touched_looked_at_read_and_removed(self, host: Host) -> None:
        path = host.files / "story.txt"
        assert host.map("filemgr", "touch", str(path))["created"] is True
        path.write_text("grüße\n")
        assert host.map("filemgr", "stat", str(path))["size"] == 8
        assert host.map("filemgr", "digest", str(path))["digest"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert host.map("filemgr", "read", str(path))["content"] == "grüße\n"
        assert host.map("filemgr", "remove", str(path))["kind"] == "file"
        assert not path.exists()

    def test_the_largest_piece_fits_into_an_answer(self, host: Host) -> None:
        content = os.urandom(700_000)
        (host.files / "large").write_bytes(content)
        first = host.map("filemgr", "read", str(host.files / "large"), length=524288, encoding="base64")
        second = host.map(
            "filemgr", "read", str(host.files / "large"), first["next_offset"], length=524288, encoding="base64"
        )
        assert b"".join(base64.b64decode(str(piece["content"])) for piece in (first, second)) == content
        assert second["is_end"] is True

    def test_nothing_outside_of_the_root_is_reached(self, host: Host) -> None:
        assert host.call("filemgr", "roots") == [str(host.files)]
        (host.files / "way").symlink_to("/etc")
        for path in ("/etc/passwd", f"{host.files}/way/passwd", f"{host.files}/../plugins/filemgr.py"):
            for method in ("stat", "digest", "read", "touch", "remove"):
                assert host.error("filemgr", method, path).remote_type == "PermissionError", path
        assert (host.plugins / "filemgr.py").exists()


class TestNettest:
    def test_a_listening_socket_is_connected_to_and_a_closed_one_refused(self, host: Host) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            told = host.map("nettest", "connect", "localhost", port, family="ipv4")
            assert (told["connected"], told["address"], told["error"]) == (True, "127.0.0.1", "")
            server.settimeout(10 * TIME)
            server.accept()[0].close()
        told = host.map("nettest", "connect", "127.0.0.1", port)
        assert (told["connected"], told["error"]) == (False, "Connection refused")

    def test_names_and_addresses_are_resolved(self, host: Host) -> None:
        assert host.map("nettest", "resolve", "localhost")["values"] == ["127.0.0.1"]
        assert "localhost" in str(host.map("nettest", "resolve", "127.0.0.1", "PTR")["values"])
        nobody = host.map("nettest", "resolve", "no-such-host.invalid", timeout=20)
        assert nobody["values"] == []
        assert nobody["error"]

    def test_the_loopback_answers_an_echo_request(self, host: Host) -> None:
        told = host.map("nettest", "ping", "127.0.0.1", count=2)
        assert (told["sent"], told["received"], told["loss_percent"]) == (2, 2, 0.0)
        assert isinstance(told["avg_ms"], float)

    @pytest.mark.root  # who alone may make a network of its own
    def test_a_plain_user_sends_echo_requests_where_the_system_lets_them(self) -> None:
        """Without rights to raw sockets, as ``net.ipv4.ping_group_range`` allows it."""
        code = (
            "from matahari.plugin import Context, running\nfrom plugins import nettest\n"
            "with running(Context('nettest')):\n    told = nettest.ping('127.0.0.1', 2)\n"
            "print(told['via'], told['sent'], told['received'])\n"
        )
        network = "ip link set lo up && echo 0 65534 > /proc/sys/net/ipv4/ping_group_range"
        plain = "exec setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all"
        done = subprocess.run(
            ["unshare", "--net", "sh", "-c", f'{network} && {plain} "$@"', "sh", sys.executable, "-c", code],
            cwd=SHIPPED.parent,
            capture_output=True,
            text=True,
            timeout=60 * TIME,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("icmp 2 2\n", "")

    def test_whoever_may_not_send_them_is_told_what_to_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(nettest, "_icmp_socket", lambda kind: None)
        monkeypatch.setattr(nettest, "_PATH", "/nonexistent")
        error = (
            r"may not send echo requests, and no ping program is in .*; widen the sysctl net\.ipv4\.ping_group_range"
        )
        with running(Context("nettest")), pytest.raises(PermissionError, match=error):
            nettest.ping("127.0.0.1")


class TestAlone:
    """Without a node, as their authors try them."""

    @pytest.mark.parametrize("name", NAMES)
    def test_lint_finds_nothing(self, name: str, tmp_path: Path) -> None:
        path = SHIPPED / name if (SHIPPED / name).is_dir() else SHIPPED / f"{name}.py"
        words: list[str | Path] = [BIN / "matahari", "plugin", "lint", "--json", path]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60 * TIME, check=False)
        found = json.loads(done.stdout)
        assert (found["ok"], found["findings"]) == (True, [])

    def test_a_root_that_is_no_absolute_path_keeps_filemgr_from_being_loaded(self, tmp_path: Path) -> None:
        for roots, text in (
            (["srv"], "the setting roots has 'srv'"),
            (["/a/../b"], "path without"),
            ("/srv", "valid array"),
        ):
            with pytest.raises(PluginLoadError, match=text):
                Plugin(SHIPPED / "filemgr.py", settings={"roots": roots})
        with Plugin(SHIPPED / "filemgr.py", settings={"roots": [str(tmp_path)]}) as plugin:
            assert plugin.call("roots") == [str(tmp_path)]
            assert plugin.status.settings is not None

    def test_echo_requests_tell_how_far_they_are(self) -> None:
        with Plugin(SHIPPED / "nettest.py") as plugin:
            record = plugin.record("ping", "127.0.0.1", 2)
        assert record.failure is None
        assert (record.progress[-1].done, record.progress[-1].total) == (2, 2)


class TestPackage:
    """On Debian and what is like it: dpkg and apt are asked about themselves."""

    def test_the_status_of_dpkgs_own_package(self, host: Host) -> None:
        version = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", "dpkg"], capture_output=True, text=True, check=True
        ).stdout
        told = host.map("package", "status", "dpkg")
        assert (told["backend"], told["installed"]) == ("dpkg", True)
        assert isinstance(told["instances"], list)
        assert told["instances"][0]["version"] == version
        assert host.map("package", "status", "no-such-package")["instances"] == []

    def test_the_list_has_what_matches(self, host: Host) -> None:
        found = host.map("package", "list", "dpk?")["packages"]
        assert isinstance(found, list)
        assert [one["name"] for one in found] == ["dpkg"]

    def test_a_search_looks_at_all_words(self, host: Host) -> None:
        found = host.map("package", "search", "dpkg management", limit=4000)["packages"]
        assert isinstance(found, list)
        assert "dpkg" in [one["name"] for one in found]
        assert host.map("package", "search", "d.kg management system")["packages"] == []

    def test_dry_runs_plan_and_change_nothing(self, host: Host) -> None:
        before = Path("/var/lib/dpkg/status").read_bytes()
        told = host.map("package", "remove", "dpkg-dev", dependents=True, dry_run=True)
        if host.map("package", "status", "dpkg-dev")["installed"]:
            assert isinstance(told["actions"], list)
            assert "dpkg-dev" in [action["name"] for action in told["actions"]]
        assert told["changed"] is False
        assert host.map("package", "install", "dpkg", dry_run=True)["changed"] is False
        assert host.error("package", "install", "no-such.package", dry_run=True).remote_type == "LookupError"
        assert host.error("package", "install", "-y", dry_run=True).remote_type == "ValueError"
        assert Path("/var/lib/dpkg/status").read_bytes() == before

    def test_the_essential_is_not_removed(self, host: Host) -> None:
        error = host.error("package", "remove", "dpkg", dependents=True, dry_run=True)
        assert error.remote_type == "PackageError"

    @pytest.mark.root  # who alone may take the lock
    def test_a_lock_that_another_program_holds_is_told_at_once(self, host: Host) -> None:
        with open("/var/lib/apt/lists/lock", "w") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            error = host.error("package", "update_check", refresh=True)
        assert error.remote_type == "PackageLockedError"
        assert "try again later" in str(error)

    def test_updates_have_both_versions(self, host: Host) -> None:
        told = host.map("package", "update_check")
        assert told["refreshed"] is False
        assert isinstance(told["updates"], list)
        assert all(one["installed"] and one["available"] for one in told["updates"])

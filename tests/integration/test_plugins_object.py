"""Reloading from afar, limits and settings beside a plugin, and the events that go with it, through a real node."""

from __future__ import annotations

import os
import pwd
import queue
from collections.abc import Callable, Iterator, Mapping

import pytest

from matahari.console import ConsoleEvent
from matahari.console.sync import Console
from matahari.errors import MatahariError
from matahari.qmf import Value
from tests.support.node import PLUGIN_PACKAGE, TIME, Box, box

pytestmark = pytest.mark.integration

RPC = "org.matahariproject.rpc"


@pytest.fixture
def node() -> Iterator[Box]:
    with box() as made:
        made.save("disks.py", "def one():\n    return 1\n")
        with made.up():
            yield made


def ready(values: Mapping[str, Value]) -> bool:
    return values["state"] == "ready"


def ask(console: Console, method: str, *arguments: str) -> Mapping[str, object]:
    """Call a method of the Plugins object of the one host."""
    [result] = console.select("Plugins", package=RPC).call(method, *arguments)
    assert result.error is None, result.error
    assert isinstance(result.value, dict)
    return result.value


def refused(console: Console, name: str, method: str, *arguments: str, package: str = PLUGIN_PACKAGE) -> MatahariError:
    [result] = console.select(name, package=package).call(method, *arguments)
    assert result.error is not None, result.value
    return result.error


def generation(number: int) -> Callable[[Mapping[str, Value]], bool]:
    return lambda values: values["generation"] == number


def test_a_reload_from_afar_answers_what_changed(node: Box) -> None:
    with node.connect() as console:
        node.wait_plugin(console, "disks", ready)
        answer = ask(console, "reload", "disks")
        assert (answer["old_generation"], answer["generation"], answer["state"]) == (1, 2, "ready")
        assert (answer["added"], answer["removed"], answer["changed"]) == ([], [], [])
        listed = ask(console, "list")
        assert isinstance(listed, dict)
        assert listed["disks"]["generation"] == 2
        status = ask(console, "status", "disks")
        assert status["methods"] == ["one"]
        memory = status["worker_memory"]
        assert isinstance(memory, int)
        assert memory > 1_000_000


def test_a_reload_all_answers_for_every_plugin_and_an_unknown_name_is_refused(node: Box) -> None:
    with node.connect() as console:
        node.wait_plugin(console, "disks", ready)
        node.save("nets.py", "def two():\n    return 2\n")
        node.wait_plugin(console, "nets", ready)
        answers = ask(console, "reload_all")
        assert sorted(answers) == ["disks", "nets"]
        error = refused(console, "Plugins", "reload", "disk", package=RPC)
        assert "no plugin disk; did you mean 'disks'?" in str(error)


def test_events_tell_of_loads_failures_crashes_and_removals(node: Box) -> None:
    with node.connect() as console:
        node.wait_plugin(console, "disks", ready)
        events: queue.Queue[ConsoleEvent] = queue.Queue()

        def wait(name: str) -> Mapping[str, Value]:
            while True:
                event = events.get(timeout=20 * TIME)
                if event.name == name:
                    return event.values

        with console.listen(events.put):
            node.save("disks.py", "import os\ndef one():\n    os._exit(3)\n")
            loaded = wait("plugin_loaded")
            assert (loaded["name"], loaded["generation"], loaded["state"]) == ("disks", 2, "ready")
            node.save("disks.py", "def one(:\n")
            failed = wait("plugin_failed")
            assert (failed["generation"], failed["state"]) == (2, "degraded")
            assert isinstance(failed["error"], dict)
            assert (failed["error"]["type"], failed["error"]["line"]) == ("SyntaxError", 1)
            refused(console, "disks", "one")
            crashed = wait("plugin_crashed")
            assert isinstance(crashed["error"], dict)
            assert "ended with exit status 3" in str(crashed["error"]["text"])
            (node.plugins / "disks.py").unlink()
            assert wait("plugin_removed")["name"] == "disks"


def test_a_file_beside_the_plugin_sets_its_limits_and_a_faulty_one_changes_nothing(node: Box) -> None:
    with node.connect() as console:
        node.wait_plugin(console, "disks", ready)
        node.save(
            "disks.toml", "[limits]\nconcurrency = 3\nopen_files = 64\nnice = 2\n[limits.environment]\nCOLOUR = 'red'\n"
        )
        node.save(
            "disks.py",
            "import os, resource\n"
            "def seen():\n"
            "    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]\n"
            "    return [files, os.environ['COLOUR'], os.nice(0)]\n",
        )
        node.wait_plugin(console, "disks", lambda values: "seen" in str(values["methods"]) and ready(values))
        [result] = console.select("disks", package=PLUGIN_PACKAGE).call("seen")
        assert result.value == [64, "red", os.nice(0) + 2]
        limits = ask(console, "status", "disks")["limits"]
        assert isinstance(limits, dict)
        assert limits["concurrency"] == 3
        node.save("disks.toml", "[limits]\nconcurency = 3\n")
        values = node.wait_plugin(console, "disks", lambda values: values["state"] == "degraded")
        assert isinstance(values["last_error"], dict)
        assert "did you mean concurrency?" in str(values["last_error"]["text"])
        [result] = console.select("disks", package=PLUGIN_PACKAGE).call("seen")
        assert result.ok
        (node.plugins / "disks.toml").unlink()
        node.wait_plugin(console, "disks", ready)
        limits = ask(console, "status", "disks")["limits"]
        assert isinstance(limits, dict)
        assert limits["concurrency"] == 8


@pytest.mark.root
def test_a_plugin_may_run_as_another_user(node: Box) -> None:
    nobody = pwd.getpwnam("nobody")
    node.save("who.toml", '[limits]\nuser = "nobody"\n')
    node.save(
        "who.py", "import os\ndef am_i():\n    return [os.getuid(), os.getgid(), os.getgroups(), os.environ['USER']]\n"
    )
    with node.connect() as console:
        node.wait_plugin(console, "who", ready)
        [result] = console.select("who", package=PLUGIN_PACKAGE).call("am_i")
        groups = os.getgrouplist("nobody", nobody.pw_gid)
        assert result.value == [nobody.pw_uid, nobody.pw_gid, groups, "nobody"]


def test_a_quarantined_plugin_is_back_after_a_reload(node: Box) -> None:
    node.save("bad.py", "import os\ndef die():\n    os._exit(1)\ndef live():\n    return 1\n")
    with node.connect() as console:
        node.wait_plugin(console, "bad", ready)
        for _ in range(5):
            refused(console, "bad", "die")
        node.wait_plugin(console, "bad", lambda values: values["state"] == "quarantined")
        assert ask(console, "reload", "bad")["state"] == "ready"
        [result] = console.select("bad", package=PLUGIN_PACKAGE).call("live")
        assert result.value == 1


def test_a_time_out_shows_what_was_printed_so_far(node: Box) -> None:
    node.save("slow.toml", "[limits]\ncall_timeout = 0.5\n")
    node.save("slow.py", "import time\ndef nap():\n    print('half way')\n    time.sleep(30)\n")
    with node.connect() as console:
        node.wait_plugin(console, "slow", ready)
        error = refused(console, "slow", "nap")
        assert "slow.nap took longer than 0.5 s; its process printed last:\nhalf way" in str(error)


def test_the_plugins_object_says_what_is_there(node: Box) -> None:
    with node.connect() as console:
        node.wait_plugin(console, "disks", ready)
        [found] = console.select("Plugins", package=RPC)
        assert (found.values["states"], found.values["loaded"]) == ({"disks": "ready"}, 1)
        with console.subscribe("Plugins", package=RPC, interval=1) as changes:
            assert changes.next(20 * TIME) is not None
            node.save("nets.py", "def two():\n    return 2\n")
            for change in changes:
                if change.object.values["states"] == {"disks": "ready", "nets": "ready"}:
                    break

"""Reloading a plugin of a real node, seen from a console: no call is lost, and each answer says what has changed."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from matahari.console.sync import Console
from matahari.qmf import Value
from tests.support.node import BIN, PLUGIN_PACKAGE, TIME, Box, Program, box

pytestmark = pytest.mark.integration

RPC = "org.matahariproject.rpc"
SAVES = 200
CALLERS = 64


@pytest.fixture
def node() -> Iterator[Box]:
    with box() as made, made.up():
        yield made


def ready(values: Mapping[str, Value]) -> bool:
    return values["state"] == "ready"


def ask(console: Console, name: str, method: str, *arguments: object, package: str = PLUGIN_PACKAGE) -> Value:
    [result] = console.select(name, package=package).call(method, *arguments)
    assert result.error is None, result.error
    return result.value  # type: ignore[return-value]  # what a host answers is a value of the bus


def reload(console: Console, name: str) -> dict[str, Value]:
    answer = ask(console, "Plugins", "reload", name, package=RPC)
    assert isinstance(answer, dict)
    return answer


def numbered(number: int) -> str:
    return (
        f"import time\nFIRST = {number}\n__all__ = ['ask', 'only_{number}']\n"
        f"def ask():\n    time.sleep(0.002)\n    return [FIRST, {number}]\ndef only_{number}(): return {number}\n"
    )


def test_no_call_of_64_callers_through_the_broker_is_lost_in_200_saves(node: Box) -> None:
    """Calls are checked against what was selected before the first save; the one method has stayed as it is."""
    node.save("hot.py", numbered(0))
    with node.connect() as console:
        node.wait_plugin(console, "hot", ready)
        seen: set[object] = set()

        async def story() -> None:
            is_over = asyncio.Event()
            async with node.connect_async() as fast:
                hot = await fast.select("hot", package=PLUGIN_PACKAGE)

                async def caller() -> None:
                    while not is_over.is_set():
                        [result] = await hot.call("ask", timeout=30 * TIME)
                        assert result.error is None, result.error
                        assert isinstance(result.value, list)
                        first, second = result.value
                        assert first == second  # wholly from one version
                        seen.add(first)

                async with asyncio.TaskGroup() as callers:
                    for _ in range(CALLERS):
                        callers.create_task(caller())
                    for number in range(1, SAVES + 1):
                        node.save("hot.py", numbered(number))
                        # Every third is replaced while it is being loaded.
                        if number % 3 and number != SAVES:
                            async with asyncio.timeout(30 * TIME):
                                while number not in seen:
                                    await asyncio.sleep(0)
                    [status] = await (await fast.select("Plugins", package=RPC)).call("reload", "hot")
                    assert status.error is None
                    [last] = await hot.call("ask")
                    assert last.value == [SAVES, SAVES]
                    is_over.set()

        asyncio.run(story())
        values = node.wait_plugin(console, "hot", ready)
        assert (values["failures"], values["active"]) == (0, 0)
        methods = values["methods"]
        assert isinstance(methods, dict)
        assert sorted(methods) == ["ask", f"only_{SAVES}"]
        assert len(seen) >= SAVES // 2


BEFORE = "def same(): return 1\ndef gone(): return 1\ndef other(x: int): return x\n"
AFTER = "def same(): return 2\ndef other(x: str): return x\ndef fresh(): return 1\n"


def test_a_reload_tells_both_generations_and_methods_added_removed_and_changed(node: Box) -> None:
    """The save is reloaded from afar at once; where the node's own look was first, it is tried again."""
    path = node.save("disks.py", BEFORE)
    with node.connect() as console:
        node.wait_plugin(console, "disks", ready)
        for source, other in itertools.islice(itertools.cycle([(AFTER, BEFORE), (BEFORE, AFTER)]), 20):
            old = reload(console, "disks")["generation"]
            path.write_text(source)
            told = reload(console, "disks")
            if told["old_generation"] != old:
                continue  # it was loaded before it could be asked for
            assert isinstance(old, int)
            assert told["generation"] == old + 1
            names = {AFTER: "fresh", BEFORE: "gone"}
            assert (told["added"], told["removed"], told["changed"]) == ([names[source]], [names[other]], ["other"])
            assert (told["state"], told["last_error"]) == ("ready", {})
            return
        raise AssertionError("each time the node itself was first")


def test_a_version_that_does_not_load_is_told_whole_and_the_old_one_serves(node: Box) -> None:
    good = "def one(): return 1\n"
    path = node.save("disks.py", good)
    with node.connect() as console:
        values = node.wait_plugin(console, "disks", ready)
        assert values["digest"] == f"sha256:{hashlib.sha256(good.encode()).hexdigest()}"
        path.write_text("import os\n\ndef one(): return 2\n\nos.no_such_name\n")
        told = reload(console, "disks")
        assert (told["generation"], told["state"], told["added"], told["changed"]) == (1, "degraded", [], [])
        values = node.wait_plugin(console, "disks", lambda values: values["state"] == "degraded")
        error = values["last_error"]
        assert isinstance(error, dict)
        assert (error["type"], error["file"], error["line"]) == ("AttributeError", str(path), 5)
        assert "no_such_name" in str(error["text"])
        assert 'disks.py", line 5' in str(error["traceback"])
        assert "os.no_such_name" in str(error["traceback"])
        assert values["digest"] == f"sha256:{hashlib.sha256(good.encode()).hexdigest()}"  # of what is in service
        assert ask(console, "disks", "one") == 1


def test_the_digest_of_the_schemas_changes_with_what_callers_depend_on_and_with_nothing_else(node: Box) -> None:
    path = node.save("disks.py", "def one(x: int):\n    return 1\n")
    digests = []
    with node.connect() as console:
        node.wait_plugin(console, "disks", ready)
        for source in ("def one(x: int):\n    return 2\n", "def one(x: str):\n    return 2\n"):
            values = node.wait_plugin(console, "disks", ready)
            digests.append((values["digest"], values["schema_digest"]))
            path.write_text(source)
            reload(console, "disks")
        values = node.wait_plugin(console, "disks", ready)
        digests.append((values["digest"], values["schema_digest"]))
    code, schemas = zip(*digests, strict=True)
    assert len(set(code)) == 3
    assert schemas[0] == schemas[1] != schemas[2]
    assert str(schemas[0]).startswith("sha256:")


def test_a_plugin_is_asked_on_reload_whether_it_is_for_this_host(node: Box) -> None:
    """The interval is a minute; the reason is to be seen from afar."""
    marker = node.home / "hardware"
    node.save(
        "card.py",
        f"import os\ndef here(): return True\ndef activate(): return os.path.exists({str(marker)!r}), 'looked for it'\n",
    )
    with node.connect() as console:
        values = node.wait_plugin(console, "card", lambda values: values["state"] == "inactive")
        assert values["reason"] == "looked for it"
        marker.touch()
        assert reload(console, "card")["state"] == "ready"
        assert ask(console, "card", "here") is True
        marker.unlink()
        assert reload(console, "card")["state"] == "inactive"


def maps(pid: int) -> str:
    return Path(f"/proc/{pid}/maps").read_text()


def test_the_warm_parent_has_imported_nothing_of_any_plugin(node: Box) -> None:
    """A library that only one plugin uses is in the memory of its worker, and of no other process."""
    node.save("reader.py", "import os, sqlite3\nSTATE = {}\ndef pid(): return os.getpid()\n")
    look = "import os, sys\ndef pid(): return os.getpid()\ndef known(): return sorted(sys.modules)\n"
    with node.connect() as console:
        node.wait_plugin(console, "reader", ready)
        node.save("look.py", look)
        node.wait_plugin(console, "look", ready)
        reader, other = ask(console, "reader", "pid"), ask(console, "look", "pid")
        assert isinstance(reader, int)
        assert isinstance(other, int)
        parent = psutil.Process(reader).ppid()
        assert psutil.Process(other).ppid() == parent
        assert "_sqlite3" in maps(reader)
        assert "_sqlite3" not in maps(parent)
        assert "_sqlite3" not in maps(other)
        known = ask(console, "look", "known")
        assert isinstance(known, list)
        assert "matahari_plugins.look" in known
        assert not [name for name in known if "reader" in str(name) or "sqlite3" in str(name)]


@pytest.mark.root
@pytest.mark.embedded
@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_where_inotify_is_full_polling_takes_over_and_says_so(limit: str) -> None:
    """In a user namespace with a limit of its own, as when all the user's instances or watches are taken."""
    unshare = shutil.which("unshare")
    assert unshare is not None
    with box() as made:
        made.save("disks.py", "def one(): return 1\n")
        full = f'echo 0 > /proc/sys/user/{limit} && exec "$@"'
        words = ("--user", "--map-root-user", "sh", "-c", full, "sh", BIN / "matahari", *made.up_words)
        with Program(unshare, *words, cwd=made.home) as node:
            node.wait_line("^ready ")
            node.wait_line("WARNING.*cannot be watched.*it is looked at twice a second")
            with made.connect() as console:
                made.wait_plugin(console, "disks", ready)
                made.save("disks.py", "def one(): return 2\n")
                made.wait_plugin(console, "disks", lambda values: values["generation"] == 2, timeout=5.0)
                assert ask(console, "disks", "one") == 2
                made.save("nets.py", "def two(): return 2\n")
                made.wait_plugin(console, "nets", ready, timeout=5.0)
            assert node.stop() == 0

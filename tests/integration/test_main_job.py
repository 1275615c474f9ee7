"""The main job through every layer: a file is dropped in and called on the bus. Real processes, one node."""

from __future__ import annotations

import asyncio
import queue
import signal
import subprocess
from collections.abc import Iterator

import pytest

from matahari.console import ConsoleEvent
from matahari.errors import (
    AbortedError,
    CrashedError,
    InvalidArgumentError,
    MissingArgumentError,
    NoAgentsError,
    RefusedError,
    RemoteError,
    RequestTimeoutError,
    SchemaError,
    UnexpectedError,
    UnknownActionError,
)
from tests.support.buses import EmbeddedBus
from tests.support.node import BIN, PLUGIN_PACKAGE, TIME, Box, box, environment

pytestmark = [pytest.mark.integration, pytest.mark.together]

FIRST = '''
import os

def greet(name: str, times: int = 1) -> str:
    """Say hello."""
    print("somebody is greeted")
    return " ".join([f"hello {name}"] * times)

def where() -> int:
    return os.getpid()

def fail():
    raise KeyError("no such thing")

def die():
    os._exit(7)

def not_json():
    return {1, 2}

def huge():
    return "x" * 5_000_000
'''


@pytest.fixture(scope="module")
def node() -> Iterator[Box]:
    with box() as made:
        made.save("first.py", FIRST)
        with made.up("--hostname", "alpha"):
            yield made


def test_the_session_of_the_introduction_works_as_printed(node: Box) -> None:
    """The introduction's Figure 7, with a plugin of ours."""
    done = node.mhsh(
        "-",
        stdin=f"list hosts\nselect class package {PLUGIN_PACKAGE} first\ncall greet you\nselect class Host\n"
        "select host alpha\nget hostname\nget update_interval\n",
    )
    assert done.stdout.splitlines() == ["alpha", "alpha: hello you", "alpha: alpha", "alpha: 5"]
    assert done.returncode == 0, done.stderr


def test_a_call_runs_in_a_process_of_its_own(node: Box) -> None:
    with node.connect() as console:
        plugin = console.select("first", package=PLUGIN_PACKAGE)
        pids = {plugin.call("where").values()[0] for _ in range(3)}
    assert len(pids) == 1


def test_the_outcome_of_every_kind_of_fault_is_typed_and_says_what_to_do(node: Box) -> None:
    with node.connect() as console:
        plugin = console.select("first", package=PLUGIN_PACKAGE)

        def error(method: str, *args: object, **kwargs: object) -> RemoteError:
            [result] = plugin.call_with(method, args, kwargs)
            assert isinstance(result.error, RemoteError), result
            return result.error

        raised = error("fail")
        assert type(raised) is AbortedError
        assert (raised.remote_type, str(raised)) == ("KeyError", "KeyError: 'no such thing'")
        assert "fail" in raised.remote_traceback
        with pytest.raises(MissingArgumentError) as missing:
            plugin.call("greet")
        assert missing.value.kind == "missing_argument"
        with pytest.raises(InvalidArgumentError, match="name") as wrong:
            plugin.call("greet", name=5)
        assert wrong.value.kind == "invalid_argument"
        with pytest.raises(InvalidArgumentError, match="times"):
            plugin.call("greet", "you", tims=2)
        assert isinstance(error("not_json"), UnexpectedError)
        large = error("huge")
        assert isinstance(large, UnexpectedError)
        assert large.kind == "too_large"
        died = error("die")
        assert isinstance(died, CrashedError)
        assert "7" in str(died)
        node.wait_plugin(console, "first", lambda values: values["state"] == "ready")
        assert plugin.call("greet", "you").values() == ["hello you"]
        with pytest.raises(UnknownActionError, match="greet"):
            plugin.call("gret")


def test_a_plugin_comes_is_edited_breaks_and_goes(node: Box) -> None:
    with node.connect() as console:
        path = node.save("second.py", "def one():\n    return 1\n")
        node.wait_plugin(console, "second", lambda values: values["state"] == "ready")
        assert console.select("second", package=PLUGIN_PACKAGE).call("one").values() == [1]

        node.save("second.py", "def one():\n    return 11\ndef two():\n    return 2\n")
        node.wait_plugin(console, "second", lambda values: values["generation"] == 2)
        plugin = console.select("second", package=PLUGIN_PACKAGE)
        assert plugin.call("one").values() + plugin.call("two").values() == [11, 2]

        node.save("second.py", "def one(:\n")
        values = node.wait_plugin(console, "second", lambda values: values["state"] == "degraded")
        error = values["last_error"]
        assert isinstance(error, dict)
        assert (error["type"], error["line"]) == ("SyntaxError", 1)
        assert plugin.call("one").values() == [11]

        path.unlink()
        gone = queue.Queue[bool]()
        while not gone.qsize():
            try:
                if not console.select("second", package=PLUGIN_PACKAGE):
                    gone.put(True)
            except NoAgentsError:
                gone.put(True)


@pytest.mark.parametrize(
    ("name", "source", "error"),
    [
        ("syntax", "def f(:\n", "SyntaxError"),
        ("dependency", "import surely_not_installed\n", "ModuleNotFoundError"),
        ("raises", "1 / 0\n", "ZeroDivisionError"),
        ("exits", "import os\nos._exit(3)\n", ""),
    ],
)
def test_a_plugin_that_never_loaded_is_on_the_bus_with_its_error(node: Box, name: str, source: str, error: str) -> None:
    path = node.save(f"{name}.py", source)
    with node.connect() as console:
        values = node.wait_plugin(console, name, lambda values: values["state"] == "failed")
        last = values["last_error"]
        assert isinstance(last, dict)
        assert error in str(last["type"])
        assert last["text"]
        assert console.select("first", package=PLUGIN_PACKAGE).call("greet", "you").values() == ["hello you"]
    path.unlink()


def test_unknown_names_are_refused_with_a_hint_and_exit_status_1(node: Box) -> None:
    for commands, text in (
        ("select host alhpa", 'Host "alhpa" not found; did you mean alpha?'),
        ("select class Hots", 'Class "org.matahariproject:Hots" not found'),
        (f"select class package {PLUGIN_PACKAGE} frist", "not found"),
        (f"select class package {PLUGIN_PACKAGE} first; call gret", 'Method "gret" not found'),
    ):
        done = node.mhsh("-c", commands)
        assert text in done.stdout
        assert done.returncode == 1, commands
        assert "Traceback" not in done.stdout + done.stderr


def test_a_failed_call_of_a_script_shows_in_its_exit_status(node: Box) -> None:
    done = node.mhsh("-c", f"select class package {PLUGIN_PACKAGE} first; call fail; call greet you")
    assert "KeyError: 'no such thing'" in done.stdout
    assert "hello you" in done.stdout
    assert done.returncode in (2, 3)


def test_json_output_has_stable_keys(node: Box) -> None:
    [record] = node.json(f"select class package {PLUGIN_PACKAGE} first; call greet you")
    assert record["host"] == "alpha"
    assert record["ok"] is True
    assert record["value"] == "hello you"
    assert {"host", "agent", "class", "object", "name", "ok", "value", "error", "duration"} <= set(record)


def test_properties_are_really_written_and_read_only_ones_refused(node: Box) -> None:
    with node.connect() as console:
        host = console.select("Host")
        host.set("update_interval", 2).raise_for_errors()
        assert host.refresh().get("update_interval") == [2]
        host.set("update_interval", 5).raise_for_errors()
        with pytest.raises(RefusedError, match="read-only"):
            host.set("hostname", "beta")
        with pytest.raises(SchemaError, match="no property"):
            host.set("hostnam", "beta")
        with pytest.raises(SchemaError, match="update_interval"):
            host.set("update_interval", "often")
        [refused] = host.call("set_properties", {"hostname": "beta"})
        assert isinstance(refused.error, RefusedError)


@pytest.mark.parametrize("method", ["shutdown", "reboot", "identify"])
def test_dangerous_methods_are_refused_unless_configured(node: Box, method: str) -> None:
    with node.connect() as console:
        [result] = console.select("Host").call(method)
    assert isinstance(result.error, RefusedError)
    assert f"host.allow_{method}" in str(result.error)


def test_events_reach_a_callback(node: Box) -> None:
    heard: queue.Queue[ConsoleEvent] = queue.Queue()
    with node.connect() as console:
        with console.listen(heard.put):
            console.select("Host").set("update_interval", 1).raise_for_errors()
            event = heard.get(timeout=20 * TIME)
        console.select("Host").set("update_interval", 5).raise_for_errors()
    assert (event.kind, event.package, event.name, event.host) == (
        "event",
        "org.matahariproject",
        "heartbeat",
        "alpha",
    )
    assert event.severity == 6
    assert isinstance(event.values["timestamp"], int)
    assert event.values["timestamp"] > 10**18


def test_the_asynchronous_face_does_the_same(node: Box) -> None:
    async def story() -> None:
        waiting = await node.connect_async()
        await waiting.close()
        async with node.connect_async() as console:
            assert [str(host) for host in await console.hosts()] == ["alpha"]
            assert {agent.product for agent in await console.agents(["alpha"])} == {"host", "rpc"}
            assert {"org.matahariproject", PLUGIN_PACKAGE} <= set(await console.packages())
            names = [str(name) for name in await console.classes(PLUGIN_PACKAGE)]
            assert f"{PLUGIN_PACKAGE}:first" in names
            plugin = await console.select("first", package=PLUGIN_PACKAGE, hosts=["alpha"])
            assert [one.value async for one in plugin.call_iter("greet", "you", times=2)] == ["hello you hello you"]
            assert not await console.select("Host", where={"hostname": "beta"})
            with pytest.raises(NoAgentsError, match="No objects selected"):
                await (await console.select("Host", where={"hostname": "beta"})).call("get_uuid", "")
            many = await asyncio.gather(*(plugin.call("greet", str(n)) for n in range(200)))
            assert [one.values() for one in many] == [[f"hello {n}"] for n in range(200)]

    asyncio.run(story())


def test_the_class_agent_is_published_by_every_agent(node: Box) -> None:
    """``matahari-2012.md`` 4.1."""
    with node.connect() as console:
        agents = console.select("Agent")
        assert len(agents) == 2
        assert agents.get("hostname") == ["alpha", "alpha"]
        assert len(set(agents.get("uuid"))) == 1


def test_doctor_finds_nothing_wrong_and_names_the_broker(node: Box) -> None:
    done = node.run("doctor", *node.bus.words, "--state", "doctor-state", "--plugins", "plugins")
    assert done.returncode == 0, done.stdout
    assert "built with TLS" in done.stdout
    assert ("matahari-broker" if isinstance(node.bus, EmbeddedBus) else "RabbitMQ 3.") in done.stdout
    assert "1 host, 2 agents" in done.stdout


@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [(">/dev/full", 4, "mhsh: cannot go on: No space left on device"), (">&-", 0, ""), ("<&-", 0, "")],
)
def test_a_full_disk_or_a_closed_stream_is_no_traceback(node: Box, redirection: str, status: int, said: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {redirection}', BIN / "mhsh", *node.bus.words, "-c", "list hosts"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60 * TIME,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert done.stderr.strip() == said


def test_an_agent_that_does_not_answer_shows_in_output_and_exit_status(node: Box) -> None:
    words = ("--only", "host", "--state", "mute", "--hostname", "beta")
    with node.agent(*words) as mute, node.connect() as console:
        assert [host.name for host in console.hosts()] == ["alpha", "beta"]
        mute.process.send_signal(signal.SIGSTOP)
        found = console.select("Host", timeout=1.0)
        assert [one.host for one in found] == ["alpha"]
        assert [one.host for one in found.unanswered] == ["beta"]
        with pytest.raises(RequestTimeoutError, match=r"matahariproject\.org:host:"):
            console.select("Host", hosts=["beta"], timeout=0.5)
        done = node.mhsh("-t", "1", "-c", "select class Host; get hostname")
        assert "alpha: alpha" in done.stdout
        if isinstance(node.bus, EmbeddedBus):  # others do not tell a new console whom to expect
            assert "did not answer" in done.stdout
            assert done.returncode == 2
        mute.process.send_signal(signal.SIGCONT)
        assert mute.stop() == 0

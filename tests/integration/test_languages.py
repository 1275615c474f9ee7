"""Plugins in another language, run by the program of an extension, in a node."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
import zipapp
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from matahari.console.sync import Console
from matahari.errors import AbortedError, MatahariError, NoAgentsError, RemoteTimeoutError
from matahari.qmf import Value
from tests.support.node import PLUGIN_PACKAGE, TIME, Box, Program, box
from tests.support.plugins import is_alive

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]

EXAMPLES = Path(__file__).parents[2] / "examples/hooks"
PROGRAM = "matahari-shellhost"

TALK = """
# Talks.

# Say hello.
# args: name [greeting]
# effects: read_only
greet() { echo "${2:-Hello}, $1"; }

# args: status
fail() { echo "no luck" >&2; exit "$1"; }

pid() { echo $PPID; }

# args: path
leave() { setsid sleep 1000 >/dev/null 2>&1 & echo $! >"$1"; }

wait_long() { echo begun >&2; sleep 1000; }

settings() { echo "$MATAHARI_SETTINGS"; }
"""

PYTHON = "def f():\n    return 1\n"


@pytest.fixture
def home() -> Iterator[Box]:
    with box() as made:
        (made.home / "hooks").mkdir(mode=0o755)
        (made.home / "bin").mkdir(mode=0o755)
        yield made


def offer(made: Box, name: str, *arguments: str) -> None:
    """An extension with a backend of its own; ``arguments`` are Python."""
    path = made.home / "hooks" / f"{name}.py"
    call = f"LanguageBackend({', '.join(arguments)})"
    path.write_text(
        f"from matahari.hooks import LanguageBackend, hookimpl\n@hookimpl\ndef languages():\n    return [{call}]\n"
    )
    path.chmod(0o644)


def script(made: Box, name: str, body: str) -> Path:
    path = made.home / "bin" / name
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    return path


def install_example(made: Box) -> None:
    path = made.home / "hooks" / "backend.py"
    shutil.copyfile(EXAMPLES / path.name, path)
    path.chmod(0o644)
    zipapp.create_archive(EXAMPLES / "shellhost", made.home / "bin" / PROGRAM, interpreter=sys.executable)


def up(made: Box, *words: str | Path) -> Program:
    path = f"{made.home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return made.up("--hooks", made.home / "hooks", *words, PATH=path)


def ask(console: Console, method: str, *arguments: object, name: str = "talk") -> object:
    [result] = console.select(name, package=PLUGIN_PACKAGE).call(method, *arguments)
    assert result.error is None, result.error
    return result.value


def error_of(console: Console, method: str, *arguments: object) -> MatahariError:
    [result] = console.select("talk", package=PLUGIN_PACKAGE).call(method, *arguments)
    assert result.error is not None, result.value
    return result.error


def host(node: Program, program: str = PROGRAM) -> psutil.Process | None:
    """The warm parent of the language."""
    children = psutil.Process(node.process.pid).children()
    return next((each for each in children if any(program in word for word in _words(each))), None)


def _words(process: psutil.Process) -> list[str]:
    """The command line; nothing of one that has ended meanwhile."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # also what a zombie raises
        return []


def last_error(values: Mapping[str, Value]) -> Mapping[str, Value]:
    error = values["last_error"]
    assert isinstance(error, dict)
    return error


def state_is(state: str) -> Callable[[Mapping[str, Value]], bool]:
    return lambda values: values["state"] == state


def wait_until(reached: Callable[[], bool], text: str) -> None:
    deadline = time.monotonic() + 20 * TIME
    while not reached():
        assert time.monotonic() < deadline, text
        threading.Event().wait(0.02)


def test_a_plugin_of_another_language_is_called_saved_again_and_deleted(home: Box) -> None:
    install_example(home)
    home.save("plain.py", PYTHON)
    with up(home) as node, home.connect() as console:
        assert host(node) is None  # without a plugin there is no process
        home.save("talk.sh", TALK)
        values = home.wait_plugin(console, "talk", state_is("ready"))
        assert (values["language"], values["generation"]) == ("shell", 1)
        assert ask(console, "greet", "Ida") == "Hello, Ida"
        [result] = console.select("talk", package=PLUGIN_PACKAGE).call("greet", greeting="Moin", name="$(id); `id`")
        assert result.value == "Moin, $(id); `id`"
        failure = error_of(console, "fail", "3")
        assert isinstance(failure, AbortedError)
        assert "exit status 3: no luck" in str(failure)
        node.wait_line("talk.*no luck")
        [result] = console.select("talk", package=PLUGIN_PACKAGE).call("settings")
        assert result.value == "{}"
        parent = host(node)
        assert parent is not None
        home.save("talk.sh", TALK.replace("Hello", "Good day"))
        home.wait_plugin(console, "talk", lambda values: values["generation"] == 2)
        assert ask(console, "greet", "Ida") == "Good day, Ida"
        assert host(node) == parent
        (home.plugins / "talk.sh").unlink()
        wait_until(lambda: is_gone(console, "talk"), "the plugin is still there")
        wait_until(lambda: not parent.children(), "its worker is still there")
        assert ask(console, "f", name="plain") == 1
        assert node.stop() == 0
        assert not is_alive(parent.pid)
        assert "Traceback" not in node.text


def is_gone(console: Console, name: str) -> bool:
    try:
        return not console.select(name, package=PLUGIN_PACKAGE)
    except NoAgentsError:
        return True


def replaced(node: Program, old: psutil.Process, worker: int) -> psutil.Process:
    """Kill a warm parent, and give the one in its place."""
    old.kill()
    wait_until(lambda: host(node) not in (None, old), "it is not started again")
    wait_until(lambda: not is_alive(worker), "its worker lives on")
    new = host(node)
    assert new is not None
    return new


def test_a_killed_warm_parent_is_started_again_and_python_does_not_notice(home: Box) -> None:
    install_example(home)
    home.save("plain.py", "import os\ndef pid():\n    return os.getpid()\n")
    home.save("talk.sh", TALK)
    with up(home) as node, home.connect() as console:
        plain = ask(console, "pid", name="plain")
        old = host(node)
        assert old is not None
        worker = int(str(ask(console, "pid")))
        for turn in range(3):
            old = replaced(node, old, worker)
            home.wait_plugin(console, "talk", state_is("ready"))
            assert ask(console, "greet", str(turn)) == f"Hello, {turn}"
            worker = int(str(ask(console, "pid")))
        node.wait_line("the language backend shell of extension backend was killed by signal 9 .*; it is started again")
        assert ask(console, "pid", name="plain") == plain


def test_a_program_that_is_not_there_fails_its_plugins_only_and_reload_finds_it_once_it_is(home: Box) -> None:
    program = home.home / "bin" / "host"
    offer(home, "mine", '"shell"', '(".sh",)', f'("{program}",)')
    home.save("talk.sh", TALK)
    home.save("plain.py", PYTHON)
    with up(home) as node, home.connect() as console:
        values = home.wait_plugin(console, "talk", state_is("failed"))
        assert values["language"] == "shell"
        error = last_error(values)
        assert error["type"] == "HostStartError"
        assert error["text"] == (
            f"the language backend shell of extension mine cannot be started: {program}: No such file or directory; "
            "install that program, or correct the extension and start the node again; then reload the plugin"
        )
        assert str(program) in str(error_of(console, "greet", "Ida"))
        node.wait_line(f"ERROR.*{program}: No such file")
        assert ask(console, "f", name="plain") == 1
        zipapp.create_archive(EXAMPLES / "shellhost", program, interpreter=sys.executable)
        console.select("Plugins", package="org.matahariproject.rpc").call("reload", "talk")
        assert ask(console, "greet", "Ida") == "Hello, Ida"


def test_a_backend_that_cannot_be_used_on_this_host_says_why(home: Box) -> None:
    install_example(home)
    (home.home / "bin" / PROGRAM).unlink()
    home.save("talk.sh", TALK)
    with up(home), home.connect() as console:
        error = last_error(home.wait_plugin(console, "talk", state_is("failed")))
        assert error["text"] == (
            "the language backend shell of extension backend cannot be used on this host: "
            f"{PROGRAM} is not installed; put that right, and start the node again"
        )


HELLO = """
import json, os, socket, struct, sys
sock = socket.socket(fileno=int(sys.argv[1]))
hello = {"type": "hello", "framing": 1, "interface": 1, "pid": os.getpid(), "nonce": sys.argv[2], "language": "LANGUAGE"}
data = json.dumps(hello).encode()
sock.sendall(struct.pack(">I", len(data)) + data)
sock.recv(1)
sys.exit(5)
"""


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("import sys; sys.exit('no gems')", "ended with exit status 1 before it said hello"),
        ("import sys; sys.exit(0)", "ended with exit status 0 before it said hello"),
        (HELLO.replace("LANGUAGE", "ruby"), "(it says that it runs ruby, not shell)"),
        (HELLO.replace('"interface": 1', '"interface": 9'), "interface 9; this agent speaks framing 1, interface 1"),
        (HELLO.replace("LANGUAGE", "shell"), "ended with exit status 5, again and again; correct it"),
    ],
)
def test_a_program_that_does_not_do_its_work_fails_its_plugins_only(home: Box, body: str, text: str) -> None:
    script(home, "bad", body)
    offer(home, "mine", '"shell"', '(".sh",)', '("bad",)')
    home.save("talk.sh", TALK)
    home.save("plain.py", PYTHON)
    with up(home) as node, home.connect() as console:
        values = home.wait_plugin(console, "talk", state_is("failed"))
        assert text in str(last_error(values)["text"])
        assert str(last_error(values)["text"]).startswith("the language backend shell of extension mine ")
        assert ask(console, "f", name="plain") == 1
        if "no gems" in body:
            node.wait_line("^no gems$")
        assert node.stop() == 0


def test_of_one_name_in_two_languages_python_counts_and_the_other_takes_over_when_it_goes(home: Box) -> None:
    install_example(home)
    first = home.save("talk.py", "def f():\n    return 1\n")
    second = home.save("talk.sh", TALK)
    with up(home) as node, home.connect() as console:
        node.wait_line(f"WARNING.*{second} is not loaded: {first} has this name, and comes first")
        assert ask(console, "f") == 1
        first.unlink()
        values = home.wait_plugin(console, "talk", lambda values: values["generation"] == 2)
        assert values["language"] == "shell"
        assert ask(console, "greet", "Ida") == "Hello, Ida"
        home.save("talk.py", "def f():\n    return 2\n")
        home.wait_plugin(console, "talk", lambda values: values["generation"] == 3)
        assert ask(console, "f") == 2
        old = host(node)
        assert old is not None
        wait_until(lambda: not old.children(), "the worker of the other language is still there")


def test_a_limit_that_the_program_cannot_apply_keeps_the_plugin_from_running(home: Box) -> None:
    install_example(home)
    home.save("talk.sh", TALK)
    home.save("talk.toml", "[limits]\nnice = 5\n")
    with up(home), home.connect() as console:
        error = last_error(home.wait_plugin(console, "talk", state_is("failed")))
        assert (error["type"], error["text"]) == ("HostStartError", "plugins in shell cannot have the limits nice")
        home.save("talk.toml", "[limits]\nopen_files = 64\n[settings]\nsize = 3\n")
        home.wait_plugin(console, "talk", state_is("ready"))
        assert ask(console, "settings") == '{"size": 3}'


def test_a_call_past_its_time_ends_and_what_a_worker_has_started_ends_with_it(home: Box) -> None:
    install_example(home)
    home.save("talk.sh", TALK)
    home.save("talk.toml", "[limits]\ncall_timeout = 1\n")
    with up(home), home.connect() as console:
        worker = int(str(ask(console, "pid")))
        error = error_of(console, "wait_long")
        assert isinstance(error, RemoteTimeoutError)
        assert ask(console, "pid") == str(worker)  # the call let go of it
        wait_until(lambda: "sleep" not in names_below(worker), "the call goes on")
        ask(console, "leave", str(home.home / "left"))
        left = int((home.home / "left").read_text())
        assert is_alive(left)
        home.save("talk.sh", TALK + "# again\n")
        home.wait_plugin(console, "talk", lambda values: values["generation"] == 2)
        wait_until(lambda: not is_alive(worker), "the old worker is still there")
        wait_until(lambda: not is_alive(left), "what it had started is still there")


def names_below(pid: int) -> list[str]:
    return [child.name() for child in psutil.Process(pid).children(recursive=True)]


def test_a_save_that_does_not_load_leaves_the_old_version_and_says_where(home: Box) -> None:
    install_example(home)
    home.save("talk.sh", TALK)
    with up(home), home.connect() as console:
        path = home.save("talk.sh", "good() { :; }\n\nbroken( {\n")
        error = last_error(home.wait_plugin(console, "talk", state_is("degraded")))
        assert (error["type"], error["file"], error["line"]) == ("SyntaxError", str(path), 3)
        assert ask(console, "greet", "Ida") == "Hello, Ida"
        home.save("talk.sh", TALK + 'self_check() { echo "no disk" >&2; return 1; }\n')
        home.wait_plugin(console, "talk", lambda values: last_error(values)["type"] == "SelfCheckFailed")
        home.save("talk.sh", TALK + 'activate() { echo "not here"; return 1; }\n')
        values = home.wait_plugin(console, "talk", state_is("inactive"))
        assert values["reason"] == "not here"


def test_the_plugin_of_the_example_answers_and_the_node_leaves_nothing_when_it_is_killed(home: Box) -> None:
    install_example(home)
    shutil.copyfile(EXAMPLES / "shellhost/disks.sh", home.plugins / "disks.sh")
    with up(home) as node, home.connect() as console:
        assert str(ask(console, "used", "/", name="disks")).endswith("%")
        [result] = console.select("disks", package=PLUGIN_PACKAGE).call("used", "/nowhere")
        assert "exit status 3: /nowhere is no folder" in str(result.error)
        family = psutil.Process(node.process.pid).children(recursive=True)
        os.kill(node.process.pid, signal.SIGKILL)
        node.wait_end()
        _, alive = psutil.wait_procs(family, timeout=20 * TIME)
        assert not alive

"""The main job, played with visible output: drop in a file, call it on the bus, edit it, break it.

Everything happens in a private directory that is removed at the end, and on a Unix socket in it: nothing is installed, no
port is opened. ``make demo`` runs it. The exit status is 0 when every step came out as told.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from matahari.console.sync import Console, connect
from matahari.errors import MatahariError, NoAgentsError

BIN = Path(sys.executable).parent
ASTERISK = Path(__file__).parents[1] / "asterisk"
PLUGIN_PACKAGE = "org.matahariproject.rpc.plugin"
DEADLINE = 30.0  # seconds for any one step; each takes well below one second

SECOND_FUNCTION = '''

def busy() -> bool:
    """Whether anybody is on the phone."""
    return not num_calls().startswith("0 ")
'''
BROKEN_FUNCTION = """

def broken(:
    pass
"""


def main() -> int:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a TextIOWrapper in a program
    home = Path(tempfile.mkdtemp(prefix="matahari-demo-"))
    environment = _environment(home)
    node: subprocess.Popen[str] | None = None
    try:
        _title("A node starts: broker, Host agent and RPC agent")
        _command("matahari up --socket bus.sock --state state --plugins plugins &")
        node = _start_node(home, environment)
        with connect(f"unix:{home / 'bus.sock'}") as console:
            _play(home, environment, console)
        _title("Everything stops")
        _command("kill -INT %1")
        _stop_node(node)
        node = None
        print("the node has ended with status 0 and left nothing behind")
    except _Failed as failure:
        print(f"\nthe demo failed: {failure}", file=sys.stderr)
        return 1
    finally:
        if node is not None:
            node.kill()
            node.wait()
            print((home / "log").read_text(), file=sys.stderr)
        shutil.rmtree(home)
    return 0


def _play(home: Path, environment: dict[str, str], console: Console) -> None:
    file = home / "plugins" / "asterisk.py"

    _title("A plugin is dropped in, and can be called")
    _command("cat asterisk.py")
    code = (ASTERISK / "asterisk.py").read_text()
    print(code.partition('"""\n\n')[2], end="")
    _command("cp asterisk.py plugins/")
    _save(file, code)
    _wait(console, lambda values: values["state"] == "ready", "the plugin can be called")
    host = console.hosts()[0].name
    _mhsh(
        environment,
        home,
        "list hosts",
        f"select class package {PLUGIN_PACKAGE} asterisk",
        "call num_calls",
        "select class Host",
        f"select host {host}",
        "get load",
    )

    _title("The file is edited, and the new function is there at once")
    _command("cat >> plugins/asterisk.py")
    print(SECOND_FUNCTION.strip())
    _save(file, code + SECOND_FUNCTION)
    _wait(console, lambda values: values["generation"] == 2, "the new version is in service")
    _mhsh(environment, home, f"select class package {PLUGIN_PACKAGE} asterisk", "call busy", "call num_calls")

    _title("A broken edit is saved: the old version still answers, and the error is shown")
    _command("cat >> plugins/asterisk.py")
    print(BROKEN_FUNCTION.strip())
    _save(file, code + SECOND_FUNCTION + BROKEN_FUNCTION)
    _wait(console, lambda values: values["state"] == "degraded", "the error is known")
    _mhsh(
        environment,
        home,
        f"select class package {PLUGIN_PACKAGE} asterisk",
        "call busy",
        "get state",
        "get last_error",
    )


class _Failed(Exception):
    pass


def _environment(home: Path) -> dict[str, str]:
    (home / "plugins").mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MATAHARI_")}
    if shutil.which("asterisk") is None:
        environment["PATH"] = f"{ASTERISK / 'bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"
    # neither the user's configuration nor history of the shell has a part in this
    environment |= {"XDG_CONFIG_HOME": str(home), "XDG_STATE_HOME": str(home), "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
    return environment


def _start_node(home: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    log = home / "log"
    with log.open("w") as errors:
        node = subprocess.Popen(
            [BIN / "matahari", "up", "--socket", "bus.sock", "--state", "state", "--plugins", "plugins"],
            cwd=home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert node.stdout is not None
    line = node.stdout.readline()
    if not line.startswith("ready "):
        node.wait(DEADLINE)
        _fail(f"the node did not come up:\n{log.read_text()}")
    print(line.partition(" pid=")[0].replace(str(home), "."))
    return node


def _stop_node(node: subprocess.Popen[str]) -> None:
    children = _descendants(node.pid)
    node.send_signal(signal.SIGINT)
    try:
        status = node.wait(DEADLINE)
    except subprocess.TimeoutExpired:
        _fail("the node did not stop")
    if status != 0:
        _fail(f"the node ended with status {status}")
    left = [pid for pid in children if Path(f"/proc/{pid}").exists()]
    if left:
        _fail(f"processes of the node are still there: {left}")


def _descendants(pid: int) -> list[int]:
    """Children, their children and so on: the warm parent and the workers."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(word) for file in lists for word in file.read_text().split()]
    return children + [one for child in children for one in _descendants(child)]


def _save(file: Path, text: str) -> None:
    """Save as editors do: whole, or not at all."""
    new = file.with_name(".asterisk.py.new")
    new.write_text(text)
    new.replace(file)


def _wait(console: Console, reached: Callable[[dict[str, object]], bool], what: str) -> None:
    start = time.monotonic()
    while time.monotonic() < start + DEADLINE:
        try:
            found = console.select("asterisk", package=PLUGIN_PACKAGE)
        except NoAgentsError:
            continue
        if found and reached(dict(found[0].values)):
            print(f"({what} {(time.monotonic() - start) * 1000:.0f} ms after the save)")
            return
    _fail(f"{what}: not within {DEADLINE:g} s")


def _mhsh(environment: dict[str, str], home: Path, *commands: str) -> None:
    _command("mhsh")
    done = subprocess.run(
        [BIN / "mhsh", "-b", "unix:bus.sock", "--echo", "-"],
        input="".join(f"{one}\n" for one in commands),
        cwd=home,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=DEADLINE,
        check=False,
    )
    print(done.stdout.replace(str(home), "."), end="")
    if done.returncode != 0:
        _fail(f"mhsh ended with status {done.returncode}")


def _title(text: str) -> None:
    print(f"\n=== {text}\n", flush=True)


def _command(text: str) -> None:
    print(f"$ {text}", flush=True)


def _fail(reason: str) -> NoReturn:
    raise _Failed(reason)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MatahariError as error:
        sys.exit(f"the demo failed: {error}")

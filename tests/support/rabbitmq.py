"""A RabbitMQ 3 of our own: on free ports of loopback, in a private directory, with virtual hosts to take from."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["EMPTY", "GUARDED", "RabbitMQ", "rabbitmq"]

#: Not the one in /usr/sbin, which insists on changing the user.
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
TIME = float(os.environ.get("MATAHARI_TEST_TIME", "1"))
START = 90.0  # seconds; 5 are usual
STOP = 30.0
HOSTS = 120  # virtual hosts for tests, each taken once: queues of a finished test stay until they expire
EMPTY = "empty"  # a virtual host without our exchanges
GUARDED = "guarded"  # one where messages may only be sent to agents and to consoles' keys

_TOPIC, _DIRECT = "qmf.default.topic", "qmf.default.direct"


class RabbitMQ:
    """A running server. Anonymous clients may do everything, but for what :data:`GUARDED` says."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.address = f"amqp://127.0.0.1:{port}"
        self._hosts = itertools.count()

    def take_host(self) -> str:
        """The name of a virtual host that nobody has used, with our exchanges and policies."""
        number = next(self._hosts)
        assert number < HOSTS, "more virtual hosts are needed: raise HOSTS"
        return f"t{number}"


@contextlib.contextmanager
def rabbitmq() -> Iterator[RabbitMQ]:
    """Start a server, and end it with everything that it started."""
    assert SERVER.exists(), f"{SERVER} is missing; this installs it without starting its service: bash .ci/rabbitmq"
    home = Path(tempfile.mkdtemp(prefix="mhrabbit"))
    port, distribution, names = _free_ports(3)
    (home / "plugins").write_text("[rabbitmq_amqp1_0].\n")
    (home / "definitions.json").write_text(json.dumps(_definitions()))
    (home / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\n"
        "amqp1_0.default_user = guest\n"
        "log.console = true\nlog.console.level = error\nlog.file = false\n"
        f"load_definitions = {home}/definitions.json\n"
    )
    env = {key: value for key, value in os.environ.items() if not key.startswith(("RABBITMQ_", "ERL_"))} | {
        "HOME": str(home),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_NODENAME": f"matahari{port}@localhost",
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_MNESIA_BASE": f"{home}/mnesia",
        "RABBITMQ_LOG_BASE": f"{home}/log",
        "RABBITMQ_PID_FILE": f"{home}/pid",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/plugins",
        "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
        "RABBITMQ_CONF_ENV_FILE": f"{home}/no-such-file",
    }
    # Erlang's name service is started here, because the server would leave its own behind.
    try:
        with _child(["epmd"], env), _child([str(SERVER)], env) as server:
            try:
                _wait_ready(server)
                yield RabbitMQ(port)
            finally:
                _end(server, home / "pid")
    finally:
        shutil.rmtree(home)


def _end(server: subprocess.Popen[str], pid_file: Path) -> None:
    """End the virtual machine at once, for there is nothing to be kept; the script around it then ends by itself."""
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
        server.wait(STOP * TIME)


@contextlib.contextmanager
def _child(words: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        words,
        env=env,
        cwd=env["HOME"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(STOP * TIME)
        assert child.stdout is not None
        child.stdout.close()


def _wait_ready(server: subprocess.Popen[str]) -> None:
    """Return when the server says that it is up; go on reading what it says, so that it never waits for us."""
    lines: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert server.stdout is not None
        with contextlib.suppress(ValueError):  # closed while reading, at the end
            for line in server.stdout:
                lines.append(line)
                del lines[:-200]
                if "completed with" in line:
                    ready.set()
        ready.set()

    threading.Thread(target=read, daemon=True).start()
    started = time.monotonic()
    if not ready.wait(START * TIME) or not any("completed with" in line for line in lines):
        print(*lines, sep="", file=sys.stderr)
        raise AssertionError(f"RabbitMQ did not start within {time.monotonic() - started:.0f} s")


def _free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on at this moment, all different."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]


def _definitions() -> dict[str, object]:
    """What an operator imports, for each virtual host (``brokers.md`` 6.2)."""
    names = [*(f"t{number}" for number in range(HOSTS)), GUARDED]
    exchange = {"type": "topic", "durable": True, "auto_delete": False, "internal": False, "arguments": {}}
    limits = {"expires": 60000, "max-length": 20000, "message-ttl": 120000}
    policy = {"name": "qmf-generated", "pattern": r"^amq\.gen-", "apply-to": "queues", "priority": 10}
    rights = {"user": "guest", "configure": ".*", "write": ".*", "read": ".*"}
    owners = r"^(matahariproject\.org:[a-z]+:.*|direct-console\..*)$"
    return {
        "users": [{"name": "guest", "password": "guest", "tags": ""}],
        "vhosts": [{"name": name} for name in ("/", EMPTY, *names)],
        "exchanges": [{**exchange, "vhost": host, "name": name} for host in names for name in (_TOPIC, _DIRECT)],
        "policies": [{**policy, "vhost": host, "definition": limits} for host in names],
        "permissions": [{**rights, "vhost": host} for host in ("/", EMPTY, *names)],
        "topic_permissions": [
            {"user": "guest", "vhost": GUARDED, "exchange": _DIRECT, "write": owners, "read": ".*"},
        ],
    }

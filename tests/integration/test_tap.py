"""``matahari tap`` and ``matahari doctor`` on real brokers, as a person runs them."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.support import captured, vectors
from tests.support.node import BIN, PLUGIN_PACKAGE, TIME, Box, Program, box, environment

pytestmark = [pytest.mark.integration, pytest.mark.together]

PLUGIN = '''
def login(user, password=None):
    """Log in."""
    return {"greeting": "hello " + user, "session_token": "s3cr3t-session"}

def boom():
    raise ValueError("no \\x1b[31m good")
'''
CALLS = f"select class package {PLUGIN_PACKAGE} logins; call login joe hunter2-0815; call boom"


@pytest.fixture(scope="module")
def node() -> Iterator[Box]:
    with box() as made:
        made.save("logins.py", PLUGIN)
        with made.up("--hostname", "alpha"):
            with made.connect() as console:
                made.wait_plugin(console, "logins", lambda values: values["state"] == "ready")
            yield made


def tap(node: Box, *words: str | Path) -> Program:
    """A tap that is watching."""
    program = Program("matahari", "tap", *node.bus.words, *words, cwd=node.home)
    program.wait_line("^matahari tap: watching ")
    return program


def streams(node: Box, *words: str | Path) -> subprocess.Popen[str]:
    """A tap with its standard output and error apart."""
    env = environment(XDG_CONFIG_HOME=str(node.home), XDG_STATE_HOME=str(node.home))
    return subprocess.Popen(
        [BIN / "matahari", "tap", *node.bus.words, *words],
        cwd=node.home, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_a_call_and_its_result_are_shown_with_latency_and_without_secrets(node: Box) -> None:
    with tap(node, "--no-heartbeats") as program:
        node.mhsh("-c", CALLS)
        program.wait_line(r"-> alpha/rpc  call .*login\(args=\['\"joe\"', \"\*\*\*\"\], kwargs=\{\}\)  \d+ B$")
        result = program.wait_line(r"alpha/rpc -> console-\S+  result .*login = .*hello joe.*  \d+ B  [\d.]+ ms$")
        assert '"session_token": "***"' in result.string
        program.wait_line(r"exception .*boom ERROR 7 ValueError: no \\x1b\[31m good  \d+ B  [\d.]+ ms$")
        assert program.stop() == 0
        summary = program.wait_line(r"^matahari tap: (\d+) messages, 0 dropped$")
        assert int(summary[1]) >= 4
        assert "hunter2-0815" not in program.text
        assert "s3cr3t-session" not in program.text
        assert "\x1b" not in program.text


def test_a_recording_is_a_vector_file_that_replays(node: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    path = node.home / "mine.json"
    with tap(node, "--record", path, "--no-heartbeats") as program:
        node.mhsh("-c", CALLS)
        program.wait_line("exception .*boom")
        assert program.stop(signal.SIGINT) == 0
        program.wait_line(r"recorded in .*mine\.json$")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    for secret in ("hunter2-0815", "s3cr3t-session"):
        assert secret not in text
        assert secret.encode().hex() not in text
    monkeypatch.setattr(vectors, "FOLDER", node.home)
    monkeypatch.setattr(captured, "FOLDER", node.home)
    packets = [vector.packet for vector in vectors.load("mine") if vector.packet is not None]
    calls = [packet.body for packet in packets if packet.opcode == "_method_request"]
    first = calls[0]
    assert isinstance(first, dict)
    assert first["_arguments"] == {"args": ['"joe"', "***"], "kwargs": {}}
    assert len(captured.captured("mine")) == len(packets)
    names = {message["name"] for message in json.loads(text)["messages"] if ":logins.login " in message["note"]}
    [request] = [name for name in names if name.startswith("request-")]
    assert names == {request, request.replace("request-", "response-")}


def test_json_is_one_object_a_line_and_count_ends_it(node: Box) -> None:
    with streams(node, "--json", "--opcode", "call", "--opcode", "result", "--count", "2", "--for", "60") as program:
        assert program.stderr is not None
        assert "watching" in program.stderr.readline()
        node.mhsh("-c", CALLS)
        out, err = program.communicate(timeout=60 * TIME)
    call, result = (json.loads(line) for line in out.splitlines())
    assert program.returncode == 0
    assert err.endswith("matahari tap: 2 messages, 0 dropped\n")
    assert (call["opcode"], call["method"], call["class"], call["host"]) == ("call", "login", "logins", "alpha")
    assert call["contents"] == {"args": ['"joe"', "***"], "kwargs": {}}
    assert (result["request"], result["method"], result["masked"]) == (call["request"], "login", True)
    assert 0 < result["latency_ms"] < 60_000


def test_filters_choose_what_is_shown(node: Box) -> None:
    with tap(node, "--only-errors", "--method", "bo*", "--host", "alpha") as program:
        node.mhsh("-c", CALLS)
        program.wait_line("exception .*boom")
        program.stop()
        assert [line for line in program.lines if "alpha" in line and "boom" not in line] == []
    with tap(node, "--key", "agent.ind.heartbeat.#", "--for", "120", "--count", "1") as program:
        node.mhsh("-c", CALLS)
        node.start("agent", *node.bus.words, "--only", "host", "--state", "other", "--hostname", "beta").kill()
        program.wait_line("beta/host -> subscribers  heartbeat")
        assert program.wait_end() == 0


def test_secrets_are_shown_with_a_warning_when_that_is_asked_for(node: Box) -> None:
    with tap(node, "--show-secrets", "--full") as program:
        node.mhsh("-c", CALLS)
        program.wait_line("call .*hunter2-0815")
        program.stop()
        assert "WARNING" in program.lines[0]


def test_a_pipe_that_is_closed_ends_it_quietly(node: Box) -> None:
    with streams(node, "--json") as program:
        assert program.stdout is not None and program.stderr is not None
        program.stderr.readline()
        node.mhsh("-c", CALLS)
        program.stdout.readline()
        program.stdout.close()
        node.mhsh("-c", CALLS)
        assert program.wait(20 * TIME) == 0
        assert "dropped" not in program.stderr.read()


def test_a_broker_that_goes_away_is_told_and_found_again() -> None:
    with box() as own:
        broker = own.broker()
        with broker, tap(own) as program:
            broker.kill()
            program.wait_line("reconnecting$")
            with own.broker():
                program.wait_line(r"^matahari tap: watching ")
                deadline = threading.Event()
                while sum("watching" in line for line in program.lines) < 2 and not deadline.wait(0.05):
                    pass
                assert program.stop() == 0


def test_no_broker_at_first_is_an_error(node: Box) -> None:
    done = node.run("tap", "-b", f"unix:{node.home}/none.sock")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no broker at" in done.stderr


def test_a_file_that_exists_is_not_recorded_over(node: Box) -> None:
    path = node.home / "there.json"
    path.write_text("precious")
    done = node.run("tap", *node.bus.words, "--record", path)
    assert done.returncode == 1
    assert "exists already" in done.stderr
    assert path.read_text() == "precious"


def test_a_killed_tap_leaves_a_readable_recording(node: Box) -> None:
    path = node.home / "killed.json"
    with tap(node, "--record", path) as program:
        node.mhsh("-c", CALLS)
        program.wait_line("exception .*boom")
        program.kill()
    assert not path.exists()
    assert len(json.loads(path.with_name("killed.json.part").read_text())["messages"]) >= 4


def test_on_a_terminal_lines_fit_and_have_colours_and_ctrl_c_ends_it(node: Box) -> None:
    env = environment(XDG_CONFIG_HOME=str(node.home), XDG_STATE_HOME=str(node.home), TERM="xterm")
    del env["NO_COLOR"]
    words = ["tap", *node.bus.words, "--no-heartbeats", "--opcode", "call", "--opcode", "exception"]
    child: pexpect.spawn[str] = pexpect.spawn(
        str(BIN / "matahari"), words, cwd=node.home, env=env, encoding="utf-8", timeout=20 * TIME, dimensions=(24, 90)
    )
    child.logfile_read = screen = io.StringIO()
    child.expect("watching")
    node.mhsh("-c", CALLS)
    # How much of the text has room depends on how many digits the latency has.
    child.expect(r"\x1b\[31mlogins\.boom E.*…\x1b\[0m .* ms\x1b\[0m\r\n")
    child.sendintr()
    child.expect(r"messages?, 0 dropped")
    child.expect(pexpect.EOF)
    assert "\x1b[1mcall" in screen.getvalue()
    rows = [re.sub(r"\x1b\[\d*m", "", row) for row in screen.getvalue().split("\r\n")]
    assert max(len(row) for row in rows if re.search(r"  \d+ B", row)) == 90
    child.close()
    assert child.exitstatus == 0


def test_the_doctor_tells_the_kind_of_broker_and_what_works(node: Box) -> None:
    done = node.run("doctor", *node.bus.words)
    lines = done.stdout.splitlines()
    if node.bus.virtual_host:
        assert "  note  kind rabbitmq3: RabbitMQ 3 with its AMQP 1.0 plugin" in lines
        assert "    rabbitmq-plugins enable rabbitmq_amqp1_0" in lines
    else:
        assert "  ok    `matahari tap` sees everything" in lines
        assert done.returncode == 0
    assert any(re.search(r"answers: \S+ \d", line) for line in lines)


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        (b"AMQP\x00\x00\x09\x01", "rabbitmq-plugins enable rabbitmq_amqp1_0"),
        (b"AMQP\x01\x01\x00\x0a", "load-module=amqp.so"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no AMQP broker"),
        (b"", "says nothing"),
    ],
)
def test_the_doctor_knows_what_does_not_speak_amqp_1_0(answer: bytes, remedy: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, box() as own:
        thread = threading.Thread(target=_answer_each, args=(server, answer), daemon=True)
        thread.start()
        done = own.run("doctor", "-b", f"127.0.0.1:{server.getsockname()[1]}", "--insecure-anonymous")
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert done.returncode == 1
    assert remedy in done.stdout


def _answer_each(server: socket.socket, answer: bytes) -> None:
    """Answer every connection's first bytes so, and close it."""
    while True:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        with peer:
            peer.recv(8)
            peer.sendall(answer)


def test_the_doctor_does_not_believe_a_wrong_kind(node: Box) -> None:
    done = node.run("doctor", *node.bus.words, "--broker-kind", "artemis")
    assert done.returncode == 1
    assert re.search("FAIL  it was taken for artemis .* but by its product it is (matahari|rabbitmq3)", done.stdout)
    assert "--broker-kind" in done.stdout


def test_the_doctor_finds_no_broker(node: Box) -> None:
    done = node.run("doctor", "-b", f"unix:{os.devnull}.sock")
    assert done.returncode == 1
    assert "start that broker, or name another with -b; `matahari up` starts one on a Unix socket" in done.stdout

"""The program: options, scripts, exit statuses."""

from __future__ import annotations

import argparse
import errno
import io
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from matahari.console import Host
from matahari.errors import ConfigError, ConnectFailedError
from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.base.ports import ConsoleLike
from matahari.shell.mhsh import buffered, main
from matahari.shell.scripts import open_script, run_lines, run_script
from matahari.shell.start import ended_by_signals
from tests.support.fake_classes import PLUGINS
from tests.support.fake_console import FakeConsole, fleet
from tests.support.shell import TestShell, without_time


def run(*argv: str, console: FakeConsole | None = None) -> int:
    return main(argv, connect=lambda options: console or fleet())


def test_commands_are_run_in_turn_and_share_the_selection(capsys: pytest.CaptureFixture[str]) -> None:
    console = fleet()
    assert run("-c", "select host web1; select class Host", "-c", "get hostname", console=console) == 0
    assert capsys.readouterr().out == "web1: web1\n"
    assert console.is_closed


def test_scripts_have_comments_and_go_on_after_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "script"
    script.write_text("# a comment\n\nnosuch\r\nlist hosts # all\n")
    assert run(str(script)) == ExitStatus.USAGE
    assert capsys.readouterr().out.endswith("\ndb1\nweb1\nweb2\n")


def test_an_error_of_a_script_names_its_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "script"
    script.write_text("list hosts\n\nselect class Host; get nosuch; list hosts\n")
    assert run(str(script), "-c", "nosuch") == ExitStatus.USAGE
    out = capsys.readouterr().out
    lines = out.splitlines()
    [at] = [at for at, line in enumerate(lines) if line.startswith(f"{script}:3: % ")]
    assert lines[at + 1].index("^") == lines[at].index("nosuch")
    assert out.startswith("*** Unknown syntax: nosuch\n")


@pytest.mark.parametrize("line", ["select host nosuch", "sel host nosuch", "select class Hots"])
def test_a_script_ends_at_a_failed_select_because_the_rest_would_meet_other_objects(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script"
    script.write_text(f"select class Host\n{line}\ncall reboot\n")
    assert run(str(script), str(script)) == ExitStatus.NOTHING_MATCHED
    printed = capsys.readouterr()
    assert "OK" not in printed.out
    assert "the script ends here" in printed.err
    assert run("-c", f"select class Host; {line}; call reboot") == ExitStatus.NOTHING_MATCHED
    assert "OK" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "line",
    [
        'select host "web1',
        "list hosts; select host 'web1",
        "no select host 'web1",
        "se host web1",
        "selct host web1",
        "Select host web1",
        "select host web1 | nosuch",
        "time select host web1 | nosuch",
        "watch 'select host \"web1'",
    ],
)
def test_a_script_ends_at_a_select_that_cannot_be_read(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-c", f"select class Host\n{line}\ncall identify") == ExitStatus.USAGE
    printed = capsys.readouterr()
    assert "OK" not in printed.out
    assert "the script ends here" in printed.err


@pytest.mark.parametrize("line", ["set update_interval 5", "nosuch select", "list 'x", "time 'x", "help selct"])
def test_a_script_goes_on_after_what_was_no_select(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-c", f"{line}\nlist hosts") != ExitStatus.OK
    assert capsys.readouterr().out.endswith("db1\nweb1\nweb2\n")


def test_scripts_stop_at_the_first_error_when_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script"
    script.write_text("select host nosuch\nlist hosts\n")
    assert run("-e", str(script), str(script)) == ExitStatus.NOTHING_MATCHED
    assert "db1\n" not in capsys.readouterr().out


def test_quit_ends_the_script_and_those_after_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "script"
    script.write_text("quit\nlist hosts\n")
    assert run(str(script), str(script)) == 0
    assert capsys.readouterr().out == ""


def test_scripts_share_the_selection(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("select host web2\n")
    second.write_text("select class Host\nget hostname\n")
    assert run(str(first), str(second)) == 0
    assert capsys.readouterr().out == "web2: web2\n"


@pytest.mark.parametrize("argv", [["-"], []])
def test_standard_input_is_a_script(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("select host web1\nselect class Host\nget hostname"))
    assert run(*argv) == 0
    assert capsys.readouterr().out == "web1: web1\n"


def test_a_script_that_cannot_be_read_is_told_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing"
    assert run(str(missing)) == ExitStatus.COULD_NOT_ASK
    assert capsys.readouterr().err == f"mhsh: cannot read {missing}: No such file or directory\n"
    assert run(str(tmp_path)) == ExitStatus.COULD_NOT_ASK


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("list hosts", "; to run it as a command: -c 'list hosts'"),
        ("list", "; to run it as a command: -c list"),
        ("cal", "; did you mean the direct command call?"),
        ("./cal", ""),
        ("nosuch", ""),
    ],
)
def test_what_may_have_been_meant_with_a_script_that_is_not_there_is_told(
    word: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(word) == ExitStatus.COULD_NOT_ASK
    assert capsys.readouterr().err == f"mhsh: cannot read {word}: No such file or directory{hint}\n"


def test_a_command_that_was_taken_for_scripts_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "hosts") == ExitStatus.COULD_NOT_ASK
    assert capsys.readouterr().err == (
        "mhsh: cannot read list: No such file or directory; to run it as a command: -c 'list hosts'\n"
    )


def test_a_script_that_is_not_text_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "script"
    script.write_bytes(b"list hosts\n\xff\xfe\n")
    assert run(str(script)) == ExitStatus.COULD_NOT_ASK
    assert capsys.readouterr().err == f"mhsh: cannot read {script}: not UTF-8 text\n"


def test_scripts_may_be_any_lines() -> None:
    shell = TestShell()
    assert run_lines(shell.session, ["list hosts", "nosuch"], stop_on_error=False) is ExitStatus.USAGE


def test_a_script_is_run_to_its_end(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("list hosts\n")
    with open_script(str(script)) as stream:
        assert run_script(TestShell().session, str(script), stream, stop_on_error=False) is ExitStatus.OK


def test_a_script_that_fails_while_it_is_read_is_told() -> None:
    def broken() -> Iterator[str]:
        yield "list hosts"
        raise OSError(5, "Input/output error")

    shell = TestShell()
    with pytest.raises(CommandError, match="cannot read x: Input/output error"):
        run_script(shell.session, "x", broken(), stop_on_error=False)
    assert shell.out() == "db1\nweb1\nweb2\n"


def test_a_directory_is_no_script(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Is a directory"):
        open_script(str(tmp_path))


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    commands = f"select class package {PLUGINS} asterisk; call num_calls"
    assert run("--json", "-c", commands) == 0
    printed = capsys.readouterr()
    records = [json.loads(line) for line in printed.out.splitlines()]
    assert [record["host"] for record in records] == ["db1", "web1", "web2"]
    assert all(record["value"].startswith("0 active channels\n") for record in records)
    assert without_time(printed.err) == "3 hosts: 3 answered, 0 failed, 0 silent\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--nosuch"], "unrecognized arguments: --nosuch"),
        (["--jso"], "unrecognized arguments: --jso"),
        (["-t", "0"], "'0' is not a number of seconds above 0 and up to 86400"),
        (["-t", "x"], "'x' is not a number of seconds above 0 and up to 86400"),
        (["-c"], "argument -c: expected one argument"),
    ],
)
def test_bad_options_are_usage_errors(argv: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*argv) == ExitStatus.USAGE
    assert message in capsys.readouterr().err


def test_help_and_version_succeed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    assert "-c COMMANDS" in capsys.readouterr().out
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("mhsh ")


def refusing(error: Exception, *argv: str) -> int:
    def connect(options: argparse.Namespace) -> ConsoleLike:
        raise error

    return main(["-c", "list hosts", *argv], connect=connect)


def test_no_broker_is_one_line_with_the_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusing(ConnectFailedError("connection refused", address="unix:/x")) == ExitStatus.COULD_NOT_ASK
    assert capsys.readouterr().err == ("mhsh: no broker at unix:/x: connection refused\n")


def test_a_message_that_says_it_all_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    text = "unix:/x refuses; start it with `matahari up`"
    assert refusing(ConnectFailedError(text, address="unix:/x")) == ExitStatus.COULD_NOT_ASK
    assert capsys.readouterr().err == f"mhsh: {text}\n"


def test_a_bad_configuration_is_one_line_and_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusing(ConfigError("nonsense", key="broker")) == ExitStatus.COULD_NOT_ASK
    assert capsys.readouterr().err == "mhsh: broker: nonsense\n"
    assert refusing(ConfigError("nonsense"), "-d") == ExitStatus.COULD_NOT_ASK
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_shell_in_order_and_is_then_as_before(number: signal.Signals) -> None:
    console = fleet()

    def ended() -> list[Host]:
        signal.raise_signal(number)
        return []

    console.hosts = ended  # type: ignore[method-assign]  # the signal comes meanwhile
    with pytest.raises(SystemExit) as caught:
        run("-c", "list hosts", console=console)
    assert caught.value.code == 128 + number
    assert console.is_closed
    assert signal.getsignal(number) is signal.SIG_DFL


class FullDisk(io.StringIO):
    """A stream to a file on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("words", [("--version",), ("--completion", "bash"), ("-c", "list hosts")])
def test_on_a_full_disk_it_says_so_and_could_not_ask(
    words: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", FullDisk())
    assert main(words, connect=lambda options: fleet()) == ExitStatus.COULD_NOT_ASK
    assert capsys.readouterr().err == "mhsh: cannot go on: No space left on device\n"
    sys.stdout.close()
    monkeypatch.setattr(sys, "stdout", FullDisk())
    monkeypatch.setattr(sys, "stderr", FullDisk())
    assert main(words, connect=lambda options: fleet()) == ExitStatus.COULD_NOT_ASK
    sys.stdout.close()
    sys.stderr.close()


class GoneTerminal(io.StringIO):
    """A stream to a terminal that was closed while it was written to."""

    def flush(self) -> None:
        raise OSError(errno.EIO, "Input/output error")


def test_a_signal_keeps_its_status_where_the_terminal_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    console, gone = fleet(), GoneTerminal()

    def ended() -> list[Host]:
        signal.raise_signal(signal.SIGHUP)
        return []

    console.hosts = ended  # type: ignore[method-assign]  # the terminal is closed meanwhile
    monkeypatch.setattr(sys, "stdout", gone)
    with pytest.raises(SystemExit) as caught:
        run("-c", "list hosts", console=console)
    assert caught.value.code == 128 + signal.SIGHUP
    assert sys.stdout is not gone  # at exit Python would flush it again, and end with 120
    sys.stdout.close()


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def test_what_ends_the_shell_is_harmless_for_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(options: argparse.Namespace) -> ConsoleLike:
        raise ConnectFailedError("\x1b[31mred\x1b]0;title\x07", address="x")

    assert main(["-d", "-c", "list hosts"], connect=refuse) == ExitStatus.COULD_NOT_ASK
    assert "\x1b" not in capsys.readouterr().err


class GoneAfter(io.StringIO):
    """Takes so many lines; then nobody reads any more. It has a descriptor, as every standard output."""

    def __init__(self, lines: int, descriptor: int) -> None:
        super().__init__()
        self._left = lines
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def write(self, text: str) -> int:
        if not self._left:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        self._left -= text.count("\n")
        return super().write(text)


@pytest.mark.parametrize("rolling", [(), ("--batch", "1")])
@pytest.mark.parametrize(
    ("lines", "status", "said"),
    [
        (1, ExitStatus.CUT_SHORT, "mhsh: nobody reads the answers: ended with 2 of 3 answers in\n"),
        (2, ExitStatus.OK, ""),
    ],
)
def test_a_reader_that_has_gone_before_all_is_in_is_no_success(
    lines: int,
    status: ExitStatus,
    said: str,
    rolling: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with (tmp_path / "out").open("wb") as file:
        monkeypatch.setattr(sys, "stdout", GoneAfter(lines, file.fileno()))
        assert run("call", "calc.add", "1", "2", *rolling) == status
    assert status in (0, 141)
    told = capsys.readouterr().err.splitlines(keepends=True)
    assert "".join(line for line in told if not line.startswith("batch ")) == said


def test_where_errors_go_the_same_way_the_status_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "out").open("wb") as file:
        monkeypatch.setattr(sys, "stdout", GoneAfter(1, file.fileno()))
        monkeypatch.setattr(sys, "stderr", GoneAfter(0, file.fileno()))
        assert run("call", "calc.add", "1", "2") == ExitStatus.CUT_SHORT
        sys.stderr.close()


def test_an_interrupted_script_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(host: str, args: Sequence[object], kwargs: object) -> object:
        raise KeyboardInterrupt

    console = fleet()
    console.kind("calc").behaviours["add"] = interrupt
    assert run("-c", f"select class package {PLUGINS} calc; call add 1 2", console=console) == 130
    assert console.is_closed
    asked = "% cancelling; Ctrl-C again stops waiting for the hosts"
    assert without_time(capsys.readouterr().err) == f"\n{asked}\n3 hosts: 0 answered, 0 failed, 3 silent\n\n"


def test_a_stream_without_a_buffer_gets_one_so_that_no_part_of_it_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with io.TextIOWrapper(path.open("wb", buffering=0), write_through=True) as bare, buffered(bare) as stream:
        assert isinstance(stream, io.TextIOWrapper)
        assert isinstance(stream.buffer, io.BufferedWriter)
        print("a line", file=stream)
        assert path.read_text() == "a line\n"


def test_a_stream_with_a_buffer_stays_as_it_is() -> None:
    with io.TextIOWrapper(io.BytesIO()) as usual, io.StringIO() as text:
        assert buffered(usual) is usual
        assert buffered(text) is text

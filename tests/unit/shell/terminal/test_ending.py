"""Signals that end the program while a line is typed."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prompt_toolkit import PromptSession
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from matahari.shell.start import ended_by_signals
from matahari.shell.terminal.ending import ended_in_order

SIGNALS = [signal.SIGTERM, signal.SIGHUP]


class Gone(DummyOutput):
    """A terminal that is closed once the editor has begun."""

    is_gone = False

    def flush(self) -> None:
        if self.is_gone:
            raise OSError(5, "Input/output error")


@contextmanager
def editor(output: DummyOutput) -> Iterator[PromptSession[str]]:
    with create_pipe_input() as pipe:
        yield PromptSession(input=pipe, output=output)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("closes", [False, True])
def test_the_editor_ends_and_then_the_program_as_at_any_other_time(
    number: signal.Signals, closes: bool, caplog: pytest.LogCaptureFixture
) -> None:
    terminal = Gone()

    def come() -> None:
        terminal.is_gone = closes
        signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_DFL  # a second one kills it

    with ended_by_signals(), editor(terminal) as prompt:
        with pytest.raises(SystemExit) as caught, ended_in_order(prompt.app):
            prompt.prompt("x", pre_run=come)
        assert caught.value.code == 128 + number
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert signal.getsignal(number) is signal.SIG_DFL


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_before_the_editor_has_begun_ends_the_program(number: signal.Signals) -> None:
    with ended_by_signals(), editor(DummyOutput()) as prompt:
        with pytest.raises(SystemExit) as caught, ended_in_order(prompt.app):
            signal.raise_signal(number)
        assert caught.value.code == 128 + number


def test_what_the_program_does_not_handle_stays_so_and_a_lost_terminal_is_an_error() -> None:
    before = [signal.getsignal(one) for one in SIGNALS]
    with editor(DummyOutput()) as prompt:
        with ended_in_order(prompt.app):
            assert [signal.getsignal(one) for one in SIGNALS] == before
        with pytest.raises(OSError, match="gone"), ended_in_order(prompt.app):
            raise OSError("gone")

"""Streams that say which call has printed a line."""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Iterator

import pytest

from matahari.plugin import Context, running
from matahari.pluginhost.reports import CallReporter, EventBudget
from matahari.pluginhost.streams import CallStream

TIMEOUT = 5


class Pipe:
    """A stream, and what came out of it."""

    def __init__(self) -> None:
        self.read, write = os.pipe()
        os.set_blocking(self.read, False)
        self.write = write
        self.stream = CallStream(write)

    def taken(self) -> bytes:
        try:
            return os.read(self.read, 65536)
        except BlockingIOError:
            return b""


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.stream.close()
    os.close(made.read)
    os.close(made.write)


def call(number: int | None) -> Context:
    return Context("demo", reporter=CallReporter(number, "demo", lambda report: None, EventBudget()))


def test_lines_outside_of_calls_have_no_mark(pipe: Pipe) -> None:
    print("at import", file=pipe.stream)
    with running(call(None)):
        print("in activate", file=pipe.stream)
    assert pipe.taken() == b"at import\nin activate\n"


def test_lines_of_calls_are_marked_each(pipe: Pipe) -> None:
    with running(call(7)):
        print("one\ntwo", file=pipe.stream)
        with running(call(8)):
            print("other", file=pipe.stream)
        print(file=pipe.stream)
    assert pipe.taken() == b"\x1e7\x1eone\n\x1e7\x1etwo\n\x1e8\x1eother\n\x1e7\x1e\n"


def test_what_prints_while_something_is_being_printed_waits_for_nobody(pipe: Pipe) -> None:
    class Loud(str):
        """Stands for whatever prints in between: the end of an object, a signal."""

        def __radd__(self, other: str) -> str:
            print("within", file=pipe.stream)
            return other + str.__str__(self)

    def say() -> None:
        with running(call(7)):
            pipe.stream.write(Loud("around\n"))

    thread = threading.Thread(target=say, daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    if thread.is_alive():
        pipe.stream._lock.release()  # or the end of this test would wait, too
        pytest.fail("it waits for itself")
    assert sorted(pipe.taken().splitlines()) == [b"\x1e7\x1earound", b"\x1e7\x1ewithin"]


def test_pieces_of_lines_do_not_mix(pipe: Pipe) -> None:
    with running(call(7)):
        print("sev", end="", file=pipe.stream)
    with running(call(8)):
        print("ei", end="", file=pipe.stream)
    assert pipe.taken() == b""
    with running(call(7)):
        print("en", file=pipe.stream)
    with running(call(8)):
        print("ght", file=pipe.stream)
    assert pipe.taken() == b"\x1e7\x1eseven\n\x1e8\x1eeight\n"


def test_a_beginning_is_written_by_flush_and_at_the_end_of_the_call(pipe: Pipe) -> None:
    with running(call(7)):
        print("dots.", end="", file=pipe.stream, flush=True)
        assert pipe.taken() == b"\x1e7\x1edots.\x1e\x1e"
        print("..", end="", file=pipe.stream)
    pipe.stream.end(7)
    assert pipe.taken() == b"\x1e7\x1e..\n"
    pipe.stream.end(7)
    assert pipe.taken() == b""


def test_a_flush_outside_of_calls_writes_all_beginnings(pipe: Pipe) -> None:
    with running(call(7)):
        print("seven", end="", file=pipe.stream)
    pipe.stream.flush()
    assert pipe.taken() == b"\x1e7\x1eseven\x1e\x1e"


def test_a_line_without_end_is_not_kept_for_ever(pipe: Pipe) -> None:
    with running(call(7)):
        for _ in range(5000):
            pipe.stream.write("x")
    assert pipe.taken().count(b"x") >= 4096


def test_a_mark_that_a_plugin_prints_is_shown_and_no_mark(pipe: Pipe) -> None:
    with running(call(7)):
        print("\x1e8\x1eforged\nfine\n\x1e8\x1emore", file=pipe.stream)
    assert pipe.taken() == b"\x1e7\x1e\\x1e8\\x1eforged\n\x1e7\x1efine\n\x1e7\x1e\\x1e8\\x1emore\n"


def test_text_that_is_not_unicode_is_escaped(pipe: Pipe) -> None:
    with running(call(7)):
        print("\ud800", file=pipe.stream)
    assert pipe.taken() == b"\x1e7\x1e\\ud800\n"


def test_what_was_printed_before_comes_first(pipe: Pipe) -> None:
    pipe.stream.write("plain ")
    with running(call(7)):
        print("seven", file=pipe.stream)
    assert pipe.taken() == b"plain \x1e7\x1eseven\n"


def test_threads_that_a_call_has_lent_its_context_are_of_the_call_and_others_of_none(pipe: Pipe) -> None:
    with running(call(7)):
        own = threading.Thread(target=contextvars.copy_context().run, args=(pipe.stream.write, "lent\n"))
        stray = threading.Thread(target=pipe.stream.write, args=("stray\n",))
        for thread in (own, stray):
            thread.start()
            thread.join()
    assert pipe.taken() == b"\x1e7\x1elent\nstray\n"


def test_after_its_answer_nothing_is_of_the_call(pipe: Pipe) -> None:
    context = call(7)
    assert isinstance(context.reporter, CallReporter)
    context.reporter.close()
    with running(context):
        print("late", file=pipe.stream)
    assert pipe.taken() == b"late\n"


def test_only_text_is_taken(pipe: Pipe) -> None:
    with running(call(7)), pytest.raises(TypeError):
        pipe.stream.write(b"bytes")  # type: ignore[arg-type]  # what a plugin may do

"""How calls and loads end, as messages."""

from __future__ import annotations

import datetime
import math
import resource
import uuid
from pathlib import Path

import pytest

from matahari.hostproto import Failure, Result
from matahari.pluginhost.outcomes import call_failure, call_outcome, load_failure

OURS = __file__


def caught(action: object) -> BaseException:
    assert callable(action)
    try:
        action()
    except BaseException as error:  # noqa: BLE001
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (1, "1"),
        ("\u20ac", '"\u20ac"'),
        ({"a": [1.5, True]}, '{"a": [1.5, true]}'),
        ((1, 2), "[1, 2]"),
        ({1: 2}, '{"1": 2}'),
    ],
)
def test_a_value_becomes_json(value: object, text: str) -> None:
    assert call_outcome(3, "p.m", value, 1000) == Result(3, text)


def circle() -> list[object]:
    value: list[object] = []
    value += [value] * 50
    return value


def deep() -> object:
    value: object = 1
    for _ in range(100_000):
        value = [value]
    return value


class Nasty(dict[str, int]):
    def items(self):  # type: ignore[no-untyped-def]
        raise RuntimeError("nasty")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (object(), "a value of class object"),
        (
            {"a": {"b": [1, {2}]}},
            'a value of class set at ["a"]["b"][1]; annotate the result with its type, so that it is converted, or return list',
        ),
        ({(1, 2): 3}, "a key of class tuple"),
        ([math.inf], "inf at [0]"),
        (b"\xff", "bytes that are not UTF-8"),
        ([b"x", {1}], "a value of class set at [1]"),
        ({"at": datetime.date(2024, 5, 17)}, 'class date at ["at"]; annotate the result with its type, so that it is '),
        ({"at": datetime.date(2024, 5, 17)}, "or return isoformat() of it"),
        ([uuid.UUID(int=1)], "or return str(…) of it"),
        ([Path("/x")], "or return str(…) of it"),
        ({1: {"a b": {2}}}, 'at [1]["a b"]; '),
        (circle(), "Circular reference"),
        ("\ud800", "lone surrogate"),
        ((n for n in [1]), "a value of class generator"),
    ],
)
def test_a_value_that_is_not_json_is_named(value: object, text: str) -> None:
    outcome = call_outcome(3, "p.m", value, 1000)
    assert isinstance(outcome, Failure)
    assert (outcome.id, outcome.kind) == (3, "bad_result")
    assert outcome.value.startswith("p.m returned")
    assert text in outcome.value


def test_even_the_strangest_value_gives_a_failure() -> None:
    for value in (deep(), [Nasty(a=1)]):
        assert isinstance(call_outcome(1, "p.m", value, 1000), Failure | Result)


def test_the_limit_counts_bytes() -> None:
    assert call_outcome(1, "p.m", "\u20ac" * 10, 32) == Result(1, '"' + "\u20ac" * 10 + '"')
    outcome = call_outcome(1, "p.m", "\u20ac" * 10, 31)
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.value) == ("too_large", "p.m returned 32 bytes of JSON, at most 31 are allowed")


def test_a_failure_has_the_plugins_frames_only() -> None:
    def inner() -> None:
        raise KeyError("k")

    failure = call_failure(1, caught(inner), {OURS})
    assert (failure.kind, failure.error_type, failure.value) == ("raised", "KeyError", "'k'")
    assert "in inner" in failure.traceback
    assert call_failure(1, caught(inner), {"/other.py"}).traceback == ""


def test_what_a_plugin_raises_may_be_odd() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert call_failure(1, Mute(), ()).value == "<unprintable Mute>"
    assert call_failure(1, SystemExit(3), ()).value == "3"
    long = call_failure(1, ValueError("x" * 1_000_000), ()).value
    assert len(long) < 20_000
    assert "characters left out" in long
    assert call_failure(1, ValueError("\ud800"), ()).value == "\\ud800"


def test_a_syntax_error_names_its_place() -> None:
    error = caught(lambda: compile("x = (\n", "/p/a.py", "exec"))
    failure = load_failure(error, ["/p/a.py"])
    assert (failure.error_type, failure.file, failure.line) == ("SyntaxError", "/p/a.py", 1)


def test_another_error_names_the_last_place_in_the_plugin() -> None:
    failure = load_failure(caught(lambda: int("x")), [OURS])
    assert (failure.error_type, failure.file) == ("ValueError", OURS)
    assert failure.line > 0
    assert load_failure(caught(lambda: int("x")), []).line == 0


def test_an_error_that_a_limit_of_the_process_causes_names_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {resource.RLIMIT_AS: 256 * 1024 * 1024, resource.RLIMIT_NOFILE: 64}
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limits[which], limits[which]))
    memory = "its process may have 256 MiB of address space (limits.memory)"
    files = "[Errno 24] Too many open files; its process may have 64 open files and sockets (limits.open_files)"
    assert call_failure(1, MemoryError(), ()).value == memory
    assert load_failure(OSError(24, "Too many open files"), []).text == files
    assert call_failure(1, OSError(2, "No such file"), ()).value == "[Errno 2] No such file"
    limits[resource.RLIMIT_AS] = resource.RLIM_INFINITY
    assert call_failure(1, MemoryError("x"), ()).value == "x"


def test_what_another_user_cannot_import_or_read_comes_with_the_remedy() -> None:
    remedy = "it is loaded as user bob (limits.user), who may be unable to read what is installed"
    for error in (ModuleNotFoundError("No module named 'difflib'"), PermissionError(13, "Permission denied")):
        assert remedy not in load_failure(error, []).text
        assert load_failure(error, [], "bob").text.startswith(f"{error}; {remedy}")
    assert load_failure(ValueError("x"), [], "bob").text == "x"


def test_a_plugin_that_ends_itself_is_told_in_words() -> None:
    assert load_failure(SystemExit(4), []).text == "the plugin ended itself while it was loaded (exit 4)"


def test_bytes_that_are_utf_8_are_returned_as_text() -> None:
    """``subprocess.check_output`` without ``text=True``, as plugins of 2012 have it."""
    assert call_outcome(3, "p.m", {"a": ["é".encode()]}, 1000) == Result(3, '{"a": ["é"]}')

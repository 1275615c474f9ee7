"""The error hierarchy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from matahari import errors
from matahari.errors import (
    AuthenticationError,
    ConfigError,
    ConnectionLostError,
    FilterSyntaxError,
    HostCrashedError,
    LinkRefusedError,
    MatahariError,
    PluginLoadError,
    RemoteError,
    RemoteProtocolError,
    RequestTimeoutError,
    SchemaError,
    TransportError,
    mapped,
)


def classes(base: type[MatahariError] = MatahariError) -> Iterator[type[MatahariError]]:
    yield base
    for below in base.__subclasses__():
        if f"{below.__module__}.".startswith(f"{errors.__name__}."):
            yield from classes(below)


def test_every_class_has_a_code_of_its_own() -> None:
    codes = Counter(entry.code for entry in set(classes()))
    assert [code for code, number in codes.items() if number > 1] == []


def test_every_class_declares_its_code_itself() -> None:
    assert [entry.__name__ for entry in classes() if "code" not in vars(entry)] == []


def test_every_class_is_exported_and_named_error() -> None:
    names = {entry.__name__ for entry in classes()}
    assert names <= set(errors.__all__)
    assert [name for name in names if not name.endswith("Error")] == []
    assert set(errors.__all__) - names == {"mapped"}


def test_a_code_continues_that_of_the_parent() -> None:
    for entry in classes():
        for below in entry.__subclasses__():
            if entry is not MatahariError and below.__module__ == errors.__name__:
                assert below.code.startswith(f"{entry.code}.")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ConfigError("bad"), "bad"),
        (ConfigError("bad", key="k"), "k: bad"),
        (ConfigError("bad", file="f", key="k"), "f: k: bad"),
        (RemoteProtocolError("bad", path="[3]._values"), "[3]._values: bad"),
        (SchemaError("bad", path="x"), "x: bad"),
        (SchemaError("bad"), "bad"),
        (LinkRefusedError("node", "amqp:not-found"), "the broker refused node: amqp:not-found"),
        (LinkRefusedError("node", "amqp:not-found", "no such"), "the broker refused node: amqp:not-found (no such)"),
        (RemoteError("boom", agent="a", action="b", status=7), "boom"),
    ],
)
def test_messages_are_made_from_the_facts(error: MatahariError, text: str) -> None:
    assert str(error) == text


def test_facts_are_attributes() -> None:
    crashed = HostCrashedError("died", plugin="p", signal=9, stderr_tail="last words")
    assert (crashed.plugin, crashed.exit_status, crashed.signal, crashed.stderr_tail) == ("p", None, 9, "last words")
    load = PluginLoadError("no", plugin="p", error_type="SyntaxError", file="p.py", line=3)
    assert (load.error_type, load.file, load.line, load.traceback) == ("SyntaxError", "p.py", 3, "")
    assert AuthenticationError("no", mechanisms="EXTERNAL").mechanisms == "EXTERNAL"


def test_a_timeout_is_also_pythons() -> None:
    assert isinstance(RequestTimeoutError("late", timeout=1.0), TimeoutError)


class TestMapped:
    def test_a_foreign_error_becomes_ours_and_stays_the_cause(self) -> None:
        with pytest.raises(ConnectionLostError, match="gone") as caught, mapped({OSError: ConnectionLostError}):
            raise BrokenPipeError("gone")
        assert isinstance(caught.value.__cause__, BrokenPipeError)

    def test_the_first_match_wins(self) -> None:
        table: dict[type[Exception], type[MatahariError]] = {
            BrokenPipeError: ConnectionLostError,
            OSError: TransportError,
        }
        with pytest.raises(ConnectionLostError), mapped(table):
            raise BrokenPipeError("gone")

    def test_ours_pass_as_they_are(self) -> None:
        ours = ConfigError("x")
        with pytest.raises(ConfigError) as caught, mapped({Exception: TransportError}):
            raise ours
        assert caught.value is ours

    def test_what_is_not_in_the_table_passes(self) -> None:
        with pytest.raises(KeyError), mapped({OSError: TransportError}):
            raise KeyError("x")


class TestFilterSyntaxError:
    def test_the_message_is_made_from_what_was_expected_and_may_be_meant(self) -> None:
        error = FilterSyntaxError("no", text="a b", position=2, expected=["x", "y", "z"], suggestions=["v", "w"])
        assert str(error) == "no, expected x, y or z; did you mean v or w?"
        assert (error.text, error.position) == ("a b", 2)
        assert (error.expected, error.suggestions) == (("x", "y", "z"), ("v", "w"))

    def test_without_them_it_is_the_message_alone(self) -> None:
        assert str(FilterSyntaxError("no", text="", position=0)) == "no"

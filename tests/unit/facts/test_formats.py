"""What fact files and programs write."""

from __future__ import annotations

import pytest

from matahari.errors import SchemaError
from matahari.facts.formats import read_json, read_lines, read_output, read_toml, read_yaml


def test_json_is_read() -> None:
    assert read_json(b'\xef\xbb\xbf{"a": {"b": [1, null]}}') == {"a": {"b": [1, None]}}


@pytest.mark.parametrize("data", [b"", b"[1]", b"3", b"{", b'{"a": 1, "a": 2}', b"\xff", b'{"a":' + b"[" * 100_000])
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(SchemaError):
        read_json(data)


def test_toml_is_read_and_nonsense_refused() -> None:
    assert read_toml(b'a = 1\n[b]\nc = "d"\n') == {"a": 1, "b": {"c": "d"}}
    with pytest.raises(SchemaError, match="is no TOML"):
        read_toml(b"a = \n")


def test_yaml_is_read() -> None:
    assert read_yaml(b"# tags\na: 1\nb: [x, y]\nc: {d: 2.5}\n") == {"a": 1, "b": ["x", "y"], "c": {"d": 2.5}}
    assert read_yaml(b"# nothing\n") == {}


@pytest.mark.parametrize(
    "data",
    [
        b"a: [",
        b"- 1\n",
        b"text",
        b"a: !!python/object/apply:os.system [id]\n",
        b"a: !!python/name:os.system\n",
        b"a: 1\n---\nb: 2\n",
        b"a: &x [1]\nb: *x\n",
        b"a: 2031-13-45\n",
        b"\xff",
        b"a: " + b"[" * 5000,
    ],
)
def test_yaml_that_runs_code_stands_for_more_or_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(SchemaError):
        read_yaml(data)


def test_lines_are_read() -> None:
    assert read_lines(b"# a comment\n\n a.b = x = y \nempty=\n") == {"a.b": "x = y", "empty": ""}


@pytest.mark.parametrize("data", [b"no equals sign\n", b"a=1\na=2\n", b"\xff=1\n"])
def test_other_lines_are_refused(data: bytes) -> None:
    with pytest.raises(SchemaError):
        read_lines(data)


def test_a_program_may_print_either() -> None:
    assert read_output(b' {"a": 1}') == {"a": 1}
    assert read_output(b"a=1\n") == {"a": "1"}
    assert read_output(b"") == {}

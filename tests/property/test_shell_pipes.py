"""Whatever stands behind a pipe: rows, or an error of ours that was printed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from functools import partial
from unicodedata import category

import yaml
from hypothesis import given
from hypothesis import strategies as st

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.display.output import Row
from matahari.shell.pipes.formats import Csv, Json, Table, Yaml
from matahari.shell.pipes.stages import Grep
from tests.support.pipes import made
from tests.support.shell import TestShell

# No file: it would be written.
PIECES = st.sampled_from(
    [
        "|",
        "|",
        "|",
        "grep",
        "count",
        "head",
        "json",
        "yaml",
        "table",
        "csv",
        "-i",
        "-v",
        "-",
        "web",
        "1",
        "2",
        "(",
        "[",
        "'",
        '"',
        "\\",
        "#",
        ";",
        "x",
        "\x1b",
    ]
)
COMMANDS = st.sampled_from(["list hosts", "list agents", "help", "nosuch", "select class Host; get load", ""])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**64), 2**64), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=6,
)
RECORDS = st.dictionaries(st.text(), VALUES, max_size=4)


@given(COMMANDS, st.lists(PIECES, max_size=8))
def test_a_piped_line_gives_rows_or_an_error_of_ours(command: str, pieces: list[str]) -> None:
    shell = TestShell()
    status = shell.run(f"{command} {' '.join(pieces)}")
    assert status in ExitStatus
    said = shell.out() + shell.err()
    assert not [char for char in said if category(char) == "Cc" and char not in "\n\t"]
    assert not shell.session.output.is_piped


@given(RECORDS)
def test_json_yaml_and_csv_are_read_back_and_nothing_harmful_is_in_them(record: dict[str, object]) -> None:
    said = {}
    for form in (Json, Yaml, Csv, Table):
        one = made(form)
        one.stage.take(Row(("",), record))
        one.stage.end()
        said[form] = "\n".join(line for row in one.rows for line in row.lines) + "\n"
        assert not [char for char in said[form] if category(char) in ("Cc", "Cf", "Cs") and char not in "\n\t"]
    plain = json.loads(said[Json])
    if not any(category(char) == "Cs" for char in json.dumps(plain, ensure_ascii=False)):
        assert yaml.safe_load(said[Yaml]) == plain
    read = list(csv.reader(io.StringIO(said[Csv], newline="")))
    assert [len(row) for row in read if record] == [len(record)] * 2 * bool(record)


@given(st.lists(st.sampled_from(["a", "b", "  c", "", "    d:"]), min_size=1, max_size=4))
def test_grep_and_its_inversion_share_the_lines_between_them(lines: list[str]) -> None:
    row = Row(("web1:", *(f"    {line}".rstrip(" ") for line in lines)), {})
    for wanted in ("a", "c", "d"):
        for is_inverted in (False, True):
            one = made(partial(Grep, matches=_finds(wanted), is_inverted=is_inverted))
            one.stage.take(row)
            kept = tuple(f"web1: {line}".rstrip(" ") for line in lines if (wanted in line) is not is_inverted)
            assert one.rows == ([] if not kept else [row] if len(kept) == len(lines) else [Row(kept, {})])


def _finds(wanted: str) -> Callable[[str], bool]:
    return lambda line: wanted in line

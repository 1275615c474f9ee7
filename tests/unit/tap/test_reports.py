"""Reports in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matahari.qmf import Value
from matahari.tap.lines import line
from matahari.tap.reading import Reading
from matahari.tap.reports import reports_in_words
from matahari.tap.sighting import Delivery, Sighting


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([{"kind": "progress", "done": 1, "total": 4, "text": "a b"}], 'progress 1/4 "a b"'),
        ([{"kind": "progress", "done": 1.5, "total": None, "text": ""}], "progress 1.5"),
        ([{"kind": "output", "chunk": "x\n"}, {"kind": "partial", "value": "[1]"}], 'output "x\\n", partial "[1]"'),
        ([{"kind": b"output", "chunk": b"x"}], 'output "x"'),
        ([{"kind": "smell", "of": 1}, 7], '{kind="smell", of=1}, 7'),
        ([{"kind": "output", "chunk": "\x1b[31m"}], 'output "\\x1b[31m"'),
        ({"kind": "output"}, '{kind="output"}'),
        ([], ""),
    ],
)
def test_each_kind_is_told_in_its_words(items: Value, words: str) -> None:
    assert reports_in_words(items, 1000) == words


def test_no_more_is_made_than_a_line_can_show() -> None:
    items: Value = [{"kind": "output", "chunk": "x" * 50}] * 1000
    assert len(reports_in_words(items, 100)) < 300


def test_a_line_names_the_method_and_shows_the_reports() -> None:
    seen = Sighting(
        0,
        Delivery(b"x" * 10, "qmf.default.direct", "k", "#"),
        Reading(),
        "report",
        sender="web1/rpc",
        receiver="console-1",
        class_name="db",
        object_name="db",
        method="copy",
        contents=[{"kind": "output", "chunk": "x"}, {"kind": "partial", "value": "1"}],
        items=2,
        is_last=False,
        latency=0.5,
    )
    text = line(seen, columns=200)
    assert text[14:] == 'web1/rpc -> console-1  report      db.copy: output "x", partial "1"  10 B  500.0 ms'
    given_up = replace(seen, opcode="end-call", contents={}, items=0)
    assert line(given_up, columns=200)[14:] == "web1/rpc -> console-1  end-call    db.copy  10 B  500.0 ms"

"""Findings that a comment in their line silences."""

from __future__ import annotations

import pytest

from matahari.shell.author.findings import Finding
from matahari.shell.author.lint import not_silenced

FINDINGS = [Finding("warning", "undocumented", "x", 1), Finding("warning", "unannotated", "y", 1)]


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("", ["undocumented", "unannotated"]),
        ("# a remark", ["undocumented", "unannotated"]),
        ("# noqa", []),
        ("# NoQA", []),
        ("# why: because  # noqa", []),
        ("# noqa: undocumented", ["unannotated"]),
        ("# noqa: undocumented, unannotated", []),
        ("# noqa: A001", ["undocumented", "unannotated"]),
        ("# noqa: A001, unannotated  # it is known", ["undocumented"]),
        ("# noqatall", ["undocumented", "unannotated"]),
    ],
)
def test_a_comment_silences_the_findings_of_its_line(comment: str, left: list[str]) -> None:
    assert [each.code for each in not_silenced(FINDINGS, f"def f(x): pass  {comment}\n")] == left


def test_other_lines_texts_and_findings_without_a_line_are_not_silenced() -> None:
    assert not_silenced(FINDINGS, "def f(x): pass\n# noqa\n") == FINDINGS
    assert not_silenced(FINDINGS, "def f(x='# noqa'): pass\n") == FINDINGS
    plugin = [Finding("note", "no-methods", "x")]
    assert not_silenced(plugin, "# noqa\n") == plugin

"""The guide's page on filters is true: its terms are filters, its orders hold, its program prints what it says."""

from __future__ import annotations

import re
import runpy
from itertools import pairwise
from pathlib import Path

import pytest

from matahari.filters import (
    KEYWORDS,
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_PATTERN,
    MAX_SUBJECT,
    MAX_VALUES,
    UNITS,
    Operator,
    compare_versions,
    format,
    parse,
)

PAGE = (Path(__file__).parents[3] / "core" / "docs" / "guide" / "filters.md").read_text()


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


TERMS = [
    term
    for line in section("Terms").splitlines()
    if line.startswith("| `")
    for term in re.findall(r"`([^`]+)`", line.split(" | ")[0])
]


@pytest.mark.parametrize("text", [*TERMS, *PAGE.partition("```\n")[2].partition("```")[0].splitlines()])
def test_what_is_shown_is_a_filter(text: str) -> None:
    assert parse(format(parse(text))) == parse(text)


def test_all_terms_operators_units_keywords_and_limits_are_there() -> None:
    assert len(TERMS) > 20
    assert set(re.findall(r"`([=!<>~]+)`", section("Values"))) >= {one.value for one in Operator}
    assert set(" ".join(re.findall(r"`([^`]+)`", section("Values"))).split()) >= set(UNITS)
    assert all(f'"{word}"' in section("Grammar") for word in KEYWORDS)
    limits = {int(number.replace(",", "")) for number in re.findall(r"[0-9][0-9,]*", section("Limits"))}
    assert limits >= {MAX_LENGTH, MAX_DEPTH, MAX_VALUES, MAX_PATTERN, MAX_SUBJECT}


def test_the_versions_are_in_order() -> None:
    [line] = [line for line in section("How values are compared").splitlines() if line.startswith("So `")]
    words = re.findall(r"`([^`]+)`( [<=])?", line)
    for (older, sign), (newer, _) in pairwise(words):
        assert compare_versions(older, newer) == (0 if sign.strip() == "=" else -1), (older, newer)


def test_the_program_does_what_its_comments_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = section("In Python").partition("```python\n")[2].partition("```")[0]
    lines, said = [], []
    for line in program.splitlines():
        code, _, comment = line.partition("  #")
        is_value = bool(comment) and not code.startswith("print")
        lines.append(f"print(repr({code.strip()}))" if is_value else line)
        said += [comment.strip().partition(": nothing")[0]] if comment else []
    path = tmp_path / "program.py"
    path.write_text("\n".join(lines))
    runpy.run_path(str(path))
    assert capsys.readouterr().out.splitlines() == [
        *said[:3],
        "unknown role = web and not /^test/",
        "  unknown role = web: fact or label role is not known, for nothing was told",
        "  yes     not /^test/",
        "    no      /^test/: the host is web1",
        said[3],
    ]

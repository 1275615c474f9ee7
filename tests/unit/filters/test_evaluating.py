"""Whole filters: logic with three values, and explanations."""

from __future__ import annotations

import pytest

from matahari.filters.comparing import Truth
from matahari.filters.evaluating import NOT_NEEDED, Explanation, evaluate, explain
from matahari.filters.selection import parse
from matahari.filters.subject import Subject
from tests.support.filters import WEB1, parsed

#: yes, no and unknown as terms
HOST = Subject("web1", facts={"y": 1, "n": 0}, labels={})
TERMS: dict[str, Truth] = {"y = 1": True, "n = 1": False, "u = 1": None}


@pytest.mark.parametrize("left", TERMS)
@pytest.mark.parametrize("right", TERMS)
def test_and_or_and_not_have_the_tables_of_sql(left: str, right: str) -> None:
    values = [TERMS[left], TERMS[right]]
    expected_and = False if False in values else None if None in values else True
    expected_or = True if True in values else None if None in values else False
    assert evaluate(parsed(f"{left} and {right}"), HOST) is expected_and
    assert evaluate(parsed(f"{left} or {right}"), HOST) is expected_or
    assert evaluate(parsed(f"not {left}"), HOST) is (None if TERMS[left] is None else not TERMS[left])


@pytest.mark.parametrize(
    "text", ["y = 1 and u = 1", "not (n = 1 or u = 1)", "web* and not n = 1", "u != 1 or y in (1)"]
)
def test_an_explanation_agrees_with_the_evaluation(text: str) -> None:
    assert explain(parsed(text), HOST).truth is evaluate(parsed(text), HOST)


def test_an_explanation_tells_each_part_and_why() -> None:
    explanation = explain(parsed("web1* and (os.version >= 12 or not site = ber)"), WEB1)
    assert list(explanation.lines()) == [
        "unknown web1* and (os.version >= 12 or not site = ber)",
        "  yes     web1*: the host is web1.example.org",
        "  unknown os.version >= 12 or not site = ber",
        '    no      os.version >= 12: os.version is "11", not >= 12',
        "    unknown not site = ber",
        "      unknown site = ber: fact or label site is not known",
    ]
    assert not explanation.matched
    assert explanation.reason == "os.version >= 12 or not site = ber is not known"
    assert explanation.parts[1].parts[1].reason == "what is not known is not known either way"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("y = 1 and n = 1 and u = 1", "n = 1 does not match"),
        ("n = 1 and n = 2", "n = 1 and 1 more does not match"),
        ("y = 1 and web*", "all parts match"),
        ("n = 1 or y = 1", "y = 1 matches"),
        ("n = 1 or u = 1", "u = 1 is not known"),
        ("n = 1 or n = 2", "no part matches"),
        ("not n = 1", ""),
    ],
)
def test_the_part_that_decided_is_named(text: str, reason: str) -> None:
    assert explain(parsed(text), HOST).reason == reason


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("db1 and role = db", ["the host is web1", NOT_NEEDED]),
        ("web1 or not (has role and plugin x)", ["the host is web1", NOT_NEEDED, NOT_NEEDED]),
        ("db1 and (agent a or class b or Host.load > 1)", ["the host is web1", NOT_NEEDED, NOT_NEEDED, NOT_NEEDED]),
        ("web1 and role = db", ["the host is web1", "fact or label role is not known, for nothing was told"]),
    ],
)
def test_what_need_not_be_known_is_told_as_such(text: str, reasons: list[str]) -> None:
    def leaves(one: Explanation) -> list[str]:
        return [reason for part in one.parts for reason in leaves(part)] or [one.reason]

    assert leaves(parse(text).explain(Subject("web1"))) == reasons


def test_what_is_certainly_not_there_keeps_its_reason() -> None:
    found = parse("db1 and role = db").explain(Subject("web1", facts={}, labels={}))
    assert found.parts[1].reason == "fact or label role is not known"

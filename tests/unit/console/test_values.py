"""Results as a group."""

from __future__ import annotations

import pytest

from matahari.console import ClassName, Host, RemoteObject, Result, Results
from matahari.console.rollout import NotAsked
from matahari.errors import AbortedError, AgentGoneError, RequestTimeoutError
from matahari.qmf import ObjectId, Schema, SchemaId

NAME = ClassName("p", "C")


def an_object(host: str) -> RemoteObject:
    return RemoteObject(host, "a", "o", NAME, {}, ObjectId("a", "o"), Schema(SchemaId("p", "C")))


def test_results_are_told_apart_as_ok_failed_and_silent() -> None:
    results = Results(
        [
            Result(an_object("one"), 1, None, 0.1),
            Result(an_object("two"), None, AbortedError("ValueError: boom"), 0.1),
            Result(an_object("three"), None, RequestTimeoutError("no answer", timeout=1.0), 1.0),
            Result(an_object("four"), None, AgentGoneError("gone"), 0.1),
        ]
    )
    assert [one.host for one in results.ok] == ["one"]
    assert [one.host for one in results.failed] == ["two"]
    assert [one.host for one in results.silent] == ["three", "four"]
    assert results.values() == [1]
    assert len(results) == 4
    assert results[0].ok
    assert [one.host for one in results[1:3]] == ["two", "three"]
    assert repr(results) == "<Results: 1 ok, 1 failed, 2 silent>"


def test_raise_for_errors_raises_all_of_them_as_a_group() -> None:
    results = Results([Result(an_object("one"), None, AbortedError("a"), 0), Result(an_object("two"), 1, None, 0)])
    with pytest.raises(ExceptionGroup, match=r"1 of 2 calls failed: one$") as caught:
        results.raise_for_errors()
    assert [str(error) for error in caught.value.exceptions] == ["a"]


def test_raise_for_errors_is_silent_when_all_is_well() -> None:
    Results([Result(an_object("one"), 0, None, 0)]).raise_for_errors()


def test_an_error_of_many_hosts_names_some_of_them() -> None:
    failed = [Result(an_object(f"h{at}"), None, AbortedError("a"), 0) for at in range(12)]
    with pytest.raises(ExceptionGroup, match=r"12 of 12 calls failed: h0, .*, h9 and 2 more$"):
        Results(failed).raise_for_errors()


def test_a_host_whose_turn_never_came_is_an_error_only_when_nobody_wanted_that() -> None:
    results = Results([], None, [NotAsked("a", "limit"), NotAsked("b", "refused")])
    results.raise_for_errors()
    assert repr(results) == "<Results: 0 ok, 0 failed, 0 silent, 2 not asked>"
    with pytest.raises(ExceptionGroup, match=r"1 of 1 calls failed: c$") as caught:
        Results([], None, [NotAsked("c", "timeout")]).raise_for_errors()
    assert isinstance(caught.value.exceptions[0], RequestTimeoutError)


def test_a_summary_without_a_name_groups_values_and_failures() -> None:
    summary = Results(
        [
            Result(an_object("one"), 0, None, 0.1),
            Result(an_object("two"), 5, None, 0.1),
            Result(an_object("three"), 0, None, 0.1),
            Result(an_object("four"), None, AgentGoneError("gone"), 0.1),
        ]
    ).summary()
    assert [(one.value, one.count, one.hosts) for one in summary] == [(0, 2, ("one", "three")), (5, 1, ("two",))]
    assert [one.hosts for one in summary.odd] == [("two",)]
    assert [(one.value, one.hosts) for one in summary.errors] == [("gone", ("four",))]


def test_the_texts_of_values_are_for_people() -> None:
    assert str(Host("web1", "f00d")) == "web1"
    assert str(NAME) == "p:C"
    assert str(an_object("web1")) == "p:C[o] on web1"


def test_what_is_printed_of_a_result_is_short_whatever_is_in_it() -> None:
    """A plugin's object holds the schemas of all its methods, and a result may have a megabyte."""
    held = RemoteObject(
        "web1", "a", "o", NAME, {"methods": "x" * 100_000}, ObjectId("a", "o"), Schema(SchemaId("p", "C"))
    )
    assert repr(held) == "<RemoteObject: p:C[o] on web1>"
    assert repr(Result(held, 5, None, 0.1)) == "<Result: web1: 5>"
    assert repr(Result(held, None, AbortedError("boom"), 0.1)) == "<Result: web1: AbortedError: boom>"
    assert len(repr(Result(held, "x" * 100_000, None, 0.1))) < 300
    assert len(repr(Result(held, {str(at): list(range(1000)) for at in range(1000)}, None, 0.1))) < 600

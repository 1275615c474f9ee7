"""Asking extensions: answers and failures apart."""

from __future__ import annotations

import asyncio
import threading

import pytest

from matahari.errors import HookError
from matahari.hooks import (
    FACTS,
    HOST_INVENTORY,
    VALIDATORS,
    Extensions,
    HostInventory,
    Threads,
    call_all,
    call_all_within,
    call_first,
    hookimpl,
    run_guarded,
)


class Gives:
    """Returns a value, raises it, or calls it."""

    def __init__(self, value: object) -> None:
        self.value = value

    @hookimpl
    def facts(self) -> object:
        return self._answer()

    @hookimpl
    def host_inventory(self) -> object:
        return self._answer()

    @hookimpl
    def validators(self) -> object:
        return self._answer()

    def _answer(self) -> object:
        if isinstance(self.value, BaseException):
            raise self.value
        return self.value() if callable(self.value) else self.value


def given(**values: object) -> Extensions:
    """Extensions that are asked in this order."""
    extensions = Extensions()
    for name, value in reversed(values.items()):
        extensions.register(Gives(value), name=name, origin="test")
    assert extensions.failures == []
    return extensions


def test_all_answers_come_in_order_and_none_is_no_answer() -> None:
    outcome = call_all(given(a={"x": 1}, b=None, c={"y": 2}), FACTS)
    assert [(result.provider, result.value) for result in outcome.results] == [("a", {"x": 1}), ("c", {"y": 2})]
    assert outcome.failures == ()


@pytest.mark.parametrize("raised", [ValueError("odd"), SystemExit("odd")])
def test_one_that_raises_is_named_and_hides_no_other(raised: BaseException) -> None:
    outcome = call_all(given(a={"x": 1}, b=raised, c={"y": 2}), FACTS)
    assert [result.provider for result in outcome.results] == ["a", "c"]
    (failure,) = outcome.failures
    assert (failure.hook, failure.provider, failure.__cause__) == ("facts", "b", raised)
    assert str(failure) == f"hook facts of b: {type(raised).__name__}: odd"


@pytest.mark.parametrize("raised", [asyncio.CancelledError(), KeyboardInterrupt()])
def test_one_that_raises_what_would_end_whoever_waits_has_failed_like_any_other(raised: BaseException) -> None:
    outcome = asyncio.run(call_all_within(given(a={"x": 1}, b=raised), FACTS, Threads()))
    assert [result.provider for result in outcome.results] == ["a"]
    assert [failure.provider for failure in outcome.failures] == ["b"]


def test_an_interrupt_of_the_main_thread_is_nobodys_failure() -> None:
    with pytest.raises(KeyboardInterrupt):
        call_all(given(a=KeyboardInterrupt()), FACTS)


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "int, not a map"), ({1: 2}, "key 1"), ([("a", 1)], "list, not a map")],
)
def test_facts_of_the_wrong_type_are_a_failure(value: object, text: str) -> None:
    (failure,) = call_all(given(a=value), FACTS).failures
    assert text in str(failure)


@pytest.mark.parametrize("value", [{"a": "b"}, HostInventory({"a": 1}), HostInventory(classes="web")])  # type: ignore[dict-item, arg-type]  # what is refused
def test_an_inventory_of_the_wrong_type_is_a_failure(value: object) -> None:
    assert len(call_all(given(a=value), HOST_INVENTORY).failures) == 1


@pytest.mark.parametrize("value", ["text", [1], {"a": 1}])
def test_offers_of_the_wrong_type_are_a_failure(value: object) -> None:
    assert len(call_all(given(a=value), VALIDATORS).failures) == 1


def test_the_first_answer_ends_the_asking() -> None:
    outcome = call_first(given(a=None, b=ValueError("odd"), c={"x": 1}, d=KeyError("not asked")), FACTS)
    assert [result.provider for result in outcome.results] == ["c"]
    assert [failure.provider for failure in outcome.failures] == ["b"]


def test_without_extensions_there_is_no_answer() -> None:
    assert call_first(Extensions(), FACTS).results == ()
    assert call_all(Extensions(), FACTS).results == ()


def test_one_that_does_not_end_is_a_failure_beside_the_answers() -> None:
    gate = threading.Event()

    async def scenario() -> None:
        outcome = await call_all_within(given(a=gate.wait, b={"x": 1}), FACTS, Threads(), timeout=0.2)
        assert [result.provider for result in outcome.results] == ["b"]
        assert [str(failure) for failure in outcome.failures] == [
            "hook facts of a: TimeoutError: not ended within 0.2 s"
        ]

    try:
        asyncio.run(scenario())
    finally:
        gate.set()


def test_guarded_code_raises_an_error_with_its_name_and_cause() -> None:
    empty: dict[str, int] = {}
    with pytest.raises(HookError, match=r"hook validators of mine: KeyError: 'x'") as caught:
        run_guarded("validators", "mine", lambda: empty["x"])
    assert isinstance(caught.value.__cause__, KeyError)

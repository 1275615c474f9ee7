"""What an author may declare about an action."""

from __future__ import annotations

import functools

import pytest

from matahari.plugin import Declared, declared, method


def test_a_plain_function_declares_nothing() -> None:
    assert declared(lambda: None) == Declared({}, None, ())


def test_what_is_declared_is_kept_and_the_function_stays_itself() -> None:
    def wipe(disk: str, password: str) -> str:
        return disk + password

    marked = method(destructive=True, idempotent=False, timeout=5, sensitive=["password"])(wipe)
    assert marked is wipe
    assert wipe("a", "b") == "ab"
    assert declared(wipe) == Declared({"destructive": True, "idempotent": False}, 5, ("password",))


def test_it_may_be_used_without_parentheses_and_with_a_single_name() -> None:
    @method
    def plain() -> None: ...

    @method(sensitive="password")
    def one(password: str) -> None: ...

    assert declared(plain) == Declared()
    assert declared(one).sensitive == ("password",)


def test_wrappers_and_partials_of_a_declared_function_keep_it() -> None:
    @method(read_only=True)
    def inner(x: int) -> int:
        return x

    @functools.wraps(inner)
    def outer(x: int) -> int:
        return inner(x)

    assert declared(outer).effects == {"read_only": True}
    assert declared(functools.partial(inner, 1)).effects == {"read_only": True}


@pytest.mark.parametrize(
    "said",
    [
        {"read_only": 1},
        {"read_only": True, "destructive": True},
        {"timeout": 0},
        {"timeout": float("inf")},
        {"timeout": "5"},
        {"timeout": True},
        {"sensitive": [1]},
    ],
)
def test_what_makes_no_sense_is_refused(said: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        method(**said)  # type: ignore[call-overload]  # wrong on purpose


def test_only_functions_can_be_declared() -> None:
    with pytest.raises(TypeError, match="for functions"):
        method(5)  # type: ignore[call-overload]  # wrong on purpose

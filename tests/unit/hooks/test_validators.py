"""Validators of extensions, by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from matahari.errors import HookError
from matahari.hooks import Extensions, JsonValue, NamedCheck, Threads, Validator, find_validators, hookimpl


class Offers:
    def __init__(self, *names: str, check: Callable[[JsonValue], str] = lambda value: "") -> None:
        self.names = names
        self.check = check

    @hookimpl
    def validators(self) -> Sequence[Validator]:
        if not self.names:
            raise LookupError("none")
        return [Validator(name, "", self.check) for name in self.names]


def found(**offers: Offers) -> tuple[dict[str, NamedCheck], tuple[HookError, ...]]:
    extensions = Extensions()
    for name, offer in offers.items():
        extensions.register(offer, name=name, origin="test")
    return asyncio.run(find_validators(extensions, Threads()))


def test_validators_are_found_by_name_and_say_what_is_wrong() -> None:
    checks, faults = found(net=Offers("ip", "mac", check=lambda value: f"{value!r} is none"))
    assert (sorted(checks), faults) == (["ip", "mac"], ())
    assert checks["ip"](3) == "3 is none"


def test_of_two_with_one_name_the_first_counts_and_the_other_is_named() -> None:
    checks, [fault] = found(later=Offers("ip"), first=Offers("ip"))
    assert checks["ip"].provider == "first"
    assert (fault.provider, "first has one of that name" in str(fault)) == ("later", True)


def test_an_extension_that_raises_is_named_and_the_others_stay() -> None:
    checks, [fault] = found(broken=Offers(), good=Offers("ip"))
    assert list(checks) == ["ip"]
    assert str(fault) == "hook validators of broken: LookupError: none"


def test_a_check_that_raises_or_gives_no_text_lets_nothing_pass_and_is_named() -> None:
    def raises(value: JsonValue) -> str:
        raise ZeroDivisionError("oops")

    checks, _ = found(odd=Offers("a", check=raises), vague=Offers("b", check=lambda value: None))  # type: ignore[arg-type, return-value]  # that is the point
    assert checks["a"](1) == "cannot be checked: hook validators of odd: ZeroDivisionError: oops"
    assert checks["b"](1) == "cannot be checked: hook validators of vague: returned NoneType, no text"

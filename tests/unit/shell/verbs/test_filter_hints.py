"""A filter that means no host: which names in it nothing has, where they stand, and what may have been meant."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from matahari.console import ClassName, Host
from matahari.errors import ConnectionLostError
from matahari.shell.verbs.filter_hints import MAX_HINTS, filter_hints
from tests.support.fake_console import FakeConsole, fleet


class Gone(FakeConsole):
    def classes(self, package: str | None = None, *, hosts: Iterable[Host | str] | None = None) -> list[ClassName]:
        raise ConnectionLostError("gone")


def hints(text: str, console: FakeConsole | None = None) -> list[tuple[str, int | None]]:
    bus = console or fleet()
    return [(one.text, one.position) for one in filter_hints(text, bus.match_hosts(text), bus)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wbe1", [('no host is called "wbe1"; did you mean web1?', 0)]),
        ("WBE1", [('no host is called "WBE1"; did you mean web1?', 0)]),
        ("frobnicate", [('no host is called "frobnicate"', 0)]),
        ("  'my host' ", [('no host is called "my host"', 2)]),
        ("DB1 and class Hots", [('no agent publishes the class "Hots"; did you mean Host?', 14)]),
        ("plugin clac >= 1", [('no host has the plugin "clac"; did you mean calc?', 7)]),
        ("plugin calc >= 99", []),
        ("Host.hostnam = x", [('Host has no property "hostnam"; did you mean Host.hostname?', 0)]),
        ("db1 and Hots.hostname = x", [('no agent publishes the class "Hots"; did you mean Host?', 8)]),
        ("Host.hostname = x and has Host.frob.1", [('Host has no property "frob"', 26)]),
        ("Host.hostname.1 in (x, y)", []),
        ("agent rpcc", [('no host has the agent "rpcc"; did you mean rpc?', 6)]),
        ("agent rpc and nosuch", [('no host is called "nosuch"', 14)]),
        ("db1 and not (wbe1 or plugin clac)", []),
        ("wbe* or /wbe/", []),
        ("nosuch or nosuch", [('no host is called "nosuch"', 0)]),
    ],
)
def test_names_that_nothing_has_are_told_with_their_column(text: str, expected: list[tuple[str, int | None]]) -> None:
    assert hints(text) == expected


def test_a_value_is_not_taken_for_the_name_that_is_the_same() -> None:
    assert (hints("hostname = wbe1 and wbe1")[-1]) == ('no host is called "wbe1"; did you mean web1?', 20)


def test_a_class_of_an_inventory_is_not_missed_where_hosts_match() -> None:
    assert hints("db1 or class role::web") == []


def test_the_short_name_of_a_host_is_enough_to_be_close() -> None:
    console = FakeConsole([Host("alpha.example.org", "1"), Host("beta.example.org", "2")], [])
    assert hints("alpah", console) == [('no host is called "alpah"; did you mean alpha.example.org?', 0)]


def test_a_long_list_of_hosts_gives_few_hints() -> None:
    assert len(hints(" or ".join(f"x{at}" for at in range(100)))) == MAX_HINTS


def test_classes_that_cannot_be_asked_for_are_not_said_to_be_missing() -> None:
    text = "class Hots or plugin clac or Host.frob = 1"
    assert filter_hints(text, fleet().match_hosts(text), Gone([], [])) == []

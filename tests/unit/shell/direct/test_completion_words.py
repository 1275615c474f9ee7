"""What is offered for each place of a command line of mhsh."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from matahari.shell.direct.completion_words import MAX_OFFERED, Offer, offer, split_line, typed

PLUGINS = "org.matahariproject.rpc.plugin"


class Known:
    """Names as a small bus has them, and what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.host_names = ["web1", "web2", "db1"]

    def hosts(self) -> Sequence[str]:
        self.asked.append("hosts")
        return self.host_names

    def classes(self) -> Sequence[tuple[str, str]]:
        self.asked.append("classes")
        return [(PLUGINS, "calc"), (PLUGINS, "calendar"), ("org.matahariproject", "Host"), ("com.example", "Host")]

    def methods(self, package: str, class_name: str) -> Sequence[str]:
        self.asked.append(f"methods of {package}:{class_name}")
        return ["add", "boom"] if class_name == "calc" else ["reboot"]

    def properties(self, package: str, class_name: str) -> Sequence[str]:
        self.asked.append(f"properties of {package}:{class_name}")
        return ["load", "hostname"]

    def events(self) -> Sequence[tuple[str, str]]:
        self.asked.append("events")
        return [("org.matahariproject", "heartbeat"), (PLUGINS, "calc_event")]

    def arguments(
        self, package: str, class_name: str, method: str, given: Sequence[str], fragment: str
    ) -> Sequence[str]:
        self.asked.append(f"arguments of {package}:{class_name}.{method} behind {' '.join(given)}")
        return ["green", "red", "a b", "colour=", "deep="]


def offered(*words: str) -> Offer:
    return offer(typed(words[:-1]), words[-1], Known())


CASES: list[tuple[list[str], tuple[str, ...], str]] = [
    ([""], ("call", "describe", "events", "get", "hosts"), "files"),
    (["h"], ("hosts",), "files"),
    (["./h"], (), "files"),
    (["script", "h"], (), "files"),
    (["-c", "list hosts", ""], (), "files"),
    (["--js"], ("--json",), "words"),
    (["--", "--js"], (), "files"),
    (["--completion", ""], ("bash", "fish", "zsh"), "words"),
    (["--completion=z"], ("--completion=zsh",), "words"),
    (["--log", "w"], ("warning",), "words"),
    (["--broker-kind", "rabbitmq"], ("rabbitmq3", "rabbitmq4"), "words"),
    (["--config", ""], (), "files"),
    (["-t", ""], (), "words"),
    (["--json=x"], (), "words"),
    (["call", ""], ("calc.", "calendar."), "open"),
    (["--json", "call", "calc"], ("calc.",), "open"),
    (["call", "calc."], ("calc.add", "calc.boom"), "words"),
    (["call", "calc.b"], ("calc.boom",), "words"),
    (["call", "org.matahariproject:H"], ("org.matahariproject:Host.",), "open"),
    (["call", "org.matahariproject:Host."], ("org.matahariproject:Host.reboot",), "words"),
    (["call", "calc.add", ""], ("colour=", "deep=", "green", "red"), "words"),
    (["call", "calc.add", "r"], ("red",), "words"),
    (["call", "calc.add", "red", "--json", "d"], ("deep=",), "open"),
    (["call", "calc", ""], (), "words"),
    (["describe", "calc."], ("calc.add", "calc.boom", "calc.hostname", "calc.load"), "words"),
    (["describe", "calc.add", ""], (), "words"),
    (["get", "cale"], ("calendar",), "words"),
    (["get", "calendar", "ho"], ("hostname",), "words"),
    (["events", ""], (f"{PLUGINS}:calc_event", "org.matahariproject:heartbeat"), "words"),
    (["events", "--json", "h"], ("heartbeat",), "words"),
    (["events", "--class", "org.m"], (f"{PLUGINS}:calc_event", "org.matahariproject:heartbeat"), "words"),
    (["events", "--class=calc"], ("--class=calc_event",), "words"),
    (["events", "heartbeat", ""], (), "words"),
    (["call", "--can"], ("--canary",), "words"),
    (["call", "--hosts", "web"], ("web1", "web2"), "words"),
    (["call", "calc.add", "--hosts=d"], ("--hosts=db1",), "words"),
    (["get", ""], ("Host", "com.example:Host", f"{PLUGINS}:calc", f"{PLUGINS}:calendar"), "words"),
    (["get", "org.matahariproject:"], ("org.matahariproject:Host",), "words"),
    (["get", "Host", "lo"], ("load",), "words"),
    (["get", "Host", "load", ""], (), "words"),
    (["hosts", "web"], ("web1", "web2"), "words"),
    (["hosts", "--exp"], ("--explain",), "words"),
    (["events", "--foll"], ("--follow",), "words"),
]


@pytest.mark.parametrize(("words", "expected", "manner"), CASES)
def test_each_place_has_its_words(words: list[str], expected: tuple[str, ...], manner: str) -> None:
    found = offered(*words)
    assert (found.words, found.manner) == (expected, manner)


@pytest.mark.parametrize(
    "words", [[""], ["--js"], ["file", ""], ["--log", ""], ["call", "--js"], ["get", "a", "b", ""]]
)
def test_the_bus_is_asked_only_for_what_it_knows(words: list[str]) -> None:
    known = Known()
    offer(typed(words[:-1]), words[-1], known)
    assert known.asked == []


def test_the_properties_of_a_class_without_package_are_those_of_the_only_one() -> None:
    known = Known()
    offer(typed(["get", "calendar"]), "", known)
    offer(typed(["get", "Host"]), "", known)
    assert [one for one in known.asked if one != "classes"] == [
        f"properties of {PLUGINS}:calendar",
        "properties of org.matahariproject:Host",
    ]


def test_arguments_are_asked_for_with_those_in_front() -> None:
    known = Known()
    offer(typed(["call", "--hosts", "web1", "com.example:Host.reboot", "1", "-y"]), "", known)
    assert known.asked == ["arguments of com.example:Host.reboot behind 1"]


def test_names_that_a_shell_would_take_apart_or_run_are_not_offered() -> None:
    known = Known()
    known.host_names = ["ok", "$(reboot)", "a b", "x;y", "`id`", "-rf", "a\nb", "a*", "'q'", "", "é", "x" * 300]
    assert offer(typed(["hosts"]), "", known).words == ("ok",)


def test_no_more_is_offered_than_a_shell_can_show() -> None:
    known = Known()
    known.host_names = [f"host{number}" for number in range(MAX_OFFERED + 500)]
    assert len(offer(typed(["hosts"]), "", known).words) == MAX_OFFERED


def test_options_and_their_values_are_kept_for_the_connection() -> None:
    assert typed(["-b", "unix:/x", "call", "--hosts", "web*", "calc.add", "-t", "5", "--", "-y"]).given == [
        *("-b", "unix:/x", "--hosts", "web*", "-t", "5")
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mhsh ", (["mhsh"], "")),
        ("mhsh ca", (["mhsh"], "ca")),
        ("mhsh  call 'a b' x", (["mhsh", "call", "a b"], "x")),
        ('mhsh "a\'b" c\\ d ""  e', (["mhsh", "a'b", "c d", ""], "e")),
        ("mhsh '\\' x", (["mhsh", "\\"], "x")),
        ("", ([], "")),
        ("mhsh 'a", None),
        ('mhsh "a b', None),
        ("mhsh a\\ b", None),
        ("mhsh a\\", None),
        ("mhsh 'a'", None),
    ],
)
def test_a_line_of_bash_is_taken_apart(line: str, expected: tuple[list[str], str] | None) -> None:
    assert split_line(line) == expected

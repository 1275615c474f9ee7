"""Whom a rule of a simulated fleet means, and how long it makes them wait."""

from __future__ import annotations

import re

import pytest

from matahari.testing.fleet import Rule, parse_rule
from matahari.testing.fleet.rules import find_rule

HOSTS = [f"host{number:04}" for number in range(1, 1001)]


def test_patterns_of_host_plugin_and_method_must_all_fit() -> None:
    rule = Rule(hosts="web?", plugin="cal*", method="[ab]dd")
    assert rule.applies("web1", "calls", "add")
    assert not rule.applies("web10", "calls", "add")
    assert not rule.applies("web1", "disks", "add")
    assert not rule.applies("web1", "calls", "sub")


def test_the_first_rule_that_applies_counts() -> None:
    first, second = Rule(hosts="a*", outcome="fail"), Rule(outcome="silent")
    assert find_rule([first, second], "a1", "p", "m") is first
    assert find_rule([first, second], "b1", "p", "m") is second
    assert find_rule([first], "b1", "p", "m") is None


def test_a_share_means_about_so_many_hosts_and_always_the_same() -> None:
    rule = Rule(share=0.1, outcome="fail")
    meant = [host for host in HOSTS if rule.applies(host, "p", "m")]
    assert 70 <= len(meant) <= 130
    assert meant == [host for host in HOSTS if Rule(share=0.1, outcome="fail").applies(host, "q", "n")]
    assert [host for host in HOSTS if Rule(share=0.0).applies(host, "p", "m")] == []


def test_two_rules_for_a_share_mean_different_hosts() -> None:
    rules = [Rule(share=0.1, outcome="fail"), Rule(share=0.1, outcome="silent")]
    found = [find_rule(rules, host, "p", "m") for host in HOSTS]
    assert 70 <= found.count(rules[0]) <= 130
    assert 50 <= found.count(rules[1]) <= 130


def test_waits_are_spread_over_the_hosts() -> None:
    waits = [Rule(delay=1.0, spread=2.0).wait(host) for host in HOSTS]
    assert all(1.0 <= wait < 3.0 for wait in waits)
    assert 1.9 < sum(waits) / len(waits) < 2.1
    assert Rule(delay=0.5).wait("a") == 0.5


def test_a_rule_is_read_from_text() -> None:
    text = "hosts=web*, method=slow,delay=0.2,share=0.5,outcome=fail,text=no disk"
    assert parse_rule(text) == Rule(hosts="web*", method="slow", delay=0.2, share=0.5, outcome="fail", text="no disk")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("host=web1", "'host=web1' is not one of hosts=…, plugin=…"),
        ("silent", "'silent' is not one of"),
        ("delay=soon", "delay is a number, not 'soon'"),
        ("delay=-1", "delay is a number of seconds, not -1"),
        ("spread=inf", "spread is a number of seconds, not inf"),
        ("share=1.5", "share is from 0 to 1, not 1.5"),
        ("outcome=odd", "outcome is one of answer, fail, silent, crash, not 'odd'"),
        ("delay=1,delay=2", "delay is given twice"),
    ],
)
def test_what_is_no_rule_is_refused_with_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        parse_rule(text)

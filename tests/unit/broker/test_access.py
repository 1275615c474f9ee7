"""What one connection may do: rules, and what is the owner's alone."""

from __future__ import annotations

import pytest

from matahari.broker import parse_acl
from matahari.broker.access import Access, Guard
from matahari.broker.nodes import BINDINGS, DIRECT, TAP, TOPIC

DYNAMIC_ADDRESS = "matahari.dynamic.x"
RULES = """
[[rules]]
who = "alice"
allow = "all"
node = "qmf.default.direct"

[[rules]]
who = ["alice", "bob"]
allow = "all"
node = ["dynamic", "matahari.tap"]
"""


@pytest.mark.parametrize("is_owner", [True, False])
def test_without_rules_all_is_allowed_but_tapping_is_the_owners(is_owner: bool) -> None:
    access = Access("alice", is_owner=is_owner)
    assert access.refuse_sender(TOPIC) == access.refuse_sender(None) == ""
    assert access.refuse_message(DIRECT, "k") == ""
    assert [access.refuse_receiver(node, "#") for node in (TOPIC, DIRECT, BINDINGS, None)] == [""] * 4
    refusal = access.refuse_receiver(TAP, "")
    assert (refusal == "") is is_owner
    assert is_owner or refusal == "alice may not attach matahari.tap: it is for the broker's own user and root"


def test_with_rules_each_question_has_its_action() -> None:
    access = Access("alice", Guard(parse_acl(RULES, "f")), is_owner=True)
    assert access.refuse_sender(DIRECT) == ""
    assert access.refuse_message(DIRECT, "k") == ""
    assert access.refuse_receiver(DIRECT, "k") == ""
    assert access.refuse_receiver(None, "") == ""
    assert access.refuse_receiver(TAP, "") == ""
    assert access.refuse_sender(DYNAMIC_ADDRESS) == ""
    assert access.refuse_message(DYNAMIC_ADDRESS, "any") == ""
    assert access.refuse_sender(TOPIC).startswith("alice may publish nothing on qmf.default.topic")
    assert access.refuse_message(TOPIC, "k").startswith("alice may not publish 'k' on qmf.default.topic")
    assert access.refuse_receiver(TOPIC, "k").startswith("alice may not bind 'k' on qmf.default.topic")
    assert access.refuse_receiver(BINDINGS, "").startswith("alice may not attach matahari.bindings")
    assert access.refuse_sender(None).startswith("alice may not attach relay")


def test_no_rule_lets_another_than_the_owner_tap_and_the_owner_needs_one() -> None:
    guard = Guard(parse_acl(RULES, "f"))
    assert "own user and root" in Access("bob", guard).refuse_receiver(TAP, "")
    assert "no rule allows it" in Access("root", guard, is_owner=True).refuse_receiver(TAP, "")


def test_other_rules_are_in_force_at_the_next_question() -> None:
    guard = Guard(parse_acl(RULES, "f"))
    access = Access("bob", guard)
    assert access.refuse_message(TOPIC, "k")
    guard.acl = parse_acl('[[rules]]\nwho = "bob"\nallow = "publish"\n', "f")
    assert not access.refuse_message(TOPIC, "k")
    guard.acl = None
    assert not access.refuse_receiver(TOPIC, "#")

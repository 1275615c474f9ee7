"""Access rules: the first that fits decides (brokers.md 6.1 and 9.12)."""

from __future__ import annotations

import pytest

from matahari.broker import parse_acl
from matahari.broker.acl import DYNAMIC, MAX_DECISIONS, MAX_LOGINS, NODES, RELAY, Acl, Action
from matahari.broker.nodes import BINDINGS, DIRECT, LEGACY, TAP, TOPIC

AGENTS_AND_CONSOLES = """
[groups]
agents = ["web1", "web2"]
consoles = ["ops"]

[[rules]]
who = "@agents"
allow = "publish"
node = "qmf.default.topic"
key = "agent.ind.#"

[[rules]]
who = "@agents"
deny = "publish"
node = "qmf.default.direct"
key = "matahari.#"

[[rules]]
who = "@agents"
allow = "publish"
node = ["qmf.default.direct", "amq.direct"]

[[rules]]
who = "@agents"
allow = "bind"
node = "qmf.default.direct"
key = ["matahari.org:host:{login}", "{login}.#"]

[[rules]]
who = "@agents"
allow = "bind"
node = "qmf.default.topic"
key = "console.#"

[[rules]]
who = "@consoles"
deny = "bind"
node = "qmf.default.topic"
key = "agent.ind.secret.#"

[[rules]]
who = "@consoles"
allow = "all"
"""


def acl(text: str) -> Acl:
    return parse_acl(text, "acl.toml")


@pytest.mark.parametrize(
    ("login", "action", "node", "key", "allowed"),
    [
        ("web1", "publish", TOPIC, "agent.ind.heartbeat", True),
        ("web1", "publish", TOPIC, "console.request.agent_locate", False),
        ("web1", "publish", DIRECT, "direct-console.1", True),
        ("web1", "publish", LEGACY, "reply-1", True),
        ("web1", "publish", DIRECT, "matahari.org:host:web2", False),
        ("web1", "bind", DIRECT, "matahari.org:host:web1", True),
        ("web1", "bind", DIRECT, "matahari.org:host:web2", False),
        ("web2", "bind", DIRECT, "matahari.org:host:web2", True),
        ("web1", "bind", DIRECT, "web1.a.b", True),
        ("web1", "bind", DIRECT, "web2.a.b", False),
        ("web1", "bind", DIRECT, "#", False),
        ("web1", "bind", TOPIC, "console.request.*", True),
        ("web1", "bind", TOPIC, "#", False),
        ("web1", "attach", RELAY, "", False),
        ("web1", "attach", BINDINGS, "", False),
        ("ops", "publish", TOPIC, "console.request.agent_locate", True),
        ("ops", "bind", TOPIC, "agent.ind.heartbeat.#", True),
        ("ops", "bind", TOPIC, "agent.ind.secret.x", False),
        ("ops", "bind", TOPIC, "agent.ind.#", False),
        ("ops", "bind", TOPIC, "#", False),
        ("ops", "bind", DIRECT, "agent.ind.secret", True),
        ("ops", "attach", RELAY, "", True),
        ("ops", "attach", DYNAMIC, "", True),
        ("ops", "attach", TAP, "", True),
        ("root", "publish", TOPIC, "agent.ind.x", False),
        ("web", "publish", TOPIC, "agent.ind.x", False),
    ],
)
def test_each_login_may_do_what_the_first_fitting_rule_says(
    login: str, action: Action, node: str, key: str, allowed: bool
) -> None:
    refusal = acl(AGENTS_AND_CONSOLES).rights(login).refusal(action, node, key)
    assert (refusal == "") is allowed


@pytest.mark.parametrize(
    ("login", "action", "node", "key", "text"),
    [
        ("eve", "publish", TOPIC, "a.b", "eve may not publish 'a.b' on qmf.default.topic: no rule allows it"),
        ("eve", "attach", RELAY, "", "eve may not attach relay: no rule allows it"),
        ("ops", "bind", TOPIC, "#", "ops may not bind '#' on qmf.default.topic: rule 6 denies it"),
        ("web1", "bind", DIRECT, "a\nb", "web1 may not bind 'a\\nb' on qmf.default.direct: no rule allows it"),
    ],
)
def test_a_refusal_names_login_action_key_and_rule(login: str, action: Action, node: str, key: str, text: str) -> None:
    assert acl(AGENTS_AND_CONSOLES).rights(login).refusal(action, node, key) == text


@pytest.mark.parametrize("first", ["allow", "deny"])
def test_of_two_rules_that_fit_the_first_decides(first: str) -> None:
    second = "deny" if first == "allow" else "allow"
    rules = acl(f'[[rules]]\nwho = "*"\n{first} = "all"\n[[rules]]\nwho = "*"\n{second} = "all"\n')
    assert (rules.rights("x").refusal("publish", TOPIC, "k") == "") is (first == "allow")


@pytest.mark.parametrize(
    ("login", "node", "refusal"),
    [
        ("web1", TOPIC, ""),
        ("web1", DIRECT, ""),
        ("web1", LEGACY, ""),
        ("web1", DYNAMIC, "web1 may publish nothing on dynamic: no rule allows it"),
        ("ops", DYNAMIC, ""),
        ("eve", TOPIC, "eve may publish nothing on qmf.default.topic: no rule allows it"),
    ],
)
def test_a_link_to_send_needs_some_key_that_is_allowed(login: str, node: str, refusal: str) -> None:
    assert acl(AGENTS_AND_CONSOLES).rights(login).sending_refusal(node) == refusal


def test_a_link_to_send_is_refused_where_a_rule_denies_everything_before() -> None:
    rules = acl('[[rules]]\nwho = "eve"\ndeny = "publish"\n[[rules]]\nwho = "*"\nallow = "all"\n')
    assert "rule 1 denies it" in rules.rights("eve").sending_refusal(TOPIC)
    assert rules.rights("alice").sending_refusal(TOPIC) == ""


def test_a_rule_with_a_key_says_nothing_about_nodes_without_keys() -> None:
    rules = acl('[[rules]]\nwho = "*"\nallow = "all"\nkey = "#"\n')
    assert rules.rights("x").refusal("publish", TOPIC, "k") == ""
    assert rules.rights("x").refusal("attach", RELAY) != ""


def test_whom_a_rule_allows_something_may_connect() -> None:
    rules = acl(AGENTS_AND_CONSOLES)
    assert [login for login in ("web1", "ops", "root", "anonymous", "eve", "") if rules.admits(login)] == [
        "web1",
        "ops",
    ]
    everybody = acl('[[rules]]\nwho = "eve"\ndeny = "all"\n[[rules]]\nwho = "*"\nallow = "publish"\n')
    assert everybody.admits("anybody")
    assert not acl('[[rules]]\nwho = "eve"\ndeny = "all"\n').admits("eve")


@pytest.mark.parametrize("login", ["*", "#", "a*", "a.#", "{login}", "", "a b", "@agents"])
def test_a_login_that_would_be_a_pattern_may_do_nothing(login: str) -> None:
    rules = acl('[[rules]]\nwho = "*"\nallow = "all"\n[[rules]]\nwho = "*"\nallow = "bind"\nkey = "{login}"\n')
    assert not rules.admits(login)
    for node in NODES:
        assert rules.rights(login).refusal("publish", node, "secret")
        assert rules.rights(login).refusal("bind", node, "secret")


def test_decisions_are_remembered_within_bounds() -> None:
    rules = acl(AGENTS_AND_CONSOLES)
    rights = rules.rights("web1")
    assert rules.rights("web1") is rights
    for number in range(2 * MAX_DECISIONS + 7):
        assert rights.refusal("publish", TOPIC, f"agent.ind.{number}") == ""
        assert len(rights._decisions) <= MAX_DECISIONS
    assert rights.refusal("publish", TOPIC, "other") == rights.refusal("publish", TOPIC, "other") != ""
    for number in range(2 * MAX_LOGINS + 7):
        rules.rights(f"login{number}")
        assert len(rules._rights) <= MAX_LOGINS

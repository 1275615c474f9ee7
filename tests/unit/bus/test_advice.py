"""What operators are told (brokers.md 6)."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from matahari.bus import Kind, cause_of_cut, remedy, snippet

KINDS: tuple[Kind, ...] = get_args(Kind)
FOREIGN = [kind for kind in KINDS if kind != "matahari"]


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("condition", ["amqp:not-found", "amqp:unauthorized-access", "amqp:not-allowed", "http:403"])
def test_every_foreign_broker_has_a_remedy_for_what_is_missing_and_what_is_forbidden(
    kind: Kind, condition: str
) -> None:
    assert remedy(kind, condition)


@pytest.mark.parametrize("kind", FOREIGN)
def test_every_foreign_broker_has_a_configuration_to_copy(kind: Kind) -> None:
    assert "qmf" in snippet(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_other_refusals_have_none(kind: Kind) -> None:
    assert remedy(kind, "amqp:internal-error") == ""


def test_our_own_broker_needs_nothing() -> None:
    assert snippet("matahari") == ""
    assert remedy("matahari", "amqp:not-found") == ""


@pytest.mark.parametrize("kind", ["rabbitmq3", "rabbitmq4"])
def test_rabbitmqs_definitions_are_given_whole(kind: Kind) -> None:
    told = snippet(kind)
    definitions = json.loads(told[told.index("{") : told.index("\nEND\n")])
    assert {one["name"]: one["type"] for one in definitions["exchanges"]} == {
        "qmf.default.topic": "topic",
        "qmf.default.direct": "topic",
    }
    assert any(one["pattern"] == r"^amq\.gen-" and "expires" in one["definition"] for one in definitions["policies"])
    assert "rabbitmqctl import_definitions qmf.json" in told
    text = remedy(kind, "amqp:not-found")
    assert "`matahari doctor` prints" in text
    assert "--virtual-host vhost:qmf" in text
    assert "\n" not in text


def test_the_plugin_is_named_where_it_is_needed() -> None:
    assert "rabbitmq-plugins enable rabbitmq_amqp1_0" in snippet("rabbitmq3")
    assert "rabbitmq-plugins" not in snippet("rabbitmq4")


def test_qpidds_management_is_named() -> None:
    assert "mgmt-enable" in remedy("qpid", "amqp:not-found")


def test_only_rabbitmq_3_cuts_connections_without_a_word() -> None:
    assert "topic_permissions" in cause_of_cut("rabbitmq3")
    assert [kind for kind in KINDS if cause_of_cut(kind)] == ["rabbitmq3"]

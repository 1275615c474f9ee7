"""The snippets for operators have the lines without which the advice would be wrong."""

from __future__ import annotations

from typing import get_args

import pytest

from matahari.bus import Kind, snippet
from matahari.shell.service.broker_advice import ADVICE, TROUBLES
from matahari.tap.probing import Trouble

KINDS: tuple[Kind, ...] = get_args(Kind)


def test_there_is_advice_for_every_kind_of_broker_and_every_trouble() -> None:
    assert set(ADVICE) == set(KINDS)
    assert set(TROUBLES) == set(get_args(Trouble)) - {""}


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        (
            "qpid",
            [
                "load-module=amqp.so",
                "mgmt-qmf2=yes",
                "auth=yes",
                "session-max-unacked=100",
                "acl-file=/etc/qpid/qmf.acl",
                "acl allow agents publish exchange name=qmf.default.topic routingkey=agent.ind.#",
                "acl allow agents bind exchange name=qmf.default.topic routingkey=console.*",
                "acl allow agents create queue durable=false",
                "acl deny all all",
            ],
        ),
        (
            "rabbitmq3",
            [
                "rabbitmq-plugins enable rabbitmq_amqp1_0",
                "amqp1_0.default_user = none",
                "load_definitions = /etc/rabbitmq/qmf.json",
                '"name": "qmf.default.topic", "type": "topic"',
                '"name": "qmf.default.direct", "type": "topic"',
                '"pattern": "^amq\\\\.gen-"',
                '"expires": 60000',
                "rabbitmqctl set_topic_permissions -p qmf $U qmf.default.direct",
            ],
        ),
        (
            "rabbitmq4",
            ["anonymous_login_user = none", '"name": "qmf.default.topic"', "'^qmf\\.'$U'\\..*$'", "set_topic_permissions"],
        ),
        (
            "artemis",
            [
                '<address-setting match="qmf.default.#">',
                "<default-address-routing-type>MULTICAST</default-address-routing-type>",
                "<auto-delete-addresses-skip-usage-check>true</auto-delete-addresses-skip-usage-check>",
                "<address-full-policy>DROP</address-full-policy>",
                "<address-queue-scan-period>30000</address-queue-scan-period>",
                'protocols=AMQP;sslEnabled=true',
                '<security-setting match="qmf.default.topic.agent.#">',
            ],
        ),
        (
            "router",
            [
                "prefix: qmf.default.topic",
                "distribution: multicast",
                "prefix: qmf.default.direct",
                "distribution: closest",
                "enableVhostPolicy: true",
                '"allowUserIdProxy": false',
            ],
        ),
    ],
)  # fmt: skip
def test_what_an_operator_gets_has_its_essential_lines(kind: Kind, lines: list[str]) -> None:
    whole = f"{snippet(kind)}\n{ADVICE[kind].operator}"
    assert [line for line in lines if line not in whole] == []


def test_our_own_broker_needs_no_operator() -> None:
    assert (snippet("matahari"), ADVICE["matahari"].operator) == ("", "")


@pytest.mark.parametrize("kind", KINDS)
def test_lines_are_whole_and_fit_a_screen(kind: Kind) -> None:
    advice = ADVICE[kind]
    for text in (advice.title, *advice.works, *advice.lacks):
        assert "\n" not in text
        assert text == text.strip()
    assert "\t" not in advice.operator
    assert advice.operator == advice.operator.strip()

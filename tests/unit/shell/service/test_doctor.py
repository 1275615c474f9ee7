"""What ``matahari doctor`` prints about a broker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matahari.bus import remedy, snippet
from matahari.shell.service.broker_advice import TROUBLES
from matahari.shell.service.doctor import Report, report_broker
from matahari.tap import Finding
from matahari.tap.probing import Trouble

OWN = Finding(
    product="matahari-broker",
    version="1.0",
    kind="matahari",
    capabilities=("ANONYMOUS-RELAY",),
    lists_agents=True,
    user_id_trusted=True,
    offers_tap=True,
    may_tap=True,
)
RABBIT = Finding(
    product="RabbitMQ", version="3.10.8", kind="rabbitmq3", user_id_trusted=True, snippet=snippet("rabbitmq3")
)


def report(finding: Finding) -> tuple[list[str], bool]:
    """The lines, and whether something is wrong."""
    lines: list[str] = []
    one = Report(lines.append)
    report_broker(one, "amqp://127.0.0.1:5672", finding)
    return lines, one.failed


def test_our_own_broker_does_everything_and_needs_nothing() -> None:
    lines, failed = report(OWN)
    assert not failed
    assert "  ok    amqp://127.0.0.1:5672 answers: matahari-broker 1.0" in lines
    assert "  note  capabilities: ANONYMOUS-RELAY" in lines
    assert any("presence list" in line for line in lines)
    assert any("`matahari tap` sees everything" in line for line in lines)
    assert not any("operator" in line for line in lines)


def test_a_login_that_may_not_tap_is_told() -> None:
    lines, _ = report(replace(OWN, may_tap=False, user_id_trusted=False))
    assert any("the tap is for the broker's own user" in line for line in lines)
    assert any("user-id: not proved" in line for line in lines)


def test_another_kind_of_broker_comes_with_what_it_lacks_and_what_to_paste() -> None:
    lines, failed = report(RABBIT)
    assert not failed
    assert any("not here: it does not tell who is connected" in line for line in lines)
    assert "    rabbitmq-plugins enable rabbitmq_amqp1_0" in lines
    assert any(line.startswith("    amqp1_0.default_user = none ") for line in lines)
    rights = [line for line in lines if "set_topic_permissions" in line]
    assert len(rights) == 2
    assert r"'^direct-console\..*$' '^matahariproject\.org:.*$'" in rights[1]


def test_a_kind_that_the_brokers_own_product_contradicts_is_a_fault() -> None:
    lines, failed = report(replace(RABBIT, kind="qpid", own_kind="rabbitmq3"))
    assert failed
    [at] = [number for number, line in enumerate(lines) if line.startswith("  FAIL")]
    assert "taken for qpid" in lines[at]
    assert "by its product it is rabbitmq3" in lines[at]
    assert "--broker-kind" in lines[at + 1]
    lines, failed = report(replace(RABBIT, kind="qpid", own_kind="rabbitmq3", trouble="refused", message="not so"))
    assert failed
    assert lines[-1] == "  note  not so"
    assert not any("operator" in line for line in lines)
    for kind in ("rabbitmq3", None):
        assert not report(replace(RABBIT, own_kind=kind))[1]


def test_missing_exchanges_are_told_with_the_import_that_makes_them() -> None:
    hint = remedy("rabbitmq3", "amqp:not-found")
    finding = replace(
        RABBIT, trouble="refused", message="refused: amqp:not-found", condition="amqp:not-found", remedy=hint
    )
    lines, failed = report(finding)
    assert failed
    at = lines.index("  FAIL  refused: amqp:not-found")
    assert "rabbitmqctl import_definitions FILE" in lines[at + 1]
    assert any('"name": "qmf.default.topic"' in line for line in lines[at:])
    assert not any(line.startswith("  ok ") for line in lines)


@pytest.mark.parametrize("trouble", sorted(TROUBLES))
def test_every_trouble_has_a_remedy_of_one_line(trouble: Trouble) -> None:
    lines, failed = report(Finding(trouble, "what is wrong"))
    assert failed
    assert lines == ["  FAIL  what is wrong", f"        -> {TROUBLES[trouble]}"]


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("amqp-0-9-1", "rabbitmq-plugins enable rabbitmq_amqp1_0"),
        ("amqp-0-10", "load-module=amqp.so"),
        ("authentication", "ANONYMOUS"),
        ("unknown-product", "--broker-kind"),
    ],
)
def test_different_reasons_have_different_remedies(trouble: Trouble, words: str) -> None:
    lines, _ = report(Finding(trouble, "x"))
    assert words in lines[-1]


def test_an_unknown_product_is_named() -> None:
    lines, failed = report(Finding("unknown-product", "not known", product="Strange", version="9"))
    assert failed
    assert lines[0] == "  note  amqp://127.0.0.1:5672 is a broker of product Strange 9"


def test_what_a_peer_says_of_itself_cannot_harm_a_terminal() -> None:
    evil = "\x1b[2Jx\u202e\n"
    for finding in (
        replace(OWN, product=evil, version=evil, capabilities=(evil,)),
        Finding("unknown-product", evil, product=evil),
    ):
        lines, _ = report(finding)
        assert not any(char in line for line in lines for char in "\x1b\u202e\n")

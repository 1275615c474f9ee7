"""Keys that can be owned, and reply addresses that are answered, whatever the broker (brokers.md 3)."""

from __future__ import annotations

import pytest

from matahari.bus import ExchangeScheme, FamiliesScheme, Out, RabbitMQ3Scheme, RabbitMQ4Scheme, Scheme, check_key
from matahari.errors import LocalProtocolError

SCHEME = ExchangeScheme()
ALL: list[Scheme] = [
    ExchangeScheme(kind="matahari"),
    SCHEME,
    RabbitMQ3Scheme(),
    RabbitMQ4Scheme(),
    FamiliesScheme(kind="artemis"),
    FamiliesScheme(kind="router"),
]
EVERY_KIND = pytest.mark.parametrize("scheme", ALL, ids=lambda scheme: scheme.kind)


@EVERY_KIND
def test_our_reply_address_is_the_same_text_everywhere_and_can_be_answered(scheme: Scheme) -> None:
    assert scheme.reply_to("console.ops.1") == "qmf.default.direct/console.ops.1"
    assert scheme.reply("qmf.default.direct/console.ops.1") == scheme.direct("console.ops.1")


@EVERY_KIND
def test_a_console_that_listens_on_the_topic_exchange_is_answered_there(scheme: Scheme) -> None:
    assert scheme.reply("qmf.default.topic/direct-console.1") == scheme.publish("direct-console.1")


@EVERY_KIND
def test_a_pattern_cannot_be_owned(scheme: Scheme) -> None:
    with pytest.raises(LocalProtocolError):
        scheme.own("agent.#")


@EVERY_KIND
def test_answers_go_over_links_that_are_always_there(scheme: Scheme) -> None:
    assert len(scheme.targets) in (1, 2)
    assert {scheme.publish("k").link, scheme.direct("k").link, scheme.reply("qmf.default.direct/k").link} == set(
        scheme.targets
    )


@EVERY_KIND
@pytest.mark.parametrize("key", ["k" * 256, "a.#", "a*", "q::k", "a\0b", "\ud800"])
def test_a_reply_key_that_a_broker_would_stumble_over_is_refused(scheme: Scheme, key: str) -> None:
    """On RabbitMQ a key of more than 255 bytes ends the session, and a caller must not be able to do that."""
    with pytest.raises(LocalProtocolError, match="is not a console's"):
        scheme.reply(f"qmf.default.direct/{key}")


@pytest.mark.parametrize(
    "lab",
    [
        ExchangeScheme("lab"),
        RabbitMQ3Scheme("lab"),
        RabbitMQ4Scheme("lab"),
        FamiliesScheme("lab", kind="artemis"),
        FamiliesScheme("lab", kind="router"),
    ],
    ids=lambda scheme: scheme.kind,
)
def test_another_domain_has_exchanges_of_its_own(lab: Scheme) -> None:
    assert lab.reply_to("k") == "qmf.lab.direct/k"
    assert lab.reply("qmf.lab.direct/k") == lab.direct("k")
    assert "qmf.lab.direct" in str(lab.direct("k"))
    assert "qmf.lab.topic" in str(lab.publish("k"))
    with pytest.raises(LocalProtocolError):
        lab.reply("qmf.default.direct/k")


@pytest.mark.parametrize(
    ("reply_to", "out"),
    [
        ("qmf.default.direct/qmfc-v2-host.1.2", Out("qmf.default.direct", None, "qmfc-v2-host.1.2")),
        ("qmf.default.direct/a/b", Out("qmf.default.direct", None, "a/b")),
        ("qmf.default.direct/console.request.x", Out("qmf.default.direct", None, "console.request.x")),
        ("amq.direct/reply-host.1.2", Out("amq.direct", None, "reply-host.1.2")),
        ("qmf.default.topic/direct-console.1", Out("qmf.default.topic", None, "direct-console.1")),
        ("qmf.default.topic/direct.1", Out("qmf.default.topic", None, "direct.1")),
        ("matahari.dynamic.x", Out(None, "matahari.dynamic.x", "")),
        ("c0ffee", Out(None, "c0ffee", "")),
    ],
)
def test_a_consoles_reply_address_is_answered(reply_to: str, out: Out) -> None:
    """The four forms of qmf2.md 1.4, and dynamic nodes."""
    assert SCHEME.reply(reply_to) == out


@pytest.mark.parametrize(
    "reply_to",
    [
        "",
        "/",
        "/key",
        "qmf.default.direct",
        "qmf.default.direct/",
        "qmf.default.topic",
        "qmf.default.topic/",
        "amq.direct/",
        "amq.direct",
        "amq.topic",
        "qmf.other.topic",
        # an agent would publish with its own rights what a caller made it say
        "qmf.default.topic/agent.ind.event.org_matahariproject",
        "qmf.default.topic/console.request.agent_locate",
        "qmf.default.topic/direct-agent.route.1",
        "qmf.default.topic/direct-console",
        "qmf.default.topic/direct",
        "qmf.default.topic/x.direct.1",
        "qmf.other.direct/key",
        "amq.topic/key",
        "qpid.management/key",
        "matahari.dynamic.x/key",
    ],
)
@EVERY_KIND
def test_any_other_reply_address_is_refused(scheme: Scheme, reply_to: str) -> None:
    with pytest.raises(LocalProtocolError, match=r"is not a console's|is a bare queue"):
        scheme.reply(reply_to)


@pytest.mark.parametrize("key", ["k", "v:p:i", "a.b-c_d/e f", "k" * 255, "é" * 127, "a:b"])
def test_a_key_that_can_be_owned_is_returned(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key", ["", "a.*", "#", "a*b", "a\0", "a\nb", "a\x1f", "a\x7f", "queue::x", "k" * 256, "é" * 128, "\ud800"]
)
def test_a_key_that_brokers_would_misread_is_refused(key: str) -> None:
    with pytest.raises(LocalProtocolError, match="cannot be an address of ours"):
        check_key(key)

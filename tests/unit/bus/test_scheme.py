"""Keys as addresses, and which brokers we can use (brokers.md 3.1 and 4)."""

from __future__ import annotations

import pytest

from matahari.amqp import DIRECT_BINDING, TOPIC_BINDING, Opened
from matahari.bus import ExchangeScheme, In, Out, check_key, detect
from matahari.errors import ConnectFailedError, LocalProtocolError

SCHEME = ExchangeScheme()


def test_a_topic_message_goes_to_the_topic_exchange_under_its_key() -> None:
    assert SCHEME.publish("agent.ind.event") == Out("qmf.default.topic", None, "agent.ind.event")


def test_a_direct_message_goes_to_the_direct_exchange_under_its_key() -> None:
    assert SCHEME.direct("v:p:i") == Out("qmf.default.direct", None, "v:p:i")


def test_a_subscription_is_a_topic_filter_on_the_topic_exchange() -> None:
    wanted = In("qmf.default.topic", {"subject-filter": (TOPIC_BINDING, "agent.ind.#")})
    assert SCHEME.subscribe("agent.ind.#") == wanted


def test_an_own_key_is_a_direct_filter_on_the_direct_exchange() -> None:
    assert SCHEME.own("v:p:i") == In("qmf.default.direct", {"subject-filter": (DIRECT_BINDING, "v:p:i")})


def test_a_pattern_cannot_be_owned() -> None:
    with pytest.raises(LocalProtocolError):
        SCHEME.own("agent.#")


def test_another_domain_has_exchanges_of_its_own() -> None:
    scheme = ExchangeScheme("lab")
    assert scheme.publish("k").link == "qmf.lab.topic"
    assert scheme.reply_to("k") == "qmf.lab.direct/k"
    assert scheme.reply("qmf.lab.direct/k") == Out("qmf.lab.direct", None, "k")
    with pytest.raises(LocalProtocolError):
        scheme.reply("qmf.default.direct/k")


def test_our_own_reply_address_can_be_answered() -> None:
    assert SCHEME.reply(SCHEME.reply_to("console.ops.1")) == SCHEME.direct("console.ops.1")


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
def test_any_other_reply_address_is_refused(reply_to: str) -> None:
    with pytest.raises(LocalProtocolError, match="is not a console's"):
        SCHEME.reply(reply_to)


@pytest.mark.parametrize("key", ["k", "v:p:i", "a.b-c_d/e f", "k" * 255, "é" * 127, "a:b"])
def test_a_key_that_can_be_owned_is_returned(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key", ["", "a.*", "#", "a*b", "a\0", "a\nb", "a\x1f", "a\x7f", "queue::x", "k" * 256, "é" * 128]
)
def test_a_key_that_brokers_would_misread_is_refused(key: str) -> None:
    with pytest.raises(LocalProtocolError, match="cannot be an address of ours"):
        check_key(key)


def opened(*capabilities: str, **properties: str) -> Opened:
    return Opened("container", "", {key.replace("_", "-"): value for key, value in properties.items()}, capabilities)


def test_the_embedded_broker_is_known_and_lists_its_bindings() -> None:
    scheme = detect(opened("ANONYMOUS-RELAY", product="matahari-broker", user_id="checked"), "unix:x")
    assert (scheme.lists_bindings, scheme.user_id_trusted) == (True, True)


@pytest.mark.parametrize("said", ["", "unchecked", "Checked"])
def test_user_ids_are_believed_only_when_the_broker_says_it_checks_them(said: str) -> None:
    assert not detect(opened(product="matahari-broker", user_id=said), "unix:x").user_id_trusted


def test_qpidd_is_used_without_its_user_ids_and_bindings() -> None:
    scheme = detect(opened("ANONYMOUS-RELAY", product="qpid-cpp", version="1.40.0", user_id="checked"), "host")
    assert (scheme.lists_bindings, scheme.user_id_trusted) == (False, False)
    assert scheme.publish("k").link == "qmf.default.topic"


@pytest.mark.parametrize(
    ("product", "version"),
    [
        ("RabbitMQ", "3.10.8"),
        ("RabbitMQ", "4.0.5"),
        ("apache-activemq-artemis", "2.45.0"),
        ("skupper-router", "3.0.0"),
        ("qpid-dispatch-router", "1.19.0"),
        ("Qpid-cpp", "1"),
        ("something else", ""),
    ],
)
def test_another_broker_is_refused_by_name(product: str, version: str) -> None:
    with pytest.raises(ConnectFailedError, match=f"host:5672 is a broker of product '{product}'") as caught:
        detect(opened("ANONYMOUS-RELAY", product=product, version=version), "host:5672")
    assert caught.value.address == "host:5672"
    assert "matahari broker" in str(caught.value), "the way out"


def test_a_broker_without_a_product_is_refused() -> None:
    with pytest.raises(ConnectFailedError, match=r"\(none given\)"):
        detect(opened(), "host")

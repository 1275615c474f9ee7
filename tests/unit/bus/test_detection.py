"""Which kind of broker has answered (brokers.md 4)."""

from __future__ import annotations

import pytest

from matahari.amqp import Opened
from matahari.bus import ExchangeScheme, FamiliesScheme, RabbitMQ3Scheme, RabbitMQ4Scheme, Scheme, detect, known_kind
from matahari.errors import ConnectFailedError


def opened(*capabilities: str, **properties: str) -> Opened:
    return Opened("container", "", {key.replace("_", "-"): value for key, value in properties.items()}, capabilities)


@pytest.mark.parametrize(
    ("said", "kind", "scheme"),
    [
        (opened("ANONYMOUS-RELAY", product="matahari-broker"), "matahari", ExchangeScheme),
        (opened("ANONYMOUS-RELAY", product="qpid-cpp", version="1.40.0"), "qpid", ExchangeScheme),
        (opened(product="RabbitMQ", version="3.10.8"), "rabbitmq3", RabbitMQ3Scheme),
        (opened(product="RabbitMQ", version="3.13.7"), "rabbitmq3", RabbitMQ3Scheme),
        (
            opened("LINK_PAIR_V1_0", "ANONYMOUS-RELAY", product="RabbitMQ", version="4.0.5"),
            "rabbitmq4",
            RabbitMQ4Scheme,
        ),
        (opened(product="RabbitMQ", version="30.1"), "rabbitmq4", RabbitMQ4Scheme),
        (opened(product="RabbitMQ"), "rabbitmq4", RabbitMQ4Scheme),
        (opened("SHARED-SUBS", product="apache-activemq-artemis", version="2.45.0"), "artemis", FamiliesScheme),
        (opened(product="skupper-router", version="3.0.0"), "router", FamiliesScheme),
        (opened(product="qpid-dispatch-router", version="1.19.0"), "router", FamiliesScheme),
    ],
)
def test_a_product_has_its_scheme(said: Opened, kind: str, scheme: type[Scheme]) -> None:
    found = detect(said, "host:5672")
    assert found.kind == kind
    assert type(found) is scheme


def test_the_embedded_broker_lists_its_bindings_and_says_what_else_it_does() -> None:
    found = detect(opened(product="matahari-broker", user_id="checked", tap="offered"), "unix:x")
    assert (found.lists_bindings, found.user_id_trusted, found.taps) == (True, True, True)
    found = detect(opened(product="matahari-broker"), "unix:x")
    assert (found.lists_bindings, found.user_id_trusted, found.taps) == (True, False, False)


@pytest.mark.parametrize("said", ["", "unchecked", "Checked"])
def test_user_ids_are_believed_only_when_the_broker_says_it_checks_them(said: str) -> None:
    assert not detect(opened(product="matahari-broker", user_id=said), "unix:x").user_id_trusted


@pytest.mark.parametrize(
    ("product", "is_trusted"),
    [
        ("qpid-cpp", False),
        ("RabbitMQ", True),
        ("apache-activemq-artemis", False),
        ("skupper-router", False),
    ],
)
def test_another_brokers_user_ids_are_believed_where_it_always_compares_them(product: str, is_trusted: bool) -> None:
    """qpidd with authentication and routers with a policy do too, but do not tell that they have it."""
    assert detect(opened(product=product, user_id="checked"), "host").user_id_trusted is is_trusted


@pytest.mark.parametrize("product", ["Qpid-cpp", "something else", "rabbitmq"])
def test_another_product_is_refused_by_name_with_the_option_that_names_a_kind(product: str) -> None:
    with pytest.raises(ConnectFailedError, match=f"host:5672 is a broker of product '{product}'") as caught:
        detect(opened("ANONYMOUS-RELAY", product=product, version="1"), "host:5672")
    assert caught.value.address == "host:5672"
    assert "--broker-kind" in str(caught.value)
    assert "matahari broker" in str(caught.value), "the other way out"


def test_a_broker_without_a_product_is_refused() -> None:
    with pytest.raises(ConnectFailedError, match=r"\(none given\)"):
        detect(opened(), "host")


@pytest.mark.parametrize("kind", ["matahari", "qpid", "rabbitmq3", "rabbitmq4", "artemis", "router"])
def test_a_kind_that_is_given_counts_whatever_the_broker_says(kind: str) -> None:
    assert detect(opened(product="something else"), "host", kind).kind == kind
    assert detect(opened(product="RabbitMQ", version="3.10.8"), "host", kind).kind == kind


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConnectFailedError, match="no kind of broker 'kafka'"):
        detect(opened(product="RabbitMQ"), "host", "kafka")


def test_what_a_broker_is_by_its_product_is_known_whatever_it_is_taken_for() -> None:
    said = opened(product="RabbitMQ", version="3.10.8")
    assert detect(said, "x", "qpid").kind == "qpid"
    assert known_kind(said) == "rabbitmq3"
    assert known_kind(opened(product="Strange")) is None
    assert known_kind(opened()) is None

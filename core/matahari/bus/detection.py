"""Which kind of broker has answered, by its open frame (``brokers.md`` section 4)."""

from __future__ import annotations

from typing import assert_never, cast, get_args

from matahari.amqp import Opened
from matahari.bus.exchange import ExchangeScheme
from matahari.bus.families import FamiliesScheme
from matahari.bus.rabbitmq3 import RabbitMQ3Scheme
from matahari.bus.rabbitmq4 import RabbitMQ4Scheme
from matahari.bus.scheme import Kind, Scheme
from matahari.errors import ConnectFailedError

__all__ = ["detect", "known_kind"]

_PRODUCTS: dict[str, Kind] = {
    "matahari-broker": "matahari",
    "qpid-cpp": "qpid",
    "apache-activemq-artemis": "artemis",
    "skupper-router": "router",
    "qpid-dispatch-router": "router",
}


def detect(opened: Opened, address: str, kind: str = "auto") -> Scheme:
    """The scheme for the broker that sent ``opened``.

    Args:
        kind: ``auto``, or the kind to take it for whatever it says.

    Raises:
        ConnectFailedError: a product that is not known, or no such kind; with the option that names a kind.
    """
    return _scheme(_kind_of(opened, address) if kind == "auto" else _checked(kind, address), opened)


def known_kind(opened: Opened) -> Kind | None:
    """The kind of the product that the broker says it is; None when that product is not known."""
    product = opened.properties.get("product", "")
    if product == "RabbitMQ":
        return "rabbitmq3" if opened.properties.get("version", "").startswith("3.") else "rabbitmq4"
    return _PRODUCTS.get(product)


def _kind_of(opened: Opened, address: str) -> Kind:
    found = known_kind(opened)
    if found is None:
        product = opened.properties.get("product", "")
        raise ConnectFailedError(
            f"{address} is a broker of product {product or '(none given)'!r}, which is not known; works with its own "
            "(`matahari broker`), Qpid C++, RabbitMQ, ActiveMQ Artemis, skupper-router and Qpid Dispatch; to use this "
            "one as if it were of a certain kind, give --broker-kind qpid, rabbitmq3, rabbitmq4, artemis or router",
            address=address,
        )
    return found


def _checked(kind: str, address: str) -> Kind:
    if kind not in get_args(Kind):
        raise ConnectFailedError(
            f"there is no kind of broker {kind!r}; kinds are auto, {', '.join(get_args(Kind))}", address=address
        )
    return cast(Kind, kind)


def _scheme(kind: Kind, opened: Opened) -> Scheme:
    match kind:
        case "matahari":
            said = opened.properties
            return ExchangeScheme(
                kind=kind,
                lists_bindings=True,
                taps=said.get("tap") == "offered",
                user_id_trusted=said.get("user-id") == "checked",
            )
        case "qpid":
            # It compares user-ids only when it authenticates, and does not say whether it does (brokers.md 6.1).
            return ExchangeScheme(kind=kind)
        case "rabbitmq3":
            return RabbitMQ3Scheme()
        case "rabbitmq4":
            return RabbitMQ4Scheme()
        case "artemis" | "router":
            return FamiliesScheme(kind=kind)
        case _:
            assert_never(kind)

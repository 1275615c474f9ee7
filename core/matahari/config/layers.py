"""One value from one layer, and the one setting that is made of several: the broker's address."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, cast

from matahari.errors import ConfigError

if TYPE_CHECKING:
    from matahari.net import Address

__all__ = ["Found", "Layer", "combine_broker"]


class Layer(IntEnum):
    """Sources of values, weakest first."""

    DEFAULT = 0
    FILE = 1
    ENVIRONMENT = 2
    COMMAND_LINE = 3


class Found(NamedTuple):
    """A checked value and where it was.

    Attributes:
        value: what the kind of the setting made of it.
        layer: orders by precedence; of two files the later one is the stronger.
        source: the place for humans, as in ``Settings.sources``.
        file: the place for errors about the value, as in ``ConfigError.file``; likewise ``key``.
    """

    value: object
    layer: tuple[Layer, int]
    source: str
    file: str = ""
    key: str = ""


def combine_broker(found: Mapping[str, Found]) -> Found:
    """Combine ``broker``, ``port`` and ``socket`` into one address.

    A port in the address beats a port setting of the same or a weaker layer. A port setting of a
    stronger layer beats the address's port, and a socket address altogether (then localhost is meant).
    """
    from matahari.net import Address, parse_address  # with AMQP behind it, which who shows help does not pay for

    broker, port = found["broker"], found["port"]
    socket = str(found["socket"].value)
    if broker.value is None and port.value is None:
        return Found(Address("unix", path=socket), found["socket"].layer, f"local socket ({found['socket'].source})")
    number = cast(int | None, port.value)
    if broker.value is None:
        assert number is not None
        return Found(Address("amqp", host="localhost", port=number), port.layer, port.source)
    try:
        address = parse_address(str(broker.value))
        if number is None:
            return Found(address, broker.layer, broker.source)
        if address.scheme == "unix":
            return _socket_or_port(broker, address, port, number)
        if port.layer <= broker.layer:
            address = parse_address(str(broker.value), default_port=number)
        else:
            address = Address(address.scheme, host=address.host, port=number)
    except ConfigError as error:
        if error.file:
            raise
        raise ConfigError(str(error), file=broker.file, key=broker.key) from error
    source = broker.source if address.port != number else f"{broker.source}, {port.source}"
    return Found(address, max(broker.layer, port.layer), source)


def _socket_or_port(broker: Found, address: Address, port: Found, number: int) -> Found:
    if port.layer == broker.layer:
        raise ConfigError(
            f"the broker is the socket {address}, which has no port; set one of {broker.key} and {port.key}, not both",
            file=port.file,
            key=port.key,
        )
    if port.layer < broker.layer:
        return Found(address, broker.layer, broker.source)
    return Found(type(address)("amqp", host="localhost", port=number), port.layer, port.source)

"""The embedded AMQP 1.0 broker."""

from matahari.broker.acl import Acl
from matahari.broker.acl_file import parse_acl, read_acl
from matahari.broker.broker import PRODUCT, Broker, BrokerStatistics
from matahari.broker.limits import raise_descriptor_limit
from matahari.broker.nodes import BINDINGS, DIRECT, LEGACY, TAP, TOPIC

__all__ = [
    "BINDINGS",
    "DIRECT",
    "LEGACY",
    "PRODUCT",
    "TAP",
    "TOPIC",
    "Acl",
    "Broker",
    "BrokerStatistics",
    "parse_acl",
    "raise_descriptor_limit",
    "read_acl",
]

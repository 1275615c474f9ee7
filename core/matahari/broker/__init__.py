"""The embedded AMQP 1.0 broker."""

from matahari.broker.broker import PRODUCT, Broker, BrokerStatistics
from matahari.broker.nodes import BINDINGS, DIRECT, TOPIC

__all__ = ["BINDINGS", "DIRECT", "PRODUCT", "TOPIC", "Broker", "BrokerStatistics"]

"""QMF packets over a connection: the addressing scheme of each kind of broker, links, reconnecting."""

from matahari.bus.advice import cause_of_cut, remedy, snippet
from matahari.bus.bus import Bus
from matahari.bus.declarations import Declarations
from matahari.bus.detection import detect, known_kind
from matahari.bus.exchange import ExchangeScheme
from matahari.bus.families import FamiliesScheme, family
from matahari.bus.management import Failed
from matahari.bus.patterns import matcher, matches
from matahari.bus.rabbitmq3 import RabbitMQ3Scheme
from matahari.bus.rabbitmq4 import RabbitMQ4Scheme
from matahari.bus.scheme import Binding, In, Kind, Out, Scheme, check_key
from matahari.bus.user import BusUser
from matahari.bus.wire import encode_packet, message_of, packet_of

__all__ = [
    "Binding",
    "Bus",
    "BusUser",
    "Declarations",
    "ExchangeScheme",
    "Failed",
    "FamiliesScheme",
    "In",
    "Kind",
    "Out",
    "RabbitMQ3Scheme",
    "RabbitMQ4Scheme",
    "Scheme",
    "cause_of_cut",
    "check_key",
    "detect",
    "encode_packet",
    "family",
    "known_kind",
    "matcher",
    "matches",
    "message_of",
    "packet_of",
    "remedy",
    "snippet",
]

"""QMF packets over a connection: the addressing scheme of each kind of broker, links, reconnecting."""

from matahari.bus.bus import Bus, BusUser
from matahari.bus.scheme import ExchangeScheme, In, Out, check_key, detect
from matahari.bus.wire import message_of, packet_of

__all__ = ["Bus", "BusUser", "ExchangeScheme", "In", "Out", "check_key", "detect", "message_of", "packet_of"]

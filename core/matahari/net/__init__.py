"""asyncio transport: addresses, sockets, reconnecting, one pump per connection."""

from matahari.amqp import tls_available
from matahari.net.address import DEFAULT_PORT, Address, is_loopback, parse_address
from matahari.net.backoff import Backoff
from matahari.net.client import Client, ClientUser
from matahari.net.notify import notify_systemd
from matahari.net.pump import Handler, Pump
from matahari.net.rules import check_allowed, peer_uid
from matahari.net.server import Listener
from matahari.net.tasks import TaskKeeper

__all__ = [
    "DEFAULT_PORT",
    "Address",
    "Backoff",
    "Client",
    "ClientUser",
    "Handler",
    "Listener",
    "Pump",
    "TaskKeeper",
    "check_allowed",
    "is_loopback",
    "notify_systemd",
    "parse_address",
    "peer_uid",
    "tls_available",
]

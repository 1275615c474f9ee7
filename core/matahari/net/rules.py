"""Whom we connect to: what an address must be, and who is at the other end of a Unix socket."""

from __future__ import annotations

import socket
import struct

from matahari.errors import ConnectFailedError
from matahari.net.address import Address, is_loopback

__all__ = ["check_allowed", "peer_uid"]


def check_allowed(address: Address, *, insecure_anonymous: bool) -> None:
    """Refuse what the product does not do: TCP without authentication, unless asked for, and then on loopback only.

    Raises:
        ConnectFailedError: with the remedy.
    """
    if address.scheme == "unix":
        return
    if address.scheme == "amqps":
        raise ConnectFailedError(
            f"{address}: TLS connections are not available in this version; use a Unix socket (unix:PATH)",
            address=str(address),
        )
    if not insecure_anonymous and not is_loopback(address.host):
        raise ConnectFailedError(
            f"{address}: connections to other machines need TLS, which is not available in this version; "
            "use a Unix socket (unix:PATH)",
            address=str(address),
        )
    if not insecure_anonymous:
        raise ConnectFailedError(
            f"{address}: TCP without authentication is refused, on loopback too; use a Unix socket (unix:PATH), "
            "or --insecure-anonymous for tests on this machine",
            address=str(address),
        )
    if not is_loopback(address.host):
        raise ConnectFailedError(
            f"{address}: --insecure-anonymous reaches this machine only (localhost, 127.0.0.1 or ::1)",
            address=str(address),
        )


def peer_uid(sock: socket.socket) -> int:
    """User id of the process at the other end of a Unix socket, from the kernel (SO_PEERCRED)."""
    data = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", data)[1])

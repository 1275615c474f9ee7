"""Tell systemd that a service is ready or stopping (``sd_notify``, a datagram to ``$NOTIFY_SOCKET``)."""

from __future__ import annotations

import logging
import os
import socket

__all__ = ["notify_systemd"]

_log = logging.getLogger(__name__)


def notify_systemd(state: str) -> bool:
    """Send ``state``, e.g. ``READY=1``; False when no service manager listens.

    Source: sd_notify(3): the address may be a path or, with a leading ``@``, an abstract name.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.connect(address)
            out.sendall(state.encode())
    except OSError as error:
        _log.warning("the service manager at %s could not be told %s: %s", address, state, error)
        return False
    return True

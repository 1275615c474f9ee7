"""Where a broker is: ``unix:PATH``, ``HOST[:PORT]``, ``amqp://HOST[:PORT]``, ``amqps://HOST[:PORT]``."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from matahari.errors import ConfigError

if TYPE_CHECKING:
    from matahari.net.pump import Pump

__all__ = ["DEFAULT_PORT", "Address", "Near", "is_loopback", "parse_address"]

DEFAULT_PORT = 49000
_FORMS = "give unix:PATH, HOST, HOST:PORT, amqp://HOST:PORT or amqps://HOST:PORT"


class Near(Protocol):
    """A server in this process and event loop (:class:`matahari.net.Listener`)."""

    def connect(self, pump: Pump) -> None:
        """Connect a client.

        Raises:
            OSError: as connecting a socket.
        """


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed broker address; ``str()`` gives a text that parses to the same.

    Attributes:
        scheme: ``unix`` (``path`` is set), ``amqp`` or ``amqps`` (``host`` and ``port`` are set).
        near: the server itself, where it is in this process: clients then need no socket to it.
    """

    scheme: Literal["unix", "amqp", "amqps"]
    host: str = ""
    port: int = DEFAULT_PORT
    path: str = ""
    near: Near | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_address(text: str, *, default_port: int = DEFAULT_PORT) -> Address:
    """Parse what a user wrote for a broker.

    Args:
        text: one of the forms above; a bare absolute path counts as ``unix:PATH``.
        default_port: used where the text names none.

    Raises:
        ConfigError: the text fits no form; the message shows the forms.
    """
    given = text.strip()
    if given.startswith(("unix:", "/")):
        path = given.removeprefix("unix://").removeprefix("unix:")
        if path.startswith("//"):
            path = "/" + path.lstrip("/")  # the same file, and str() must not look like unix://
        if not path or "\0" in path:
            raise ConfigError(f"broker address {text!r} has no path: {_FORMS}")
        if len(os.fsencode(path)) > 107:
            raise ConfigError(f"broker address {text!r} is longer than the 107 bytes that a Unix socket path may have")
        return Address("unix", path=path)
    scheme: Literal["amqp", "amqps"] = "amqp"
    rest = given
    if "://" in given:
        name, _, rest = given.partition("://")
        if name.lower() == "amqps":
            scheme = "amqps"
        elif name.lower() != "amqp":
            raise ConfigError(f"broker address {text!r} has the unknown scheme {name!r}: {_FORMS}")
        rest = rest.rstrip("/")
    if "@" in rest:
        raise ConfigError(
            "a broker address holds no user or password, and this version has no login: use a Unix socket (unix:PATH),"
            " or --insecure-anonymous for tests on this machine"
        )
    host, port_text = _split_port(rest, text)
    if not host or any(c.isspace() or c in "/?#\0" for c in host):
        raise ConfigError(f"broker address {text!r} names no host: {_FORMS}")
    port = default_port
    if port_text is not None:
        if not port_text.isascii() or not port_text.isdigit() or not 1 <= int(port_text) <= 65535:
            raise ConfigError(f"broker address {text!r}: port {port_text!r} is not a number from 1 to 65535")
        port = int(port_text)
    return Address(scheme, host=host, port=port)


def _split_port(rest: str, text: str) -> tuple[str, str | None]:
    if rest.startswith("["):
        host, bracket, tail = rest[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            raise ConfigError(f"broker address {text!r}: an IPv6 address is written [ADDRESS]:PORT")
        return host, tail[1:] if tail else None
    if rest.count(":") > 1:
        return rest, None
    host, colon, port = rest.partition(":")
    return host, port if colon else None


def is_loopback(host: str) -> bool:
    """Whether ``host`` (a name or a literal address) is this machine's loopback interface by its form alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""The network as this host sees it: echo requests, TCP connections, names.

What the network does is an answer (``connected``, ``received``), with the system's words for it; an exception means
that the question could not be asked.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Literal, TypedDict, TypeVar

from matahari.plugin import context, method, progress

__version__ = "1.0"

Family = Literal["any", "ipv4", "ipv6"]

#: Most echo requests in one call, and most seconds for one wait: a plugin's call ends after a minute by default.
_MAX_COUNT = 20
_MAX_TIMEOUT = 30.0
#: Seconds between echo requests; who is not root may not be faster.
_INTERVAL = 0.2
#: Name lookups that may hang at once: the C library's cannot be interrupted, and each holds a thread until it ends.
_MAX_LOOKUPS = 16
#: Most addresses of one name in an answer.
_MAX_ADDRESSES = 256
#: Bytes of one received packet that are looked at.
_PACKET = 2048
#: Where programs are looked for: never in a folder that the environment names.
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_FAMILIES = {"any": socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
_LOOKUPS = threading.BoundedSemaphore(_MAX_LOOKUPS)

_Found = TypeVar("_Found")


class Ping(TypedDict):
    """Answer of ``ping``; times are those of the answers that came, None when none did.

    ``via`` is ``icmp`` for a socket of this plugin's own and ``program`` for the system's ``ping``.
    """

    host: str
    address: str
    via: str
    sent: int
    received: int
    loss_percent: float
    min_ms: float | None
    avg_ms: float | None
    max_ms: float | None


class Connection(TypedDict):
    """Answer of ``connect``; ``error`` is empty when it was connected."""

    host: str
    address: str
    port: int
    connected: bool
    resolve_ms: float
    connect_ms: float
    error: str


class Resolved(TypedDict):
    """Answer of ``resolve``: addresses or names, empty when there is none."""

    name: str
    record: str
    values: list[str]
    error: str


@method(read_only=True)
def ping(host: str, count: int = 3, timeout: float = 1.0, family: Family = "any") -> Ping:
    """Send ICMP echo requests and tell how many came back, and how fast.

    Args:
        host: name or address.
        count: how many, 1 to 20.
        timeout: seconds to wait for each answer, above 0 to 30.
        family: which kind of address a name is turned into.

    Raises:
        ValueError: not a name or address, or a number is out of range.
        LookupError: the name has no address.
        PermissionError: this user may not send echo requests, and there is no ``ping`` program that may.
    """
    if not 1 <= count <= _MAX_COUNT:
        raise ValueError(f"count is {count}, it must be 1 to {_MAX_COUNT}")
    _check_timeout(timeout)
    kind, address = _first_address(host, family, _MAX_TIMEOUT)
    made = _icmp_socket(kind)
    if made is None:
        return {"host": host, "address": address[0], "via": "program", **_ping_program(address[0], count, timeout)}
    times: list[float] = []
    sent = 0
    with closing(made):
        for sequence in range(1, count + 1):
            if sequence > 1:
                time.sleep(min(_INTERVAL, context().remaining))
            if context().is_cancelled:
                break
            sent += 1
            taken = _echo(made, kind, address, sequence, min(timeout, context().remaining))
            if taken is not None:
                times.append(taken * 1000)
            progress(sequence, count, "no answer" if taken is None else f"{_ms(taken)} ms")
    return {"host": host, "address": address[0], "via": "icmp", **_summary(sent, times)}


@method(read_only=True)
def connect(host: str, port: int, timeout: float = 5.0, family: Family = "any") -> Connection:
    """Open a TCP connection, tell how long that took, and close it.

    Args:
        host: name or address; of several addresses the first is tried.
        port: 1 to 65535.
        timeout: seconds to wait, above 0 to 30, for the name and for the connection each.
        family: which kind of address a name is turned into.

    Raises:
        ValueError: not a name or address, or a number is out of range.
        LookupError: the name has no address.
        TimeoutError: the resolver did not answer in time.
    """
    if not 1 <= port <= 65535:
        raise ValueError(f"port is {port}, it must be 1 to 65535")
    _check_timeout(timeout)
    start = time.monotonic()
    kind, address = _first_address(host, family, timeout)
    resolved = time.monotonic()
    error = ""
    with socket.socket(kind, socket.SOCK_STREAM) as made:
        made.settimeout(timeout)
        try:
            made.connect((address[0], port, *address[2:]))
        except TimeoutError:
            error = f"no answer within {timeout:g} seconds"
        except OSError as refusal:
            error = refusal.strerror or str(refusal)
    return {
        "host": host,
        "address": address[0],
        "port": port,
        "connected": not error,
        "resolve_ms": _ms(resolved - start),
        "connect_ms": _ms(time.monotonic() - resolved),
        "error": error,
    }


@method(read_only=True)
def resolve(name: str, record: Literal["A", "AAAA", "PTR"] = "A", timeout: float = 5.0) -> Resolved:
    """Ask this host's resolver, with its hosts file and all, for addresses or for a name.

    Args:
        name: a host name; an address for ``PTR``.
        record: IPv4 addresses, IPv6 addresses, or the names of an address.
        timeout: seconds to wait, above 0 to 30.

    Raises:
        ValueError: not a name, not an address for ``PTR``, or the timeout is out of range.
        TimeoutError: the resolver did not answer in time.
    """
    _check_timeout(timeout)
    _check_host(name)
    if record == "PTR":
        if not _is_address(name):
            raise ValueError(f"{name!r} is no IP address, and PTR asks for the names of one")
    elif record not in ("A", "AAAA"):
        raise ValueError(f"record is {record!r}, it must be A, AAAA or PTR")
    values: list[str] = []
    error = ""
    try:
        if record == "PTR":
            main, aliases, _ = _limited(lambda: socket.gethostbyaddr(name), name, timeout)
            values = [main, *aliases]
        else:
            kind = socket.AF_INET if record == "A" else socket.AF_INET6
            values = [address[0] for _, address in _limited(lambda: _addresses(name, kind), name, timeout)]
    except (socket.gaierror, socket.herror) as refusal:
        error = refusal.strerror or str(refusal)
    return {"name": name, "record": record, "values": values[:_MAX_ADDRESSES], "error": error}


def _check_timeout(timeout: float) -> None:
    if not 0 < timeout <= _MAX_TIMEOUT:
        raise ValueError(f"timeout is {timeout}, it must be above 0 and at most {_MAX_TIMEOUT:g} seconds")


def _check_host(host: str) -> None:
    labels = host.removesuffix(".").split(".")
    if not _is_address(host) and (len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels)):
        raise ValueError(f"{host[:300]!r} is neither an IP address nor a host name (labels of a-z, 0-9, - and _)")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


_Address = tuple[str, int] | tuple[str, int, int, int]


def _addresses(host: str, kind: int) -> list[tuple[int, _Address]]:
    found: dict[tuple[int, _Address], None] = {}  # in the resolver's order, each once
    for family, _, _, _, address in socket.getaddrinfo(host, 0, kind, socket.SOCK_STREAM):
        if len(address) == 4:
            found[(family, (str(address[0]), 0, address[2], address[3]))] = None
        elif family == socket.AF_INET:
            found[(family, (str(address[0]), 0))] = None
    return list(found)


def _first_address(host: str, family: Family, timeout: float) -> tuple[int, _Address]:
    _check_host(host)
    if family not in _FAMILIES:
        raise ValueError(f"family is {family!r}, it must be any, ipv4 or ipv6")
    try:
        return _limited(lambda: _addresses(host, _FAMILIES[family]), host, timeout)[0]
    except (socket.gaierror, IndexError) as error:
        raise LookupError(f"{host!r} has no address ({family}): {error}") from error


def _limited(ask: Callable[[], _Found], name: str, timeout: float) -> _Found:
    """Run a lookup, which nothing can interrupt, in a thread that is left behind when its time is over."""
    if not _LOOKUPS.acquire(blocking=False):
        raise TimeoutError(f"{_MAX_LOOKUPS} lookups hang already: the resolver of this host does not answer")
    found: list[_Found] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            found.append(ask())
        except Exception as error:  # noqa: BLE001  # raised again below, in the thread that asked
            failed.append(error)
        finally:
            _LOOKUPS.release()

    thread = threading.Thread(target=run, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the system gives no thread
        _LOOKUPS.release()
        raise
    thread.join(min(timeout, context().remaining))
    if failed:
        raise failed[0]
    if not found:
        raise TimeoutError(f"the resolver did not answer about {name!r} within {timeout:g} seconds")
    return found[0]


def _icmp_socket(kind: int) -> socket.socket | None:
    """Make a socket for echo requests: the kind for everyone (``net.ipv4.ping_group_range``), else root's."""
    protocol = socket.IPPROTO_ICMP if kind == socket.AF_INET else socket.IPPROTO_ICMPV6
    for style in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(kind, style, protocol)
        except OSError:
            continue
    return None


def _echo(made: socket.socket, kind: int, address: _Address, sequence: int, timeout: float) -> float | None:
    """Send one request; seconds until its answer, None when none came."""
    asked, answered = (8, 0) if kind == socket.AF_INET else (128, 129)  # RFC 792, RFC 4443
    token = secrets.token_bytes(16)  # tells our answers from those of others on this host
    start = time.monotonic()
    deadline = start + timeout
    try:
        made.sendto(_request(asked, os.getpid() & 0xFFFF, sequence, token), address)
        while (left := deadline - time.monotonic()) > 0:
            made.settimeout(left)
            packet = made.recv(_PACKET)
            if kind == socket.AF_INET and made.type == socket.SOCK_RAW:
                packet = packet[(packet[0] & 0x0F) * 4 :]  # such sockets show the IP header
            if packet[:2] == bytes((answered, 0)) and packet[8:] == token:
                return time.monotonic() - start
    except OSError:
        return None  # timed out, or unreachable: no answer either way
    return None


def _request(asked: int, identifier: int, sequence: int, token: bytes) -> bytes:
    head = struct.pack("!BBHHH", asked, 0, 0, identifier, sequence)
    words = struct.unpack(f"!{(len(head) + len(token)) // 2}H", head + token)
    total = sum(words)
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    # For IPv6 the kernel puts its own, for it covers addresses that are not known here.
    return struct.pack("!BBHHH", asked, 0, ~total & 0xFFFF, identifier, sequence) + token


class _Summary(TypedDict):
    sent: int
    received: int
    loss_percent: float
    min_ms: float | None
    avg_ms: float | None
    max_ms: float | None


def _summary(sent: int, times: list[float]) -> _Summary:
    return {
        "sent": sent,
        "received": len(times),
        "loss_percent": round(100 * (sent - len(times)) / sent, 1) if sent else 100.0,
        "min_ms": round(min(times), 3) if times else None,
        "avg_ms": round(sum(times) / len(times), 3) if times else None,
        "max_ms": round(max(times), 3) if times else None,
    }


def _ping_program(address: str, count: int, timeout: float) -> _Summary:
    program = shutil.which("ping", path=_PATH)
    if program is None:
        raise PermissionError(
            f"user {os.geteuid()} may not send echo requests, and no ping program is in {_PATH}; widen the sysctl"
            " net.ipv4.ping_group_range, run the plugin as root, or install iputils-ping"
        )
    words = [program, "-n", "-q", "-c", str(count), "-i", str(_INTERVAL), "-W", str(max(1, round(timeout)))]
    longest = min(count * (timeout + _INTERVAL) + _MAX_TIMEOUT, context().remaining)
    done = subprocess.run(
        [*words, "--", address],
        env={"LC_ALL": "C", "PATH": _PATH},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=longest,
        check=False,
        process_group=0,
    )
    return _parse_ping(done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def _parse_ping(text: str, errors: str) -> _Summary:
    """Read the last lines of ``ping -q``, of iputils or busybox."""
    counts = re.search(r"(\d+) packets transmitted, (\d+) (?:packets )?received", text)
    if counts is None:
        raise RuntimeError(f"ping said what is not understood: {(errors or text).strip()[:500]!r}")
    sent, received = int(counts[1]), int(counts[2])
    found = re.search(r"min/avg/max(?:/mdev)? = ([\d.]+)/([\d.]+)/([\d.]+)", text)
    return {
        "sent": sent,
        "received": received,
        "loss_percent": round(100 * (sent - received) / sent, 1) if sent else 100.0,
        "min_ms": float(found[1]) if found else None,
        "avg_ms": float(found[2]) if found else None,
        "max_ms": float(found[3]) if found else None,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)

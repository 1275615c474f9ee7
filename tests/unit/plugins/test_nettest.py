"""The plugin nettest: what it refuses, what it reads; nothing is sent."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable

import pytest

from plugins import nettest

IPUTILS = """\
PING 192.0.2.1 (192.0.2.1) 56(84) bytes of data.

--- 192.0.2.1 ping statistics ---
3 packets transmitted, 2 received, 33.3333% packet loss, time 402ms
rtt min/avg/max/mdev = 0.025/0.031/0.040/0.006 ms
"""
BUSYBOX = """\
--- 192.0.2.1 ping statistics ---
4 packets transmitted, 4 packets received, 0% packet loss
round-trip min/avg/max = 0.040/0.050/0.070 ms
"""
NONE = "--- 192.0.2.1 ping statistics ---\n2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 1ms\n"


def refuse(*_: object) -> object:
    raise AssertionError("the network was asked")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("getaddrinfo", "gethostbyaddr", "socket"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (IPUTILS, (3, 2, 33.3, 0.025, 0.031, 0.04)),
        (BUSYBOX, (4, 4, 0.0, 0.04, 0.05, 0.07)),
        (NONE, (2, 0, 100.0, None, None, None)),
    ],
    ids=["iputils", "busybox", "no answer"],
)
def test_the_last_lines_of_ping_are_read(text: str, expected: tuple[object, ...]) -> None:
    assert tuple(nettest._parse_ping(text, "").values()) == expected


def test_a_ping_that_says_something_else_is_quoted() -> None:
    with pytest.raises(RuntimeError, match="Operation not permitted"):
        nettest._parse_ping("", "ping: socket: Operation not permitted")


def test_a_request_has_the_checksum_of_the_internet() -> None:
    packet = nettest._request(8, 0x1234, 1, b"0123456789abcdef")
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF
    assert packet[0] == 8
    assert packet[8:] == b"0123456789abcdef"


@pytest.mark.parametrize("host", ["", "a b", "-c", "a..b", "a;b", "x" * 300, "é.org", "http://a", "a\n", "-a.org"])
@pytest.mark.parametrize("ask", [nettest.ping, nettest.resolve, lambda host: nettest.connect(host, 1)])
def test_what_is_no_host_is_refused(host: str, ask: Callable[[str], object]) -> None:
    with pytest.raises(ValueError, match="neither an IP address nor a host name"):
        ask(host)


@pytest.mark.parametrize("host", ["a", "a.b-c.org", "a.", "_dmarc.example.org", "192.0.2.1", "::1", "fe80::1%eth0"])
def test_hosts_are_accepted(host: str) -> None:
    nettest._check_host(host)


def test_numbers_out_of_range_are_refused() -> None:
    for port in (0, 65536, -1):
        with pytest.raises(ValueError, match="port is"):
            nettest.connect("localhost", port)
    for timeout in (0, -1, 31, float("nan")):
        with pytest.raises(ValueError, match="timeout is"):
            nettest.connect("localhost", 1, timeout=timeout)
        with pytest.raises(ValueError, match="timeout is"):
            nettest.resolve("localhost", timeout=timeout)
    for count in (0, 21):
        with pytest.raises(ValueError, match="count is"):
            nettest.ping("localhost", count)


def test_only_an_address_has_names() -> None:
    with pytest.raises(ValueError, match="PTR"):
        nettest.resolve("localhost", "PTR")


def test_the_summary_counts_what_was_sent() -> None:
    assert tuple(nettest._summary(4, [1.0, 3.0]).values()) == (4, 2, 50.0, 1.0, 2.0, 3.0)
    assert tuple(nettest._summary(2, []).values()) == (2, 0, 100.0, None, None, None)


def test_a_lookup_that_gets_no_thread_does_not_count_as_one_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_thread(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse_thread)
    for _ in range(nettest._MAX_LOOKUPS + 1):
        with pytest.raises(RuntimeError, match="thread"):
            nettest._limited(lambda: 1, "a", 1.0)

"""What people write for a broker."""

from __future__ import annotations

import pytest

from matahari.errors import ConfigError
from matahari.net import DEFAULT_PORT, Address, Pump, is_loopback, parse_address

GOOD = {
    "unix:/run/matahari/bus.sock": Address("unix", path="/run/matahari/bus.sock"),
    "unix:bus.sock": Address("unix", path="bus.sock"),
    "unix:///run/x": Address("unix", path="/run/x"),
    "unix:////run/x": Address("unix", path="/run/x"),
    "unix:a@b:c": Address("unix", path="a@b:c"),
    "unix: x": Address("unix", path=" x"),
    "unix://run/x": Address("unix", path="run/x"),
    "/run/x": Address("unix", path="/run/x"),
    "//run/x": Address("unix", path="/run/x"),
    "  /run/x\n": Address("unix", path="/run/x"),
    "/run/with space": Address("unix", path="/run/with space"),
    "/run/\udcff": Address("unix", path="/run/\udcff"),  # a name that is no UTF-8, as Python shows it
    "/" + "x" * 106: Address("unix", path="/" + "x" * 106),
    "host": Address("amqp", "host", DEFAULT_PORT),
    "host:1": Address("amqp", "host", 1),
    "host:65535": Address("amqp", "host", 65535),
    "127.0.0.1:5672": Address("amqp", "127.0.0.1", 5672),
    "::1": Address("amqp", "::1", DEFAULT_PORT),
    "[::1]": Address("amqp", "::1", DEFAULT_PORT),
    "[::1]:5672": Address("amqp", "::1", 5672),
    "amqp://host": Address("amqp", "host", DEFAULT_PORT),
    "amqp://host/": Address("amqp", "host", DEFAULT_PORT),
    "AMQP://host:5672": Address("amqp", "host", 5672),
    "amqps://host": Address("amqps", "host", DEFAULT_PORT),
    "amqps://[fe80::1]:5671": Address("amqps", "fe80::1", 5671),
}

BAD = {
    "": "names no host",
    " ": "names no host",
    ":5672": "names no host",
    "unix:": "has no path",
    "unix://": "has no path",
    "unix:/a\0b": "has no path",
    "/" + "x" * 107: "107 bytes",
    "/" + "é" * 60: "107 bytes",
    "host:": "port ''",
    "host:0": "port '0'",
    "host:65536": "port '65536'",
    "host:-1": "port '-1'",
    "host:x": "port 'x'",
    "host:٣": "port '٣'",
    "[::1": r"\[ADDRESS\]:PORT",
    "[::1]5672": r"\[ADDRESS\]:PORT",
    "[]:5672": "names no host",
    "a b": "names no host",
    "host/path": "names no host",
    "host?x=1": "names no host",
    "http://host": "unknown scheme 'http'",
    "amqp://": "names no host",
    "amqp://host/vhost": "names no host",
    "ops:secret@host": "no user or password, and this version has no login: use a Unix socket",
}


@pytest.mark.parametrize(("text", "address"), GOOD.items())
def test_a_good_text_is_understood(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("address", GOOD.values(), ids=str)
def test_an_address_as_text_leads_to_the_same_address(address: Address) -> None:
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(("text", "why"), BAD.items())
def test_nonsense_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse_address(text)


def test_a_refusal_never_repeats_a_password() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_address("amqp://ops:secret@host:5672")
    assert "secret" not in str(caught.value)


def test_the_default_port_can_be_chosen() -> None:
    assert parse_address("host", default_port=5672).port == 5672
    assert parse_address("host:1", default_port=5672).port == 1


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost.example.org", False),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("127.0.0.1.example.org", False),
        ("", False),
    ],
)
def test_loopback_is_told_by_the_form_of_the_name(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_a_server_that_is_near_changes_neither_the_text_nor_what_is_the_same() -> None:
    class Server:
        def connect(self, pump: Pump) -> None:
            raise AssertionError("nobody connects")

    address = Address("unix", path="/run/bus", near=Server())
    assert (str(address), address) == ("unix:/run/bus", Address("unix", path="/run/bus"))
    assert "near" not in repr(address)

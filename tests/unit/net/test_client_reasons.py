"""What a client says of a connection that ended, in words that help whoever reads them."""

from __future__ import annotations

import asyncio

import pytest

from matahari.amqp import Closed, Event, Opened
from matahari.errors import AuthenticationError, ConnectFailedError, ConnectionLostError, TransportError
from matahari.net import Client, Pump, parse_address
from tests.support.amqp_link import client_engine
from tests.support.memory_pump import Notes
from tests.support.virtual_loop import run

GREETING = Opened("c", "", {"product": "p"}, ())
CUT = Closed("amqp:connection:forced", "the peer cut the connection", by_peer=True)
NO_RIGHT = Closed("amqp:unauthorized-access", "access refused", by_peer=True)


class User:
    def __init__(self) -> None:
        self.lost: list[TransportError] = []

    def handle_open(self, pump: Pump, opened: Opened) -> None:
        return

    def handle_event(self, event: Event) -> None:
        raise AssertionError(event)

    def handle_writable(self) -> None:
        return

    def handle_lost(self, error: TransportError) -> None:
        self.lost.append(error)


def reason_of(
    *events: Event,
    hostname: str = "",
    hint: str = "",
    expected: TransportError | None = None,
    address: str = "amqp://127.0.0.1:1",
) -> Exception:
    """Why the connection ended, after these events."""

    async def story() -> Exception:
        client = Client(
            parse_address(address), User(), container=lambda: "c", hostname=hostname, insecure_anonymous=True
        )
        client._pump = Pump(client_engine(), Notes())
        client._ended = asyncio.get_running_loop().create_future()
        client.hint = hint
        if expected is not None:
            client.expect_end(expected)
        for event in events:
            client.handle_event(event)
        return await client._ended

    return run(story())


def test_a_broker_that_cuts_an_open_connection() -> None:
    error = reason_of(GREETING, CUT)
    assert isinstance(error, ConnectionLostError)
    assert str(error) == "the connection to amqp://127.0.0.1:1 was lost: the peer cut the connection"


def test_what_its_user_thinks_of_it_is_added() -> None:
    assert str(reason_of(GREETING, CUT, hint="look here")).endswith("cut the connection; look here")


@pytest.mark.parametrize(
    ("hostname", "words"),
    [("vhost:qmf", "refused the virtual host 'vhost:qmf': access refused"), ("", "virtual host that it takes for us")],
)
def test_a_virtual_host_that_is_refused_after_the_greeting_is_named(hostname: str, words: str) -> None:
    error = reason_of(GREETING, NO_RIGHT, hostname=hostname)
    assert isinstance(error, ConnectFailedError)
    assert words in str(error)


def test_a_refused_login_is_another_matter() -> None:
    closed = Closed("amqp:unauthorized-access", "no", by_peer=True, authentication=True)
    assert isinstance(reason_of(closed), AuthenticationError)


def test_an_end_that_its_user_wanted_has_its_users_reason() -> None:
    wanted = ConnectionLostError("our session ended too often")
    assert reason_of(GREETING, Closed("", "", by_peer=False), expected=wanted) is wanted


def test_what_is_no_amqp_1_0_may_be_a_rabbitmq_without_its_plugin() -> None:
    error = reason_of(Closed("amqp:connection:framing-error", "AMQP 0-9-1 header", by_peer=True))
    assert isinstance(error, ConnectFailedError)
    assert "rabbitmq-plugins enable rabbitmq_amqp1_0" in str(error)


def test_a_local_broker_that_cuts_us_off_may_have_rules_that_leave_us_out() -> None:
    error = reason_of(CUT, address="unix:/x")
    assert "access rules may not admit you" in str(error)
    assert "rabbitmq" not in str(error)

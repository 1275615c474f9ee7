"""The embedded broker under the original software's own messages, and under a stock client that asks and answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import proton
import pytest
from proton import Described, Timeout, symbol, ulong
from proton.reactor import Filter
from proton.utils import BlockingConnection, BlockingReceiver

from matahari.amqp import DIRECT_BINDING, TOPIC_BINDING, read_envelope
from matahari.broker import BINDINGS, DIRECT, TOPIC
from tests.support.broker_client import BrokerClient
from tests.support.captured import FILES, captured
from tests.support.node import TIME, box

pytestmark = [pytest.mark.integration, pytest.mark.embedded, pytest.mark.together]


@pytest.fixture(scope="module")
def tcp() -> Iterator[str]:
    """``HOST:PORT`` of a broker's open port."""
    with box() as made, made.start("broker", "--socket", made.socket, "--insecure-anonymous", "0") as program:
        yield program.wait_line(r"insecure-anonymous=(\S+)").group(1)
        assert program.stop() == 0, program.text


@contextmanager
def stock(tcp: str) -> Iterator[BlockingConnection]:
    """An ordinary proton client."""
    connection = BlockingConnection(f"amqp://{tcp}", timeout=10 * TIME, allowed_mechs="ANONYMOUS")
    try:
        yield connection
    finally:
        connection.close()


def by_key(key: str, code: ulong | symbol | None = None) -> Filter:
    return Filter({symbol("key"): Described(ulong(TOPIC_BINDING) if code is None else code, key)})


def echo(receiver: BlockingReceiver) -> dict[str, tuple[object, object]]:
    """The filters that the broker says it applies: name -> (descriptor, value)."""
    data = receiver.link.remote_source.filter
    data.rewind()
    if not data.next():
        return {}
    found = cast("dict[str, Described]", data.get_object())
    return {str(name): (one.descriptor, one.value) for name, one in found.items()}


@pytest.mark.parametrize("file", FILES)
def test_10_captured_messages_are_passed_on_byte_for_byte(tcp: str, file: str) -> None:
    """Their user is `anonymous`, as on the open port, or nobody; only an empty user-id is filled in."""

    async def story() -> None:
        async with BrokerClient.connect(f"amqp://{tcp}") as client:
            everything, sender = await client.subscribe("#"), await client.sender(TOPIC)
            for name, data in captured(file):
                sent = read_envelope(data)
                await sender.send_raw(data)
                received = await everything.get_raw()
                seen = read_envelope(received)
                assert received[seen.properties[1] :] == data[sent.properties[1] :], name
                assert received[: seen.properties[0]] == data[: sent.properties[0]], name
                if sent.user_id is not None:
                    assert received == data, name

    asyncio.run(story())


@pytest.mark.parametrize(
    "code",
    [
        ulong(TOPIC_BINDING),
        ulong(DIRECT_BINDING),
        symbol("apache.org:legacy-amqp-topic-binding:string"),
        symbol("apache.org:legacy-amqp-direct-binding:string"),
    ],
    ids=str,
)
@pytest.mark.parametrize("node", [TOPIC, DIRECT])
def test_04_either_descriptor_is_applied_on_either_exchange_and_echoed_as_it_came(
    tcp: str, code: ulong | symbol, node: str
) -> None:
    with stock(tcp) as connection:
        receiver = connection.create_receiver(node, credit=10, options=by_key("filter.a", code))
        assert echo(receiver) == {"key": (code, "filter.a")}
        assert type(echo(receiver)["key"][0]) is type(code)
        sender = connection.create_sender(node)
        for key in ("filter.b", "filter.a"):
            sender.send(proton.Message(subject=key, body=b""))
        assert receiver.receive().subject == "filter.a"


def test_04_the_list_of_bindings_applies_no_filter_and_echoes_none(tcp: str) -> None:
    with stock(tcp) as connection:
        assert echo(connection.create_receiver(BINDINGS, options=by_key("k"))) == {}


def test_06_a_subscriber_without_credit_gets_the_newest_that_a_ring_holds(tcp: str) -> None:
    with stock(tcp) as connection:
        receiver = connection.create_receiver(TOPIC, credit=0, options=by_key("credit.#"))
        sender = connection.create_sender(TOPIC)
        for number in range(12):
            sender.send(proton.Message(subject=f"credit.{number}", body=b"x" * 1_000_000))
        assert [receiver.receive().subject for _ in range(8)] == [f"credit.{number}" for number in range(4, 12)]


def test_06_a_stock_client_sees_the_remaining_time_and_nothing_that_expired(tcp: str) -> None:
    with stock(tcp) as connection:
        receiver = connection.create_receiver(TOPIC, credit=0, options=by_key("ttl.#"))
        assert receiver.fetcher is not None
        fetcher = receiver.fetcher
        sender = connection.create_sender(TOPIC)
        for key, ttl in (("ttl.short", 0.05), ("ttl.long", 60.0), ("ttl.none", 0.0)):
            message = proton.Message(subject=key, body=b"")
            message.ttl = ttl
            sender.send(message)
        with pytest.raises(Timeout):  # without credit nothing comes, and the short time passes
            connection.wait(lambda: fetcher.has_message > 0, timeout=0.2)
        message = receiver.receive()
        assert message.subject == "ttl.long"
        assert 60.0 - 20 * TIME < message.ttl <= 59.8
        message = receiver.receive()
        assert (message.subject, message.ttl) == ("ttl.none", 0)


def test_05_a_stock_client_is_answered_at_its_dynamic_node(tcp: str) -> None:
    with stock(tcp) as caller, stock(tcp) as service:
        requests = service.create_receiver(DIRECT, credit=10, options=by_key("stock.service"))
        answers = caller.create_receiver(None, dynamic=True)
        reply_to = answers.link.remote_source.address
        caller.create_sender(DIRECT).send(proton.Message(subject="stock.service", reply_to=reply_to, body=b"q"))
        request = requests.receive()
        service.create_sender(None).send(proton.Message(address=request.reply_to, body=b"a"))
        assert answers.receive().body == b"a"

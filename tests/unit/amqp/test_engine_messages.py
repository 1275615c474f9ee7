"""Two engines in memory: messages, credit and settlement (brokers.md 9, style.md section 4)."""

from __future__ import annotations

import proton
import pytest

from matahari.amqp import (
    MAX_MESSAGE,
    Closed,
    CreditGiven,
    LinkRequested,
    Received,
)
from matahari.amqp.link import MAX_UNSETTLED
from matahari.errors import LocalProtocolError
from tests.support import amqp_frames as raw
from tests.support.amqp_link import (
    SPLITS,
    AmqpLink,
    Split,
    drained,
    fed,
    in_pieces,
    server_engine,
)


class TestMessages:
    @pytest.mark.parametrize("split", SPLITS)
    def test_what_is_sent_arrives_whole_and_in_order(self, split: Split) -> None:
        link = AmqpLink(split=split)
        here, there = link.sender(credit=10)
        sent = [b"", b"a", b"b" * 3000]
        for data in sent:
            link.client.engine.send(here, data)
        link.run()
        received = link.server.take_all(Received)
        assert [event.data for event in received] == sent
        assert {event.link for event in received} == {there}

    def test_a_large_message_travels_in_many_frames(self) -> None:
        link = AmqpLink(split=in_pieces([50_000, 1, 3000]))
        here, _ = link.sender()
        data = bytes(range(256)) * 2400
        assert len(data) > 600_000
        link.client.engine.send(here, data)
        link.run()
        assert [event.data for event in link.server.take_all(Received)] == [data]

    def test_the_largest_message_arrives(self) -> None:
        link = AmqpLink()
        here, _ = link.sender()
        link.client.engine.send(here, b"x" * MAX_MESSAGE)
        link.run()
        assert len(link.server.take(Received).data) == MAX_MESSAGE

    @pytest.mark.parametrize("size", [MAX_MESSAGE + 1, 32 << 20])
    def test_a_larger_message_ends_the_connection_with_a_reason_and_is_not_kept(self, size: int) -> None:
        link = AmqpLink(split=in_pieces([100_000]))
        here, there = link.sender()
        link.client.engine.send(here, b"x" * size)
        session = there._session
        for _ in range(size // 60_000 + 20):
            link.deliver(link.client, link.server)
            link.deliver(link.server, link.client)
            assert session.incoming_bytes <= MAX_MESSAGE + 200_000
        assert link.server.take(Closed).condition == "amqp:link:message-size-exceeded"
        assert not link.server.take_all(Received)
        assert link.server.engine.is_closed
        closed = link.client.take(Closed)
        assert closed.condition == "amqp:link:message-size-exceeded"
        assert closed.by_peer

    def test_a_message_that_is_given_up_half_way_is_forgotten(self) -> None:
        server = server_engine()
        events = fed(server, raw.opening() + raw.begin() + raw.attach("l", 0, receives=False))
        request = next(event for event in events if isinstance(event, LinkRequested))
        server.accept(request.link, request.terminus, credit=2)
        assert fed(server, raw.transfer(0, 0, b"half", more=True)) == []
        assert fed(server, raw.transfer(0, 0, b"", aborted=True)) == []
        (event,) = fed(server, raw.transfer(0, 1, b"whole"))
        assert isinstance(event, Received)
        assert event.data == b"whole"

    def test_messages_of_two_links_may_be_interleaved(self) -> None:
        server = server_engine()
        hello = raw.opening() + raw.begin()
        events = fed(server, hello + raw.attach("a", 0, receives=False) + raw.attach("b", 1, receives=False))
        for event in events:
            if isinstance(event, LinkRequested):
                server.accept(event.link, event.terminus, credit=2)
        parts = [
            raw.transfer(0, 0, b"aa", more=True),
            raw.transfer(1, 1, b"bb", more=True),
            raw.transfer(0, 0, b"AA"),
            raw.transfer(1, 1, b"BB"),
        ]
        received = [
            (event.link.name, event.data) for event in fed(server, b"".join(parts)) if isinstance(event, Received)
        ]
        assert received == [("a", b"aaAA"), ("b", b"bbBB")]

    def test_sending_on_a_link_that_is_not_open_is_our_fault(self) -> None:
        link = AmqpLink()
        here = link.client.engine.open_sender("node", "out")
        with pytest.raises(LocalProtocolError, match="out"):
            link.client.engine.send(here, b"early")
        link.run()
        link.server.engine.refuse(link.server.take(LinkRequested).link, "x:y", "")
        link.run()
        with pytest.raises(LocalProtocolError):
            link.client.engine.send(here, b"late")

    def test_messages_to_a_link_that_was_refused_are_ignored(self) -> None:
        server = server_engine()
        events = fed(server, raw.opening() + raw.begin() + raw.attach("l", 0, receives=False))
        server.refuse(next(event for event in events if isinstance(event, LinkRequested)).link, "x:y", "")
        assert fed(server, raw.transfer(0, 0, b"unwanted")) == []
        assert not server.is_closed


class TestCredit:
    def test_the_sender_may_send_what_it_was_given(self) -> None:
        link = AmqpLink()
        here, there = link.sender(credit=4)
        assert link.client.take(CreditGiven).link is here
        assert (here.credit, there.credit) == (4, 4)
        link.client.engine.send(here, b"1")
        assert here.credit == 3

    def test_credit_is_replenished_in_halves(self) -> None:
        link = AmqpLink()
        here, there = link.sender(credit=4)
        link.client.take_all(CreditGiven)
        link.client.engine.send(here, b"1")
        link.run()
        assert (here.credit, there.credit) == (3, 3)
        link.client.engine.send(here, b"2")
        link.run()
        assert (here.credit, there.credit) == (4, 4)
        assert link.client.take_all(CreditGiven)

    def test_a_receiver_gives_credit_with_its_attach(self) -> None:
        link = AmqpLink()
        _, there = link.receiver(credit=7)
        assert there.credit == 7

    def test_credit_that_is_given_later_is_reported(self) -> None:
        link = AmqpLink()
        here, there = link.receiver(credit=0)
        assert there.credit == 0
        here._proton.flow(3)
        link.run()
        assert link.server.take(CreditGiven).link is there
        assert there.credit == 3

    def test_credit_above_what_proton_counts_to_is_none(self) -> None:
        """Proton counts to 2^31 - 1 and sends nothing for more: so nothing is handed to it."""
        server = server_engine()
        events = fed(server, raw.opening() + raw.begin() + raw.attach("l", 0, receives=True))
        request = next(event for event in events if isinstance(event, LinkRequested))
        server.accept(request.link, request.terminus)
        fed(server, raw.flow(0, 1 << 31))
        assert request.link.credit <= 0

    def test_credit_without_end_is_answered_by_what_the_session_takes(self) -> None:
        """The most credit and a closed window: what is sent piles up, and ``backlog`` says so."""
        server = server_engine()
        events = fed(server, raw.opening() + raw.begin() + raw.attach("l", 0, receives=True))
        request = next(event for event in events if isinstance(event, LinkRequested))
        server.accept(request.link, request.terminus)
        fed(server, raw.flow(0, (1 << 31) - 1, window=0))
        assert request.link.credit > 1_000_000
        server.data_to_send()
        for _ in range(10):
            server.send(request.link, b"x" * 1000)
        assert server.data_to_send().count(b"x" * 1000) == 0
        assert request.link.backlog == 10_000
        fed(server, raw.flow(0, (1 << 31) - 1))
        assert server.data_to_send().count(b"x" * 1000) == 10
        assert request.link.backlog == 0

    def test_a_drain_lets_what_waits_go_first_and_then_returns_the_rest(self) -> None:
        server = server_engine()
        events = fed(server, raw.opening() + raw.begin() + raw.attach("l", 0, receives=True))
        request = next(event for event in events if isinstance(event, LinkRequested))
        server.accept(request.link, request.terminus)
        server.data_to_send()
        server.receive_data(raw.flow(0, 5, drain=True), 1.0)
        event = server.next_event()
        assert isinstance(event, CreditGiven)
        assert event.link.credit == 5
        server.send(event.link, b"waiting")
        assert b"waiting" in server.data_to_send()
        drained(server)
        assert event.link.credit == 0
        assert not server.is_closed


class TestSettling:
    def test_our_messages_are_settled_when_sent(self) -> None:
        link = AmqpLink()
        here, there = link.sender()
        link.client.engine.send(here, b"x")
        link.run()
        assert here._proton.unsettled == there._proton.unsettled == 0

    def test_an_unsettled_message_is_accepted_and_settled_on_receipt(self) -> None:
        link = AmqpLink()
        here, _ = link.sender()
        delivery = here._proton.delivery("tag")
        here._proton.stream(b"please confirm")
        here._proton.advance()
        link.deliver(link.client, link.server)
        data = link.server.engine.data_to_send()
        assert link.server.take(Received).data == b"please confirm"
        assert delivery.remote_state == 0
        link.client.engine._processing = True  # look before the engine settles it
        link.client.engine.receive_data(data, link.now)
        assert delivery.remote_state == proton.Delivery.ACCEPTED
        assert delivery.settled

    def test_a_receiver_that_says_nothing_gets_settled_messages(self) -> None:
        link = AmqpLink()
        here = link.client.engine.open_receiver("node", "in", credit=3)
        here._proton.snd_settle_mode = proton.Link.SND_MIXED
        link.run()
        there = link.answer()
        assert here._proton.remote_snd_settle_mode == proton.Link.SND_SETTLED
        link.server.engine.send(there, b"x")
        assert there._proton.unsettled == 0

    def test_a_receiver_that_settles_itself_gets_unsettled_messages(self) -> None:
        link = AmqpLink()
        here = link.client.engine.open_receiver("node", "in", credit=3)
        here._proton.snd_settle_mode = proton.Link.SND_UNSETTLED
        link.run()
        assert not next(event for event in link.server.events if isinstance(event, LinkRequested)).settled
        there = link.answer()
        link.server.engine.send(there, b"x")
        assert there._proton.unsettled == 1
        link.run()
        assert link.client.take(Received).data == b"x"
        assert there._proton.unsettled == 0

    def test_a_receiver_that_never_settles_gets_no_more_at_a_limit(self) -> None:
        server = server_engine()
        mode = raw.frame(
            raw.described(
                0x12,
                raw.listing(
                    raw.text("l"),
                    raw.uint(0),
                    raw.boolean(True),
                    b"\x50\x00",
                    raw.NULL,
                    raw.described(0x28, raw.listing(raw.text("n"))),
                    raw.described(0x29, raw.listing()),
                ),
            )
        )
        events = fed(server, raw.opening() + raw.begin() + mode)
        request = next(event for event in events if isinstance(event, LinkRequested))
        assert not request.settled
        server.accept(request.link, request.terminus)
        fed(server, raw.flow(0, 1 << 30))
        sent = 0
        while request.link.credit > 0:
            server.send(request.link, b"x")
            server.data_to_send()
            sent += 1
        assert sent == MAX_UNSETTLED
        settled = raw.described(
            0x15,
            raw.listing(
                raw.boolean(True), raw.uint(0), raw.uint(99), raw.boolean(True), raw.described(0x24, raw.listing())
            ),
        )
        assert CreditGiven(request.link) in fed(server, raw.frame(settled))
        assert request.link.credit == 100

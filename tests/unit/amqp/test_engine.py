"""Two engines in memory, and one engine against peers that no library would play (brokers.md 9, style.md section 4)."""

from __future__ import annotations

import gc
import weakref

import proton
import pytest

from matahari.amqp import (
    DIRECT_BINDING,
    MAX_MESSAGE,
    TOPIC_BINDING,
    Closed,
    CreditGiven,
    Engine,
    Event,
    LinkClosed,
    LinkOpened,
    LinkRequested,
    Opened,
    Received,
    Terminus,
    tls_available,
)
from matahari.amqp.link import MAX_UNSETTLED
from matahari.amqp.options import MAX_LEAVING, MAX_SESSIONS, OPEN_TIMEOUT
from matahari.errors import LocalProtocolError
from tests.support import amqp_frames as raw
from tests.support.amqp_link import AmqpLink, Split, byte_by_byte, client_engine, in_pieces, server_engine, whole

SPLITS = [pytest.param(whole, id="whole"), pytest.param(byte_by_byte, id="bytes"), pytest.param(in_pieces([7]), id="7")]


def fed(engine: Engine, data: bytes, now: float = 1.0) -> list[Event]:
    """Everything the engine reports about ``data``. What it had to say before is sent first."""
    engine.data_to_send()
    engine.receive_data(data, now)
    return drained(engine)


def drained(engine: Engine) -> list[Event]:
    events = []
    while (event := engine.next_event()) is not None:
        events.append(event)
    return events


def the_end(events: list[Event]) -> Closed:
    """The closing event, which must be there once and last."""
    assert events, "nothing was reported"
    assert [isinstance(event, Closed) for event in events] == [False] * (len(events) - 1) + [True]
    last = events[-1]
    assert isinstance(last, Closed)
    return last


class TestOpening:
    @pytest.mark.parametrize("split", SPLITS)
    def test_both_ends_learn_who_the_other_is(self, split: Split) -> None:
        link = AmqpLink(
            client_engine(container="c1", hostname="vhost:qmf", properties={"product": "mine"}),
            server_engine(
                container="s1", properties={"product": "yours", "version": "2"}, capabilities=("ANONYMOUS-RELAY",)
            ),
            split=split,
        )
        link.run()
        assert link.server.take(Opened) == Opened("c1", "vhost:qmf", {"product": "mine"}, ())
        assert link.client.take(Opened) == Opened("s1", "", {"product": "yours", "version": "2"}, ("ANONYMOUS-RELAY",))
        assert not link.client.events
        assert not link.server.events

    def test_several_capabilities_arrive_in_order(self) -> None:
        link = AmqpLink(server=server_engine(capabilities=("a", "b", "c")))
        link.run()
        assert link.client.take(Opened).capabilities == ("a", "b", "c")

    def test_an_orderly_close_is_reported_once_to_each_end(self) -> None:
        link = AmqpLink()
        link.run()
        link.client.engine.close()
        link.run()
        assert the_end(link.client.events) == Closed("", "", by_peer=False)
        assert the_end(link.server.events) == Closed("", "", by_peer=True)
        assert link.client.engine.is_closed
        assert link.server.engine.is_closed
        link.cut()
        assert len(link.client.take_all(Closed)) == 1

    def test_a_close_with_a_reason_tells_the_peer(self) -> None:
        link = AmqpLink()
        link.run()
        link.server.engine.close("amqp:connection:forced", "the broker is stopping")
        link.run()
        assert link.client.take(Closed) == Closed("amqp:connection:forced", "the broker is stopping", by_peer=True)

    def test_a_server_may_open_and_close_in_one_breath(self) -> None:
        link = AmqpLink()
        link.server.engine.close("amqp:connection:forced", "full")
        link.run()
        kinds = [type(event) for event in link.client.events]
        assert kinds == [Opened, Closed]
        assert link.client.engine.is_closed

    def test_closing_twice_and_after_the_end_does_nothing(self) -> None:
        link = AmqpLink()
        link.run()
        link.client.engine.close()
        link.client.engine.close("x:y", "too late")
        link.run()
        link.client.engine.close()
        assert link.server.take(Closed).condition == ""

    def test_the_network_may_fail_after_we_have_said_goodbye(self) -> None:
        link = AmqpLink()
        link.run()
        link.client.engine.close()
        link.cut()
        assert link.client.take(Closed) == Closed("", "the connection ended", by_peer=False)

    def test_links_cannot_be_opened_on_a_closed_connection(self) -> None:
        link = AmqpLink()
        link.run()
        link.client.engine.close()
        with pytest.raises(LocalProtocolError):
            link.client.engine.open_sender("node", "out")
        link.run()
        with pytest.raises(LocalProtocolError):
            link.client.engine.open_receiver("node", "in", credit=1)

    def test_whether_tls_is_there_is_known(self) -> None:
        assert tls_available() in (True, False)


class TestAuthentication:
    def test_no_common_mechanism_fails_the_login(self) -> None:
        link = AmqpLink(client_engine(mechanism="EXTERNAL"))
        link.run()
        closed = the_end(link.client.events)
        assert closed.authentication
        assert closed.by_peer
        link.cut()
        assert not link.server.take_all(Opened)

    def test_a_server_that_accepts_other_mechanisms_fails_the_login(self) -> None:
        link = AmqpLink(server=server_engine(mechanism="EXTERNAL"))
        link.run()
        assert link.client.take(Closed).authentication

    def test_a_client_cannot_leave_out_the_login(self) -> None:
        server = server_engine()
        hello = raw.AMQP_HEADER + raw.opening()[-len(raw.frame(raw.described(0x10, raw.listing(raw.text(b"raw"))))) :]
        closed = the_end(fed(server, hello))
        assert closed.condition
        assert server.is_closed

    def test_a_client_cannot_choose_another_mechanism(self) -> None:
        server = server_engine()
        events = fed(server, raw.opening(mechanism="PLAIN"))
        assert not any(isinstance(event, Opened) for event in events)


class TestLinks:
    @pytest.mark.parametrize("split", SPLITS)
    def test_filters_arrive_and_only_the_applied_ones_come_back(self, split: Split) -> None:
        link = AmqpLink(split=split)
        wanted = {"key": (TOPIC_BINDING, "agent.#"), "other": (0x468C00000004, "x = 1")}
        here = link.client.engine.open_receiver("qmf.default.topic", "in", filters=wanted, credit=5)
        link.run()
        request = link.server.take(LinkRequested)
        assert request.link.is_sender
        assert request.settled
        node = request.terminus
        assert (node.address, node.dynamic, node.present) == ("qmf.default.topic", False, True)
        assert node.capabilities == ("topic",)
        assert node.filters == wanted
        applied = {"key": (TOPIC_BINDING, "agent.#")}
        link.server.engine.accept(request.link, Terminus(node.address, node.dynamic, node.capabilities, applied))
        link.run()
        opened = link.client.take(LinkOpened)
        assert opened.link is here
        assert opened.terminus.filters == applied
        assert here.is_open
        assert request.link.is_open

    def test_a_filter_described_by_a_symbol_arrives_and_comes_back(self) -> None:
        server = server_engine()
        name = "apache.org:legacy-amqp-direct-binding:string"
        filters = raw.mapping(raw.symbol("key"), raw.described(name, raw.text("agent-1")))
        source = raw.described(
            0x28,
            raw.listing(raw.text("n"), *[raw.NULL] * 6, filters, raw.NULL, raw.NULL, raw.array_of_symbols("a", "b")),
        )
        events = fed(server, raw.opening() + raw.begin() + raw.attach("l", 0, receives=True, source=source))
        request = next(event for event in events if isinstance(event, LinkRequested))
        assert request.terminus.filters == {"key": (name, "agent-1")}
        assert request.terminus.capabilities == ("a", "b")
        server.accept(request.link, request.terminus)
        assert name.encode() in server.data_to_send()

    def test_filters_that_are_no_binding_are_not_mistaken_for_one(self) -> None:
        """A key of type string and a value without descriptor are left out (qmf2.md 1.3)."""
        server = server_engine()
        filters = raw.mapping(
            raw.text("key"), raw.described(DIRECT_BINDING, raw.text("a")), raw.symbol("plain"), raw.text("b")
        )
        source = raw.described(0x28, raw.listing(raw.text("n"), *[raw.NULL] * 6, filters))
        events = fed(server, raw.opening() + raw.begin() + raw.attach("l", 0, receives=True, source=source))
        assert next(event for event in events if isinstance(event, LinkRequested)).terminus.filters == {}

    def test_a_dynamic_source_is_named_by_the_server(self) -> None:
        link = AmqpLink()
        link.client.engine.open_receiver(None, "in", credit=1)
        link.run()
        request = link.server.take(LinkRequested)
        assert request.terminus.dynamic
        assert request.terminus.address is None
        link.server.engine.accept(request.link, Terminus("secret-1", True, (), {}))
        link.run()
        assert link.client.take(LinkOpened).terminus.address == "secret-1"

    def test_an_anonymous_target_is_present_without_an_address(self) -> None:
        link = AmqpLink()
        link.client.engine.open_sender(None, "out")
        link.run()
        node = link.server.take(LinkRequested).terminus
        assert node.address is None
        assert node.present

    def test_a_transaction_coordinator_is_not_taken_for_the_anonymous_target(self) -> None:
        events = fed(
            server_engine(),
            raw.opening() + raw.begin() + raw.attach("t", 0, receives=False, target=raw.described(0x30, raw.listing())),
        )
        assert not next(event for event in events if isinstance(event, LinkRequested)).terminus.present

    def test_a_refused_link_is_reported_with_its_reason_and_never_opened(self) -> None:
        link = AmqpLink()
        here = link.client.engine.open_sender("nowhere", "out")
        link.run()
        link.server.engine.refuse(link.server.take(LinkRequested).link, "amqp:not-found", "no such node")
        link.run()
        assert link.client.take(LinkClosed) == LinkClosed(here, "amqp:not-found", "no such node")
        assert not link.client.take_all(LinkOpened)
        assert not here.is_open
        assert not link.client.engine.is_closed
        link.sender("node", name="again")

    def test_a_detach_by_the_server_is_reported_with_its_reason(self) -> None:
        link = AmqpLink()
        here, there = link.receiver()
        link.server.engine.detach(there, "amqp:not-allowed", "forged")
        link.run()
        assert link.client.take(LinkClosed) == LinkClosed(here, "amqp:not-allowed", "forged")
        assert not there.is_open
        assert not link.server.take_all(LinkClosed)

    def test_a_detach_by_the_client_is_reported(self) -> None:
        link = AmqpLink()
        here, there = link.sender()
        link.client.engine.detach(here)
        link.client.engine.detach(here)
        link.run()
        assert link.server.take(LinkClosed) == LinkClosed(there, "amqp:detached", "")
        assert not here.is_open

    def test_an_attach_that_is_taken_back_before_the_answer_ends_well(self) -> None:
        """Attach and detach in one packet: the answer comes to a link that is gone."""
        server = server_engine()
        events = fed(server, raw.opening() + raw.begin() + raw.attach("l", 0, receives=True) + raw.detach(0))
        request, closed = events[-2:]
        assert isinstance(request, LinkRequested)
        assert isinstance(closed, LinkClosed)
        server.accept(request.link, request.terminus)
        server.refuse(request.link, "x:y", "")
        server.detach(request.link)
        assert not request.link.is_open
        assert not server.is_closed
        assert drained(server) == []

    def test_a_link_that_we_close_before_it_was_accepted_is_not_taken_for_a_new_one(self) -> None:
        link = AmqpLink()
        link.run()
        here = link.client.engine.open_sender("node", "out")
        link.deliver(link.client, link.server)
        link.client.engine.detach(here)
        link.answer(credit=1)
        assert not link.client.take_all(LinkRequested)
        assert not link.client.take_all(LinkOpened)
        assert len(link.server.take_all(LinkClosed)) == 1

    def test_one_name_in_two_sessions_makes_two_links(self) -> None:
        server = server_engine()
        hello = raw.opening() + raw.begin(0) + raw.begin(1)
        links = [raw.attach("same", 0, receives=True, channel=channel) for channel in (0, 1)]
        events = fed(server, hello + b"".join(links))
        first, second = (event.link for event in events if isinstance(event, LinkRequested))
        assert first is not second
        for request in events:
            if isinstance(request, LinkRequested):
                server.accept(request.link, request.terminus)
        assert [event.link for event in fed(server, raw.detach(0, channel=0)) if isinstance(event, LinkClosed)] == [
            first
        ]
        assert second.is_open
        assert [event.link for event in fed(server, raw.end(1)) if isinstance(event, LinkClosed)] == [second]

    def test_a_name_may_be_used_again_after_its_link_was_closed(self) -> None:
        link = AmqpLink()
        for _ in range(3):
            here, _ = link.receiver(name="mine")
            link.client.engine.detach(here)
            link.run()
            assert len(link.server.take_all(LinkClosed)) == 1

    def test_the_end_of_a_session_closes_its_links_and_the_next_link_gets_a_new_one(self) -> None:
        link = AmqpLink()
        one, _ = link.sender(name="one")
        two, there = link.receiver(name="two")
        session = there._proton.session
        session.condition = proton.Condition("amqp:internal-error", "the broker stumbled")
        session.close()
        link.run()
        closed = link.client.take_all(LinkClosed)
        assert {event.link for event in closed} == {one, two}
        assert {(event.condition, event.description) for event in closed} == {
            ("amqp:internal-error", "the broker stumbled")
        }
        assert not one.is_open
        assert not link.client.engine.is_closed
        again, _ = link.sender(name="again")
        assert again.is_open


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


class TestFailures:
    def test_an_end_of_the_stream_at_any_point_gives_one_closing_event(self) -> None:
        stream = raw.opening() + raw.begin() + raw.attach("l", 0, receives=False) + raw.flow(0, 1)
        for length in range(len(stream) + 1):
            server = server_engine()
            server.receive_data(stream[:length], 1.0)
            server.receive_eof(2.0)
            server.receive_eof(2.0)
            closed = the_end(drained(server))
            assert (closed.condition, closed.by_peer) == ("amqp:connection:forced", True)
            assert server.is_closed
            assert server.next_deadline() is None

    def test_a_server_that_ends_at_any_point_gives_the_client_one_closing_event(self) -> None:
        """Its stream is recorded first; a client that is fed a part of it notices the end."""
        link = AmqpLink()
        recorded = b""
        link.sender()
        for _ in range(3):
            link.deliver(link.client, link.server)
        link = AmqpLink()
        while True:
            link.deliver(link.client, link.server)
            data = link.server.engine.data_to_send()
            if not data:
                break
            recorded += data
            link.client.engine.receive_data(data, link.now)
        for length in range(len(recorded)):
            client = client_engine()
            client.data_to_send()
            client.receive_data(recorded[:length], 1.0)
            client.receive_eof(2.0)
            the_end(drained(client))

    @pytest.mark.parametrize(
        "garbage",
        [
            pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="http"),
            pytest.param(b"AMQP\x00\x00\x09\x01", id="amqp-0-9-1"),
            pytest.param(b"AMQP\x01\x01\x00\x0a", id="amqp-0-10"),
            pytest.param(b"\x00" * 64, id="zeros"),
            pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="ssh"),
        ],
    )
    def test_garbage_instead_of_a_header_ends_both_kinds_of_engine(self, garbage: bytes) -> None:
        for engine in (server_engine(), client_engine()):
            closed = the_end(fed(engine, garbage))
            assert closed.condition == "amqp:connection:framing-error"
            assert not closed.authentication
            assert engine.is_closed
            assert fed(engine, garbage) == []
            engine.receive_eof(2.0)
            assert drained(engine) == []
            engine.data_to_send()

    @pytest.mark.parametrize(
        "frames",
        [
            pytest.param(raw.opening(b"\xff\xfe"), id="container-no-utf8"),
            pytest.param(
                raw.opening(b"c", *[raw.NULL] * 8, raw.mapping(raw.listing(), raw.text("x"))),
                id="property-key-is-a-list",
            ),
            pytest.param(raw.opening(b"c", *[raw.NULL] * 8, raw.text("x")), id="properties-are-text"),
            pytest.param(raw.opening() + raw.begin() + raw.attach(b"\xff", 0, receives=True), id="name-no-utf8"),
            pytest.param(
                raw.opening()
                + raw.begin()
                + raw.attach("l", 0, receives=True, source=raw.described(0x28, raw.listing(raw.text(b"\xff")))),
                id="address-no-utf8",
            ),
            pytest.param(
                raw.opening()
                + raw.begin()
                + raw.attach(
                    "l",
                    0,
                    receives=True,
                    source=raw.described(
                        0x28,
                        raw.listing(raw.text("n"), *[raw.NULL] * 6, raw.mapping(raw.mapping(), raw.text("x"))),
                    ),
                ),
                id="filter-key-is-a-map",
            ),
        ],
    )
    def test_a_frame_with_unreadable_contents_ends_the_connection_alone(self, frames: bytes) -> None:
        server = server_engine()
        closed = the_end(fed(server, frames + raw.frame(b"")))
        assert closed.condition == "amqp:decode-error"
        assert server.is_closed
        assert b"amqp:decode-error" in server.data_to_send()

    def test_a_filter_nested_without_end_ends_the_connection_alone(self) -> None:
        server = server_engine()
        nested = raw.text("x")
        for _ in range(3000):
            nested = raw.listing(nested)
        source = raw.described(0x28, raw.listing(raw.text("n"), *[raw.NULL] * 6, nested))
        events = fed(server, raw.opening() + raw.begin() + raw.attach("l", 0, receives=True, source=source))
        assert server.is_closed or any(isinstance(event, LinkRequested) for event in events)

    def test_a_peer_that_speaks_tls_is_dropped_in_time(self) -> None:
        """Proton would wait for a TLS layer that nobody has set up."""
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500
        the_end(fed(client_engine(), hello))
        server = server_engine()
        assert fed(server, hello) == []
        server.handle_timeout(1.0 + OPEN_TIMEOUT)
        the_end(drained(server))

    def test_a_frame_larger_than_agreed_ends_the_connection(self) -> None:
        server = server_engine()
        fed(server, raw.opening())
        closed = the_end(fed(server, b"\x7f\xff\xff\xff\x02\x00\x00\x00" + b"x" * 1000))
        assert closed.condition == "amqp:connection:framing-error"

    def test_more_sessions_than_allowed_end_the_connection(self) -> None:
        server = server_engine()
        hello = raw.opening() + b"".join(raw.begin(channel) for channel in range(MAX_SESSIONS))
        assert not any(isinstance(event, Closed) for event in fed(server, hello))
        assert the_end(fed(server, raw.begin(MAX_SESSIONS))).condition == "amqp:resource-limit-exceeded"
        assert b"16 sessions" in server.data_to_send()

    def test_sessions_may_come_and_go_without_limit(self) -> None:
        server = server_engine()
        fed(server, raw.opening())
        for _ in range(MAX_SESSIONS * 3):
            assert fed(server, raw.begin() + raw.end()) == []
        assert not server.is_closed
        assert fed(server, (raw.begin() + raw.end()) * 3000) == []
        assert server.data_to_send().count(b"\x00\x53\x17") == 3000

    def test_a_peer_that_never_detaches_refused_links_is_dropped(self) -> None:
        server = server_engine()
        events = fed(server, raw.opening() + raw.begin())
        for number in range(MAX_LEAVING + 1):
            assert not server.is_closed
            events = fed(server, raw.attach(f"l{number}", number, receives=True))
            server.refuse(next(event for event in events if isinstance(event, LinkRequested)).link, "x:y", "no")
            server.data_to_send()
        assert the_end(drained(server)).condition == "amqp:resource-limit-exceeded"

    def test_a_peer_that_detaches_refused_links_may_go_on(self) -> None:
        link = AmqpLink()
        link.run()
        for number in range(MAX_LEAVING + 10):
            link.client.engine.open_sender("nowhere", f"l{number}")
            link.run()
            link.server.engine.refuse(link.server.take(LinkRequested).link, "amqp:not-found", "")
            link.run()
        assert len(link.client.take_all(LinkClosed)) == MAX_LEAVING + 10
        assert not link.server.engine.is_closed

    def test_an_abort_tells_the_peer_and_reads_no_more(self) -> None:
        link = AmqpLink()
        here, _ = link.sender()
        link.server.engine.abort("x:y", "enough")
        link.client.engine.send(here, b"unread")
        link.run()
        assert link.server.take(Closed) == Closed("x:y", "enough", by_peer=False)
        assert link.client.take(Closed) == Closed("x:y", "enough", by_peer=True)
        assert not link.server.take_all(Received)
        link.server.engine.abort("x:z", "again")
        assert not link.server.take_all(Closed)

    def test_links_are_closed_with_the_connection(self) -> None:
        link = AmqpLink()
        here, there = link.sender()
        link.cut()
        assert not here.is_open
        assert not there.is_open
        with pytest.raises(LocalProtocolError):
            link.client.engine.send(here, b"x")


class TestTime:
    def test_a_silent_peer_is_found_gone(self) -> None:
        link = AmqpLink(client_engine(idle_timeout=10), server_engine(idle_timeout=10))
        link.run()
        link.is_cut = True
        link.advance(5)
        assert not link.server.engine.is_closed
        link.advance(6)
        closed = link.server.take(Closed)
        assert closed.condition == "amqp:resource-limit-exceeded"
        assert "timeout" in closed.description
        assert link.server.engine.next_deadline() is None

    def test_idle_engines_keep_each_other_alive(self) -> None:
        link = AmqpLink(client_engine(idle_timeout=10), server_engine(idle_timeout=10))
        link.run()
        for _ in range(40):
            link.advance(2)
        assert not link.server.engine.is_closed
        assert not link.client.engine.is_closed

    def test_without_an_idle_timeout_nobody_is_missed(self) -> None:
        link = AmqpLink(client_engine(idle_timeout=0), server_engine(idle_timeout=0))
        link.run()
        link.is_cut = True
        assert link.client.engine.next_deadline() is None
        link.advance(1e6)
        assert not link.server.engine.is_closed

    @pytest.mark.parametrize("said", [b"", raw.SASL_HEADER, raw.opening()[:40]])
    def test_a_peer_that_never_opens_is_dropped(self, said: bytes) -> None:
        server = server_engine()
        server.handle_timeout(100.0)
        assert server.next_deadline() == 100.0 + OPEN_TIMEOUT
        server.receive_data(said, 100.0)
        server.handle_timeout(100.0 + OPEN_TIMEOUT - 0.1)
        assert not server.is_closed
        server.handle_timeout(100.0 + OPEN_TIMEOUT)
        assert the_end(drained(server)).description == "no open frame within 10 s"
        server.data_to_send()
        assert server.next_deadline() is None

    def test_a_peer_that_opens_in_time_stays(self) -> None:
        link = AmqpLink(client_engine(idle_timeout=0), server_engine(idle_timeout=0))
        link.run()
        link.advance(OPEN_TIMEOUT * 2)
        assert not link.server.engine.is_closed


class Owner:
    """Somebody to be forgotten."""


class TestMemory:
    """Proton keeps what is attached to its links: it must be given back, or a broker grows with each visitor."""

    def test_a_closed_link_is_forgotten(self) -> None:
        link = AmqpLink()
        here, there = link.receiver()
        seen = []
        for end in (here, there):
            end.owner = Owner()
            seen.append(weakref.ref(end.owner))
        link.client.engine.detach(here)
        link.run()
        link.server.take(LinkClosed)
        del here, there, end
        gc.collect()
        assert [one() for one in seen] == [None, None]

    @pytest.mark.parametrize("orderly", [True, False])
    def test_a_closed_connection_is_forgotten(self, orderly: bool) -> None:
        link = AmqpLink()
        here, there = link.receiver()
        seen: list[weakref.ref[object]] = [weakref.ref(link.client.engine), weakref.ref(link.server.engine)]
        for end in (here, there):
            end.owner = Owner()
            seen.append(weakref.ref(end.owner))
        if orderly:
            link.client.engine.close()
            link.run()
        else:
            link.cut()
        del link, here, there, end
        gc.collect()
        assert [one() for one in seen] == [None] * 4

    def test_links_of_a_session_that_ended_are_forgotten(self) -> None:
        link = AmqpLink()
        here, there = link.receiver()
        here.owner = Owner()
        seen = weakref.ref(here.owner)
        there._proton.session.close()
        link.run()
        assert len(link.client.take_all(LinkClosed)) == 1
        del here, there
        gc.collect()
        assert seen() is None

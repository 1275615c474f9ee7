"""Two engines in memory: opening, logging in, links (brokers.md 9, style.md section 4)."""

from __future__ import annotations

import proton
import pytest

from matahari.amqp import (
    DIRECT_BINDING,
    TOPIC_BINDING,
    Closed,
    LinkClosed,
    LinkOpened,
    LinkRequested,
    Opened,
    Terminus,
    tls_available,
)
from matahari.errors import LocalProtocolError
from tests.support import amqp_frames as raw
from tests.support.amqp_link import (
    SPLITS,
    AmqpLink,
    Split,
    client_engine,
    drained,
    fed,
    server_engine,
    the_end,
)


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

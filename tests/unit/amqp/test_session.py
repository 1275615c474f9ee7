"""Sessions of our own: links in each, what an end costs, and link pairs (brokers.md 3.3 and 5)."""

from __future__ import annotations

import gc
import itertools

import proton
import pytest

from matahari.amqp import (
    Closed,
    Link,
    LinkClosed,
    LinkOpened,
    LinkRequested,
    Received,
    Session,
    SessionClosed,
)
from matahari.errors import LocalProtocolError
from tests.support.amqp_link import AmqpLink, client_engine


def ended(link: AmqpLink, there: Link, condition: str = "amqp:not-found", description: str = "no such node") -> None:
    """The server ends the session of its link ``there``."""
    session = there._proton.session
    session.condition = proton.Condition(condition, description)
    session.close()
    del session
    link.run()


def second(link: AmqpLink, name: str = "apart") -> tuple[Session, Link, Link]:
    """One more session with a sender in it: the session, and both ends of the link."""
    link.run()
    session = link.client.engine.open_session()
    here = link.client.engine.open_sender("node", name, session=session)
    link.run()
    there = link.answer(credit=5)
    link.client.take(LinkOpened)
    return session, here, there


class TestEnds:
    def test_the_session_is_told_before_its_links(self) -> None:
        link = AmqpLink()
        one, _ = link.sender(name="one")
        two, there = link.receiver(name="two")
        link.client.take_all(LinkOpened)
        ended(link, there)
        link.client.collect()
        told = [event for event in link.client.events if isinstance(event, SessionClosed | LinkClosed)]
        first = told[0]
        assert isinstance(first, SessionClosed)
        assert (first.condition, first.description) == ("amqp:not-found", "no such node")
        assert not first.session.is_open
        assert {event.link for event in told[1:] if isinstance(event, LinkClosed)} == {one, two}

    def test_an_end_without_a_reason_has_a_name(self) -> None:
        link = AmqpLink()
        _, there = link.sender()
        there._proton.session.close()
        link.run()
        assert link.client.take(SessionClosed).condition == "amqp:session:ended"

    def test_the_other_session_stays(self) -> None:
        link = AmqpLink()
        first, _ = link.sender(name="first")
        session, here, there = second(link)
        ended(link, there)
        assert link.client.take(SessionClosed).session is session
        assert [event.link for event in link.client.take_all(LinkClosed)] == [here]
        assert not session.is_open
        assert first.is_open
        link.client.engine.send(first, b"still here")
        link.run()
        assert link.server.take(Received).data == b"still here"

    def test_the_end_of_the_first_session_leaves_the_other(self) -> None:
        link = AmqpLink()
        _, there = link.sender(name="first")
        session, here, _ = second(link)
        ended(link, there)
        assert link.client.take(SessionClosed).session is not session
        assert session.is_open
        assert here.is_open

    def test_after_the_first_has_ended_links_go_into_a_new_one(self) -> None:
        link = AmqpLink()
        for _ in range(5):
            _, there = link.sender(name="again")
            ended(link, there)
            assert len(link.client.take_all(SessionClosed)) == 1
        here, _ = link.sender(name="again")
        assert here.is_open

    def test_links_cannot_be_opened_in_a_session_that_has_ended(self) -> None:
        link = AmqpLink()
        session, _, there = second(link)
        ended(link, there)
        with pytest.raises(LocalProtocolError, match="session has ended"):
            link.client.engine.open_sender("node", "late", session=session)
        with pytest.raises(LocalProtocolError, match="session has ended"):
            link.client.engine.open_pair("node", "late", session, credit=1)

    def test_a_closed_connection_has_no_sessions(self) -> None:
        link = AmqpLink()
        session, _, _ = second(link)
        link.cut()
        assert not session.is_open
        assert not link.client.take_all(SessionClosed)
        with pytest.raises(LocalProtocolError, match="connection is closed"):
            link.client.engine.open_session()

    def test_a_server_is_told_of_links_alone(self) -> None:
        """Sessions of the peer are its own affair."""
        link = AmqpLink()
        here, _ = link.sender()
        here._proton.session.close()
        link.run()
        assert not link.server.take_all(SessionClosed)
        assert len(link.server.take_all(LinkClosed)) == 1


class TestMemory:
    """Proton frees the links of a freed session with it, whoever still has them; a second time is a crash."""

    def test_of_an_ended_session_nothing_of_protons_is_kept(self) -> None:
        link = AmqpLink()
        session, here, there = second(link)
        ended(link, there)
        assert here._proton is None
        assert here._session is None
        assert there._proton is None
        assert session._proton is None
        assert (here.credit, here.backlog) == (0, 0)

    @pytest.mark.parametrize("keep", list(itertools.permutations(("links", "session", "engine"))))
    def test_an_ended_session_may_be_forgotten_in_any_order(self, keep: tuple[str, ...]) -> None:
        link = AmqpLink()
        session, one, there = second(link)
        two = link.client.engine.open_receiver("node", "two", credit=5)
        link.run()
        link.answer()
        ended(link, there)
        held: dict[str, object] = {"links": [one, two, there], "session": session, "engine": link}
        del link, session, one, two, there
        for name in keep:
            del held[name]
            gc.collect()

    def test_sessions_that_end_with_links_in_every_state_are_forgotten_in_one_go(self) -> None:
        """Attached, asked for, refused, detached by either end: all in cycles that only the collector breaks."""
        cycles: list[object] = []
        gc.disable()
        try:
            for _ in range(20):
                link = AmqpLink()
                session, here, there = second(link)
                engine = link.client.engine
                engine.open_sender("pending", "pending", session=session)
                refused = engine.open_sender("refused", "refused", session=session)
                link.deliver(link.client, link.server)
                requests = link.server.take_all(LinkRequested)
                link.server.engine.refuse(requests[-1].link, "amqp:not-found", "no")
                ended(link, there)
                cycle = [link, session, here, there, refused, requests]
                cycle.append(cycle)
                cycles.append(cycle)
                assert not link.client.take_all(Closed)
            cycles.clear()
        finally:
            gc.enable()
            gc.collect()


class TestPairs:
    def test_a_pair_has_one_name_one_node_and_says_so(self) -> None:
        link = AmqpLink()
        link.run()
        session = link.client.engine.open_session()
        sender, receiver = link.client.engine.open_pair("/management", "pair-1", session, credit=7)
        link.run()
        requests = link.server.take_all(LinkRequested)
        assert [event.link.name for event in requests] == ["pair-1", "pair-1"]
        assert {event.link.is_sender for event in requests} == {True, False}
        assert {event.terminus.address for event in requests} == {"/management"}
        assert {event.link._other.address for event in requests} == {"/management"}
        assert all(event.settled for event in requests)
        raws = [event.link._proton for event in requests]
        assert [dict(raw.remote_properties) for raw in raws] == [{"paired": True}] * 2
        assert len({raw.session for raw in raws}) == 1
        for event in requests:
            link.server.engine.accept(event.link, event.terminus, credit=0 if event.link.is_sender else 8)
        link.run()
        assert sender.is_open
        assert receiver.is_open
        assert sender.credit == 8
        assert next(event.link for event in requests if event.link.is_sender).credit == 7

    def test_messages_go_both_ways(self) -> None:
        link = AmqpLink()
        link.run()
        session = link.client.engine.open_session()
        sender, receiver = link.client.engine.open_pair("/management", "pair", session, credit=7)
        link.run()
        ends = {}
        for event in link.server.take_all(LinkRequested):
            link.server.engine.accept(event.link, event.terminus, credit=0 if event.link.is_sender else 8)
            ends[event.link.is_sender] = event.link
        link.run()
        link.client.engine.send(sender, b"question")
        link.run()
        assert link.server.take(Received).data == b"question"
        link.server.engine.send(ends[True], b"answer")
        link.run()
        answer = link.client.take(Received)
        assert (answer.link, answer.data) == (receiver, b"answer")


class TestTermini:
    def test_the_capabilities_of_a_source_are_the_callers_choice(self) -> None:
        link = AmqpLink(client_engine())
        link.run()
        for capabilities in ((), ("topic",), ("a", "b")):
            link.client.engine.open_receiver("node", f"in {capabilities}", capabilities=capabilities, credit=1)
            link.run()
            assert link.server.take(LinkRequested).terminus.capabilities == capabilities

"""One engine against peers that no library would play, against time, and what it forgets (brokers.md 9, style.md section 4)."""

from __future__ import annotations

import gc
import weakref

import pytest

from matahari.amqp import (
    Closed,
    LinkClosed,
    LinkRequested,
    Received,
)
from matahari.amqp.options import MAX_LEAVING, MAX_SESSIONS, OPEN_TIMEOUT
from matahari.errors import LocalProtocolError
from tests.support import amqp_frames as raw
from tests.support.amqp_link import (
    AmqpLink,
    client_engine,
    drained,
    fed,
    server_engine,
    the_end,
)


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

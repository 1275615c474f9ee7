"""The bus on brokers that end whole sessions, that are slow or that need queues declared (brokers.md 3.3 and 5)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

import proton
import pytest

from matahari.amqp import (
    Closed,
    Event,
    Link,
    LinkRequested,
    Message,
    Opened,
    Received,
    decode_message,
    encode_message,
)
from matahari.bus import Bus
from matahari.bus.bus import ATTACH_TIMEOUT
from matahari.bus.recovery import MAX_ENDS
from matahari.errors import ConnectFailedError, ConnectionLostError, LinkRefusedError, SchemaError, TransportError
from matahari.net import Address, Client, Pump
from matahari.qmf import Direct, Packet, Publish, Reply
from tests.support.amqp_link import client_engine, server_engine
from tests.support.memory_pump import Pair, Side
from tests.support.virtual_loop import run

Story = Callable[["Setting"], Awaitable[None]]
RABBIT3 = {"product": "RabbitMQ", "version": "3.10.8"}
RABBIT4 = {"product": "RabbitMQ", "version": "4.0.5"}
QPID = {"product": "qpid-cpp"}
TOPIC, DIRECT = "/exchange/qmf.default.topic", "/exchange/qmf.default.direct"


class User:
    """Writes down what the bus tells, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.errors: list[TransportError] = []
        self.packets: list[Packet] = []
        self.react: Callable[[], None] = lambda: None

    def handle_connected(self) -> None:
        self.told.append("connected")
        self.react()

    def handle_packet(self, packet: Packet) -> None:
        self.packets.append(packet)

    def handle_disconnected(self, error: TransportError) -> None:
        self.told.append("disconnected")
        self.errors.append(error)

    def handle_bindings(self, change: str, keys: Iterable[str]) -> None:
        raise AssertionError("no such broker here")


class Broker:
    """A broker that accepts links, unless its rules say otherwise; it ends their session then, or the link alone.

    Attributes:
        refuses: says, for the address of a requested link, why its session is to end; None accepts it.
        answers: says, for a request to its management, the status of the answer; None ends the session.
        targets, sources: by address, the links on which it receives and sends, the last one of each.
    """

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.targets: dict[str, Link] = {}
        self.sources: dict[str, Link] = {}
        self.received: list[tuple[str, Message]] = []
        self.refuses: Callable[[str], tuple[str, str] | None] = lambda address: None
        self.answers: Callable[[Message], str | None] = lambda request: "201"
        self.silent = False
        self.is_gentle = False
        self.attached: list[str] = []
        self._replies: Link | None = None

    def handle_event(self, event: Event) -> None:
        engine = self.pump.engine
        if isinstance(event, LinkRequested) and not self.silent:
            address = event.terminus.address or ""
            reason = self.refuses(address)
            if reason is not None and self.is_gentle:
                engine.refuse(event.link, *reason)
                return
            if reason is not None:
                self.end(event.link, *reason)
                return
            self.attached.append(address)
            engine.accept(event.link, event.terminus, credit=0 if event.link.is_sender else 50)
            if address == "/management" and event.link.is_sender:
                self._replies = event.link
            (self.sources if event.link.is_sender else self.targets)[address] = event.link
            event.link.owner = address
        elif isinstance(event, Received):
            message = decode_message(event.data)
            self.received.append((str(event.link.owner), message))
            if event.link.owner == "/management":
                self._manage(event.link, message)

    def handle_writable(self) -> None:
        return

    def handle_end(self, error: Exception | None) -> None:
        return

    def end(self, link: Link, condition: str, description: str) -> None:
        """End the session of ``link``."""
        session = link._proton.session
        session.condition = proton.Condition(condition, description)
        session.close()
        self.pump.flush_soon()

    def take_away(self, address: str) -> None:
        """Close the link on which it receives at ``address``, alone."""
        self.pump.engine.detach(self.targets[address], "amqp:unauthorized-access", "you may not send that")
        self.pump.flush_soon()

    def deliver(self, address: str, message: Message) -> None:
        """Send to the receiver that is attached to ``address``."""
        self.pump.engine.send(self.sources[address], encode_message(message))
        self.pump.flush_soon()

    def _manage(self, link: Link, request: Message) -> None:
        status = self.answers(request)
        if status is None:
            self.end(link, "amqp:unauthorized-access", "configure access refused")
            return
        assert self._replies is not None
        assert request.reply_to == "$me"
        answer = Message(None, section="none", subject=status, correlation_id=request.message_id)
        self.pump.engine.send(self._replies, encode_message(answer))


class Between:
    """What ``matahari.net.Client`` does between pump and bus."""

    def __init__(self, bus: Bus, pump: Pump) -> None:
        self.bus = bus
        self.pump = pump

    def handle_event(self, event: Event) -> None:
        if isinstance(event, Opened):
            self.bus.handle_open(self.pump, event)
        elif isinstance(event, Closed):
            self.bus.handle_lost(self.bus._client._reason or ConnectionLostError(event.description))
        else:
            self.bus.handle_event(event)

    def handle_writable(self) -> None:
        self.bus.handle_writable()

    def handle_end(self, error: Exception | None) -> None:
        return


class Setting:
    """A bus, its user, and a broker of one kind."""

    def __init__(self, bus: Bus, user: User, says: dict[str, str]) -> None:
        self.bus, self.user = bus, user
        self._says = says
        self.connect()

    def connect(self) -> None:
        self.near = Side(client_engine(), lambda pump: Between(self.bus, pump))
        self.far = Side(server_engine(properties=self._says), Broker)
        self.pair = Pair(self.near, self.far)
        broker = self.far.pump._handler
        assert isinstance(broker, Broker)
        self.broker = broker


def play(story: Story, says: dict[str, str], **options: object) -> None:
    async def played() -> None:
        user = User()
        given = {"name": "test", "own": ["me"], "patterns": ["news.#"], **options}
        bus = Bus(Address("unix", path="/nowhere"), user, **given)  # type: ignore[arg-type]  # options of Bus
        await story(Setting(bus, user, says))

    run(played())


def packet(body: str = "x") -> Packet:
    return Packet("_x", {"body": body})


def queues(at: Setting) -> list[str]:
    return [address for address in at.broker.attached if address.startswith("/queues/")]


class TestRabbitMQ3:
    def test_every_link_has_the_brokers_own_address(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.user.told == ["connected"]
            assert set(at.broker.attached) == {TOPIC, DIRECT, f"{DIRECT}/me", f"{TOPIC}/news.#"}
            assert at.bus.user_id_trusted

        play(story, RABBIT3)

    def test_a_session_that_ends_is_begun_anew_on_the_same_connection(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.end(at.broker.targets[TOPIC], "amqp:internal-error", "the broker stumbled")
            await at.pair.carry()
            assert at.user.told == ["connected", "disconnected", "connected"]
            assert "ended our session: amqp:internal-error (the broker stumbled)" in str(at.user.errors[0])
            assert len(at.broker.attached) == 8
            at.broker.deliver(f"{DIRECT}/me", Message({"n": 1}, section="value", subject="me"))
            assert at.bus.send(Publish("news.today", packet()))
            await at.pair.carry()
            assert [one.body for one in at.user.packets] == [{"n": 1}]
            assert [(address, message.subject) for address, message in at.broker.received] == [(TOPIC, "news.today")]

        play(story, RABBIT3)

    def test_what_is_sent_between_two_sessions_waits_for_the_next(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.end(at.broker.targets[TOPIC], "amqp:internal-error", "")
            at.user.react = lambda: None
            await at.pair.carry()
            assert at.bus.send(Direct("somebody", packet("1")))
            await at.pair.carry()
            assert [message.subject for _, message in at.broker.received] == ["somebody"]

        play(story, RABBIT3)

    def test_sessions_that_end_again_and_again_cost_the_connection(self) -> None:
        """Without an end a message of ours that the broker refuses would make this a hot loop."""

        async def story(at: Setting) -> None:
            await at.pair.carry()
            for _ in range(MAX_ENDS + 1):
                at.broker.end(at.broker.targets[TOPIC], "amqp:unauthorized-access", "refused")
                await at.pair.carry()
            assert at.user.told == ["connected", "disconnected"] * (MAX_ENDS + 1)
            assert at.near.pump.engine.is_closed
            assert "refused" in str(at.user.errors[-1])
            at.connect()
            await at.pair.carry()
            assert at.user.told[-1] == "connected"
            at.broker.end(at.broker.targets[TOPIC], "amqp:unauthorized-access", "refused")
            await at.pair.carry()
            assert at.near.pump.engine.is_closed, "the count goes on in the next connection"

        play(story, RABBIT3)

    def test_a_session_that_ends_while_it_is_attached_is_told_once(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            left = [2]

            def stumbles(address: str) -> tuple[str, str] | None:
                left[0] -= 1
                return ("amqp:internal-error", "again") if left[0] >= 0 else None

            at.broker.refuses = stumbles
            at.broker.end(at.broker.targets[TOPIC], "amqp:internal-error", "first")
            await at.pair.carry()
            assert at.user.told == ["connected", "disconnected", "connected"]

        play(story, RABBIT3)

    def test_missing_exchanges_end_it_for_good_with_what_to_import(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.refuses = lambda address: ("amqp:not-found", "no exchange 'qmf.default.topic' in vhost '/'")
            await at.pair.carry()
            assert at.user.told == []
            with pytest.raises(ConnectFailedError, match=r"no exchange 'qmf\.default\.topic'") as caught:
                await at.bus.run()
            assert "rabbitmqctl import_definitions" in str(caught.value)

        play(story, RABBIT3)

    def test_a_missing_right_at_the_start_ends_it_for_good_with_the_commands(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.refuses = lambda address: ("amqp:unauthorized-access", "ACCESS_REFUSED")
            await at.pair.carry()
            with pytest.raises(ConnectFailedError, match="doctor` prints the commands"):
                await at.bus.run()

        play(story, RABBIT3)

    def test_the_same_refusal_after_a_good_start_is_no_reason_to_give_up(self) -> None:
        """A caller may have made us say something that we may not."""

        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.end(at.broker.targets[DIRECT], "amqp:not-found", "whatever")
            await at.pair.carry()
            assert at.user.told == ["connected", "disconnected", "connected"]

        play(story, RABBIT3)

    def test_a_connection_that_is_cut_while_attaching_gets_a_hint(self) -> None:
        async def story(at: Setting) -> None:
            assert at.bus._client.hint == ""
            at.broker.silent = True
            await at.pair.carry()
            assert "topic_permissions" in at.bus._client.hint
            at.near.pump.connection_lost(None)
            assert at.user.told == []
            at.connect()
            await at.pair.carry()
            assert at.bus._client.hint == ""

        play(story, RABBIT3)

    def test_a_key_that_the_broker_cannot_address_is_named(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            with pytest.raises(ConnectFailedError, match="cannot be an address on RabbitMQ 3"):
                await at.bus.run()

        play(story, RABBIT3, own=["é"])

    def test_legacy_answers_are_not_asked_for(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert not any("amq.direct" in address for address in at.broker.attached)

        play(story, RABBIT3, legacy_replies=True)


class TestAnswersOnRabbitMQ3:
    def test_they_go_in_a_session_of_their_own(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            first = at.broker.targets[DIRECT]
            for number in range(3):
                assert at.bus.send(Reply(f"qmf.default.direct/console.{number}", packet()))
            assert at.bus.send(Direct("somebody", packet()))
            await at.pair.carry()
            assert at.broker.attached.count(DIRECT) == 2, "one link for any number of callers, and the first"
            assert at.broker.targets[DIRECT]._proton.session != first._proton.session
            assert len(at.broker.received) == 4

        play(story, RABBIT3)

    def test_a_refused_one_costs_that_session_alone(self, caplog: pytest.LogCaptureFixture) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for number in range(5):
                assert at.bus.send(Reply("qmf.default.direct/forbidden", packet()))
                await at.pair.carry()
                at.broker.end(at.broker.targets[DIRECT], "amqp:unauthorized-access", "access to topic refused")
                await at.pair.carry()
                assert at.bus.send(Reply("qmf.default.direct/me", packet(str(number))))
                await at.pair.carry()
            assert at.user.told == ["connected"]
            bodies = [message.subject for _, message in at.broker.received]
            assert bodies == ["forbidden", "me"] * 5

        with caplog.at_level(logging.WARNING):
            play(story, RABBIT3)
        assert len([one for one in caplog.records if "refused an answer" in one.getMessage()]) == 1

    def test_a_bare_queue_is_counted_and_named_once(self, caplog: pytest.LogCaptureFixture) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for _ in range(3):
                assert at.bus.send(Reply("some-queue", packet())) is False
            assert at.bus.unanswerable == 3

        with caplog.at_level(logging.WARNING):
            play(story, RABBIT3)
        assert len(caplog.records) == 1
        assert "no anonymous relay" in caplog.text

    def test_a_list_in_form_a_is_sent_as_a_sequence(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            body = Packet("_query_response", [{"a": 1}, {"b": 2}], form_a=True)
            assert at.bus.send(Reply("qmf.default.direct/me", body))
            assert at.bus.send(Reply("qmf.default.direct/me", Packet("_x", {"l": [1, 2]}, form_a=True)))
            assert at.bus.send(Reply("qmf.default.direct/me", Packet("_x", [1, 2])))
            await at.pair.carry()
            assert [message.section for _, message in at.broker.received] == ["sequence", "value", "data"]

        play(story, RABBIT3)


class TestRefusedLinks:
    """Brokers that close a link and leave the session alone: our own, qpidd."""

    def test_an_answer_to_a_node_that_is_not_there_is_lost_alone(self, caplog: pytest.LogCaptureFixture) -> None:
        async def story(at: Setting) -> None:
            at.broker.is_gentle = True
            at.broker.refuses = lambda address: ("amqp:not-found", "no") if address == "amq.direct" else None
            await at.pair.carry()
            for _ in range(3):
                assert at.bus.send(Reply("amq.direct/reply-1", packet()))
                await at.pair.carry()
            assert at.bus.dropped == 3
            assert at.bus.send(Reply("qmf.default.direct/console.1", packet()))
            await at.pair.carry()
            assert [message.subject for _, message in at.broker.received] == ["console.1"]
            assert at.user.told == ["connected"]

        with caplog.at_level(logging.WARNING):
            play(story, QPID)
        assert len(caplog.records) == 1

    def test_an_answer_that_may_not_be_sent_costs_no_more_than_its_link(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for _ in range(5):
                assert at.bus.send(Reply("qmf.default.direct/forbidden", packet()))
                await at.pair.carry()
                at.broker.take_away("qmf.default.direct")
                await at.pair.carry()
            assert at.bus.send(Direct("somebody", packet()))
            await at.pair.carry()
            assert [message.subject for _, message in at.broker.received] == ["forbidden"] * 5 + ["somebody"]
            assert at.user.told == ["connected"]

        play(story, QPID)

    def test_a_sender_that_is_closed_for_one_message_is_attached_again(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.take_away("qmf.default.topic")
            await at.pair.carry()
            assert at.bus.send(Publish("news.1", packet()))
            await at.pair.carry()
            assert [message.subject for _, message in at.broker.received] == ["news.1"]
            assert at.user.told == ["connected"]

        play(story, QPID)

    def test_a_sender_that_is_closed_over_and_over_costs_the_connection(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for _ in range(MAX_ENDS + 1):
                at.broker.take_away("qmf.default.topic")
                await at.pair.carry()
            assert at.user.told == ["connected", "disconnected"]
            assert at.near.pump.engine.is_closed

        play(story, QPID)

    def test_a_sender_that_cannot_be_attached_again_costs_the_connection(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.is_gentle = True
            at.broker.refuses = lambda address: ("amqp:unauthorized-access", "not any more")
            at.broker.take_away("qmf.default.topic")
            await at.pair.carry()
            assert at.user.told == ["connected", "disconnected"]
            assert at.bus._refused is None, "it may be allowed again"

        play(story, QPID)

    def test_the_receiver_for_legacy_answers_may_be_refused(self, caplog: pytest.LogCaptureFixture) -> None:
        async def story(at: Setting) -> None:
            at.broker.is_gentle = True
            at.broker.refuses = lambda address: ("amqp:not-found", "no such") if address == "amq.direct" else None
            await at.pair.carry()
            assert at.user.told == ["connected"]

        with caplog.at_level(logging.INFO):
            play(story, QPID, legacy_replies=True)
        assert len([one for one in caplog.records if "going on without it" in one.getMessage()]) == 1

    def test_legacy_answers_come_on_our_own_key(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.broker.attached.count("amq.direct") == 1
            at.broker.deliver("amq.direct", Message({"n": 1}, section="value", subject="me"))
            await at.pair.carry()
            assert [one.body for one in at.user.packets] == [{"n": 1}]
            at.far.pump.engine.detach(at.broker.sources["amq.direct"], "amqp:not-found", "gone")
            at.far.pump.flush()
            await at.pair.carry()
            assert at.user.told == ["connected"]

        play(story, QPID, legacy_replies=True)


class TestRabbitMQ4:
    def test_queues_are_declared_before_they_are_received_from(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.user.told == ["connected"]
            requests = [f"{one.subject} {one.to}" for address, one in at.broker.received if address == "/management"]
            assert requests[:2] == ["PUT /exchanges/qmf.default.topic", "PUT /exchanges/qmf.default.direct"]
            assert requests[2].startswith("PUT /queues/qmf.anonymous.")
            assert requests[4:] == ["POST /bindings"] * 2
            assert len(queues(at)) == 2
            assert at.broker.targets[""]._proton.session != at.broker.targets["/management"]._proton.session
            at.broker.deliver(queues(at)[0], Message({"n": 1}, section="value", subject="me"))
            assert at.bus.send(Publish("news.to/day", packet()))
            await at.pair.carry()
            assert [one.body for one in at.user.packets] == [{"n": 1}]
            address, message = at.broker.received[-1]
            assert (address, message.to) == ("", "/exchanges/qmf.default.topic/news.to%2Fday")

        play(story, RABBIT4)

    def test_a_login_that_may_not_declare_exchanges_goes_on_in_a_new_session(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.answers = lambda request: None if str(request.to).startswith("/exchanges") else "201"
            await at.pair.carry()
            assert at.user.told == ["connected"]
            assert at.broker.attached.count("/management") == 4, "two pairs of links"

        play(story, RABBIT4)

    def test_a_login_that_may_not_make_queues_ends_it_for_good_with_the_commands(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.answers = lambda request: None if str(request.to).startswith("/queues") else "204"
            await at.pair.carry()
            assert at.user.told == []
            with pytest.raises(LinkRefusedError, match=r"(?s)configure access refused.*doctor` prints the commands"):
                await at.bus.run()

        play(story, RABBIT4)

    def test_a_missing_exchange_ends_it_for_good_with_what_to_import(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.answers = lambda request: "404" if request.to == "/bindings" else "201"
            await at.pair.carry()
            with pytest.raises(LinkRefusedError, match="import_definitions"):
                await at.bus.run()

        play(story, RABBIT4)

    def test_a_new_session_has_new_queues(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            old = queues(at)
            at.broker.end(at.broker.targets[""], "amqp:internal-error", "")
            await at.pair.carry()
            assert at.user.told == ["connected", "disconnected", "connected"]
            assert len(queues(at)) == 4
            assert len(set(queues(at))) == 4
            assert old == queues(at)[:2]
            assert at.broker.attached.count("/management") == 2, "its session has stayed"

        play(story, RABBIT4)

    def test_a_pattern_that_is_added_later_gets_a_queue_at_once(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.bus.listen("more.#")
            await at.pair.carry()
            assert len(queues(at)) == 3
            at.broker.deliver(queues(at)[-1], Message({"n": 1}, section="value", subject="more.x"))
            await at.pair.carry()
            assert [one.subject for one in at.user.packets] == ["more.x"]
            assert at.user.told == ["connected"]

        play(story, RABBIT4)

    def test_a_pattern_that_is_added_later_and_refused_costs_itself_alone(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.answers = lambda request: "403"
            at.bus.listen("more.#")
            await at.pair.carry()
            assert at.user.told == ["connected"]
            assert at.bus.is_connected
            at.broker.answers = lambda request: "201"
            at.broker.end(at.broker.targets[""], "amqp:internal-error", "")
            await at.pair.carry()
            assert len(queues(at)) == 5, "in the next session it is tried again"

        play(story, RABBIT4)

    def test_the_end_of_the_management_session_alone_does_no_harm(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            at.broker.end(at.broker.targets["/management"], "amqp:internal-error", "")
            await at.pair.carry()
            assert at.user.told == ["connected"]
            at.broker.end(at.broker.targets[""], "amqp:internal-error", "")
            await at.pair.carry()
            assert at.user.told == ["connected", "disconnected", "connected"]

        play(story, RABBIT4)

    def test_a_management_that_is_not_there_ends_it_for_good(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.refuses = lambda address: ("amqp:invalid-field", "what?") if address == "/management" else None
            await at.pair.carry()
            assert at.user.told == []
            with pytest.raises(LinkRefusedError, match="invalid-field"):
                await at.bus.run()

        play(story, RABBIT4)


class TestTime:
    def test_a_broker_that_does_not_attach_our_links_is_left_and_tried_again(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.silent = True
            await at.pair.carry()
            await asyncio.sleep(ATTACH_TIMEOUT + 1)
            await at.pair.carry()
            assert at.near.pump.engine.is_closed
            assert "did not attach our links" in str(at.bus._client._reason)
            assert at.user.told == []
            at.connect()
            await at.pair.carry()
            assert at.user.told == ["connected"]
            await asyncio.sleep(5)
            assert not at.near.pump.engine.is_closed

        play(story, RABBIT3)

    def test_at_a_prompt_a_connection_without_links_is_a_failed_start(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.silent = True
            await at.pair.carry()
            at.near.pump.connection_lost(None)
            with pytest.raises(TransportError):
                await at.bus.run()

        play(story, RABBIT3, must_start=True)

    def test_at_a_prompt_the_brokers_reason_is_told_and_not_our_own_closing(self) -> None:
        async def story(at: Setting) -> None:
            at.broker.refuses = lambda address: ("amqp:not-found", "no exchange")
            await at.pair.carry()
            at.near.pump.connection_lost(None)
            with pytest.raises(ConnectFailedError, match="import_definitions"):
                await at.bus.run()

        play(story, RABBIT3, must_start=True)


class TestPatterns:
    def test_what_does_not_fit_is_left_out_on_every_broker(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for number, subject in enumerate(["news", "news.a.b", "newsletter", "agent.news", ""]):
                at.broker.deliver(f"{TOPIC}/news.#", Message({"n": number}, section="value", subject=subject))
            at.broker.deliver(f"{DIRECT}/me", Message({"n": 9}, section="value", subject="anything"))
            await at.pair.carry()
            assert [one.body for one in at.user.packets] == [{"n": 0}, {"n": 1}, {"n": 4}, {"n": 9}]

        play(story, RABBIT3)

    def test_families_have_several_receivers_for_one_pattern(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.user.told == ["connected"]
            topic = "qmf.default.topic.console"
            assert set(at.broker.attached) == {"", "qmf.default.direct.me", topic, f"{topic}.request"}
            at.broker.deliver(topic, Message({"n": 1}, section="value", subject="console.x"))
            await at.pair.carry()
            assert [one.subject for one in at.user.packets] == ["console.x"]

        play(story, {"product": "skupper-router"}, patterns=["console.#"])


class TestKinds:
    def test_a_kind_that_is_given_counts(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            assert at.bus.scheme.kind == "router"

        play(story, {"product": "unheard of"}, kind="router")

    def test_the_virtual_host_is_asked_for(self) -> None:
        async def story(at: Setting) -> None:
            client = at.bus._client
            assert isinstance(client, Client)
            assert client._hostname == "vhost:qmf"

        play(story, RABBIT3, virtual_host="vhost:qmf")

    def test_a_key_that_is_too_long_for_any_broker_is_our_fault(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            for key in ("k" * 256, "é" * 128):
                with pytest.raises(SchemaError, match="255 bytes"):
                    at.bus.send(Publish(key, packet()))

        play(story, RABBIT3)

    def test_an_address_that_a_kind_cannot_have_is_our_fault(self) -> None:
        async def story(at: Setting) -> None:
            await at.pair.carry()
            with pytest.raises(SchemaError, match="cannot be an address"):
                at.bus.send(Direct("a::b", packet()))

        play(story, {"product": "skupper-router"})

"""The agent's side of QMFv2 as a state machine: packets, calls of the application and time in, commands out.

States: *new* until ``start``, *running* until ``stop``, then *stopped*; ``start`` leads back to running from either.

===========  =====================  ================================================================================
state        what comes             what follows
===========  =====================  ================================================================================
any          query                  one or more parts, the last without ``partial``; or an exception
any          QMFv1 schema request   the schema in a QMFv1 frame, or a frame that says why not
not stopped  locate                 our attributes if they match the predicate, else nothing; soon all objects
stopped      locate                 nothing
not stopped  method request         ``Invoke``, and one answer when the application completes or fails it; or an exception
not stopped  subscription           an answer, then the objects, then each interval those that changed; or an exception
stopped      method, subscription   an exception
any          cancel of a call       ``CancelCall``, once, when it is its caller's; else nothing
any          refresh of one         an answer, or an exception when it is unknown
any          cancel of one          nothing
any          report of a call       an indication to a caller that asked for them
running      interval is over       a heartbeat
running      schemas have changed   a heartbeat, at most one each ``ANNOUNCE_GAP``
running      objects have changed   indications of these, at most each ``publish_interval``
running      time goes by           as often as heartbeats, indications of all objects
any          anything else          counted; an exception if it is a request with a reply address
===========  =====================  ================================================================================

Every request with a reply address gets an answer, except a locate that does not match: consoles wait for each agent.
Not here: encoding, addresses and links (the bus), running methods (the application), what the messages look like
(``_announcement`` and ``_answers``), and what is told of objects unasked (``_indications`` and ``_subscriptions``).

Source: qmf2.md 2.1 and 3.1 to 3.12
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from matahari.errors import RemoteProtocolError
from matahari.qmf import v1
from matahari.qmf._announcement import Announcement
from matahari.qmf._answers import Refused, answer, frame_answers, locate_answer, query_answers, refusal
from matahari.qmf._calls import CallTable
from matahari.qmf._indications import Indications
from matahari.qmf._objects import ManagedObject, ObjectTable
from matahari.qmf._observation import Observation
from matahari.qmf._subscriptions import SubscriptionTable
from matahari.qmf.data import Data
from matahari.qmf.packet import (
    AGENT_LOCATE_REQUEST,
    CODE_EXCEPTION,
    CODE_NOT_IMPLEMENTED,
    METHOD_CANCEL_INDICATION,
    METHOD_INDICATION,
    METHOD_REQUEST,
    METHOD_RESPONSE,
    QUERY_REQUEST,
    SUBSCRIBE_CANCEL_INDICATION,
    SUBSCRIBE_REFRESH_INDICATION,
    SUBSCRIBE_REQUEST,
    SUBSCRIBE_RESPONSE,
    CallRefused,
    CancelCall,
    Command,
    Packet,
)
from matahari.qmf.reports import Report
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import Value

#: Most commands not yet fetched. The owner fetches after each step, so only a stuck owner gets here;
#: then requests and indications are dropped and counted, answers of calls never.
MAX_QUEUED_COMMANDS: Final = 10_000
#: Least time between two heartbeats caused by schema changes, so that loading many plugins is not a storm.
ANNOUNCE_GAP: Final = 0.2


class AgentEngine:
    """One agent on the bus. Not thread-safe; fetch ``next_command`` until None after every call.

    Args:
        vendor, product: without colons; words of the agent's name.
        instance: makes the name unique; the same at every start, so that consoles recognise the agent.
        attributes: further attributes to announce (host name and such); they cannot replace the standard ones.
        heartbeat_interval: seconds between heartbeats, at least 1.
        epoch: number of this start; consoles see a restart when it changes.
        direct_subject: key on the topic exchange for requests to this agent. By default it follows from the name,
            because running libqmf2 consoles keep the first one they saw.
        publish_interval: least seconds between two indications of objects to everybody.
        make_id: gives ids of subscriptions, which nobody should be able to guess.

    Raises:
        ValueError: a name or an interval cannot be used.
        SchemaError: an attribute has no encoding.
    """

    def __init__(
        self,
        *,
        vendor: str,
        product: str,
        instance: str,
        attributes: Mapping[str, Value],
        heartbeat_interval: int = 60,
        epoch: int = 1,
        direct_subject: str | None = None,
        publish_interval: float = 10.0,
        make_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        if publish_interval <= 0:
            raise ValueError("the publish interval is above 0 seconds")
        self._announcement = Announcement(
            vendor=vendor,
            product=product,
            instance=instance,
            attributes=attributes,
            interval=heartbeat_interval,
            epoch=epoch,
            direct_subject=direct_subject,
        )
        self.name: Final = self._announcement.name
        self.direct_subject: Final = self._announcement.direct_subject
        self._table = ObjectTable(self.name, epoch)
        self._indications = Indications(
            interval=publish_interval,
            period=heartbeat_interval,
            delay=publish_interval * self._announcement.spread,
        )
        self._subscriptions = SubscriptionTable(self.name, make_id)
        self._commands: deque[Command] = deque()
        self._calls = CallTable(self._table)
        self._is_stopped = False
        self._heartbeat_at: float | None = None
        self._last_heartbeat = 0.0
        self._ignored = 0
        self._dropped = 0

    # -- the application's side ----------------------------------------------------------------------------------

    @property
    def schemas(self) -> Mapping[SchemaId, Schema]:
        """The published schemas by id."""
        return self._table.schemas

    @property
    def objects(self) -> Mapping[str, ManagedObject]:
        """The published objects by name."""
        return self._table.objects

    def start(self, now: float, wall_ns: int) -> None:
        """Announce the agent; also after each reconnect, since nobody has heard of it meanwhile."""
        self._is_stopped = False
        self._announcement.start(wall_ns)
        self._indications.start(now)
        self._subscriptions.repeat(now)
        self._heartbeat(now, wall_ns)

    def stop(self) -> None:
        """End heartbeats, indications and subscriptions, and refuse new calls; calls under way are still answered."""
        self._is_stopped = True
        self._heartbeat_at = None
        self._indications.stop()
        self._subscriptions.clear()

    def add_schema(self, schema: Schema, wall_ns: int) -> None:
        """Publish a schema and let consoles know soon; nothing happens when it is there already.

        Raises:
            SchemaError: a name is missing, too long or there twice.
        """
        if self._table.add_schema(schema):
            self._schema_changed(wall_ns)

    def remove_schema(self, schema_id: SchemaId, wall_ns: int) -> None:
        """Withdraw a schema; LocalProtocolError while it has objects, or when it is not there."""
        self._table.remove_schema(schema_id)
        self._schema_changed(wall_ns)

    def add_object(self, item: ManagedObject, wall_ns: int) -> None:
        """Publish an object, or replace the one of that name; LocalProtocolError when its schema was not added."""
        old = self._table.objects.get(item.name)
        last_words = self._table.add_object(item, wall_ns)
        if old is not None and last_words is not None:
            self._indications.deleted(item.name, old.schema.id, last_words)
        self._indications.changed(item.name, item.schema.id)

    def remove_object(self, name: str, wall_ns: int) -> None:
        """Withdraw an object; LocalProtocolError when it is not there. Its calls under way are still answered."""
        schema_id, last_words = self._table.remove_object(name, wall_ns)
        self._indications.deleted(name, schema_id, last_words)

    def object_changed(self, name: str, wall_ns: int) -> None:
        """Let consoles know soon that an object's values have changed; LocalProtocolError when it is not there.

        Without this they learn of it with the next publication of all objects, or from a query or a subscription.
        """
        self._table.touch_object(name, wall_ns)
        self._indications.changed(name, self._table.objects[name].schema.id)

    def raise_event(self, schema: Schema, values: Mapping[str, Value], severity: int | None, wall_ns: int) -> None:
        """Publish an event.

        Args:
            severity: 0 (emergency) to 7 (debug); None takes the schema's, else 5.

        Raises:
            ValueError: the severity is out of range.
        """
        self._indicate(self._announcement.event(schema, values, severity, wall_ns))

    def complete(self, call: int, arguments: Mapping[str, Value]) -> None:
        """Answer a call with its output arguments; LocalProtocolError when it is unknown or answered already."""
        request, more = self._calls.take(call)
        self._answer(request, METHOD_RESPONSE, {"_arguments": dict(arguments), **more})

    def fail(self, call: int, text: str, *, code: int = CODE_EXCEPTION, data: Data | None = None) -> None:
        """Answer a call with an exception.

        Args:
            text: complete sentence for humans.
            data: values and schema id to send; text and code are added to them unless they are there.

        Raises:
            LocalProtocolError: the call is unknown or answered already.
        """
        request, more = self._calls.take(call)
        self._commands.append(refusal(request, self.name, text, code, data, more))

    def report(self, call: int, reports: Sequence[Report]) -> None:
        """Tell the caller what a call that runs reports, in one message; nothing when nobody asked for it.

        Reports are numbered here, so that the caller notices when the message does not reach it.
        """
        told = self._calls.report(call, reports)
        if told is not None:
            request, items = told
            self._indicate(answer(request, self.name, METHOD_INDICATION, items, method="indication"))

    def statistics(self) -> dict[str, int]:
        """Count calls under way, subscriptions, packets ignored (not for an agent, or not readable) and dropped ones."""
        return {
            "pending": len(self._calls),
            "subscriptions": len(self._subscriptions),
            "ignored": self._ignored,
            "dropped": self._dropped,
        }

    # -- the bus's side ------------------------------------------------------------------------------------------

    def receive(self, packet: Packet, now: float, wall_ns: int) -> None:
        """Take a packet from any of the agent's addresses. Never raises for what it contains."""
        if packet.opcode == SUBSCRIBE_CANCEL_INDICATION:
            self._ignored += not self._subscriptions.cancel(packet.body)
        elif packet.reply_to is None:
            self._ignored += 1  # nobody would learn the outcome, so nothing is begun
            if packet.opcode == METHOD_REQUEST:
                self._calls.note_refusal(packet, "no_reply_to")
        elif packet.opcode == METHOD_CANCEL_INDICATION:
            self._receive_cancel(packet)
        elif len(self._commands) >= MAX_QUEUED_COMMANDS:
            self._dropped += 1
        else:
            try:
                self._receive_request(packet, now, wall_ns)
            except Refused as error:
                data = None if error.kind is None else Data({"kind": error.kind})
                self._commands.append(refusal(packet, self.name, error.text, error.code, data))

    def next_deadline(self) -> float | None:
        """Return when ``handle_timeout`` is due, in the clock of ``now``."""
        moments = (self._heartbeat_at, self._indications.deadline(), self._subscriptions.deadline())
        return min((moment for moment in moments if moment is not None), default=None)

    def handle_timeout(self, now: float, wall_ns: int) -> None:
        """Send what is due: a heartbeat, indications, news for subscriptions."""
        if self._heartbeat_at is not None and now >= self._heartbeat_at:
            self._heartbeat(now, wall_ns)
        observation = Observation(self._table, wall_ns)
        for command in self._indications.publish(now, observation, self._announcement):
            self._indicate(command)
        for reply in self._subscriptions.publish(now, observation):
            self._indicate(reply)

    def next_command(self) -> Command | None:
        """Return what is to be done next, in order, or None."""
        return self._commands.popleft() if self._commands else None

    def next_refusal(self) -> CallRefused | None:
        """Return the next method request that led to no ``Invoke``, or None."""
        return self._calls.refusals.popleft() if self._calls.refusals else None

    # -- requests ------------------------------------------------------------------------------------------------

    def _receive_request(self, packet: Packet, now: float, wall_ns: int) -> None:
        opcode = packet.opcode
        if opcode == METHOD_REQUEST:
            self._receive_call(packet)
        elif opcode == QUERY_REQUEST:
            self._commands += query_answers(packet, self.name, self._table)
        elif opcode == AGENT_LOCATE_REQUEST:
            self._receive_locate(packet, now, wall_ns)
        elif opcode == SUBSCRIBE_REQUEST:
            self._receive_subscription(packet, now)
        elif opcode == SUBSCRIBE_REFRESH_INDICATION:
            self._answer(packet, SUBSCRIBE_RESPONSE, self._subscriptions.refresh(packet.body, now))
        elif not opcode and isinstance(packet.body, bytes):
            self._receive_frames(packet, packet.body)
        else:
            # Answers and indications must never be answered, or two agents could talk for ever.
            self._ignored += 1
            if opcode.endswith("_request") or packet.method == "request":
                raise Refused("Not implemented", CODE_NOT_IMPLEMENTED)

    def _receive_call(self, packet: Packet) -> None:
        if self._is_stopped:
            self._calls.note_refusal(packet, "stopping")
            raise Refused("The agent is stopping", CODE_EXCEPTION)
        self._commands.append(self._calls.begin(packet))

    def _receive_cancel(self, packet: Packet) -> None:
        call = self._calls.cancel(packet)
        if call is None:
            self._ignored += 1  # it has ended, and its answer is on the way
        else:
            self._commands.append(CancelCall(call))

    def _receive_locate(self, packet: Packet, now: float, wall_ns: int) -> None:
        if self._is_stopped:
            return
        reply = locate_answer(packet, self._announcement, wall_ns)
        if reply is not None:
            self._commands.append(reply)
            self._indications.everything(now)

    def _receive_subscription(self, packet: Packet, now: float) -> None:
        if self._is_stopped:
            raise Refused("The agent is stopping", CODE_EXCEPTION)
        self._answer(packet, SUBSCRIBE_RESPONSE, self._subscriptions.subscribe(packet, now))

    def _receive_frames(self, packet: Packet, body: bytes) -> None:
        try:
            frames = v1.decode_frames(body)
        except RemoteProtocolError:
            self._ignored += 1
            return
        answers = list(frame_answers(packet, self.name, frames, self._table.find_schema))
        self._ignored += len(frames) - len(answers)
        self._commands += answers

    # -- answers and announcements -------------------------------------------------------------------------------

    def _answer(self, request: Packet, opcode: str, body: Value) -> None:
        self._commands.append(answer(request, self.name, opcode, body))

    def _schema_changed(self, wall_ns: int) -> None:
        self._announcement.schema_changed(wall_ns)
        if self._heartbeat_at is not None:
            self._heartbeat_at = min(self._heartbeat_at, self._last_heartbeat + ANNOUNCE_GAP)

    def _heartbeat(self, now: float, wall_ns: int) -> None:
        self._last_heartbeat = now
        self._heartbeat_at = now + self._announcement.interval
        self._indicate(self._announcement.heartbeat(wall_ns))

    def _indicate(self, command: Command) -> None:
        """Queue what nobody asked for, unless the owner is stuck."""
        if len(self._commands) >= MAX_QUEUED_COMMANDS:
            self._dropped += 1
        else:
            self._commands.append(command)

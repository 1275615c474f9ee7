"""The agent's side of QMFv2 as a state machine: packets, calls of the application and time in, commands out.

States: *new* until ``start``, *running* until ``stop``, then *stopped*; ``start`` leads back to running from either.

===========  =====================  ================================================================================
state        what comes             what follows
===========  =====================  ================================================================================
any          query                  one or more parts, the last without ``partial``; or an exception
not stopped  locate                 our attributes if they match the predicate, else nothing
stopped      locate                 nothing
not stopped  method request         ``Invoke``, and one answer when the application completes or fails it; or an exception
stopped      method request         an exception
running      interval is over       a heartbeat
running      schemas have changed   a heartbeat, at most one each ``ANNOUNCE_GAP``
any          anything else          counted; an exception if it is a request with a reply address
===========  =====================  ================================================================================

Every request with a reply address gets an answer, except a locate that does not match: consoles wait for each agent.
Not here: encoding, addresses and links (the bus), running methods (the application), QMFv1 frames, subscriptions.

Source: qmf2.md 2.1 and 3.1 to 3.9
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Mapping
from typing import Final

from matahari.errors import LocalProtocolError, RemoteProtocolError, SchemaError
from matahari.qmf._objects import InvalidArgument, ManagedObject, ObjectTable, ValuesFailed, split_parts
from matahari.qmf.codec import encode_map
from matahari.qmf.data import DEFAULT_SEVERITY, Data, ObjectId
from matahari.qmf.packet import (
    AGENT_HEARTBEAT_INDICATION,
    AGENT_LOCATE_REQUEST,
    AGENT_LOCATE_RESPONSE,
    CODE_EXCEPTION,
    CODE_INVALID_PARAMETER,
    CODE_NOT_IMPLEMENTED,
    CODE_UNKNOWN_OBJECT,
    CONTENT_DATA,
    CONTENT_EVENT,
    DATA_INDICATION,
    EXCEPTION,
    METHOD_REQUEST,
    METHOD_RESPONSE,
    QUERY_REQUEST,
    QUERY_RESPONSE,
    Command,
    Invoke,
    Packet,
    Publish,
    Reply,
)
from matahari.qmf.predicate import compile_predicate
from matahari.qmf.query import Query
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import UInt, ULong, Value, text

#: Most calls under way at once. Plugins have smaller queues of their own; this bounds what a flood of requests
#: to slow methods can hold in memory. Further requests are answered "busy".
MAX_PENDING_CALLS: Final = 1024
#: Most commands not yet fetched. The owner fetches after each step, so only a stuck owner gets here;
#: then requests and events are dropped and counted, answers of calls never.
MAX_QUEUED_COMMANDS: Final = 10_000
#: Longest agent name: it is a routing key (255 bytes) and part of an event's subject.
MAX_AGENT_NAME_BYTES: Final = 200
#: Least time between two heartbeats caused by schema changes, so that loading many plugins is not a storm.
ANNOUNCE_GAP: Final = 0.2

_SEVERITY_WORDS: Final = ("emerg", "alert", "crit", "error", "warn", "note", "info", "debug")
_SUBJECT_SPACE: Final = uuid.UUID("5b0f3f1c-6f0e-5a53-9a55-2f3f5c1b7d10")


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
    ) -> None:
        if ":" in vendor or ":" in product:
            raise ValueError("vendor and product must not contain a colon")
        if not instance:
            raise ValueError("an agent needs an instance")
        if heartbeat_interval < 1:
            raise ValueError("the heartbeat interval is at least 1 second")
        self.name: Final = f"{vendor}:{product}:{instance}"
        if len(self.name.encode()) > MAX_AGENT_NAME_BYTES:
            raise ValueError(f"an agent name has at most {MAX_AGENT_NAME_BYTES} bytes")
        self.direct_subject: Final = direct_subject or f"direct-agent.route.{uuid.uuid5(_SUBJECT_SPACE, self.name)}"
        self._interval = heartbeat_interval
        self._epoch = epoch
        self._attributes: dict[str, Value] = dict(attributes)
        self._attributes |= {
            "_vendor": vendor,
            "_product": product,
            "_instance": instance,
            "_name": self.name,
            "_direct_subject": self.direct_subject,
            "qmf.agent_capability": UInt(1),
        }
        encode_map(self._attributes)  # raises SchemaError now rather than at the first heartbeat
        self._subject_tail = ".".join(_word(part) for part in (vendor, product, instance))
        self._table = ObjectTable(self.name, epoch)
        self._schema_updated = 0
        self._commands: deque[Command] = deque()
        self._calls: dict[int, Packet] = {}
        self._next_call = 1
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
        if not self._schema_updated:
            self._schema_updated = wall_ns  # must be there from the first announcement on (qmf2.md 3.11)
        self._heartbeat(now, wall_ns)

    def stop(self) -> None:
        """End heartbeats and refuse new calls; calls under way are still answered."""
        self._is_stopped = True
        self._heartbeat_at = None

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

    def add_object(self, item: ManagedObject) -> None:
        """Publish an object, or replace the one of that name; LocalProtocolError when its schema was not added."""
        self._table.add_object(item)

    def remove_object(self, name: str) -> None:
        """Withdraw an object; LocalProtocolError when it is not there. Its calls under way are still answered."""
        self._table.remove_object(name)

    def raise_event(self, schema: Schema, values: Mapping[str, Value], severity: int | None, wall_ns: int) -> None:
        """Publish an event.

        Args:
            severity: 0 (emergency) to 7 (debug); None takes the schema's, else 5.

        Raises:
            ValueError: the severity is out of range.
        """
        if severity is None:
            severity = DEFAULT_SEVERITY if schema.default_severity is None else schema.default_severity
        if not 0 <= severity <= 7:
            raise ValueError("a severity is 0 to 7")
        if len(self._commands) >= MAX_QUEUED_COMMANDS:
            self._dropped += 1
            return
        data = Data(values, schema_id=schema.id, severity=severity, timestamp_ns=wall_ns)
        word = _SEVERITY_WORDS[severity]
        key = f"agent.ind.event.{_word(schema.id.package)}.{_word(schema.id.name)}.{word}.{self._subject_tail}"
        packet = Packet(DATA_INDICATION, [data.to_map()], content=CONTENT_EVENT, agent=self.name, method="indication")
        self._commands.append(Publish(key, packet))

    def complete(self, call: int, arguments: Mapping[str, Value]) -> None:
        """Answer a call with its output arguments; LocalProtocolError when it is unknown or answered already."""
        self._answer(self._take_call(call), METHOD_RESPONSE, {"_arguments": dict(arguments)})

    def fail(self, call: int, text: str, *, code: int = CODE_EXCEPTION, data: Data | None = None) -> None:
        """Answer a call with an exception.

        Args:
            text: complete sentence for humans.
            data: values and schema id to send; text and code are added to them unless they are there.

        Raises:
            LocalProtocolError: the call is unknown or answered already.
        """
        self._refuse(self._take_call(call), text, code, data)

    def statistics(self) -> dict[str, int]:
        """Count calls under way, packets ignored (not for an agent, or not readable) and commands dropped."""
        return {"pending": len(self._calls), "ignored": self._ignored, "dropped": self._dropped}

    # -- the bus's side ------------------------------------------------------------------------------------------

    def receive(self, packet: Packet, now: float, wall_ns: int) -> None:
        """Take a packet from any of the agent's addresses. Never raises for what it contains."""
        if packet.reply_to is None:
            self._ignored += 1  # nobody would learn the outcome, so nothing is begun
        elif len(self._commands) >= MAX_QUEUED_COMMANDS:
            self._dropped += 1
        elif packet.opcode == METHOD_REQUEST:
            self._receive_call(packet)
        elif packet.opcode == QUERY_REQUEST:
            self._receive_query(packet)
        elif packet.opcode == AGENT_LOCATE_REQUEST:
            self._receive_locate(packet, wall_ns)
        else:
            # QMFv1 frames (opcode "") will branch off here; answers and indications must never be answered.
            self._ignored += 1
            if packet.opcode.endswith("_request"):
                self._refuse(packet, "Not implemented", CODE_NOT_IMPLEMENTED)

    def next_deadline(self) -> float | None:
        """Return when ``handle_timeout`` is due, in the clock of ``now``."""
        return self._heartbeat_at

    def handle_timeout(self, now: float, wall_ns: int) -> None:
        """Send a heartbeat if one is due."""
        if self._heartbeat_at is not None and now >= self._heartbeat_at:
            self._heartbeat(now, wall_ns)

    def next_command(self) -> Command | None:
        """Return what is to be done next, in order, or None."""
        return self._commands.popleft() if self._commands else None

    # -- requests ------------------------------------------------------------------------------------------------

    def _receive_call(self, packet: Packet) -> None:
        body = packet.body
        if not isinstance(body, dict):
            return self._refuse(packet, "A method request must be a map", CODE_INVALID_PARAMETER)
        method = text(body.get("_method_name"))
        if not method:
            return self._refuse(packet, "A method request needs a _method_name", CODE_INVALID_PARAMETER)
        arguments = body.get("_arguments")
        if arguments is None:
            arguments = {}
        elif not isinstance(arguments, dict):
            return self._refuse(packet, "_arguments must be a map", CODE_INVALID_PARAMETER)
        name: str | None = None
        address = body.get("_object_id")
        if address is not None:
            try:
                item = self._table.find(ObjectId.from_map(address))
            except RemoteProtocolError as error:
                return self._refuse(packet, str(error), CODE_INVALID_PARAMETER)
            if item is None:
                return self._refuse(packet, "No data object found with the specified address", CODE_UNKNOWN_OBJECT)
            name = item.name
            try:
                arguments = self._table.arguments_for(item, method, arguments)
            except InvalidArgument as error:
                return self._refuse_as(packet, f"Invalid argument: {error}", "invalid_argument")
        if self._is_stopped:
            return self._refuse(packet, "The agent is stopping", CODE_EXCEPTION)
        if len(self._calls) >= MAX_PENDING_CALLS:
            return self._refuse_as(packet, "busy", "busy")
        call = self._next_call
        self._next_call += 1
        # Only what the answer needs is kept; the body may be large.
        self._calls[call] = Packet(
            METHOD_REQUEST, correlation_id=packet.correlation_id, reply_to=packet.reply_to, form_a=packet.form_a
        )
        self._commands.append(Invoke(call, name, method, arguments, packet.user_id))

    def _receive_query(self, packet: Packet) -> None:
        try:
            content, items = self._table.answer(Query.from_map(packet.body))
        except (RemoteProtocolError, SchemaError) as error:
            return self._refuse(packet, f"Invalid query: {error}", CODE_INVALID_PARAMETER)
        except ValuesFailed as error:
            return self._refuse(packet, str(error), CODE_EXCEPTION)
        parts = list(split_parts(items))
        for number, part in enumerate(parts, 1):
            self._answer(packet, QUERY_RESPONSE, part, content=content, partial=number < len(parts))

    def _receive_locate(self, packet: Packet, wall_ns: int) -> None:
        if self._is_stopped:
            return
        body = packet.body
        try:
            # The filter sees the attributes without times and epochs, as at a libqmf2 agent (qmf2.md 2.7).
            if body and not compile_predicate(body if isinstance(body, list) else [body])(self._attributes):
                return
        except SchemaError as error:
            return self._refuse(packet, f"Invalid predicate: {error}", CODE_INVALID_PARAMETER)
        values = self._announced(wall_ns)
        self._answer(packet, AGENT_LOCATE_RESPONSE, {"_values": values}, method="indication")

    # -- answers and announcements -------------------------------------------------------------------------------

    def _take_call(self, call: int) -> Packet:
        try:
            return self._calls.pop(call)
        except KeyError:
            raise LocalProtocolError(f"call {call} is unknown or was answered already") from None

    def _answer(
        self,
        request: Packet,
        opcode: str,
        body: Value,
        *,
        content: str | None = None,
        partial: bool = False,
        method: str = "response",
    ) -> None:
        assert request.reply_to is not None  # receive() takes no request without one
        packet = Packet(
            opcode, body, content, self.name, request.correlation_id,
            partial=partial, method=method, form_a=request.form_a,
        )  # fmt: skip
        self._commands.append(Reply(request.reply_to, packet))

    def _refuse(self, request: Packet, text: str, code: int, data: Data | None = None) -> None:
        """Answer with an exception; Python consoles read only ``error_code`` and ``error_text``."""
        body: dict[str, Value] = data.to_map() if data is not None else {}
        values: dict[str, Value] = {"error_code": UInt(code), "error_text": text}
        if data is not None:
            values |= data.values
        body["_values"] = values
        self._answer(request, EXCEPTION, body, content=CONTENT_DATA)

    def _refuse_as(self, request: Packet, text: str, kind: str) -> None:
        """Answer with an exception whose ``kind`` our own consoles understand."""
        self._refuse(request, text, CODE_EXCEPTION, Data({"kind": kind}))

    def _schema_changed(self, wall_ns: int) -> None:
        self._schema_updated = max(wall_ns, self._schema_updated + 1)
        if self._heartbeat_at is not None:
            self._heartbeat_at = min(self._heartbeat_at, self._last_heartbeat + ANNOUNCE_GAP)

    def _heartbeat(self, now: float, wall_ns: int) -> None:
        self._last_heartbeat = now
        self._heartbeat_at = now + self._interval
        if len(self._commands) >= MAX_QUEUED_COMMANDS:
            self._dropped += 1
            return
        packet = Packet(
            AGENT_HEARTBEAT_INDICATION,
            {"_values": self._announced(wall_ns)},
            agent=self.name,
            method="indication",
            ttl=2.0 * self._interval,
        )
        self._commands.append(Publish(f"agent.ind.heartbeat.{self._subject_tail}", packet))

    def _announced(self, wall_ns: int) -> dict[str, Value]:
        return self._attributes | {
            "_timestamp": ULong(wall_ns),
            "_heartbeat_interval": UInt(self._interval),
            "_epoch": UInt(self._epoch),
            "_schema_updated": ULong(self._schema_updated),
        }


def _word(part: str) -> str:
    """Return text as one word of a subject, as the broker's own agent and the Python console's filters have it."""
    return part.replace(".", "_")

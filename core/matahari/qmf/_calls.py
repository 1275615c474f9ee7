"""Calls under way: from a method request that makes sense to the one answer that it gets.

On the way there may be reports, for a caller that asked for them, and the caller may give the call up. Who gives up is
known by reply address, correlation id and user id: nobody else can name the call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from matahari.errors import LocalProtocolError, RemoteProtocolError
from matahari.qmf._answers import Refused
from matahari.qmf._objects import ManagedObject, ObjectTable
from matahari.qmf.call_options import OPTIONS_KEY, CallOptions
from matahari.qmf.data import ObjectId
from matahari.qmf.packet import (
    CODE_EXCEPTION,
    CODE_INVALID_PARAMETER,
    CODE_UNKNOWN_OBJECT,
    METHOD_REQUEST,
    CallRefused,
    CorrelationId,
    Invoke,
    Packet,
)
from matahari.qmf.property import Property, PropertyType
from matahari.qmf.reports import Report, report_map
from matahari.qmf.values import Value, text

#: Most calls under way at once. Plugins have smaller queues of their own; this bounds what a flood of requests
#: to slow methods can hold in memory. Further requests are answered "busy".
MAX_PENDING_CALLS: Final = 1024
#: Refusals that wait to be fetched. The owner fetches after each step; one that never does keeps the last ones.
MAX_REFUSALS: Final = 1024
#: Characters of a name in a refusal: enough to tell what was meant, and a name may have a megabyte.
_MAX_NAME: Final = 600


_Asker: TypeAlias = tuple[str | None, CorrelationId, str | None]
"""Who may give a call up: reply address, correlation id and user id of its request."""


@dataclass(slots=True)
class _Call:
    """One call; of its request only what answers need, for the body may be large."""

    request: Packet
    has_reports: bool
    reports: int = 0
    is_cancelled: bool = False


class CallTable:
    """The calls that the application has been given and has not answered yet, by number.

    Attributes:
        refusals: method requests that were none, oldest first, for whoever writes them down.
    """

    def __init__(self, objects: ObjectTable) -> None:
        self._objects = objects
        self._pending: dict[int, _Call] = {}
        self._by_asker: dict[_Asker, int] = {}
        self._next = 1
        self.refusals: deque[CallRefused] = deque(maxlen=MAX_REFUSALS)

    def __len__(self) -> int:
        return len(self._pending)

    def begin(self, request: Packet) -> Invoke:
        """Read a method request and return the call for the application.

        Without an object id it is a call of the agent itself. The id's epoch does not count, and missing arguments
        are none. A method that the schema does not know takes anything: whether it exists is the application's to say.

        Raises:
            Refused: malformed, no such object, arguments that the schema does not allow, or too many calls.
        """
        try:
            return self._begin(request)
        except Refused as error:
            self.note_refusal(request, error.kind or _KINDS.get(error.code, "malformed"))
            raise

    def note_refusal(self, request: Packet, kind: str) -> None:
        """A method request is refused, here or by who has this table."""
        body = request.body if isinstance(request.body, dict) else {}
        address = body.get("_object_id")
        name = address.get("_object_name") if isinstance(address, dict) else None
        place, method = ((text(one) or "")[:_MAX_NAME] for one in (name, body.get("_method_name")))
        self.refusals.append(CallRefused(place, method, request.user_id, kind))

    def _begin(self, request: Packet) -> Invoke:
        body = request.body
        if not isinstance(body, dict):
            raise Refused("A method request must be a map", CODE_INVALID_PARAMETER)
        method = text(body.get("_method_name"))
        if not method:
            raise Refused("A method request needs a _method_name", CODE_INVALID_PARAMETER)
        arguments = body.get("_arguments")
        if arguments is None:
            arguments = {}
        elif not isinstance(arguments, dict):
            raise Refused("_arguments must be a map", CODE_INVALID_PARAMETER)
        item = self._find(body.get("_object_id"))
        if item is not None:
            known = self._objects.arguments_of(item, method)
            arguments = arguments if known is None else check_arguments(known, arguments)
        options = _options(body)
        if len(self._pending) >= MAX_PENDING_CALLS:
            raise Refused("busy", CODE_EXCEPTION, kind="busy")
        call = self._next
        self._next += 1
        kept = Packet(
            METHOD_REQUEST, correlation_id=request.correlation_id, reply_to=request.reply_to,
            user_id=request.user_id, form_a=request.form_a,
        )  # fmt: skip
        self._pending[call] = _Call(kept, options is not None and options.stream)
        if request.correlation_id is not None:
            self._by_asker[request.reply_to, request.correlation_id, request.user_id] = call
        return Invoke(call, None if item is None else item.name, method, arguments, request.user_id, options)

    def report(self, call: int, reports: Sequence[Report]) -> tuple[Packet, list[Value]] | None:
        """Number what a call tells: its request, and the maps to send; None when nobody wants, or waits for, them."""
        found = self._pending.get(call)
        if found is None or not found.has_reports or not reports:
            return None
        first = found.reports + 1
        found.reports += len(reports)
        return found.request, [report_map(report, number) for number, report in enumerate(reports, first)]

    def cancel(self, packet: Packet) -> int | None:
        """The call that its own caller gives up, once; None when there is no such call."""
        if packet.correlation_id is None:
            return None
        number = self._by_asker.get((packet.reply_to, packet.correlation_id, packet.user_id))
        call = None if number is None else self._pending[number]
        if call is None or call.is_cancelled:
            return None
        call.is_cancelled = True
        return number

    def take(self, call: int) -> tuple[Packet, dict[str, Value]]:
        """End a call: its request, and what is to be added to the answer's map.

        Raises:
            LocalProtocolError: it is unknown or has ended.
        """
        found = self._pending.pop(call, None)
        if found is None:
            raise LocalProtocolError(f"call {call} is unknown or was answered already")
        request = found.request
        if request.correlation_id is not None:
            asker = request.reply_to, request.correlation_id, request.user_id
            if self._by_asker.get(asker) == call:  # a later call may go by the same words
                del self._by_asker[asker]
        return request, {OPTIONS_KEY: {"reports": found.reports}} if found.has_reports else {}

    def _find(self, address: Value) -> ManagedObject | None:
        if address is None:
            return None
        try:
            item = self._objects.find(ObjectId.from_map(address))
        except RemoteProtocolError as error:
            raise Refused(str(error), CODE_INVALID_PARAMETER) from error
        if item is None:
            raise Refused("No data object found with the specified address", CODE_UNKNOWN_OBJECT)
        return item


_KINDS: Final[Mapping[int, str]] = {CODE_UNKNOWN_OBJECT: "unknown_object"}


def _options(body: Mapping[str, Value]) -> CallOptions | None:
    if OPTIONS_KEY not in body:
        return None
    try:
        return CallOptions.from_map(body[OPTIONS_KEY])
    except RemoteProtocolError as error:
        raise Refused(str(error), CODE_INVALID_PARAMETER) from error


def check_arguments(known: Mapping[str, Property], given: Mapping[str, Value]) -> dict[str, Value]:
    """Check arguments against their declarations and return them with strings decoded; missing ones are allowed.

    Null counts as missing, but for arguments that may be null: some consoles fill in what their user left out.

    Raises:
        Refused: one is unknown, an output argument, or of another type.
    """
    checked: dict[str, Value] = {}
    for name, value in given.items():
        argument = known.get(name)
        if argument is None:
            raise _invalid(name)
        if not argument.type.accepts(value):
            if value is not None:
                raise _invalid(name)
            if not argument.optional:
                continue
        if argument.type is PropertyType.STRING and isinstance(value, bytes):
            try:
                value = value.decode()
            except UnicodeDecodeError:
                raise _invalid(name) from None
        checked[name] = value
    return checked


def _invalid(name: str) -> Refused:
    return Refused(f"Invalid argument: {name}", CODE_EXCEPTION, kind="invalid_argument")

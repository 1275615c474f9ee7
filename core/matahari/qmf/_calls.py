"""Calls under way: from a method request that makes sense to the one answer that it gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from matahari.errors import LocalProtocolError, RemoteProtocolError
from matahari.qmf._answers import Refused
from matahari.qmf._objects import ManagedObject, ObjectTable
from matahari.qmf.data import ObjectId
from matahari.qmf.packet import (
    CODE_EXCEPTION,
    CODE_INVALID_PARAMETER,
    CODE_UNKNOWN_OBJECT,
    METHOD_REQUEST,
    Invoke,
    Packet,
)
from matahari.qmf.property import Property, PropertyType
from matahari.qmf.values import Value, text

#: Most calls under way at once. Plugins have smaller queues of their own; this bounds what a flood of requests
#: to slow methods can hold in memory. Further requests are answered "busy".
MAX_PENDING_CALLS: Final = 1024


class CallTable:
    """The calls that the application has been given and has not answered yet, by number."""

    def __init__(self, objects: ObjectTable) -> None:
        self._objects = objects
        self._pending: dict[int, Packet] = {}
        self._next = 1

    def __len__(self) -> int:
        return len(self._pending)

    def begin(self, request: Packet) -> Invoke:
        """Read a method request and return the call for the application.

        Without an object id it is a call of the agent itself. The id's epoch does not count, and missing arguments
        are none. A method that the schema does not know takes anything: whether it exists is the application's to say.

        Raises:
            Refused: malformed, no such object, arguments that the schema does not allow, or too many calls.
        """
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
        if len(self._pending) >= MAX_PENDING_CALLS:
            raise Refused("busy", CODE_EXCEPTION, kind="busy")
        call = self._next
        self._next += 1
        # Only what the answer needs is kept; the body may be large.
        self._pending[call] = Packet(
            METHOD_REQUEST, correlation_id=request.correlation_id, reply_to=request.reply_to, form_a=request.form_a
        )
        return Invoke(call, None if item is None else item.name, method, arguments, request.user_id)

    def take(self, call: int) -> Packet:
        """End a call and return its request; LocalProtocolError when it is unknown or has ended."""
        try:
            return self._pending.pop(call)
        except KeyError:
            raise LocalProtocolError(f"call {call} is unknown or was answered already") from None

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

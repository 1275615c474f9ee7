"""The answers that agents give, and what comes before them, as commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from matahari.errors import RemoteProtocolError, SchemaError
from matahari.qmf import v1
from matahari.qmf._announcement import Announcement
from matahari.qmf._objects import ObjectTable, ValuesFailed
from matahari.qmf._parts import split_parts
from matahari.qmf.data import Data
from matahari.qmf.packet import (
    AGENT_LOCATE_RESPONSE,
    CODE_EXCEPTION,
    CODE_INVALID_PARAMETER,
    CODE_UNKNOWN_OBJECT,
    CONTENT_DATA,
    EXCEPTION,
    QUERY_RESPONSE,
    Packet,
    Reply,
)
from matahari.qmf.predicate import compile_predicate
from matahari.qmf.query import Query
from matahari.qmf.schema import Schema, SchemaId
from matahari.qmf.values import UInt, Value

#: Most bytes of schemas sent for the frames of one message: one small message could ask for a large schema a thousand
#: times over. Consoles ask for one; what is beyond is refused frame by frame.
MAX_SCHEMA_BYTES: Final = 512 * 1024

_NOTHING: Final[Mapping[str, Value]] = MappingProxyType({})
_FindSchema = Callable[[SchemaId], Schema | None]


class Refused(Exception):
    """A request that cannot be granted.

    Args:
        text: complete sentence for humans.
        code: ``error_code`` of the exception.
        kind: word that our own consoles understand, where there is one.
    """

    def __init__(self, text: str, code: int, *, kind: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.kind = kind


def answer(
    request: Packet,
    agent: str,
    opcode: str,
    body: Value,
    *,
    content: str | None = None,
    partial: bool = False,
    method: str = "response",
) -> Reply:
    """Return an answer to ``request``, which has a reply address, in the form in which the request came."""
    assert request.reply_to is not None
    packet = Packet(
        opcode, body, content, agent, request.correlation_id,
        partial=partial, method=method, form_a=request.form_a,
    )  # fmt: skip
    return Reply(request.reply_to, packet)


def refusal(
    request: Packet, agent: str, text: str, code: int, data: Data | None = None, more: Mapping[str, Value] = _NOTHING
) -> Reply:
    """Return an exception; code and text go with ``data`` unless they are in it: Python consoles read only these.

    Args:
        more: what else is to stand in the body.
    """
    body: dict[str, Value] = {**(data.to_map() if data is not None else {}), **more}
    values: dict[str, Value] = {"error_code": UInt(code), "error_text": text}
    if data is not None:
        values |= data.values
    body["_values"] = values
    return answer(request, agent, EXCEPTION, body, content=CONTENT_DATA)


def locate_answer(request: Packet, announcement: Announcement, wall_ns: int) -> Reply | None:
    """Return the agent's attributes, when they are as the request wants them.

    Raises:
        Refused: the predicate cannot be read.
    """
    # the locate of libqmf2's broker probe has no body, and some consoles send an empty map
    body = [] if request.body in (None, {}) else request.body
    try:
        matches = compile_predicate(body if isinstance(body, list) else [body])(announcement.attributes)
    except SchemaError as error:
        raise Refused(f"Invalid predicate: {error}", CODE_INVALID_PARAMETER) from error
    if not matches:
        return None
    values: Value = {"_values": announcement.values(wall_ns)}
    return answer(request, announcement.name, AGENT_LOCATE_RESPONSE, values, method="indication")


def query_answers(request: Packet, agent: str, table: ObjectTable) -> Iterator[Reply]:
    """Return what answers a query: one or more parts.

    Raises:
        Refused: it cannot be read, or the objects' values cannot be had.
    """
    try:
        content, items = table.answer(Query.from_map(request.body))
    except (RemoteProtocolError, SchemaError) as error:
        raise Refused(f"Invalid query: {error}", CODE_INVALID_PARAMETER) from error
    except ValuesFailed as error:
        raise Refused(str(error), CODE_EXCEPTION) from error
    parts = list(split_parts(items))
    for number, part in enumerate(parts, 1):
        yield answer(request, agent, QUERY_RESPONSE, part, content=content, partial=number < len(parts))


def frame_answers(request: Packet, agent: str, frames: Sequence[v1.Frame], find_schema: _FindSchema) -> Iterator[Reply]:
    """Return what answers QMFv1 frames: a schema, or for one that cannot be had a completion with a code.

    Only requests for schemas are answered, since consoles send agents no others. Each answer is a message of its own
    without opcode and app-id; the console finds the waiting request by ``qmf.agent`` and the sequence (qmf2.md 3.12).
    """
    assert request.reply_to is not None
    room = MAX_SCHEMA_BYTES
    for frame in frames:
        if frame.opcode != v1.SCHEMA_REQUEST:
            continue
        body = _schema_frame(frame, find_schema)
        if len(body) > room:
            body = v1.encode_completion(frame.sequence, CODE_UNKNOWN_OBJECT, "the schema is too large")
        room -= len(body)
        yield Reply(request.reply_to, Packet("", body, agent=agent, correlation_id=request.correlation_id))


def _schema_frame(frame: v1.Frame, find_schema: _FindSchema) -> bytes:
    try:
        schema = find_schema(v1.read_schema_request(frame.payload))
        if schema is not None:
            return v1.encode_schema(frame.sequence, schema)
        complaint = "there is no such schema"
    except RemoteProtocolError:
        complaint = "the request cannot be read"
    except SchemaError:
        complaint = "the schema has no QMFv1 form"
    return v1.encode_completion(frame.sequence, CODE_UNKNOWN_OBJECT, complaint)

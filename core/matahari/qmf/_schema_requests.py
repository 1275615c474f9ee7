"""How a console gets schemas and lists of classes: QMFv2 queries where an agent knows them, else QMFv1 frames.

=====================  ===================  ==================================================================
asked                  of whom              how it goes on
=====================  ===================  ==================================================================
``SCHEMA`` query       capability >= 1, or  the schema; none in the answer is a failure; an exception of an agent
                       not heard yet        that was not heard yet leads to ``S``
``S`` frame            all others           ``s`` with the schema, or ``z`` with the reason why not
``SCHEMA_ID`` query    all but the broker   the ids
``P`` frame            the broker's agent   ``p`` for each package, each asked for its classes with ``Q``; ``q``
                                            for each class; complete when there was a ``z`` for each frame
=====================  ===================  ==================================================================

The sequence of a frame is the number of its request, the same for all frames of a list. Answers of the broker's agent
do not name it, and come to our key on whatever exchange it likes.

Source: qmf2.md 3.3, 3.12, 6.5, quirks 16 and 33
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from matahari.errors import RemoteProtocolError
from matahari.qmf import v1
from matahari.qmf._requests import Goal, Request
from matahari.qmf._schema_cache import SchemaCache, is_same_class
from matahari.qmf.agent_info import AgentInfo, is_broker
from matahari.qmf.console_events import ClassesListed, EngineEvent, RequestFailed, SchemaFetched
from matahari.qmf.data import Data
from matahari.qmf.packet import CODE_EXCEPTION, CODE_UNKNOWN_OBJECT
from matahari.qmf.query import Query, QueryTarget
from matahari.qmf.schema import Schema
from matahari.qmf.values import UInt

#: Most packages of one agent: the broker has a handful, and each makes us send a frame.
MAX_PACKAGES: Final = 200

_CAPABLE: Final = 1


def speaks_v1(goal: Goal, agent: str, info: AgentInfo | None) -> bool:
    """Tell whether an agent is to be asked with QMFv1 frames from the start.

    Args:
        info: what it announced; None when it was not heard yet.
    """
    if is_broker(agent):
        return True
    return goal is Goal.SCHEMA and info is not None and info.capability < _CAPABLE


def may_fall_back(request: Request, info: AgentInfo | None) -> bool:
    """Tell whether an exception is perhaps no more than a refusal of QMFv2's way to ask for a schema."""
    return request.goal is Goal.SCHEMA and not request.incomplete and (info is None or info.capability < _CAPABLE)


def query_of(request: Request) -> Query:
    """Return the QMFv2 query for a request."""
    if request.goal is Goal.SCHEMA:
        return Query(QueryTarget.SCHEMA, schema_id=request.wanted)
    return Query(QueryTarget.SCHEMA_ID)


def first_frame(request: Request) -> bytes:
    """Return the frame with which a request begins in QMFv1; SchemaError when a name is too long for it."""
    request.incomplete = 1
    if request.goal is Goal.SCHEMA:
        assert request.wanted is not None  # such a request is not opened without
        return v1.encode_schema_request(request.number, request.wanted)
    return v1.encode_request("P", request.number)


def finish_query(request: Request, cache: SchemaCache) -> EngineEvent:
    """Return how a request ends whose QMFv2 answer is complete."""
    if request.goal is Goal.CLASSES:
        return ClassesListed(request.number, request.agent, request.schema_ids)
    return _finish_schema(request, next(iter(request.schemas), None), cache)


def receive_frame(
    request: Request, frame: v1.Frame, cache: SchemaCache, send: Callable[[bytes], None]
) -> EngineEvent | None:
    """Take an answer in QMFv1 and return how the request ends, or None when more is to come.

    Args:
        send: sends a frame to the agent of the request.

    Raises:
        RemoteProtocolError: the answer cannot be read, or is above the limits.
    """
    request.take_room(0, len(frame.payload))
    if request.goal is Goal.SCHEMA:
        if frame.opcode == v1.SCHEMA_RESPONSE:
            return _finish_schema(request, v1.read_schema(frame.payload), cache)
        if frame.opcode == v1.COMPLETION:
            code, said = v1.read_completion(frame.payload)
            return failure(request, f"no schema: {said}", code or CODE_UNKNOWN_OBJECT)
        return None
    if frame.opcode == v1.PACKAGE_INDICATION:
        package = v1.read_package(frame.payload)
        if package in request.packages:
            return None
        if len(request.packages) >= MAX_PACKAGES:
            raise RemoteProtocolError(f"more than {MAX_PACKAGES} packages", path="answer")
        request.packages.add(package)
        request.incomplete += 1
        send(v1.encode_class_query(request.number, package))
    elif frame.opcode == v1.CLASS_INDICATION:
        request.take_room(1, 0)
        request.schema_ids.append(v1.read_class(frame.payload))
    elif frame.opcode == v1.COMPLETION:
        code, said = v1.read_completion(frame.payload)
        if code:
            return failure(request, f"no list of classes: {said}", code)
        request.incomplete -= 1
        if not request.incomplete:
            return ClassesListed(request.number, request.agent, request.schema_ids)
    return None


def failure(request: Request, text: str, code: int = CODE_EXCEPTION) -> RequestFailed:
    """Return the end of a request whose failure is found here."""
    return RequestFailed(request.number, request.agent, Data({"error_code": UInt(code), "error_text": text}))


def _finish_schema(request: Request, schema: Schema | None, cache: SchemaCache) -> EngineEvent:
    assert request.wanted is not None  # such a request is not opened without
    if schema is None:
        return failure(request, "the agent does not know this schema", CODE_UNKNOWN_OBJECT)
    if not is_same_class(schema.id, request.wanted):
        return failure(request, f"the agent answered with the schema of {schema.id.package}:{schema.id.name}")
    cache.put(schema, request.size)
    return SchemaFetched(request.number, request.agent, schema)

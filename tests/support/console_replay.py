"""Consoles of ours set up as the recorded ones, to ask for what those asked for."""

from __future__ import annotations

import uuid
from typing import cast

from matahari.qmf import ConsoleEngine, ObjectId, Packet, Query, SchemaId, Value, decode_text, text
from tests.support.agent_replay import Sent, encoded, exchanges
from tests.support.recorded import Recorded, plain

__all__ = ["asked"]


def asked(request: Recorded) -> Sent:
    """Let a console of ours make the recorded request and return what it sends.

    It has the same reply address and number, and knows the agent as the recorded console did: by the subject that it
    announced, or by its name alone.
    """
    key = request.property("subject") or ""
    console = ConsoleEngine(reply_to=request.property("reply-to") or "", first_request=_number(request))
    agent = key
    if key.startswith("direct-agent."):
        agent = _agent_of(request)
        _announce(console, agent, {"_direct_subject": key, "qmf.agent_capability": 1})
    if request.stated.frames:
        _announce(console, agent, {})
        _fetch_by_frame(console, agent, request.stated.frames[0])
    else:
        _ask(console, agent, request.said("qmf.opcode") or "", plain(request.stated.body))
    command = console.next_command()
    assert command is not None and console.next_command() is None
    return encoded(command)


def _number(request: Recorded) -> int:
    if request.stated.frames:
        return cast(int, request.stated.frames[0]["sequence"])
    said = request.property("correlation-id") or ""
    return int(said) if said.isdigit() else 1


def _agent_of(request: Recorded) -> str:
    """Return the name of the agent that a request went to under its subject."""
    return next(one.agent for one in exchanges() if one.request is request)


def _announce(console: ConsoleEngine, agent: str, more: dict[str, Value]) -> None:
    values: dict[str, Value] = {"_name": agent, "_timestamp": 1, "_heartbeat_interval": 60, **more}
    console.receive(Packet("_agent_heartbeat_indication", {"_values": values}, agent=agent), 0.0)


def _fetch_by_frame(console: ConsoleEngine, agent: str, frame: dict[str, object]) -> None:
    wanted = SchemaId(str(frame["package"]), str(frame["class"]), hash=uuid.UUID(hex=str(frame["hash"])))
    console.fetch_schema(agent, wanted, 0.0, 9.0)


def _ask(console: ConsoleEngine, agent: str, opcode: str, body: Value) -> None:
    if opcode == "_agent_locate_request":
        console.locate(0.0, cast("list[Value]", body))
        return
    assert isinstance(body, dict)
    if opcode == "_method_request":
        address, method = ObjectId.from_map(body["_object_id"]), text(body["_method_name"])
        arguments = cast("dict[str, Value]", decode_text(body["_arguments"]))
        console.call(agent, address, method or "", arguments, 0.0, 9.0)
        return
    query = Query.from_map(body)
    if query.what.value == "SCHEMA":
        assert query.schema_id is not None
        console.fetch_schema(agent, query.schema_id, 0.0, 9.0)
    elif query.what.value == "SCHEMA_ID":
        console.list_classes(agent, 0.0, 9.0)
    else:
        console.query(agent, query, 0.0, 9.0)

"""One message as the tap understands it: sections, body in either form, secrets already masked.

Everything that is shown, filtered or recorded comes from here, so that masking happens in one place.

Source: qmf2.md 1.5, 1.6 and 3.12
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from matahari.errors import RemoteProtocolError
from matahari.qmf import METHOD_REQUEST, Packet, Value, text
from matahari.tap.amqp010 import read_body, write_body
from matahari.tap.amqp10 import Section, fields, read_sections, write_sections
from matahari.tap.masking import mask_node
from matahari.tap.nodes import Node, plain
from matahari.tap.qmf1 import FRAME_START, Frame1, read_frames

__all__ = ["Reading", "read_message"]

_LIST, _MAP = "amqp/list", "amqp/map"
_QMF_BODIES = ("map", "list", "null")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message holds.

    Attributes:
        sections: in wire order; empty when the bytes are no AMQP message.
        packet: the QMF message; without a body where that could not be read.
        body_010: the body with its types, where it is in the AMQP 0-10 encoding.
        frames: of a QMFv1 body.
        fault: why receivers would refuse the message, empty when they would not.
        masked: something was replaced, here and in ``raw``.
        raw: bytes of all sections. None when they may hold secrets that nobody could look for.
        user_id: as in the message, empty when there is none.
    """

    sections: tuple[Section, ...] = ()
    packet: Packet = field(default_factory=lambda: Packet(""))
    body_010: Node | None = None
    frames: tuple[Frame1, ...] = ()
    fault: str = ""
    masked: bool = False
    raw: bytes | None = None
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class _Body:
    """A body: its value, and what it takes to write it again. ``readable``: secrets in it were found."""

    value: Value = None
    node: Node | None = None
    frames: tuple[Frame1, ...] = ()
    fault: str = ""
    readable: bool = True


def read_message(
    data: bytes, *, show_secrets: bool = False, mask_call: Callable[[Node], Node] | None = None
) -> Reading:
    """Read one delivery. Never raises for its contents: ``fault`` tells what is wrong with them.

    Args:
        mask_call: masks what only a plugin's description tells to be secret, in the body of a call.
    """
    try:
        sections = read_sections(data)
        if not sections:
            raise RemoteProtocolError("a message without any section")
    except RemoteProtocolError as error:
        return Reading(fault=str(error), raw=data if show_secrets else None)
    is_call = text(_headers(sections).get("qmf.opcode")) == METHOD_REQUEST
    mask = _unchanged if show_secrets else _body_mask(mask_call if is_call else None)
    kept = sections if show_secrets else [_masked(section, mask) for section in sections]
    headers, properties = _headers(kept), _properties(kept)
    opcode = text(headers.get("qmf.opcode")) or ""
    body = _body(kept, opcode, (text(properties.get("content-type")) or "").lower())
    if body.node is not None:
        masked = mask(body.node)
        if masked is not body.node:
            body = replace(body, node=masked, value=plain(masked))
            # a footer would be over the old body
            kept = [*(one for one in kept if one.name not in ("data", "footer")), _data(write_body(masked))]
    if not body.readable and not show_secrets:
        frames = tuple({key: value for key, value in frame.items() if key != "rest"} for frame in body.frames)
        body = replace(body, value=None, frames=frames)
    changed = len(kept) != len(sections) or any(new is not old for new, old in zip(kept, sections, strict=True))
    raw: bytes | None = write_sections(kept) if changed else data
    return Reading(
        tuple(kept),
        _packet(headers, properties, body.value, opcode, is_value=any(one.name == "amqp-value" for one in kept)),
        body.node,
        body.frames,
        body.fault,
        changed,
        raw if body.readable or show_secrets else None,
        text(properties.get("user-id")) or "",
    )


def _unchanged(node: Node) -> Node:
    return node


def _body_mask(mask_call: Callable[[Node], Node] | None) -> Callable[[Node], Node]:
    return mask_node if mask_call is None else lambda node: mask_node(mask_call(node))


def _masked(section: Section, mask: Callable[[Node], Node]) -> Section:
    """One section; addresses are left alone, and a data section is looked into as a body."""
    if section.name in ("header", "properties", "data"):
        return section
    content = mask(section.content) if section.name == "amqp-value" else mask_node(section.content)
    return section if content is section.content else Section(section.name, content)


def _headers(sections: list[Section]) -> dict[str, Value]:
    """The application properties."""
    for section in sections:
        if section.name == "application-properties":
            value = plain(section.content)
            return value if isinstance(value, dict) else {}
    return {}


def _properties(sections: list[Section]) -> dict[str, Value]:
    """The fields of the header and properties sections."""
    found: dict[str, Value] = {}
    for section in sections:
        if section.name in ("header", "properties"):
            found |= {name: plain(node) for name, node in fields(section).items()}
    return found


def _body(sections: list[Section], opcode: str, content_type: str) -> _Body:
    bodies = [section for section in sections if section.name in ("data", "amqp-value", "amqp-sequence")]
    if not bodies:
        return _Body()
    if bodies[0].name == "data":
        return _data_body(b"".join(_bytes(one.content) for one in bodies), opcode, content_type)
    if bodies[0].name == "amqp-sequence":
        return _Body([plain(item) for one in bodies for item in one.content.items])
    content = bodies[0].content
    value = plain(content)
    if content.type == "binary" and not opcode and _bytes(content).startswith(FRAME_START):
        return _frames_body(_bytes(content))
    fault = (
        f"a body of type {content.type}; QMF has maps and lists" if opcode and content.type not in _QMF_BODIES else ""
    )
    return _Body(value, fault=fault, readable=content.type != "binary")


def _data_body(data: bytes, opcode: str, content_type: str) -> _Body:
    if not opcode and data.startswith(FRAME_START):
        return _frames_body(data)
    if not opcode and content_type not in (_LIST, _MAP):
        return _Body(data, readable=not data)
    try:
        node = read_body(data, "list" if content_type == _LIST else "map")
    except RemoteProtocolError as error:
        return _Body(fault=f"body: {error}", readable=False)
    return _Body(plain(node), node)


def _frames_body(data: bytes) -> _Body:
    try:
        frames = read_frames(data)
    except RemoteProtocolError as error:
        return _Body(data, fault=f"QMFv1: {error}", readable=False)
    # schemas and names hold no values; what an unknown opcode carries may
    return _Body(data, frames=tuple(frames), readable=not any(frame.get("rest") for frame in frames))


def _data(data: bytes) -> Section:
    return Section("data", Node("binary", 0xA0, data))


def _bytes(node: Node) -> bytes:
    return node.value if isinstance(node.value, bytes) else b""


def _packet(
    headers: Mapping[str, Value], properties: Mapping[str, Value], body: Value, opcode: str, *, is_value: bool
) -> Packet:
    correlation = properties.get("correlation-id")
    ttl = properties.get("ttl")
    return Packet(
        opcode,
        body,
        content=text(headers.get("qmf.content")),
        agent=text(headers.get("qmf.agent")),
        correlation_id=None if correlation is None else text(correlation) or str(correlation),
        reply_to=text(properties.get("reply-to")),
        subject=text(properties.get("subject")) or "",
        partial="partial" in headers,
        method=text(headers.get("method")),
        user_id=text(properties.get("user-id")) or None,
        ttl=ttl / 1000 if isinstance(ttl, int) else None,
        form_a=is_value and "content-type" not in properties,
    )

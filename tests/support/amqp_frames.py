"""AMQP 1.0 frames written by hand, for peers that no library would play (part 2, sections 2.3 and 2.7)."""

from __future__ import annotations

import struct

__all__ = [
    "AMQP_HEADER",
    "NULL",
    "SASL_HEADER",
    "array_of_symbols",
    "attach",
    "begin",
    "boolean",
    "described",
    "detach",
    "end",
    "flow",
    "frame",
    "listing",
    "mapping",
    "opening",
    "symbol",
    "text",
    "transfer",
    "uint",
]

SASL_HEADER = b"AMQP\x03\x01\x00\x00"
AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
NULL = b"\x40"


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return b"\xb1" + struct.pack(">I", len(raw)) + raw


def symbol(value: str | bytes) -> bytes:
    return b"\xb3" + text(value)[1:]


def uint(value: int) -> bytes:
    return b"\x70" + struct.pack(">I", value)


def boolean(value: bool) -> bytes:
    return b"\x41" if value else b"\x42"


def listing(*fields: bytes) -> bytes:
    content = b"".join(fields)
    return b"\xd0" + struct.pack(">II", len(content) + 4, len(fields)) + content


def mapping(*fields: bytes) -> bytes:
    """Keys and values in turn."""
    return b"\xd1" + listing(*fields)[1:]


def array_of_symbols(*values: str) -> bytes:
    content = b"".join(symbol(value)[1:] for value in values)
    return b"\xf0" + struct.pack(">II", len(content) + 5, len(values)) + b"\xb3" + content


def described(code: int | str, value: bytes) -> bytes:
    descriptor = symbol(code) if isinstance(code, str) else b"\x80" + struct.pack(">Q", code)
    return b"\x00" + descriptor + value


def frame(performative: bytes, *, channel: int = 0, payload: bytes = b"", kind: int = 0) -> bytes:
    """One frame; ``kind`` 1 is SASL."""
    content = performative + payload
    return struct.pack(">IBBH", len(content) + 8, 2, kind, channel) + content


def opening(container: bytes = b"raw", *more: bytes, mechanism: str = "ANONYMOUS") -> bytes:
    """All that a client says until its open frame; ``more`` are the open's further fields, from the hostname on."""
    init = described(0x41, listing(symbol(mechanism), NULL))
    return SASL_HEADER + frame(init, kind=1) + AMQP_HEADER + frame(described(0x10, listing(text(container), *more)))


def begin(channel: int = 0) -> bytes:
    return frame(described(0x11, listing(NULL, uint(0), uint(1 << 30), uint(1 << 30))), channel=channel)


def end(channel: int = 0) -> bytes:
    return frame(described(0x17, listing()), channel=channel)


def attach(
    name: str | bytes,
    handle: int,
    *,
    receives: bool,
    source: bytes = NULL,
    target: bytes = NULL,
    channel: int = 0,
) -> bytes:
    """A link; ``receives``: the role of the one who attaches. Without a terminus there is a plain one, ``node``."""
    plain = listing(text("node"))
    source = described(0x28, plain) if source == NULL else source
    target = described(0x29, plain) if target == NULL else target
    fields = [text(name), uint(handle), boolean(receives), NULL, NULL, source, target]
    if not receives:
        fields += [NULL, NULL, uint(0)]
    return frame(described(0x12, listing(*fields)), channel=channel)


def detach(handle: int, *, channel: int = 0) -> bytes:
    return frame(described(0x16, listing(uint(handle), boolean(True))), channel=channel)


def flow(handle: int, credit: int, *, window: int = 1 << 30, drain: bool = False, channel: int = 0) -> bytes:
    """Credit for the peer's sender; ``window``: frames that the session will still take."""
    fields = [uint(0), uint(window), uint(0), uint(1 << 30), uint(handle), uint(0), uint(credit), NULL, boolean(drain)]
    return frame(described(0x13, listing(*fields)), channel=channel)


def transfer(
    handle: int,
    number: int,
    payload: bytes,
    *,
    settled: bool = True,
    more: bool = False,
    aborted: bool = False,
    channel: int = 0,
) -> bytes:
    tag = b"\xa0\x04" + struct.pack(">I", number)
    fields = [uint(handle), uint(number), tag, uint(0), boolean(settled), boolean(more)]
    if aborted:
        fields += [NULL, NULL, NULL, boolean(True)]
    return frame(described(0x14, listing(*fields)), channel=channel, payload=payload)

"""Bytes to JSON objects and back: the framing of the plugin host protocol.

Knows nothing of messages. See PROTOCOL.md section 2 for the format and the limits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, NoReturn, TypeAlias

from matahari.errors import RemoteProtocolError

__all__ = ["FRAMING_VERSION", "MAX_FRAME", "TEXT_LIMIT", "FrameDecoder", "Json", "encode_frame"]

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

FRAMING_VERSION: Final = 1
#: Most bytes of JSON texts in one message: no message on the bus is larger.
TEXT_LIMIT: Final = 1024 * 1024
#: A JSON text within a JSON string at most doubles by escaping; the slack is for the other members.
MAX_FRAME: Final = 2 * TEXT_LIMIT + 64 * 1024
_HEADER: Final = 4


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def encode_frame(value: Mapping[str, Json]) -> bytes:
    """Turn one JSON object into a frame.

    Raises:
        ValueError: a value is not JSON, or the frame is longer than ``MAX_FRAME``.
    """
    # A lone surrogate becomes its own JSON escape, which keeps the frame UTF-8.
    body = _encode(value).encode("utf-8", "backslashreplace")
    if len(body) > MAX_FRAME:
        raise ValueError(f"frame of {len(body)} bytes, at most {MAX_FRAME} are allowed")
    return len(body).to_bytes(_HEADER, "big") + body


class FrameDecoder:
    """Collects bytes and gives the JSON objects in them, in order.

    After a fault it is of no more use: nothing behind a bad frame can be trusted.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._read = 0

    def feed(self, data: bytes) -> None:
        """Take bytes as they came, in pieces of any size."""
        if self._read:
            del self._buffer[: self._read]
            self._read = 0
        self._buffer += data

    @property
    def is_inside_frame(self) -> bool:
        """Whether the bytes so far end in the middle of a frame."""
        return self._read < len(self._buffer)

    def next_object(self) -> dict[str, Json] | None:
        """Give the next complete object, or None when more bytes are needed.

        Raises:
            RemoteProtocolError: the peer sent what is not a frame.
        """
        buffer, start = self._buffer, self._read
        if len(buffer) - start < _HEADER:
            return None
        size = int.from_bytes(buffer[start : start + _HEADER], "big")
        if not 0 < size <= MAX_FRAME:
            raise RemoteProtocolError(f"frame of {size} bytes, 1 to {MAX_FRAME} are allowed")
        body, end = start + _HEADER, start + _HEADER + size
        if len(buffer) < end:
            return None
        self._read = end
        try:
            value = _decode(buffer[body:end].decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise RemoteProtocolError(f"frame is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise RemoteProtocolError(f"frame holds {type(value).__name__}, not an object")
        return value

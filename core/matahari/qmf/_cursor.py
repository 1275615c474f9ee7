"""Reading fields of QMFv1 frames one after the other; whatever is wrong with the bytes is a ``RemoteProtocolError``."""

from __future__ import annotations

import uuid

from matahari.errors import RemoteProtocolError
from matahari.qmf._decode import read_map
from matahari.qmf._fault import CodecFault
from matahari.qmf.values import Value


class Cursor:
    """A place in bytes that moves on with each field that is read."""

    def __init__(self, data: bytes, position: int = 0) -> None:
        self._data = data
        self.position = position

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self.position

    def take(self, length: int) -> bytes:
        """Read ``length`` bytes."""
        if length > self.left:
            raise RemoteProtocolError(f"truncated: {length} bytes expected, {self.left} are there")
        start = self.position
        self.position += length
        return self._data[start : self.position]

    def number(self, width: int) -> int:
        """Read an unsigned integer of ``width`` bytes."""
        return int.from_bytes(self.take(width), "big")

    def text(self) -> str:
        """Read a ``str8``."""
        raw = self.take(self.number(1))
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise RemoteProtocolError("text that is not UTF-8") from None

    def uuid(self) -> uuid.UUID:
        """Read 16 bytes of a uuid or a hash."""
        return uuid.UUID(bytes=self.take(16))

    def map(self) -> dict[str, Value]:
        """Read a map in the AMQP 0-10 encoding."""
        try:
            value, self.position = read_map(self._data, self.position, 1)
        except CodecFault as fault:
            raise RemoteProtocolError(fault.reason, path=fault.place()) from None
        return value

    def skip_map(self) -> None:
        """Move past a map without reading it."""
        self.take(self.number(4))

    def finish(self) -> None:
        """Raise RemoteProtocolError when bytes are left."""
        if self.left:
            raise RemoteProtocolError(f"{self.left} bytes after the end")

"""Messages between agent and host (PROTOCOL.md 2, 3): a length, and one JSON object."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from collections import deque
from typing import Any

LANGUAGE = "shell"
MAX_FRAME = 2 * 1024 * 1024 + 64 * 1024

Message = dict[str, Any]


class Channel:
    """Messages over a socket, and the descriptors that come with them."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.descriptors: deque[int] = deque()
        self._buffer = b""

    def send(self, message_type: str, /, **members: object) -> None:
        data = json.dumps({"type": message_type, **members}).encode()
        self.sock.sendall(struct.pack(">I", len(data)) + data)

    def hello(self, nonce: str) -> None:
        self.send("hello", framing=1, interface=1, pid=os.getpid(), nonce=nonce, language=LANGUAGE)

    def receive(self) -> list[Message] | None:
        """What has come, None at the end of the stream. A fault ends the process."""
        data, descriptors, flags, _ = socket.recv_fds(self.sock, 65536, 32)
        self.descriptors.extend(descriptors)
        if flags & socket.MSG_CTRUNC:
            sys.exit("matahari-shellhost: descriptors were lost")
        if not data:
            return None
        self._buffer += data
        messages: list[Message] = []
        while len(self._buffer) >= 4:
            (length,) = struct.unpack_from(">I", self._buffer)
            if not 0 < length <= MAX_FRAME:
                sys.exit("matahari-shellhost: a frame of an impossible length")
            if len(self._buffer) < 4 + length:
                break
            messages.append(json.loads(self._buffer[4 : 4 + length]))
            self._buffer = self._buffer[4 + length :]
        return messages

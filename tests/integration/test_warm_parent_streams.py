"""The warm parent makes the standard streams that all its workers have."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from matahari.hostproto import Connection, Hello, Shutdown
from tests.support.plugins import TIME

pytestmark = [pytest.mark.integration, pytest.mark.together]

READ_SIZE = 64 * 1024
#: Its control socket, above those that are closed.
CONTROL = 9


def test_it_starts_where_standard_streams_are_closed_and_nothing_else_takes_their_places() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(10 * TIME)
        words = f'exec "$0" -P -m matahari.pluginhost {CONTROL} n {CONTROL}<&0 <&- >&- 2>&-'
        parent = subprocess.Popen(["sh", "-c", words, sys.executable], stdin=theirs.fileno())
        theirs.close()
        try:
            connection = Connection.to_parent("n")
            connection.receive_data(ours.recv(READ_SIZE))
            assert isinstance(connection.next_event(), Hello)
            found = [os.readlink(f"/proc/{parent.pid}/fd/{descriptor}") for descriptor in range(3)]
            assert found == [os.devnull] * 3
            ours.sendall(connection.send(Shutdown()))
            assert parent.wait(10 * TIME) == 0
        finally:
            parent.kill()
            parent.wait()

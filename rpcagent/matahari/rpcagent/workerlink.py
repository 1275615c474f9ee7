"""The agent's side of one worker: its socket and the pipe of its output."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from typing import Final, Protocol

from matahari.errors import LocalProtocolError
from matahari.hostproto import (
    Activate,
    Activation,
    Bye,
    Call,
    Cancel,
    Closed,
    Connection,
    Drain,
    Failure,
    Fault,
    Hello,
    Load,
    Loaded,
    LoadFailed,
    Log,
    Output,
    Partial,
    PluginEvent,
    Pong,
    Progress,
    Result,
)

from .output import Line, OutputLines
from .pump import SocketPump
from .records import CallReport

__all__ = ["LinkUser", "WorkerLink"]

_log = logging.getLogger(__name__)

#: Read at once from the output pipe, in bytes, and the pause after a full read: at most about 3 MiB a second.
_READ_SIZE: Final = 64 * 1024
_PAUSE: Final = 0.02
#: Rest of the output that is read when the worker has ended, in bytes: its children may go on writing.
_LAST_OUTPUT: Final = 1024 * 1024
#: Calls whose request is known for their lines in the log: many more than run at once, for lines that come late.
_MAX_REQUESTS: Final = 1024


class LinkUser(Protocol):
    """Who hears what a worker says."""

    def worker_loaded(self, worker: int, message: Loaded) -> None:
        """The plugin is ready."""

    def worker_load_failed(self, worker: int, message: LoadFailed) -> None:
        """It is not."""

    def worker_answered(self, worker: int, message: Result | Failure) -> None:
        """A call has ended."""

    def worker_reported(self, worker: int, report: CallReport) -> None:
        """A running call tells something."""

    def worker_activation(self, worker: int, message: Activation) -> None:
        """The plugin says whether it is for this host."""

    def worker_event(self, worker: int, event: PluginEvent) -> None:
        """The plugin tells an event."""

    def worker_faulty(self, worker: int, text: str) -> None:
        """The worker broke the protocol; nothing more is heard of it."""

    def worker_silent(self, worker: int) -> None:
        """The worker closed its socket."""


class WorkerLink:
    """Owns this end of a worker's socket and pipe.

    Args:
        worker: its number.
        plugin: name of its plugin, for the log.
        user: hears what it says.
    """

    def __init__(self, worker: int, plugin: str, user: LinkUser) -> None:
        self.worker = worker
        self.nonce = secrets.token_hex(8)
        self.pid: int | None = None
        self._plugin = plugin
        self._user = user
        self._loop = asyncio.get_running_loop()
        self._connection = Connection.to_worker(self.nonce)
        self._held: set[asyncio.Future[None]] = set()
        self._lines = OutputLines()
        self._requests: dict[int, str] = {}
        self._records = OutputLines()
        ours, theirs = socket.socketpair()
        self._theirs: socket.socket | None = theirs
        try:
            self._output, self._their_output = os.pipe2(os.O_CLOEXEC)
        except OSError:
            ours.close()
            theirs.close()
            raise
        os.set_blocking(self._output, False)
        self._pause: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._output, self._read_output)
        self._pump = SocketPump(ours, receive=self._receive, ended=self._end_of_stream)

    def take_their_ends(self) -> tuple[socket.socket, int]:
        """Give the worker's socket and the writing end of its pipe, once; the taker closes them."""
        theirs, output = self._theirs, self._their_output
        self._theirs, self._their_output = None, -1
        if theirs is None:
            raise LocalProtocolError("the worker's ends were taken before")
        return theirs, output

    def printed(self, call: int | None) -> str:
        """The last lines that the worker printed, without those of other calls than this."""
        return self._lines.last(call)

    def send(self, message: Load | Activate | Call | Cancel | Drain | Bye) -> None:
        """Send a message.

        Raises:
            LocalProtocolError: it does not fit into a frame.
        """
        self._pump.write(self._connection.send(message))
        if isinstance(message, Call) and message.request:
            self._requests[message.id] = message.request
            if len(self._requests) > _MAX_REQUESTS:
                del self._requests[next(iter(self._requests))]

    def hold(self, until: asyncio.Future[None]) -> None:
        """Read nothing until that is done, nor before whatever else it is held for: the worker waits when it reports."""
        if until not in self._held:
            self._held.add(until)
            self._pump.pause()
            until.add_done_callback(self._let_go)

    def _let_go(self, until: asyncio.Future[None]) -> None:
        self._held.discard(until)
        if not self._held:
            self._pump.resume()

    def read_rest(self) -> None:
        """The worker has ended: read what it has said and printed before."""
        self._pump.read_rest()
        left = _LAST_OUTPUT
        while left > 0 and (size := self._read_output_once()):
            left -= size
        self._log_lines(self._lines.finish(self._loop.time()))

    def close(self) -> None:
        """Let go of socket and pipe."""
        self._pump.close()
        if self._theirs is not None:
            self._theirs.close()
            os.close(self._their_output)
            self._theirs = None
        if self._output < 0:
            return
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._output)
        os.close(self._output)
        self._output = -1

    def _receive(self, data: bytes) -> None:
        self._connection.receive_data(data)
        self._handle_events()

    def _end_of_stream(self) -> None:
        self._connection.receive_eof()
        self._handle_events()

    def _handle_events(self) -> None:
        while (event := self._connection.next_event()) is not None:
            match event:
                case Result() | Failure():
                    self._user.worker_answered(self.worker, event)
                case Progress() | Output() | Partial():
                    self._user.worker_reported(self.worker, event)
                case PluginEvent():
                    self._user.worker_event(self.worker, event)
                case Activation():
                    self._user.worker_activation(self.worker, event)
                case Loaded():
                    self._user.worker_loaded(self.worker, event)
                case LoadFailed():
                    self._user.worker_load_failed(self.worker, event)
                case Log():
                    self._log_record(event)
                case Fault():
                    self._user.worker_faulty(self.worker, f"the worker broke the protocol: {event.text}")
                case Closed():
                    self._user.worker_silent(self.worker)
                case Hello() | Bye() | Pong():
                    pass  # the worker's exit, not its bye, is the end
                case _:
                    raise AssertionError(f"{event.TYPE} passed the connection")  # it lets in what a worker may send

    def _read_output(self) -> None:
        size = self._read_output_once()
        if size == 0:
            # Past its end a pipe is readable for ever.
            self._loop.remove_reader(self._output)
        elif size == _READ_SIZE:
            self._loop.remove_reader(self._output)
            self._pause = self._loop.call_later(_PAUSE, self._resume)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._output, self._read_output)

    def _read_output_once(self) -> int | None:
        """Read once: the bytes that came, 0 at the end, None when there are none yet."""
        try:
            data = os.read(self._output, _READ_SIZE)
        except BlockingIOError:
            return None
        self._log_lines(self._lines.feed(data, self._loop.time()))
        return len(data)

    def _log_lines(self, lines: list[Line]) -> None:
        for line in lines:
            request = self._requests.get(line.call) if line.call is not None else None
            _log.info("plugin %s: %s%s", self._plugin, f"[{request}] " if request else "", line.text)

    def _log_record(self, record: Log) -> None:
        level = logging.getLevelNamesMapping().get(record.level, logging.INFO)
        for line in self._records.feed(record.text.encode() + b"\n", self._loop.time()):
            # context().logger has the plugin's name, which is there already.
            name = "" if record.logger == self._plugin else f"{record.logger}: "
            _log.log(level, "plugin %s: %s%s", self._plugin, name, line.text)

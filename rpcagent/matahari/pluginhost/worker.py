"""A worker: one process, one generation of one plugin. Its main thread reads the socket, and loads."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from matahari.hostproto import (
    FRAMING_VERSION,
    INTERFACE_VERSION,
    Activate,
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
    Log,
    Message,
    Ping,
    Pong,
)
from matahari.plugin import Context, report_to, running

from ._process import shown_when_ended
from .activity import Activity
from .calls import Runner
from .describe import examine
from .exports import exported
from .loading import Sources, import_plugin
from .logs import forward_logging
from .outcomes import load_failure
from .reports import CallReporter, EventBudget
from .selfcheck import HOOKS, check_self, hook
from .settings import plugin_settings
from .streams import end_lines

__all__ = ["Worker"]

LANGUAGE: Final = "python"
#: Read at once, in bytes: most calls are far smaller.
_READ_SIZE: Final = 64 * 1024

#: Exit statuses, beside 0 for a good end.
_LOAD_FAILED: Final = 1
_AGENT_GONE: Final = 2
_PROTOCOL_FAULT: Final = 3


class Worker:
    """Speaks with the agent over ``sock`` until one of them ends.

    Args:
        sock: connects with the agent.
        nonce: proves who we are.
        user: whom we have become at the plugin's wish, empty when we are the agent's user.
    """

    def __init__(self, sock: socket.socket, *, nonce: str, user: str = "") -> None:
        self._sock = sock
        self._nonce = nonce
        self._user = user
        self._connection = Connection.of_worker()
        self._sending = threading.Lock()
        self._runner: Runner | None = None
        self._activity: Activity | None = None
        self._is_draining = False
        self._said_bye = False
        self._is_copy = False

    def run(self) -> int:
        """Serve; gives the exit status of the process."""
        os.register_at_fork(after_in_child=self._become_copy)
        self.greet()
        while True:
            status = self.take()
            if status is not None:
                return status

    def greet(self) -> None:
        """Say hello."""
        self._send(Hello(FRAMING_VERSION, INTERFACE_VERSION, os.getpid(), self._nonce, LANGUAGE))

    def take(self) -> int | None:
        """Wait for messages, and do what they ask; gives the exit status when this is the end."""
        try:
            data = self._sock.recv(_READ_SIZE)
        except OSError:
            return _AGENT_GONE
        if data:
            self._connection.receive_data(data)
        else:
            self._connection.receive_eof()
        while (event := self._connection.next_event()) is not None:
            status = self._handle(event)
            if status is not None:
                return status
        return None

    def _handle(self, event: Message | Fault | Closed) -> int | None:
        """Do what was asked; gives the exit status when this is the end."""
        match event:
            case Call():
                if self._runner is not None:
                    self._runner.start(event)
                else:
                    self._send(Failure(event.id, "unknown_action", "LookupError", "no plugin is loaded"))
            case Cancel():
                if self._runner is not None:
                    self._runner.cancel(event.id)
            case Activate():
                if self._activity is not None:
                    self._activity.ask()
            case Load():
                return self._load(event)
            case Drain():
                self._is_draining = True
                self._end_if_drained()
            case Ping():
                self._send(Pong(event.id))
            case Bye():
                return 0
            case Closed():
                # After saying bye, it is we who have closed the reading side.
                return 0 if self._said_bye else _AGENT_GONE
            case Fault():
                return _PROTOCOL_FAULT
            case _:
                raise AssertionError(f"{event.TYPE} passed the connection")  # it lets in what a worker may get
        return None

    def _load(self, message: Load) -> int | None:
        files: list[str] = [message.path]
        try:
            if message.files is None:
                sources = Sources.read(message.path)
            else:
                sources = Sources.decode(message.path, message.files)
            files = list(sources.by_full_path())
            sources.show_in_tracebacks()
            forward_logging(self._send)
            with shown_when_ended():
                loaded = self._become(message, sources)
            self._send(loaded)
        except BaseException as error:  # noqa: BLE001  # the plugin's code; SystemExit too is a load that failed
            self._send(load_failure(error, files, self._user))
            return _LOAD_FAILED
        return None

    def _become(self, message: Load, sources: Sources) -> Loaded:
        """Import the plugin and make everything ready for its calls.

        Raises:
            BaseException: whatever the plugin's code raises, or what is wrong with it.
        """
        facts, table = MappingProxyType(dict(message.facts)), MappingProxyType(dict(message.settings))
        events = EventBudget()
        reporter = CallReporter(None, message.name, self._send, events)
        report_to(reporter)
        context = Context(message.name, facts=facts, settings=table, reporter=reporter)
        with running(context):
            module = import_plugin(message.name, sources)
        # From here on the settings are what the plugin's own class makes of them.
        settings = plugin_settings(module, message.settings, message.settings_file or _options_file(message.path))
        context = replace(context, settings=settings.value)
        with running(context):
            hooks = {name: function for name in HOOKS if (function := hook(module, name)) is not None}
            actions = {name: action for name, action in exported(module, sources.main).items() if name not in hooks}
            log = logging.getLogger(message.name)
            described = {name: examine(name, action, log.warning) for name, action in actions.items()}
            if "self_check" in hooks:
                check_self(hooks["self_check"])
            self._activity = Activity(hooks.get("activate"), context, self._send)
            is_active, reason = self._activity.first()
        version = getattr(module, "__version__", "")
        self._runner = Runner(
            message.name,
            actions,
            files=frozenset(sources.by_full_path()),
            concurrency=max(1, message.concurrency),
            result_limit=message.result_limit,
            answer=self._send,
            idle=self._end_if_drained,
            ended=end_lines,
            forms={name: each.form for name, each in described.items()},
            report=self._send,
            events=events,
            facts=facts,
            settings=settings.value,
        )
        return Loaded(
            message.name,
            message.generation,
            sources.digest,
            LANGUAGE,
            version if isinstance(version, str) else str(version),
            tuple(each.spec for each in described.values()),
            is_active,
            reason,
            settings.schema,
        )

    def _end_if_drained(self) -> None:
        if not self._is_draining:
            return
        with self._sending:
            is_idle = self._runner is None or not self._runner.unanswered
            is_first = is_idle and not self._said_bye
            self._said_bye = self._said_bye or is_first
        if is_first:
            self._send(Bye())
            # The main thread sits in recv: this ends its wait, whichever thread we are.
            self._sock.shutdown(socket.SHUT_RD)

    def _become_copy(self) -> None:
        """Be no worker any more, in a process that the plugin has forked: the socket is for one process alone.

        Locks may be held by threads that do not exist here.
        """
        self._is_copy = True
        self._sock.close()
        self._sending = threading.Lock()
        if self._runner is not None:
            self._runner.renew_locks()

    def _send(self, message: Message) -> None:
        if self._is_copy:
            if isinstance(message, Log):
                print(f"{message.level}: {message.logger}: {message.text}", file=sys.stderr)  # noqa: T201  # the agent's log
            return
        data = self._connection.send(message)
        try:
            with self._sending:
                self._sock.sendall(data)
        except OSError:
            # Without the socket nobody can be told anything, and nobody waits.
            os._exit(_AGENT_GONE)


def _options_file(path: str) -> str:
    """Where an operator would write the settings of a plugin that has none yet."""
    return f"{os.path.splitext(path)[0]}.toml"

"""One error hierarchy for the whole product.

Every class has ``code``, a stable text for machines that is unique (a test checks).
Facts go in attributes and the message is made from them; nobody parses messages.
Each layer lets only its own errors out and maps foreign ones with :func:`mapped`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from matahari.errors.base import MatahariError
from matahari.errors.remote import (
    AbortedError,
    BusyError,
    CrashedError,
    InvalidArgumentError,
    MissingArgumentError,
    RefusedError,
    RemoteCancelledError,
    RemoteError,
    RemoteTimeoutError,
    UnexpectedError,
    UnknownActionError,
)

__all__ = [
    "AbortedError",
    "AgentGoneError",
    "AuthenticationError",
    "BusyError",
    "CancelledRequestError",
    "ConfigError",
    "ConnectFailedError",
    "ConnectionLostError",
    "CrashedError",
    "FilterSyntaxError",
    "HookError",
    "HostCrashedError",
    "HostStartError",
    "InvalidArgumentError",
    "LinkRefusedError",
    "LocalProtocolError",
    "MatahariError",
    "MissingArgumentError",
    "NoAgentsError",
    "PluginError",
    "PluginLoadError",
    "ProtocolError",
    "RefusedError",
    "RemoteCancelledError",
    "RemoteError",
    "RemoteProtocolError",
    "RemoteTimeoutError",
    "RequestError",
    "RequestTimeoutError",
    "RestartLimitError",
    "SchemaError",
    "TransportError",
    "UnexpectedError",
    "UnknownActionError",
    "mapped",
]


class ConfigError(MatahariError):
    """A setting is wrong: ``file`` (or ``command line``, ``environment``) and ``key`` say where."""

    code = "config"

    def __init__(self, message: str, *, file: str = "", key: str = "") -> None:
        place = ": ".join(part for part in (file, key) if part)
        super().__init__(f"{place}: {message}" if place else message)
        self.file = file
        self.key = key


class ProtocolError(MatahariError):
    """Abstract: somebody broke a protocol's rules."""

    code = "protocol"


class LocalProtocolError(ProtocolError):
    """We were asked to do what the protocol's state does not allow."""

    code = "protocol.local"


class RemoteProtocolError(ProtocolError):
    """The peer sent what it may not; ``path`` names the place within the message."""

    code = "protocol.remote"

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class TransportError(MatahariError):
    """The connection could not be made or did not last."""

    code = "transport"


class ConnectFailedError(TransportError):
    """No connection to ``address``; the message says why and what to do."""

    code = "transport.connect"

    def __init__(self, message: str, *, address: str) -> None:
        super().__init__(message)
        self.address = address


class AuthenticationError(TransportError):
    """The peer refused us, or offers no mechanism that we accept (``mechanisms``: what was wanted)."""

    code = "transport.authentication"

    def __init__(self, message: str, *, mechanisms: str = "") -> None:
        super().__init__(message)
        self.mechanisms = mechanisms


class ConnectionLostError(TransportError):
    """The connection ended while something was under way."""

    code = "transport.lost"


class LinkRefusedError(TransportError):
    """The broker refused a link to ``node``; ``condition`` is the AMQP error condition."""

    code = "transport.link"

    def __init__(self, node: str, condition: str, description: str = "") -> None:
        super().__init__(f"the broker refused {node}: {condition}" + (f" ({description})" if description else ""))
        self.node = node
        self.condition = condition


class RequestError(MatahariError):
    """A request could not be completed."""

    code = "request"


class RequestTimeoutError(RequestError, TimeoutError):
    """No answer within ``timeout`` seconds."""

    code = "request.timeout"

    def __init__(self, message: str, *, timeout: float) -> None:
        super().__init__(message)
        self.timeout = timeout


class AgentGoneError(RequestError):
    """The agent left the bus before it answered."""

    code = "request.gone"

    def __init__(self, message: str, *, agent: str = "") -> None:
        super().__init__(message)
        self.agent = agent


class NoAgentsError(RequestError):
    """Nothing matched the selection."""

    code = "request.none"


class CancelledRequestError(RequestError):
    """The caller gave up."""

    code = "request.cancelled"


class SchemaError(MatahariError):
    """A value does not fit its schema; ``path`` names the place."""

    code = "schema"

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class FilterSyntaxError(MatahariError):
    """A line or filter cannot be parsed: ``text`` and the ``position`` (0-based column) of the fault.

    Attributes:
        expected: what could have stood there, as far as that can be listed.
        suggestions: what may have been meant.
    """

    code = "filter.syntax"

    def __init__(
        self,
        message: str,
        *,
        text: str,
        position: int,
        expected: Sequence[str] = (),
        suggestions: Sequence[str] = (),
    ) -> None:
        hint = f"; did you mean {_listed(suggestions)}?" if suggestions else ""
        wanted = f", expected {_listed(expected)}" if expected else ""
        super().__init__(f"{message}{wanted}{hint}")
        self.text = text
        self.position = position
        self.expected = tuple(expected)
        self.suggestions = tuple(suggestions)


class HookError(MatahariError):
    """An extension could not be loaded or failed: ``provider`` is the extension, ``hook`` empty while it loads.

    Attributes:
        error_type: class name of what was raised, empty when we found the fault ourselves.
    """

    code = "hook"

    def __init__(self, message: str, *, provider: str, hook: str = "", error_type: str = "") -> None:
        place = f"hook {hook} of {provider}" if hook else f"extension {provider}"
        super().__init__(f"{place}: {error_type}: {message}" if error_type else f"{place}: {message}")
        self.hook = hook
        self.provider = provider
        self.error_type = error_type


class PluginError(MatahariError):
    """Something is wrong with ``plugin``."""

    code = "plugin"

    def __init__(self, message: str, *, plugin: str) -> None:
        super().__init__(message)
        self.plugin = plugin


class PluginLoadError(PluginError):
    """The plugin's code could not be loaded.

    Attributes:
        error_type: class name of what was raised, e.g. ``SyntaxError``.
        file: file in which it happened, empty when unknown.
        line: line number, 0 when unknown.
        traceback: formatted frames, empty when none.
    """

    code = "plugin.load"

    def __init__(
        self,
        message: str,
        *,
        plugin: str,
        error_type: str = "",
        file: str = "",
        line: int = 0,
        traceback: str = "",
    ) -> None:
        super().__init__(message, plugin=plugin)
        self.error_type = error_type
        self.file = file
        self.line = line
        self.traceback = traceback


class HostStartError(PluginError):
    """The plugin's process could not be started."""

    code = "plugin.start"


class HostCrashedError(PluginError):
    """The plugin's process died; exactly one of ``exit_status`` and ``signal`` is set."""

    code = "plugin.crashed"

    def __init__(
        self,
        message: str,
        *,
        plugin: str,
        exit_status: int | None = None,
        signal: int | None = None,
        stderr_tail: str = "",
    ) -> None:
        super().__init__(message, plugin=plugin)
        self.exit_status = exit_status
        self.signal = signal
        self.stderr_tail = stderr_tail


class RestartLimitError(PluginError):
    """The plugin's process died too often and is left alone until the plugin is reloaded."""

    code = "plugin.quarantined"


def _listed(choices: Sequence[str]) -> str:
    return " or ".join(part for part in (", ".join(choices[:-1]), choices[-1]) if part)


@contextmanager
def mapped(table: Mapping[type[Exception], type[MatahariError]]) -> Iterator[None]:
    """Turn foreign exceptions into ours at a layer's boundary, keeping the cause.

    Args:
        table: foreign class -> our class (called with the foreign message alone). First match wins.
    """
    try:
        yield
    except MatahariError:
        raise
    except Exception as error:
        for foreign, ours in table.items():
            if isinstance(error, foreign):
                raise ours(str(error)) from error
        raise

"""What an agent answered with instead of a result."""

from __future__ import annotations

from matahari.errors.base import MatahariError

__all__ = [
    "AbortedError",
    "BusyError",
    "CrashedError",
    "InvalidArgumentError",
    "MissingArgumentError",
    "RefusedError",
    "RemoteCancelledError",
    "RemoteError",
    "RemoteTimeoutError",
    "UnexpectedError",
    "UnknownActionError",
]


class RemoteError(MatahariError):
    """An agent answered with a failure. Remote failures are data: names and traces arrive as text.

    Attributes:
        agent: name of the agent that answered, empty when not known.
        action: the method that was called.
        status: number that the agent sent (``error_code``), 0 when none.
        remote_type: class name of the remote exception, empty when none.
        remote_traceback: formatted frames, empty when none.
        kind: the machine-readable kind of an RPC failure as sent by our agents, empty when none.
    """

    code = "remote"

    def __init__(
        self,
        message: str,
        *,
        agent: str = "",
        action: str = "",
        status: int = 0,
        remote_type: str = "",
        remote_traceback: str = "",
        kind: str = "",
    ) -> None:
        super().__init__(message)
        self.agent = agent
        self.action = action
        self.status = status
        self.remote_type = remote_type
        self.remote_traceback = remote_traceback
        self.kind = kind


class AbortedError(RemoteError):
    """The action began and gave up by its own decision: the plugin raised."""

    code = "remote.aborted"


class UnknownActionError(RemoteError):
    """The object has no such method."""

    code = "remote.unknown_action"


class MissingArgumentError(RemoteError):
    """A required argument was not given."""

    code = "remote.missing_argument"


class InvalidArgumentError(RemoteError):
    """An argument does not fit its schema."""

    code = "remote.invalid_argument"


class UnexpectedError(RemoteError):
    """The agent itself failed."""

    code = "remote.unexpected"


class RefusedError(RemoteError):
    """The agent is not allowed, or not configured, to do it."""

    code = "remote.refused"


class BusyError(RemoteError):
    """The agent's queue for this plugin is full."""

    code = "remote.busy"


class RemoteTimeoutError(RemoteError):
    """The action ran longer than its limit on the agent."""

    code = "remote.timeout"


class RemoteCancelledError(RemoteError):
    """The action was ended because its caller gave it up."""

    code = "remote.cancelled"


class CrashedError(RemoteError):
    """The plugin's process died during the call."""

    code = "remote.crashed"

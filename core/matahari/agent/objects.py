"""What an agent publishes: objects that know their values and run their methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matahari.qmf import Data, Schema, Value

__all__ = ["AgentObject", "CallContext", "Fault"]


@dataclass(frozen=True, slots=True)
class CallContext:
    """Who asks, and under which number.

    Attributes:
        user_id: the identity that the broker vouches for, None when it gave none.
        request: number of the call within this agent, for log lines.
    """

    user_id: str | None
    request: str


class Fault(Exception):
    """Answer a call with an exception.

    Args:
        text: complete sentence for humans; sent as ``error_text``.
        code: QMF error code (``qmf2.md`` 3.7); 7 is "exception inside the call".
        data: further values and a schema id, e.g. of a ``PluginException``.
    """

    def __init__(self, text: str, *, code: int = 7, data: Data | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.data = data


class AgentObject:
    """One QMF object. Subclasses set ``name`` and ``schema`` and override both methods.

    All calls come from the agent's event loop; ``values`` must not block. Consoles learn of values that changed from
    their queries and subscriptions, with the heartbeats, and soon after ``Agent.object_changed``.
    """

    name: str
    schema: Schema

    def values(self) -> Mapping[str, Value]:
        """Current value of every property, by name."""
        raise NotImplementedError

    async def invoke(self, method: str, arguments: dict[str, Value], context: CallContext) -> Mapping[str, Value]:
        """Run ``method``; return the output arguments by name, or raise :class:`Fault`."""
        raise Fault("Not implemented")

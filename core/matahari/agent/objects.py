"""What an agent publishes: objects that know their values and run their methods."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from matahari.agent.action import UNKNOWN_EFFECTS, Action, Effects, json_values
from matahari.hooks import Ending
from matahari.qmf import Data, Schema, Value, text

if TYPE_CHECKING:
    from matahari.agent.running import CallReporter

__all__ = ["AfterState", "Afterlife", "AgentObject", "CallContext", "Fault"]

#: What becomes of a call after its outcome: it goes on; it has ended by itself; it was stopped.
AfterState: TypeAlias = Literal["running", "ended", "stopped"]
Afterlife: TypeAlias = Callable[[AfterState], None]


@dataclass(frozen=True, slots=True)
class CallContext:
    """Who asks, and under which number.

    Attributes:
        user_id: the identity that the broker vouches for, None when it gave none.
        request: number of the call within this agent, for log lines.
        timeout: seconds after which the caller wants the call ended; None when it did not say. The skeleton ends a call
            that does not end itself.
        reporter: takes what the call tells while it runs; None when the caller does not want to hear it.
        ending: why the task in which the call runs is cancelled, when it is.
        afterlife: to be told ``running`` before the method ends, when what it has begun elsewhere goes on; and afterwards
            how that ended. So the answer and the audit log say what is true.

    A caller that gives a call up cancels the task in which it runs.
    """

    user_id: str | None
    request: str
    timeout: float | None = None
    reporter: CallReporter | None = None
    ending: Callable[[], Ending] = lambda: "cancelled"
    afterlife: Afterlife = lambda state: None


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

    @property
    def kind(self) -> str:
        """The machine-readable kind in the data, empty when there is none."""
        return self._said("kind")

    @property
    def error_type(self) -> str:
        """Class name of what a plugin raised, as the data say; empty when they do not."""
        return self._said("type")

    def _said(self, name: str) -> str:
        return "" if self.data is None else text(self.data.values.get(name)) or ""


class AgentObject:
    """One QMF object. Subclasses set ``name`` and ``schema`` and override both methods.

    All calls come from the agent's event loop; ``values`` must not block. Consoles learn of values that changed from
    their queries and subscriptions, with the heartbeats, and soon after ``Agent.object_changed``.

    Attributes:
        effects: what methods may do, by name, as far as it is known.
    """

    name: str
    schema: Schema
    effects: ClassVar[Mapping[str, Effects]] = {}

    def values(self) -> Mapping[str, Value]:
        """Current value of every property, by name."""
        raise NotImplementedError

    async def invoke(self, method: str, arguments: dict[str, Value], context: CallContext) -> Mapping[str, Value]:
        """Run ``method``; return the output arguments by name, or raise :class:`Fault`."""
        raise Fault("Not implemented")

    def prepare(self, method: str, arguments: dict[str, Value], context: CallContext) -> Action:
        """Check a call as far as that can be done at once, and say what it is.

        Raises:
            Fault: it does not fit, or (kind ``refused``) the object itself does not allow it.
        """
        return Action(
            lambda: self.invoke(method, arguments, context),
            json_values(arguments),
            self.effects.get(method, UNKNOWN_EFFECTS),
        )

    def prepare_beside(
        self, method: str, arguments: dict[str, Value], context: CallContext
    ) -> Awaitable[Action] | None:
        """As :meth:`prepare`, for a call whose check takes longer than the event loop can wait.

        Returns:
            None when the call is quickly checked, which ``prepare`` does then. What is awaited raises as ``prepare``.
        """
        return None

    def fault(self, kind: str, text: str) -> Fault:
        """The answer to a call of this object that was not run."""
        return Fault(text, data=Data({"kind": kind}))

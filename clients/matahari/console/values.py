"""What the console hands out: plain frozen values, the same for both faces."""

from __future__ import annotations

import builtins
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, overload

from matahari.console.names import AgentSummary, ClassName, Host
from matahari.console.remote import RemoteObject
from matahari.errors import MatahariError, RequestError, RequestTimeoutError, TransportError
from matahari.qmf import Value

if TYPE_CHECKING:
    from matahari.console.extending import ConsoleExtensions, JsonValue
    from matahari.console.grouping import Summary
    from matahari.console.rollout import NotAsked

__all__ = ["AgentSummary", "ClassName", "ConsoleEvent", "Host", "ObjectChange", "RemoteObject", "Result", "Results"]

_SILENT = (RequestError, TransportError)
_NAMED = 10  # hosts that the text of an error names
_SHORT = reprlib.Repr()  # a result may have a megabyte
_SHORT.maxstring = _SHORT.maxother = 200


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """An object as it is now, or as it was when it was deleted."""

    kind: Literal["changed", "deleted"]
    object: RemoteObject


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one call on one object: a value or an error, never both.

    Attributes:
        value: of a plugin's method what it returned; of another method None without output arguments, the value of
            the only one, or a map of several.
        duration: seconds from sending to the outcome.
        mismatch: how the value of a plugin's method differs from what the method declares, empty when it does not.
    """

    object: RemoteObject
    value: builtins.object
    error: MatahariError | None
    duration: float
    mismatch: str = ""

    def __repr__(self) -> str:
        outcome = _SHORT.repr(self.value) if self.error is None else f"{type(self.error).__name__}: {self.error}"
        return f"<Result: {self.host or self.object.agent}: {outcome}>"

    @property
    def host(self) -> str:
        return self.object.host

    @property
    def ok(self) -> bool:
        return self.error is None


class Results(Sequence[Result]):
    """All results of one call, in the order of its objects, then those of hosts that are expected and not there.

    Attributes:
        not_asked: hosts that the call left out, and why.
    """

    def __init__(
        self,
        results: Iterable[Result],
        extensions: ConsoleExtensions | None = None,
        not_asked: Iterable[NotAsked] = (),
    ) -> None:
        self._results = tuple(results)
        self._extensions = extensions
        self.not_asked = tuple(not_asked)

    @overload
    def __getitem__(self, index: int) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Result]: ...

    def __getitem__(self, index: int | slice) -> Result | Sequence[Result]:
        return self._results[index]

    def __len__(self) -> int:
        return len(self._results)

    def __repr__(self) -> str:
        left = f", {len(self.not_asked)} not asked" if self.not_asked else ""
        return f"<Results: {len(self.ok)} ok, {len(self.failed)} failed, {len(self.silent)} silent{left}>"

    @property
    def ok(self) -> list[Result]:
        """Answered with a value."""
        return [one for one in self._results if one.error is None]

    @property
    def failed(self) -> list[Result]:
        """Answered with a failure."""
        return [one for one in self._results if one.error is not None and not isinstance(one.error, _SILENT)]

    @property
    def silent(self) -> list[Result]:
        """Not answered: out of time, the agent has gone, or the connection was lost."""
        return [one for one in self._results if isinstance(one.error, _SILENT)]

    def values(self) -> list[builtins.object]:
        """Values of those that are ok, in order."""
        return [one.value for one in self._results if one.error is None]

    @overload
    def summary(self) -> Summary: ...

    @overload
    def summary(self, name: str) -> JsonValue: ...

    def summary(self, name: str | None = None) -> Summary | JsonValue:
        """Hosts by equal value; or what the aggregator ``name``, of an extension, makes of the values that came.

        With a name it may block.

        Raises:
            NoAgentsError: there is no such aggregator; the message names close matches.
            HookError: the extension failed.
        """
        if name is None:
            from matahari.console.grouping import Summary, group_values  # few calls are summed up

            values = [(_place(one), one.value) for one in self._results if one.error is None]
            errors = [(_place(one), str(one.error)) for one in self._results if one.error is not None]
            return Summary(group_values(values), group_values(errors))
        from matahari.console.extending import ConsoleExtensions, by_host

        return (self._extensions or ConsoleExtensions()).summarise(name, by_host(self._results))

    def raise_for_errors(self) -> None:
        """Raise an ``ExceptionGroup`` of all errors, if there are any; it names the hosts.

        Of a host that was not asked because the time was over there is an error too. Those that were left out for
        another reason are no error: see :attr:`not_asked`.
        """
        failed = [(_place(one), one.error) for one in self._results if one.error is not None]
        late = [one.host for one in self.not_asked if one.reason == "timeout"]
        errors: list[MatahariError] = [error for _, error in failed]
        errors += [RequestTimeoutError(f"{host} was not asked before the time was over", timeout=0.0) for host in late]
        if errors:
            names = list(dict.fromkeys([place for place, _ in failed] + late))
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            count = len(self._results) + len(late)
            raise ExceptionGroup(f"{len(errors)} of {count} calls failed: {', '.join(names[:_NAMED])}{more}", errors)


def _place(result: Result) -> str:
    return result.host or result.object.agent


@dataclass(frozen=True, slots=True)
class ConsoleEvent:
    """Something happened: an agent raised an event, came or went.

    Attributes:
        package, name: class of the event, empty for agents coming and going.
        severity: 0 (emergency) to 7 (debug); 6 for agents coming and going.
        timestamp_ns: nanoseconds since 1970 as the agent says, 0 when not known.
        values: of the event, by name.
    """

    kind: Literal["event", "agent_added", "agent_removed"]
    host: str
    agent: str
    package: str = ""
    name: str = ""
    severity: int = 6
    timestamp_ns: int = 0
    values: Mapping[str, Value] = field(default_factory=dict, hash=False)

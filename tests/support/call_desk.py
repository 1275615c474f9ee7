"""A table of calls, and answers that remember what they were given."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from matahari.hostproto import Call, MethodSpec
from matahari.rpcagent import CallFailure, CallReport, CallResult, Limits
from matahari.rpcagent.binding import Action, prepare
from matahari.rpcagent.calls import CallTable
from matahari.rpcagent.pending import Command, SendTo

LIMITS = Limits(concurrency=2, queue=2, call_timeout=60.0, cancel_grace=0.5)
ANY = {"properties": {}, "x-varargs": True, "x-varkw": True}
ONE = {"properties": {"a": {}}, "required": ["a"], "x-positional": ["a"]}


class Slip:
    """An answer, or the lack of one."""

    def __init__(self) -> None:
        self.result: str | None = None
        self.mismatch = ""
        self.failure: CallFailure | None = None
        self.after = ""

    def done(self) -> bool:
        return self.result is not None or self.failure is not None

    def set_result(self, result: CallResult, /) -> None:
        assert not self.done()
        self.result = result.text
        self.mismatch = result.mismatch

    def set_exception(self, exception: CallFailure, /) -> None:
        assert not self.done()
        self.failure = exception

    def goes_on(self) -> None:
        self.after = "running"

    def has_ended(self, state: str, /) -> None:
        if self.after == "running":
            self.after = state

    @property
    def kind(self) -> str | None:
        return None if self.failure is None else self.failure.kind


class Desk:
    def __init__(self, limits: Limits = LIMITS, printed: str = "") -> None:
        self.table = CallTable("demo", limits, itertools.count(1).__next__, printed=lambda worker, call: printed)
        self.reports: list[CallReport] = []
        self.use(1)

    def use_specs(self, *specs: MethodSpec, worker: int = 1) -> None:
        self.table.use_worker(worker, prepare("demo", specs), 0.0)

    def use(self, worker: int, now: float = 0.0, **methods: object) -> None:
        specs = [MethodSpec(name, params) for name, params in (methods or {"m": ANY}).items()]  # type: ignore[arg-type]
        self.table.use_worker(worker, prepare("demo", specs), now)

    def submit(self, now: float = 0.0, timeout: float | None = None, method: str = "m") -> Slip:
        slip = Slip()
        self.table.submit(
            method,
            ["1"],
            {},
            request="r",
            caller="c",
            timeout=timeout,
            now=now,
            answer=slip,
            reporter=self.reports.append,
        )
        return slip

    def check(self, method: str, args: Sequence[str], kwargs: Mapping[str, str]) -> Action:
        """The action that a call fits; one that does not fit is counted."""
        action = self.table.find(method)
        try:
            action.check(args, kwargs)
        except CallFailure as failure:
            raise self.table.refuse(failure) from None
        return action

    def commands(self) -> list[Command]:
        found: list[Command] = []
        while (command := self.table.next_command()) is not None:
            found.append(command)
        return found

    def sent(self) -> list[tuple[int, int]]:
        """(worker, call) of the calls that were sent since the last look."""
        return [
            (c.worker, c.message.id) for c in self.commands() if isinstance(c, SendTo) and isinstance(c.message, Call)
        ]


def crash(call: int) -> CallFailure:
    return CallFailure("crashed", "Crashed", "gone")

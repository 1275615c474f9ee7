"""The calls of one plugin: waiting, running, late. Pure; time is given.

::

    submit ──> waiting ──> running ──answer──> done
       │          │           │
     busy   time up, aged  time up: the caller is answered, the worker told to let go
                              └──> late ──answer──> done
                                     └──grace over──> the worker counts as hung

The time is the plugin's own limit, or a caller's where that is shorter. A caller's limit never costs others their
calls: while somebody waits for another call in the worker, it counts as hung only when the plugin's own limit is over.

At most ``concurrency`` calls are with a worker, the rest waits here: what waits survives a crash or a reload.
What a running call tells on its way goes to its caller; the end of its output is kept for the text of a time-out.
A call that was checked against one generation and is sent to the next is checked again, and does not run when what it
was allowed as has changed. A large one is checked beside the event loop (``Recheck``) and waits meanwhile.
After a switch from a worker in which all calls are overdue, calls wait until it has ended: what hangs in there may
have left nothing for the next one.
"""

from __future__ import annotations

import math
from asyncio import Future
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from matahari.hostproto import NO_THREAD, Call, Cancel, Failure, Result

from .binding import Action, unknown_action
from .latency import Latency
from .limits import Limits
from .pending import Answer, Command, Exhausted, Hung, Pending, Recheck, SendTo, failure_of, full, timed_out
from .records import CallFailure, CallReport, Reporter
from .waiting import WaitingCalls

__all__ = ["CallTable"]


class CallTable:
    """Keeps each call until it has its one answer.

    Args:
        plugin: the plugin's name, for texts.
        limits: bounds.
        next_id: gives a new call number.
        printed: gives the last lines that a worker has printed, those of other calls than this left out.
    """

    def __init__(
        self,
        plugin: str,
        limits: Limits,
        next_id: Callable[[], int],
        *,
        printed: Callable[[int, int], str] = lambda worker, call: "",
    ) -> None:
        self._plugin = plugin
        self._limits = limits
        self._is_timeout_set = False
        self._next_id = next_id
        self._printed = printed
        self._calls: dict[int, Pending] = {}
        self._waiting = WaitingCalls()
        self._running: dict[int, int] = {}  # worker -> calls in it
        self._worker: int | None = None
        self._awaited: set[int] = set()  # workers that must end before a call is sent
        self._actions: Mapping[str, Action] = {}
        self._commands: deque[Command] = deque()
        self.calls = self.failures = self.timeouts = self.busy = 0
        self.latency = Latency()

    def reconfigure(self, limits: Limits, *, is_timeout_set: bool = False) -> None:
        """Use other limits for calls from now on.

        Args:
            limits: bounds.
            is_timeout_set: the operator has set the call time-out for this plugin: what methods declare does not count.
        """
        self._limits = limits
        self._is_timeout_set = is_timeout_set

    @property
    def active(self) -> int:
        """Calls that wait or run, late ones included."""
        return len(self._calls)

    def running(self, worker: int) -> int:
        """How many calls are with ``worker``."""
        return self._running.get(worker, 0)

    def has_only_hung(self, worker: int) -> bool:
        """Whether calls are with ``worker``, and each had its time and its grace."""
        inside = [call for call in self._calls.values() if call.worker == worker]
        return bool(inside) and all(call.is_late and call.deadline == math.inf for call in inside)

    def next_command(self) -> Command | None:
        """Give what is to be done next, or None."""
        return self._commands.popleft() if self._commands else None

    def next_deadline(self) -> float:
        """When ``handle_timeout`` is due; infinite when never."""
        return min((self._due(call) for call in self._calls.values()), default=math.inf)

    def use_worker(self, worker: int, actions: Mapping[str, Action], now: float) -> None:
        """From now on calls go to ``worker``, which offers ``actions``."""
        if self._worker not in (None, worker) and self._has_only_overdue(self._worker):
            self._awaited.add(self._worker)
        self._worker = worker
        self._actions = actions
        self._fill(now)

    def without_worker(self) -> None:
        """There is no worker: calls wait for the next one."""
        self._worker = None

    def refuse(self, failure: CallFailure) -> CallFailure:
        """Count a call that never came so far as to be checked; gives ``failure`` back."""
        self.calls += 1
        self.failures += 1
        return failure

    def find(self, method: str) -> Action:
        """The action that a call is for now; a call for none is counted like one that was taken and failed.

        Raises:
            CallFailure: there is no such action.
        """
        try:
            return self._find(method)
        except CallFailure as failure:
            raise self.refuse(failure) from None

    def submit(
        self,
        method: str,
        args: Sequence[str],
        kwargs: Mapping[str, str],
        *,
        request: str,
        caller: str,
        timeout: float | None,
        now: float,
        answer: Answer,
        reporter: Reporter | None = None,
        checked: Action | None = None,
    ) -> tuple[int, float]:
        """Take a call; ``checked`` is what :meth:`find` gave for it, and it fits that.

        Returns:
            Its number, and when something is due for it.

        Raises:
            CallFailure: the call does not fit, or there is no room.
        """
        self.calls += 1
        try:
            action = self._find(method)
            takes_long = action.takes_long(checked, args, kwargs)
            if not takes_long:
                action.check_again(checked, args, kwargs)
        except CallFailure:
            self.failures += 1
            raise
        worker = None if takes_long else self._free_worker()
        if worker is None and len(self._waiting) >= self._limits.queue:
            self.failures += 1
            self.busy += 1
            raise full(self._plugin, len(self._waiting))
        declared = None if self._is_timeout_set else action.timeout
        own = self._limits.call_timeout if declared is None else declared
        limit = own if timeout is None else min(own, timeout)
        call = Pending(
            self._next_id(), action, args, kwargs, request, caller, now, limit, now + limit, now + own, answer,
            reporter, checked,
        )  # fmt: skip
        self._calls[call.id] = call
        if takes_long:
            self._recheck(call, action)
        elif worker is not None and not self._waiting:
            self._send(call, worker, now)
        else:
            self._waiting.append(call.id)
        return call.id, self._due(call)

    def reported(self, worker: int, report: CallReport) -> Future[None] | None:
        """Pass on what a running call tells; what nobody waits for is dropped.

        Returns:
            What to wait for before the worker is read again, None to go on.
        """
        call = self._calls.get(report.id)
        if call is None or call.worker != worker or call.is_late or call.answer.done():
            return None
        call.note(report)
        return None if call.reporter is None else call.reporter(report)

    def answered(self, worker: int, message: Result | Failure, now: float) -> None:
        """Take an answer from a worker; one that nobody waits for is dropped."""
        call = self._calls.get(message.id)
        if call is None or call.worker != worker:
            return
        self._drop(call)
        call.answer.has_ended("ended")
        if not call.is_late:
            self.latency.note(now - call.started)
            if isinstance(message, Result):
                self._succeed(call, message.text)
            else:
                self._fail(call, failure_of(message))
        if isinstance(message, Failure) and message.kind == "busy":
            self.busy += 1
            if message.error_type == NO_THREAD:
                self._commands.append(Exhausted(worker))
        self._fill(now)

    def abandon(self, call_id: int) -> None:
        """Nobody waits for this call any more. It may run until its time is up."""
        call = self._calls.get(call_id)
        if call is None or call.is_late:
            return
        if call.worker is None:
            self._waiting.remove(call_id)
            del self._calls[call_id]
        else:
            call.is_late = True
            call.answer.goes_on()
            self._commands.append(SendTo(call.worker, Cancel(call_id)))

    def worker_gone(self, worker: int, failure: Callable[[int], CallFailure], now: float) -> None:
        """A worker ended: its calls fail, each as ``failure`` says; those that wait go on waiting."""
        if worker == self._worker:
            self._worker = None
        inside = [call for call in self._calls.values() if call.worker == worker]
        for call in inside:
            call.is_spared = False  # what it waited for has come
        for call in inside:
            self._drop(call)
            call.answer.has_ended("stopped")
            if not call.is_late:
                self._fail(call, failure(call.id))
        self._running.pop(worker, None)
        self._awaited.discard(worker)
        self._fill(now)

    def fail_waiting(self, failure: Callable[[], CallFailure]) -> None:
        """No worker will come for the calls that wait."""
        for call in list(self._waiting):
            self._waiting.remove(call)
            self._fail(self._calls.pop(call), failure())

    def rechecked(self, recheck: Recheck, failure: CallFailure | None, now: float) -> None:
        """A call was checked as asked for; one that does not fit has failed."""
        if not self._waiting.checked(recheck.call):
            return
        if failure is not None:
            self._waiting.remove(recheck.call)
            self._fail(self._calls.pop(recheck.call), failure)
        else:
            self._calls[recheck.call].action = recheck.action
            self._fill(now)

    def handle_timeout(self, now: float) -> None:
        """Do what time demands."""
        for call in [call for call in self._calls.values() if self._due(call) <= now]:
            if call.worker is None:
                self._give_up(call)
            elif call.is_late and now < call.own_end and self._has_company(call):
                call.is_spared, call.deadline = True, call.own_end  # or until it is alone, see _drop
            elif call.is_late:
                self._hang(call)
            else:
                self.timeouts += 1
                call.is_late = call.is_overdue = True
                call.deadline = now + self._limits.cancel_grace
                self._commands.append(SendTo(call.worker, Cancel(call.id)))
                call.answer.goes_on()
                self._fail(call, timed_out(self._plugin, call, self._printed(call.worker, call.id)))

    def _find(self, method: str) -> Action:
        action = self._actions.get(method)
        if action is None:
            raise unknown_action(self._plugin, method, self._actions)
        return action

    def _free_worker(self) -> int | None:
        """The worker that a call can be sent to now."""
        worker = self._worker
        if worker is None or self._awaited or self.running(worker) >= self._limits.concurrency:
            return None
        return worker

    def _hang(self, call: Pending) -> None:
        """The call had its time and its grace: its worker is to be ended."""
        assert call.worker is not None
        call.is_spared, call.deadline = False, math.inf
        self._commands.append(Hung(call.worker, call.action.name, call.id, call.request, call.limit))

    def _has_company(self, call: Pending) -> bool:
        """Whether calls that somebody waits for are in the same worker."""
        return any(other.worker == call.worker and not other.is_late for other in self._calls.values())

    def _has_only_overdue(self, worker: int | None) -> bool:
        inside = [call for call in self._calls.values() if call.worker == worker]
        return bool(inside) and all(call.is_overdue for call in inside)

    def _due(self, call: Pending) -> float:
        """When something is due for a call: one that waits has a limit for that, too."""
        return call.deadline if call.worker is not None else min(call.deadline, call.started + self._limits.queue_age)

    def _give_up(self, call: Pending) -> None:
        """The call has waited as long as it may."""
        self._waiting.remove(call.id)
        del self._calls[call.id]
        due = self._due(call)
        text = f"{self._plugin}.{call.action.name} waited {due - call.started:g} s for its turn"
        if due < call.deadline:
            self.busy += 1
            self._fail(call, CallFailure("busy", "Busy", text, text=text))
        else:
            self.timeouts += 1
            self._fail(call, CallFailure("timeout", "Timeout", text, text=text))

    def _fill(self, now: float) -> None:
        while self._waiting and (worker := self._free_worker()) is not None:
            call = self._calls[self._waiting.popleft()]
            if not self._still_fits(call):
                continue
            self._send(call, worker, now)

    def _still_fits(self, call: Pending) -> bool:
        action = self._actions.get(call.action.name)
        if action is call.action:
            return True
        try:
            action = self._find(call.action.name)
            if action.takes_long(call.allowed, call.args, call.kwargs):
                self._recheck(call, action)
                return False
            action.check_again(call.allowed, call.args, call.kwargs)
        except CallFailure as failure:
            del self._calls[call.id]
            self._fail(call, failure)
            return False
        call.action = action
        return True

    def _recheck(self, call: Pending, action: Action) -> None:
        self._waiting.check(call.id)
        self._commands.append(Recheck(call.id, action, call.allowed, call.args, call.kwargs))

    def _send(self, call: Pending, worker: int, now: float) -> None:
        call.worker = worker
        self._running[worker] = self._running.get(worker, 0) + 1
        left = max(0.0, call.deadline - now)
        message = Call(call.id, call.action.name, tuple(call.args), call.kwargs, call.request, call.caller, left)
        self._commands.append(SendTo(worker, message))

    def _drop(self, call: Pending) -> None:
        del self._calls[call.id]
        if call.worker is not None:
            self._running[call.worker] -= 1
            if not self._running[call.worker]:
                self._awaited.discard(call.worker)
            for other in self._calls.values():
                if other.worker == call.worker and other.is_spared and not self._has_company(other):
                    self._hang(other)  # nobody else is harmed by the worker's end any more

    def _succeed(self, call: Pending, text: str) -> None:
        if not call.answer.done():
            call.answer.set_result(call.result(text))

    def _fail(self, call: Pending, failure: CallFailure) -> None:
        self.failures += 1
        if not call.answer.done():
            call.answer.set_exception(failure)

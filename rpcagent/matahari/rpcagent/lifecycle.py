"""The life of one plugin: which version is wanted, loading, in service, ending. Pure; time is given.

At most one worker serves and at most one is starting (the *attempt*); any number up to a limit is ending.

What states there are is in :mod:`.states`, how workers end in :mod:`.endings`, when they are started again in
:mod:`.restarts`. What was asked comes out of :meth:`Lifecycle.next_command`; the shell that obeys makes no decisions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from matahari.hostproto import Activation, Loaded

from .attempt import Attempt, Purpose
from .endings import Endings
from .limits import Limits
from .orders import Command, Content, Crashed, Failed, Gone, InService, Start, StatusChanged, Switch, Version
from .records import LoadFailure, State
from .restarts import Restarts
from .states import state_of

__all__ = ["Lifecycle"]


class Lifecycle:
    """Decides for one plugin.

    Args:
        limits: times and bounds.
        next_worker: gives a worker number that was never used.
        generation: the last generation that a plugin of this name had.
    """

    def __init__(self, limits: Limits, next_worker: Callable[[], int], *, generation: int = 0) -> None:
        self._limits = limits
        self._next_worker = next_worker
        self._restarts = Restarts(limits)
        self._commands: deque[Command] = deque()
        self._notes: list[InService | Failed | Crashed] = []  # told after the change of status that they explain
        self._attempt: Attempt | None = None
        self._ending = Endings(limits)
        self._serving: int | None = None
        self._serving_since = 0.0
        self._is_load_wanted = False
        self._is_relief_wanted = False
        self._is_removed = False
        self._is_gone = False
        self._load_error: LoadFailure | None = None
        self._crash: LoadFailure | None = None
        self._shown: object = None
        self.generation = generation
        self.content: Content | None = None
        self.version: Version | None = None

    def reconfigure(self, limits: Limits) -> None:
        """Use other limits from now on; times that run already stay as they are."""
        self._limits = limits
        self._restarts.reconfigure(limits)
        self._ending.reconfigure(limits)

    # What can be seen

    @property
    def state(self) -> State:
        """The plugin's state."""
        is_quarantined, is_served = self._restarts.is_quarantined, self._serving is not None
        return state_of(self.version, is_served=is_served, error=self.last_error, is_quarantined=is_quarantined)

    @property
    def last_error(self) -> LoadFailure | None:
        """What is wrong now. A newest version that does not load outweighs a crash of the older one."""
        return self._load_error or self._crash

    @property
    def limits(self) -> Limits:
        """The bounds of the version in service, or of the one on disk when there is none."""
        content = self.content if self.version is None else self.version.content
        return self._limits_of(content)

    @property
    def serving(self) -> int | None:
        """The worker that calls go to."""
        return self._serving

    @property
    def starting(self) -> int | None:
        """The worker that is starting."""
        return None if self._attempt is None else self._attempt.worker

    @property
    def is_loading_newest(self) -> bool:
        """Whether the newest content is being loaded as a new generation, or about to be."""
        attempt = self._attempt
        return self._is_load_wanted or (
            attempt is not None and attempt.purpose == "new" and attempt.content is self.content
        )

    @property
    def workers(self) -> set[int]:
        """All workers that have not ended."""
        return {each for each in (self._serving, self.starting, *self._ending) if each is not None}

    @property
    def draining(self) -> tuple[int, ...]:
        """Workers that may still finish what they run."""
        return self._ending.draining

    @property
    def has_prospect(self) -> bool:
        """Whether a call that waits will find a worker."""
        return not self.is_settled or self._serving is not None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is being loaded or about to be."""
        return self._is_removed or (self._attempt is None and not self._is_work_left)

    @property
    def _is_work_left(self) -> bool:
        return self._is_load_wanted or self._is_relief_wanted or self._restarts.is_planned

    def next_command(self) -> Command | None:
        """Give what is to be done next, or None."""
        return self._commands.popleft() if self._commands else None

    def next_deadline(self) -> float:
        """When ``handle_timeout`` is due; infinite when never."""
        begin = self._restarts.at if self._attempt is None else self._attempt.deadline
        return min(self._ending.next_deadline(), begin)

    # What happens

    def content_changed(self, content: Content, now: float) -> None:
        """The plugin was saved."""
        self.content = content
        if content.fault is not None:
            self._is_load_wanted = False
            self._load_error = content.fault
            self._notes.append(Failed(content.fault))
            self._settle(now)
            return
        self._want_load(now)

    def reload(self, now: float) -> None:
        """Somebody wants the plugin loaded again as it is on disk; when that cannot be read, quarantine is lifted."""
        if self.content is None or self._is_removed:
            return
        if self.content.fault is None:
            self._want_load(now)
        elif self._restarts.is_quarantined:
            self._restarts.forgive()
            self._restarts.plan_now(now)
            self._settle(now)

    def removed(self, now: float, *, drain_timeout: float | None = None) -> None:
        """The plugin's file is gone, or the service stops (with a ``drain_timeout`` of its own)."""
        self._is_removed = True
        self._is_load_wanted = self._is_relief_wanted = False
        self._restarts.call_off()
        if self._attempt is not None:
            self._abort_attempt(now)
        if self._serving is not None:
            self._drain(self._serving, now, self._drain_timeout if drain_timeout is None else drain_timeout)
            self._serving = None
        if drain_timeout is not None:
            self._ending.hurry_all(now + drain_timeout)
        self._settle(now)

    def started(self, worker: int, now: float) -> Content | None:
        """The worker's process is being made: its time to load begins. Gives what it is to load."""
        if self._attempt is None or self._attempt.worker != worker:
            return None
        self._attempt.deadline = now + self._limits_of(self._attempt.content).load_timeout
        return self._attempt.content

    def loaded(self, worker: int, message: Loaded, now: float, wall_ns: int) -> None:
        """A worker is ready: switch to it."""
        attempt = self._attempt
        if attempt is None or attempt.worker != worker:
            return  # it came too late and is already being ended
        self._attempt = None
        drain_timeout = self._drain_timeout  # of the old version, whose calls it holds for
        old, self._serving = self._serving, worker
        self._serving_since = now
        self._crash = None
        self._restarts.succeed()
        if attempt.purpose == "new":
            self._load_error = None
            self.generation = attempt.generation
        self.version = Version(
            attempt.generation,
            attempt.content,
            message.digest,
            message.version,
            message.methods,
            wall_ns,
            message.active,
            message.reason,
            message.settings,
        )
        self._commands.append(Switch(worker, self.version))
        self._notes.append(InService())
        if old is not None:
            is_hung = attempt.purpose == "relief"
            self._drain(old, now, self._limits.hung_drain if is_hung else drain_timeout)
            self._is_relief_wanted = False
        self._settle(now)

    def succeeded(self, worker: int) -> None:
        """A call in ``worker`` gave a result: the plugin works, and failures before it are not in a row with later ones."""
        if worker == self._serving:
            self._restarts.forgive()

    def activation(self, worker: int, message: Activation, now: float) -> None:
        """The plugin was asked again whether it is for this host."""
        if worker == self._serving and self.version is not None:
            self.version = replace(self.version, is_active=message.active, reason=message.reason)
            self._settle(now)

    def load_failed(self, worker: int, failure: LoadFailure, now: float) -> None:
        """A worker could not load the plugin, or could not be started. It may still exist."""
        attempt = self._attempt
        if attempt is None or attempt.worker != worker:
            return
        self._abort_attempt(now)
        self._note_failed_attempt(attempt, failure, now)
        self._settle(now)

    def not_started(self, worker: int, failure: LoadFailure, now: float) -> None:
        """There is no process for the worker, and there will be none."""
        self.load_failed(worker, failure, now)
        self._ending.ended(worker)
        self._settle(now)

    def exited(self, worker: int, failure: LoadFailure, now: float, *, is_own_fault: bool = True) -> None:
        """A worker has ended and was reaped.

        Args:
            worker: which.
            failure: how, in case that nobody asked it to.
            now: monotonic seconds.
            is_own_fault: False when the warm parent took it along.
        """
        self._ending.ended(worker)
        attempt = self._attempt
        if attempt is not None and attempt.worker == worker:
            self._attempt = None
            if is_own_fault:
                self._note_failed_attempt(attempt, failure, now)
            elif attempt.purpose == "new":
                self._is_load_wanted = True
            elif attempt.purpose == "relief":
                self._is_relief_wanted = True
            else:
                self._restarts.plan_now(now)
        elif self._serving == worker:
            self._serving = None
            self._is_relief_wanted = False
            self._crash = failure
            if is_own_fault:
                lived = now - self._serving_since
                self._restarts.plan_after_failure(now, lived=lived, is_replaced=self._is_load_wanted)
            else:
                self._restarts.plan_now(now)
            self._notes.append(Crashed(failure))
        self._settle(now)

    def hung(self, worker: int, now: float) -> None:
        """A call in ``worker`` does not let go: put another one in its place."""
        if worker == self._serving:
            self._is_relief_wanted = True
        else:
            self._ending.hurry(worker, now + self._limits.hung_drain)
        self._settle(now)

    def exhausted(self, worker: int, now: float) -> None:
        """The system gives a worker nothing to run calls with: replace it, unless it has replaced another just now."""
        if worker == self._serving and now - self._serving_since >= self._limits.restart_delay_limit:
            self.hung(worker, now)

    def only_hung(self, worker: int, now: float) -> None:
        """Only hung calls are left in a draining worker: nothing is worth waiting for."""
        if worker in self._ending.draining:
            self._end(worker, now, is_hung=True)

    def handle_timeout(self, now: float) -> None:
        """Do what time demands."""
        attempt = self._attempt
        if attempt is not None and attempt.deadline <= now:
            limit = self._limits_of(attempt.content).load_timeout
            self._abort_attempt(now)
            self._note_failed_attempt(attempt, attempt.overdue(limit), now)
        for worker in self._ending.due(now):
            self._end(worker, now)
        self._settle(now)

    # How it is decided

    def _want_load(self, now: float) -> None:
        self._is_load_wanted = True
        self._restarts.forgive()
        self._restarts.call_off()
        if self.version is not None and self._serving is None:
            self._restarts.plan_now(now)
        if self._attempt is not None and self._attempt.supersede(self.content, now + self._limits.superseded_grace):
            self._is_load_wanted = False
        self._settle(now)

    def _settle(self, now: float) -> None:
        """Start what is to be started, and tell what the outside sees."""
        if self._is_removed:
            if not self.workers and not self._is_gone:
                self._is_gone = True
                self._commands.append(Gone())
            return
        if self._attempt is None:
            self._start_next(now)
        shown = (self.state, self.last_error, self.version or self.content)
        if shown != self._shown:
            self._shown = shown
            self._commands.append(StatusChanged())
        self._commands.extend(self._notes)
        self._notes.clear()

    def _start_next(self, now: float) -> None:
        if self._is_load_wanted and self.content is not None and len(self._ending) < self._limits.draining:
            self._is_load_wanted = False
            self._restarts.call_off()
            self._start(self.content, self.generation + 1, "new")
        elif self.version is not None and self._restarts.at <= now:
            self._restarts.call_off()
            self._start(self.version.content, self.version.generation, "restart")
        elif self.version is not None and self._is_relief_wanted:
            self._is_relief_wanted = False
            self._start(self.version.content, self.version.generation, "relief")

    def _start(self, content: Content, generation: int, purpose: Purpose) -> None:
        self._attempt = Attempt(self._next_worker(), content, generation, purpose)
        self._commands.append(Start(self._attempt.worker, generation))

    def _note_failed_attempt(self, attempt: Attempt, failure: LoadFailure, now: float) -> None:
        if attempt.purpose == "new":
            if not attempt.is_superseded:
                self._load_error = failure
            if self._serving is None and self.version is not None and not self._restarts.is_quarantined:
                self._restarts.plan_now(now)  # the older version is still good
        elif attempt.purpose == "restart":
            self._crash = failure
            if not self._is_load_wanted:
                self._restarts.plan_after_failure(now, lived=0.0)
        else:
            self._crash = failure  # the hung worker goes on serving with the threads it has left
        if not attempt.is_superseded:
            self._notes.append(Failed(failure))

    def _abort_attempt(self, now: float) -> None:
        if self._attempt is not None:
            self._end(self._attempt.worker, now)
            self._attempt = None

    @property
    def _drain_timeout(self) -> float:
        return self.limits.drain_timeout if self.version is None else self.version.drain_timeout(self.limits)

    def _drain(self, worker: int, now: float, timeout: float) -> None:
        self._commands.append(self._ending.drain(worker, now + timeout))

    def _end(self, worker: int, now: float, *, is_hung: bool = False) -> None:
        command = self._ending.end(worker, now, is_hung=is_hung)
        if command is not None:
            self._commands.append(command)

    def _limits_of(self, content: Content | None) -> Limits:
        return self._limits if content is None else content.options.limits(self._limits)

"""Whatever happens to a plugin in whatever order, its workers and its state stay consistent."""

from __future__ import annotations

import itertools
import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from matahari.hostproto import Activation, Loaded, MethodSpec
from matahari.rpcagent import Limits, LoadFailure
from matahari.rpcagent.lifecycle import Lifecycle
from matahari.rpcagent.orders import Content, Drain, Gone, Start, Switch, Terminate

LIMITS = Limits(restart_limit=3, draining=2)
BAD = LoadFailure("SyntaxError", "bad", "/p/a.py", 1)
DIED = LoadFailure("Crashed", "the worker died")


def loaded(generation: int) -> Loaded:
    return Loaded("a", generation, "d", "python", "1.0", (MethodSpec("m", {}),))


class LifecycleMachine(RuleBasedStateMachine):
    """Events in any order; the commands are obeyed."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Lifecycle(LIMITS, itertools.count(1).__next__)
        self.now = 100.0
        self.alive: set[int] = set()
        self.started: set[int] = set()
        self.is_gone = False
        self.saves = itertools.count(1)

    def obey(self) -> None:
        while (command := self.life.next_command()) is not None:
            match command:
                case Start():
                    assert command.worker not in self.alive
                    self.alive.add(command.worker)
                case Switch():
                    assert command.worker in self.alive
                case Drain() | Terminate():
                    assert command.worker in self.alive
                case Gone():
                    assert not self.alive
                    assert not self.is_gone
                    self.is_gone = True

    @precondition(lambda self: not self.is_gone)
    @rule(fault=st.booleans())
    def save(self, fault: bool) -> None:
        number = next(self.saves)
        self.life.content_changed(Content("/p/a.py", "python", str(number), {}, BAD if fault else None), self.now)
        self.obey()

    @rule(
        data=st.data(),
        event=st.sampled_from(["start", "load", "fail", "exit", "lost", "hung", "only_hung", "on", "off"]),
    )
    def worker_event(self, data: st.DataObject, event: str) -> None:
        if not self.alive:
            return
        worker = data.draw(st.sampled_from(sorted(self.alive)))
        life, now = self.life, self.now
        match event:
            case "start":
                if life.started(worker, now) is not None:
                    self.started.add(worker)
            case "load" if worker in self.started:
                life.loaded(worker, loaded(life.generation + 1), now, 1)
            case "fail" if worker in self.started:
                life.load_failed(worker, BAD, now)
            case "exit" | "lost":
                self.alive.discard(worker)
                life.exited(worker, DIED, now, is_own_fault=event == "exit")
            case "hung":
                life.hung(worker, now)
            case "on" | "off":
                life.activation(worker, Activation(event == "on", "because"), now)
            case "only_hung":
                life.only_hung(worker, now)
        self.obey()

    @rule(seconds=st.sampled_from([0.0, 0.3, 1.0, 5.0, 20.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.life.handle_timeout(self.now)
        self.obey()

    @rule()
    def reload(self) -> None:
        self.life.reload(self.now)
        self.obey()

    @rule()
    def remove(self) -> None:
        self.life.removed(self.now)
        self.obey()

    @invariant()
    def every_living_worker_is_known(self) -> None:
        assert self.life.workers == self.alive

    @invariant()
    def serving_starting_and_ending_are_different_workers(self) -> None:
        life = self.life
        roles = [life.serving, life.starting, *life.draining]
        known = [each for each in roles if each is not None]
        assert len(known) == len(set(known))

    @invariant()
    def who_waits_does_not_wait_for_nothing(self) -> None:
        life = self.life
        if life.has_prospect and life.serving is None:
            is_blocked = len(life.workers) >= LIMITS.draining
            assert life.starting is not None or life.next_deadline() < math.inf or is_blocked

    @invariant()
    def the_state_fits_the_facts(self) -> None:
        life = self.life
        if life.content is None:
            return
        if life.state in ("ready", "inactive"):
            assert life.last_error is None
            assert life.version is not None
            assert life.version.is_active == (life.state == "ready")
        if life.state in ("failed", "degraded", "quarantined") and not life.draining and life.serving is not None:
            assert life.last_error is not None


TestMachine = LifecycleMachine.TestCase
TestMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

"""A plugin's life as a conversation: what happens to it, and what it commands."""

from __future__ import annotations

import itertools

from matahari.hostproto import Loaded, MethodSpec
from matahari.rpcagent import Limits, LoadFailure
from matahari.rpcagent.lifecycle import Lifecycle
from matahari.rpcagent.orders import Command, Content, Crashed, Failed, InService

LIMITS = Limits(
    load_timeout=10.0,
    drain_timeout=60.0,
    hung_drain=5.0,
    term_grace=1.0,
    superseded_grace=1.0,
    restart_delay=0.25,
    restart_limit=3,
    stable_after=10.0,
    draining=2,
)
BAD = LoadFailure("SyntaxError", "bad", "/p/a.py", 1)
DIED = LoadFailure("Crashed", "the worker died")


def content(digest: str) -> Content:
    return Content("/p/a.py", "python", digest, {})


def loaded(generation: int, digest: str = "d") -> Loaded:
    return Loaded("a", generation, digest, "python", "1.0", (MethodSpec("m", {}),))


class Story:
    """A lifecycle, and what it commanded since the last look."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.life = Lifecycle(limits, itertools.count(1).__next__)
        self.now = 100.0
        self.notes: list[Command] = []

    def told(self) -> list[Command]:
        found: list[Command] = []
        while (command := self.life.next_command()) is not None:
            notes = self.notes if isinstance(command, InService | Failed | Crashed) else found
            notes.append(command)
        return found

    def save(self, digest: str) -> None:
        self.life.content_changed(content(digest), self.now)

    def ready(self, worker: int, generation: int = 1, digest: str = "d") -> None:
        self.life.started(worker, self.now)
        self.life.loaded(worker, loaded(generation, digest), self.now, 5)

    def serving(self) -> Story:
        """A plugin in service with worker 1."""
        self.save("one")
        self.ready(1)
        self.told()
        return self

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.life.handle_timeout(self.now)

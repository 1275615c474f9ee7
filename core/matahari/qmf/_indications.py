"""Telling everybody about objects: which ones are to be told of, and when.

Consoles that ask nothing, qpid-tool before all, know only the objects they were told of. Changes are gathered for as
long as the interval since the last publication, all objects are told of periodically, and after a locate request,
because somebody new may be listening.

Source: qmf2.md 3.9 and 6.3
"""

from __future__ import annotations

from matahari.qmf._announcement import Announcement
from matahari.qmf._observation import Observation
from matahari.qmf._parts import split_parts
from matahari.qmf.packet import Publish
from matahari.qmf.schema import SchemaId
from matahari.qmf.values import Value

_Deletions = dict[tuple[str, str, str], tuple[SchemaId, Value]]


class Indications:
    """The names of objects to be told of, and the last words of those that are gone.

    Args:
        interval: least seconds between two publications.
        period: seconds from one publication of everything to the next.
        delay: seconds that a publication of everything waits for. It differs from agent to agent, since a locate
            request makes all agents of a fleet publish.
    """

    def __init__(self, *, interval: float, period: float, delay: float) -> None:
        self._interval = interval
        self._period = period
        self._delay = delay
        self._changed: dict[str, None] = {}
        self._deleted: _Deletions = {}
        self._last: float | None = None
        self._all_at = 0.0

    def start(self, now: float) -> None:
        """Publish what has changed at once, and everything soon, from the first start as from the last stop."""
        self._last = now - self._interval
        self._all_at = now + self._delay

    def stop(self) -> None:
        """Publish no more."""
        self._last = None

    def changed(self, name: str, schema_id: SchemaId) -> None:
        """Note that an object is new or different."""
        self._changed[name] = None
        self._deleted.pop((name, schema_id.package, schema_id.name), None)

    def deleted(self, name: str, schema_id: SchemaId, last_words: Value) -> None:
        """Note that an object is gone, and what is to be said of it."""
        self._changed.pop(name, None)
        self._deleted[name, schema_id.package, schema_id.name] = (schema_id, last_words)

    def everything(self, now: float) -> None:
        """Publish all objects soon."""
        if self._last is not None:
            self._all_at = min(self._all_at, max(now + self._delay, self._last + self._interval))

    def deadline(self) -> float | None:
        """Return when there is something to publish."""
        if self._last is None:
            return None
        if self._changed or self._deleted:
            return min(self._all_at, self._last + self._interval)
        return self._all_at

    def publish(self, now: float, observation: Observation, announcement: Announcement) -> list[Publish]:
        """Return the indications that are due: messages by class, none when it is too early."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return []
        names = observation.names()
        if now >= self._all_at or len(self._changed) == len(names):
            self._all_at = now + self._period
        else:
            names = list(self._changed)
        # Once in each interval at most, also if everything was due a moment later.
        self._last = now
        self._all_at = max(self._all_at, now + self._interval)
        classes: dict[SchemaId, list[Value]] = {}
        for schema_id, last_words in self._deleted.values():
            classes.setdefault(schema_id, []).append(last_words)
        for name in names:
            seen = observation.find(name)
            if seen is not None:
                classes.setdefault(seen.schema_id, []).append(seen.body)
        self._changed.clear()
        self._deleted.clear()
        return [
            announcement.objects(schema_id, part) for schema_id, items in classes.items() for part in split_parts(items)
        ]

"""The names that completion offers, kept current in the background.

A thread asks the console and replaces the snapshot whole; whoever completes reads the one that is there, and never
waits. Names of hosts, packages and classes are what the console knows anyway. Facts are asked of a sample of hosts,
seldom: they are for offering names and usual values, not for deciding anything.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Self

from matahari.errors import MatahariError
from matahari.shell.base.ports import ConsoleLike
from matahari.shell.base.selection import Snapshot, take_snapshot
from matahari.shell.base.unasked import unasked

__all__ = ["SnapshotKeeper", "pause", "sample", "take_facts", "take_properties"]

_log = logging.getLogger(__name__)

REFRESH_INTERVAL: Final = 10.0  # seconds; a new host is offered by then, a running shell costs the bus next to nothing
MAX_PAUSE: Final = 300.0  # seconds between two looks that fail for a reason of our own, which seldom goes away
MAX_TOLD: Final = 10  # different faults that are told; a text that is new each time would be told for ever
STOP_TIMEOUT: Final = 1.0  # seconds; leaving never waits longer for a question under way

FACTS_INTERVAL: Final = 300.0
"""Seconds between two samples of facts; the operating system of a host changes more seldom than that."""

SAMPLED_HOSTS: Final = 16
"""Hosts that are asked for facts at a time: some kilobytes each, whatever the size of the fleet. The next sample asks
others, so that the values of a fleet come together in the end."""

FACTS_TIMEOUT: Final = 5.0  # seconds; one that does not answer is not waited for, the next sample may ask it again
MAX_WISHES: Final = 20  # classes of which the properties are wanted at a time; nobody types that many
MAX_FACTS: Final = 5_000  # names; hosts with 1024 facts of their own each would make completion useless
MAX_VALUES: Final = 50  # values of one fact, the latest; nobody reads a longer list, and addresses differ on every host
MAX_LENGTH: Final = 100  # characters of a value; a longer one is no choice but a text


class SnapshotKeeper:
    """Keeps a current snapshot in a thread of its own. Use as a context manager."""

    def __init__(
        self,
        console: ConsoleLike,
        *,
        interval: float = REFRESH_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
        first: Callable[[], None] = lambda: None,
    ) -> None:
        """Take what to ask.

        Args:
            interval: seconds between two looks at names.
            clock: gives seconds.
            first: what else the thread does, once, when it begins; an error of ours in it is left to whoever asks again.
        """
        self._first = first
        self._console = console
        self._interval = interval
        self._clock = clock
        self._next_facts = clock()
        self._samples = 0
        self._wanted = threading.Event()
        self._ending = threading.Event()
        self._faults = 0  # in a row
        self._told: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="mhsh-snapshot", daemon=True)
        self._wishes: deque[tuple[str, str]] = deque(maxlen=MAX_WISHES)
        self.snapshot = Snapshot(wish=self._wish)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        self._thread.join(STOP_TIMEOUT)

    @property
    def is_running(self) -> bool:
        """Whether the thread is there."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Have the thread end; returns at once."""
        self._ending.set()
        self._wanted.set()

    def want_refresh(self) -> None:
        """Ask for a new snapshot soon; returns at once."""
        self._wanted.set()

    def refresh(self) -> None:
        """Replace the snapshot; an unreachable bus leaves the old one, names do not become wrong by that."""
        try:
            names = take_snapshot(self._console)
            heard = self._console.event_classes(timeout=FACTS_TIMEOUT)
            events = tuple((one.package, one.name) for one in heard)
            self.snapshot = replace(
                self.snapshot,
                host_names=names.host_names,
                package_names=names.package_names,
                class_names=names.class_names,
                event_names=events,
            )
            if self._clock() >= self._next_facts:
                self._refresh_facts()
            self._fulfil_wishes()
        except MatahariError:
            return

    def _refresh_facts(self) -> None:
        hosts = sample(self.snapshot.host_names, SAMPLED_HOSTS, self._samples)
        if not hosts:
            return  # nobody is there yet
        self._next_facts = self._clock() + FACTS_INTERVAL
        self._samples += 1
        facts = take_facts(self._console, hosts, self.snapshot.fact_values)
        self.snapshot = replace(self.snapshot, fact_values=facts, members={})

    def _wish(self, name: tuple[str, str]) -> None:
        """Somebody would like to know the properties of a class; called by who types."""
        if name not in self._wishes:
            self._wishes.append(name)
            self._wanted.set()

    def _fulfil_wishes(self) -> None:
        while self._wishes:
            name = self._wishes[0]
            hosts = sample(self.snapshot.host_names, SAMPLED_HOSTS, self._samples)
            members = {**self.snapshot.members, name: take_properties(self._console, hosts, *name)}
            self.snapshot = replace(self.snapshot, members=members)
            self._wishes.popleft()

    def _run(self) -> None:
        self._try(self._first)
        while not self._ending.is_set():
            if self._try(self.refresh):
                self._faults = 0
                self._wanted.wait(self._interval)
                self._wanted.clear()
            else:
                self._faults += 1
                self._ending.wait(pause(self._interval, self._faults))  # however much is typed meanwhile

    def _try(self, action: Callable[[], None]) -> bool:
        """Whether it went well, or as it may: whatever fails otherwise is told once, and must not end the thread."""
        try:
            with unasked(), contextlib.suppress(MatahariError):
                action()
        except Exception as error:  # noqa: BLE001  # whatever it is, completion goes on; it is told
            fault = f"{type(error).__name__}: {error}"
            # What is torn down at the end fails as it likes.
            if not self._ending.is_set() and fault not in self._told and len(self._told) < MAX_TOLD:
                self._told.add(fault)
                is_wanted = _log.isEnabledFor(logging.DEBUG)
                _log.warning("names are not renewed for completion: %s", fault, exc_info=error if is_wanted else None)
            return False
        return True


def pause(interval: float, faults: int) -> float:
    """Seconds until the next look, after so many faults in a row."""
    return max(interval, min(MAX_PAUSE, interval * 2.0 ** min(faults, 16)))


def sample(names: Sequence[str], count: int, turn: int) -> list[str]:
    """At most ``count`` of the names, spread over all of them; another ``turn`` takes others where there are more."""
    step = -(-len(names) // count) if names else 1
    return list(names[turn % step :: step])


def take_facts(
    console: ConsoleLike, hosts: Sequence[str], known: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Facts and labels of these hosts with their values, written as a filter has them, and behind them what was known.

    Raises:
        MatahariError: the hosts cannot be asked.
    """
    found: dict[str, dict[str, None]] = {}
    for one in console.select("Host", hosts=hosts, timeout=FACTS_TIMEOUT):
        for which in ("labels", "facts"):
            facts = one.values.get(which)
            for name, value in facts.items() if isinstance(facts, Mapping) else ():
                found.setdefault(str(name), {}).update(dict.fromkeys(_texts(value)))
    texts = {written: values for name, values in found.items() if (written := _written_name(name))}
    merged = {
        name: tuple(dict.fromkeys([*texts.get(name, ()), *known.get(name, ())]))[:MAX_VALUES]
        for name in [*texts, *(name for name in known if name not in texts)][:MAX_FACTS]
    }
    return dict(sorted(merged.items()))


def take_properties(console: ConsoleLike, hosts: Sequence[str], package: str, class_name: str) -> tuple[str, ...]:
    """The properties of a class, asked of the first of these hosts that has it; none where none has.

    Raises:
        MatahariError: the hosts cannot be asked.
    """
    for host in hosts:
        if any(one.name == class_name for one in console.classes(package, hosts=[host])):
            found = console.select(class_name, package=package, hosts=[host], timeout=FACTS_TIMEOUT)
            return tuple(one.name for one in found.properties)
    return ()


def _texts(value: object) -> Iterator[str]:
    """A value as a filter has it behind ``=``; each element of a list; nothing for what cannot be compared."""
    from matahari.filters import Filter  # the thread loads it, not the start of the shell

    for one in value[:MAX_VALUES] if isinstance(value, list) else [value]:
        if isinstance(one, str | int | float | None) and len(str(one)) <= MAX_LENGTH:
            with contextlib.suppress(ValueError):  # a number that is none
                # A fact of that name is written plainly, whatever its value.
                yield str(Filter.of_facts({"x": one})).removeprefix("fact.x = ")


def _written_name(name: str) -> str:
    """The fact's name as a filter has it; empty for one that filters cannot name."""
    from matahari.filters import Exists, Filter, Name

    try:
        return str(Filter(Exists(Name(name)))).removeprefix("has ")
    except ValueError:
        return ""

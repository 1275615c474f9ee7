"""What is known of this host, kept fresh: facts, and the labels and classes of an inventory."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from matahari.errors import HookError
from matahari.hooks import HOST_INVENTORY, Extensions, JsonValue, Threads, call_all_within

from .collector import FactFault, Facts

__all__ = ["CUT", "MAX_BYTES", "FactKeeper", "HostDescription", "within"]

_log = logging.getLogger(__name__)

MAX_BYTES: Final = 64 * 1024
"""JSON text of all facts that are told: they are in every message about the host, and in every worker of a plugin."""

MAX_INVENTORY_BYTES: Final = 16 * 1024  # of labels and classes together, for the same reason

CUT: Final = "facts.left_out"
"""Name of the fact that says how many there was no room for."""


@dataclass(frozen=True, slots=True)
class HostDescription:
    """What is told of this host at one moment.

    Attributes:
        facts: values by dotted name, at most ``MAX_BYTES`` of JSON.
        labels: of the inventory, by name.
        classes: of the inventory, in alphabetical order.
    """

    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()


class FactKeeper:
    """Collects once in ``interval`` seconds and tells who wants to know. Used from one event loop.

    Listeners hear of changes worth a message. A fact that was different at two collections in a row is volatile: that
    it is different once more is no news, and it is news again when it has stayed the same for a while.

    Args:
        facts: where facts come from; this owns it.
        extensions: those whose ``host_inventory`` hook is asked; of two that know a label the first one counts.
        threads: where that hook runs.
        interval: seconds between two collections.
    """

    def __init__(
        self, facts: Facts, extensions: Extensions, threads: Threads, *, interval: float, max_bytes: int = MAX_BYTES
    ) -> None:
        self._facts = facts
        self._extensions = extensions
        self._threads = threads
        self._interval = interval
        self._max_bytes = max_bytes
        self._first = asyncio.Event()
        self._wake = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self._last_changed: dict[str, int] = {}
        self._collections = 0
        self._told: frozenset[str] = frozenset()
        self.latest = HostDescription()

    def on_news(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after each collection that brought something worth telling."""
        self._listeners.append(listener)

    def reconfigure(self, interval: float) -> None:
        """Collect now, and then at another interval."""
        self._interval = interval
        self._wake.set()

    async def wait_first(self) -> HostDescription:
        """What was collected last; waits for the first collection."""
        await self._first.wait()
        return self.latest

    async def run(self) -> None:
        """Collect until cancelled."""
        while True:
            await self.refresh()
            try:
                async with asyncio.timeout(self._interval):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def refresh(self) -> None:
        """Collect now. What cannot be told is logged, once for as long as it stays so."""
        snapshot = await self._facts.collect(max_age=0.0)
        inventory = await call_all_within(self._extensions, HOST_INVENTORY, self._threads)
        faults: list[FactFault | HookError] = [*snapshot.faults, *inventory.failures]
        facts, left_out = within(snapshot.facts, self._max_bytes)
        if left_out:
            text = f"{left_out} facts are not told: all together have more than {self._max_bytes} bytes"
            faults.append(FactFault("facts", text))
        labels: dict[str, str] = {}
        classes: set[str] = set()
        for result in inventory.results:
            size = len(json.dumps([dict(result.value.labels) | labels, sorted(classes | result.value.classes)]))
            if size > MAX_INVENTORY_BYTES:
                text = f"its labels and classes are left out: more than {MAX_INVENTORY_BYTES} bytes"
                faults.append(FactFault(f"extension {result.provider}", text))
                continue
            labels = dict(result.value.labels) | labels
            classes |= result.value.classes
        self._log_faults(faults)
        self._take(HostDescription(facts, labels, tuple(sorted(classes))))

    def stop(self) -> None:
        """End fact programs that are running."""
        self._facts.stop()

    def _take(self, found: HostDescription) -> None:
        known, self.latest = self.latest, found
        self._collections += 1
        changed = _differences(known.facts, found.facts)
        is_news = (known.labels, known.classes) != (found.labels, found.classes)
        is_news |= any(self._last_changed.get(name, -1) != self._collections - 1 for name in changed)
        self._last_changed = {name: at for name, at in self._last_changed.items() if at == self._collections - 1}
        # Also of the volatile ones, so that they stay so for as long as they do not rest; to appear is no change.
        self._last_changed |= {name: self._collections for name in changed if name in known.facts}
        self._first.set()
        if is_news:
            for listener in self._listeners:
                listener()

    def _log_faults(self, faults: list[FactFault | HookError]) -> None:
        texts = frozenset(f"{one.source}: {one.text}" if isinstance(one, FactFault) else str(one) for one in faults)
        for text in sorted(texts - self._told):
            _log.warning("facts: %s", text)
        self._told = texts


def within(facts: Mapping[str, JsonValue], max_bytes: int) -> tuple[dict[str, JsonValue], int]:
    """As many facts as fit ``max_bytes`` of JSON text, and how many do not.

    They are taken in order, built-in ones first, up to the first one that does not fit; the fact ``facts.left_out`` says
    how many those are.
    """
    kept: dict[str, JsonValue] = {}
    size = 2
    for name, value in facts.items():
        entry = len(json.dumps(name)) + len(json.dumps(value)) + 4
        if size + entry > max_bytes:
            break
        kept[name] = value
        size += entry
    left_out = len(facts) - len(kept)
    if left_out:
        reserve = len(CUT) + 16
        while kept and size + reserve > max_bytes:
            name, value = kept.popitem()
            size -= len(json.dumps(name)) + len(json.dumps(value)) + 4
            left_out += 1
        kept[CUT] = left_out
    return kept, left_out


def _differences(old: Mapping[str, JsonValue], new: Mapping[str, JsonValue]) -> set[str]:
    """Names of facts that came, went, or changed; ``1`` and ``true`` are two values."""
    missing = object()
    return {
        name
        for name in old.keys() | new.keys()
        if (was := old.get(name, missing)) != (now := new.get(name, missing)) or type(was) is not type(now)
    }

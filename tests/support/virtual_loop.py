"""An event loop whose clock jumps: timers fire at once and in order, and nothing waits."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

__all__ = ["VirtualLoop", "run", "turns"]

T = TypeVar("T")

START = 1000.0  # proton takes a clock at zero for none


class _Jumping(selectors.BaseSelector):
    """Asks the real selector without waiting, and tells how long it would have waited."""

    def __init__(self, skipped: Callable[[float], None]) -> None:
        self._real = selectors.DefaultSelector()
        self._skipped = skipped

    def register(self, fileobj: FileDescriptorLike, events: int, data: object = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if not ready:
            if timeout is None:
                raise AssertionError("the loop would wait for ever")
            self._skipped(timeout)
        return ready

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time passes only when there is nothing else to do."""

    def __init__(self) -> None:
        super().__init__(_Jumping(self._skip))
        self._now = START

    def time(self) -> float:
        return self._now

    def _skip(self, seconds: float) -> None:
        self._now += seconds


def run(story: Coroutine[object, object, T]) -> T:
    """Run ``story`` on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)


async def turns(count: int = 1) -> None:
    """Let the loop turn; no time passes."""
    for _ in range(count):
        await asyncio.sleep(0)

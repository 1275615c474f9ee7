"""Questions to many agents at once, of which the last are not waited for once there is enough to go on with.

An agent that is hung never answers, and looks like a slow one until the time is over. So it is left alone when the
others have all answered: when something was found, and nobody has answered for a moment. Whoever asks tells who that was.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Final, Self, TypeVar

__all__ = ["ANSWER_GRACE", "LEAST_WAIT", "LOOKUP_GRACE", "TARDY", "Inquiry", "ask_any"]

T = TypeVar("T")

#: Seconds without a new answer after which nobody is waited for any longer, where answers are small and come at once:
#: an agent that is well answers within milliseconds, and on the slowest of lines within this.
ANSWER_GRACE: Final = 0.5
#: The same where there may be much to answer, and the most that it becomes where all are slow.
LOOKUP_GRACE: Final = 1.0
#: The others have this many times as long as the slowest answer took: a busy bus is slow for everybody.
_PATIENCE: Final = 4
#: Seconds that a timer of ours may be late; more, and it was this process that did not run, with answers unread.
TARDY: Final = 0.1
#: Seconds for a question that comes up when the time is over, e.g. for the schema of what was answered last.
LEAST_WAIT: Final = 0.1


class Inquiry:
    """A context manager; one event loop owns it.

    Args:
        timeout: seconds for all of it.
        grace: seconds without an answer after which the others are not waited for, once there is enough.
    """

    def __init__(self, timeout: float, grace: float = ANSWER_GRACE) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._deadline = self._begun + timeout
        self._grace = grace
        self._latest: float | None = None
        self._is_enough = self._is_over = False
        self._open: set[asyncio.Timeout] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    @property
    def remaining(self) -> float:
        """Seconds that a question has."""
        return max(LEAST_WAIT, self._deadline - self._loop.time())

    @property
    def is_over(self) -> bool:
        """Nobody is waited for any longer, as the others have answered."""
        return self._is_over

    def suffice(self) -> None:
        """Something was found: whoever is silent from now on is not waited for. Not before somebody has answered."""
        self._is_enough = True
        self._arm()

    async def ask(self, question: Awaitable[T | None]) -> T | None:
        """The answer; None where the question has none, or is not waited for any longer."""
        patience = asyncio.timeout(None)
        try:
            async with patience:
                self._open.add(patience)
                answer = await question
        except TimeoutError:
            if not patience.expired():
                raise
            return None
        finally:
            self._open.discard(patience)
        if answer is not None:
            self._latest = self._loop.time()
            self._arm()
        return answer

    # --- inside ---------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        if self._is_enough and self._latest is not None and self._timer is None:
            self._timer = self._loop.call_at(self._due(self._latest), self._check)

    def _due(self, latest: float) -> float:
        """When the others have been silent for long enough."""
        slowest = _PATIENCE * (latest - self._begun)
        return latest + max(self._grace, min(slowest, LOOKUP_GRACE))

    def _check(self) -> None:
        assert self._timer is not None and self._latest is not None
        late, self._timer = self._loop.time() - self._timer.when(), None
        if late > TARDY:
            self._latest = self._loop.time()
        if self._loop.time() < self._due(self._latest):
            self._arm()
            return
        self._is_over = True
        self._deadline = self._loop.time()
        for patience in self._open:
            patience.reschedule(self._deadline)
        self._open.clear()


async def ask_any(questions: Sequence[Callable[[float], Awaitable[T | None]]], timeout: float) -> T | None:
    """The first answer to what several can tell; None when nobody does. One that is hung delays it by a moment.

    Each is asked when those before have no answer, or none within ``ANSWER_GRACE``; their answers still count.

    Args:
        questions: each is asked within so many seconds.
        timeout: seconds for all of it.
    """
    if len(questions) == 1:
        return await questions[0](timeout)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    left = deque(questions)
    asked: set[asyncio.Task[T | None]] = set()
    try:
        while asked or left:
            if left and (rest := deadline - loop.time()) > 0:
                asked.add(loop.create_task(_asked(left.popleft(), rest)))
            if not asked:
                return None
            done, asked = await asyncio.wait(
                asked, timeout=ANSWER_GRACE if left else None, return_when=asyncio.FIRST_COMPLETED
            )
            for answer in (one.result() for one in done):
                if answer is not None:
                    return answer
        return None
    finally:
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def _asked(question: Callable[[float], Awaitable[T | None]], timeout: float) -> T | None:
    return await question(timeout)

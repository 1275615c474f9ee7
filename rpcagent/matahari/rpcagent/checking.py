"""Does a call fit its action? Small arguments are looked at here and now, large ones beside the event loop.

A megabyte of hostile arguments takes seconds to validate. On the event loop the agent would answer nobody meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from matahari.hooks import JsonValue, Threads
from matahari.qmf import Value

from .action import bind
from .binding import Action
from .records import CallFailure

__all__ = ["CHECK_TIMEOUT", "LARGE", "ArgumentCheck", "is_large"]

#: Characters or bytes of arguments up to which the check takes milliseconds, and a thread would cost more than it saves.
LARGE: Final = 4 * 1024
#: The same for how many arguments there are: each is a text of its own, and an integer has no characters.
MANY: Final = 1024
#: Large calls that are checked at once. They share one interpreter, and hooks have threads of their own.
MAX_CHECKS: Final = 2
#: Seconds that a large call may take to be checked, its turn included; then it is answered *busy*.
CHECK_TIMEOUT: Final = 30.0


def is_large(arguments: Mapping[str, Value]) -> bool:
    """Whether the arguments of a method, ``args`` and ``kwargs``, are to be checked beside the event loop."""
    args, kwargs = arguments.get("args"), arguments.get("kwargs")
    size = count = 0
    if isinstance(args, list):
        size, count = sum(map(_size, args)), len(args)
    if isinstance(kwargs, dict):
        size += sum(len(name) + _size(value) for name, value in kwargs.items())
        count += len(kwargs)
    return size > LARGE or count > MANY


class ArgumentCheck:
    """Checks calls for all plugins. Used from one event loop."""

    def __init__(self) -> None:
        # What a caller has given up is still checked to its end; others wait for that instead of being refused.
        self._threads = Threads(MAX_CHECKS, may_hang=False)

    @staticmethod
    def now(action: Action, args: Sequence[str], kwargs: Mapping[str, str]) -> dict[str, JsonValue]:
        """The arguments by name.

        Raises:
            CallFailure: they do not fit.
        """
        action.check(args, kwargs)
        return bind(action.spec, args, kwargs)

    async def beside(self, action: Action, args: Sequence[str], kwargs: Mapping[str, str]) -> dict[str, JsonValue]:
        """The arguments by name; other calls go on meanwhile.

        Raises:
            CallFailure: they do not fit, or (kind ``busy``) too many others are being checked.
        """
        try:
            return await self._threads.run(lambda: self.now(action, args, kwargs), timeout=CHECK_TIMEOUT)
        except TimeoutError as error:
            text = f"the arguments of {action.name} could not be checked, {error}; send less, or ask again later"
            raise CallFailure("busy", "Busy", text, text=text) from error


def _size(value: Value) -> int:
    return len(value) if isinstance(value, str | bytes) else 0

"""Does a call fit its action, and its result? Small ones are looked at here and now, large ones beside the event loop.

A megabyte of hostile arguments takes seconds to validate. On the event loop the agent would answer nobody meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from matahari.hooks import JsonValue, Threads
from matahari.qmf import Value
from matahari.qmf import text as text_of

from .action import bind, not_run
from .binding import LARGE, MANY, Action
from .pending import Recheck
from .records import CallFailure, CallResult

__all__ = ["CHECK_TIMEOUT", "LARGE", "MANY", "ArgumentCheck", "is_large", "texts"]

_log = logging.getLogger(__name__)

T = TypeVar("T")

#: Large calls that are checked at once. They share one interpreter, and hooks have threads of their own.
MAX_CHECKS: Final = 2
#: Seconds that a large call may take to be checked, its turn included; then it is answered *busy*.
CHECK_TIMEOUT: Final = 30.0
#: The same for a large result, which is given unchecked then, and says so: the call itself was done.
RESULT_TIMEOUT: Final = 5.0


def is_large(arguments: Mapping[str, Value]) -> bool:
    """Whether the arguments of a method, ``args`` and ``kwargs``, are to be checked beside the event loop."""
    args, kwargs = arguments.get("args"), arguments.get("kwargs")
    args = args if isinstance(args, list) else []
    kwargs = kwargs if isinstance(kwargs, dict) else {}
    if len(args) + len(kwargs) > MANY:
        return True  # before any is looked at
    size = sum(map(_size, args)) + sum(len(name) + _size(value) for name, value in kwargs.items())
    return size > LARGE


def texts(arguments: Mapping[str, Value]) -> tuple[list[str], dict[str, str]]:
    """Both arguments of a method as texts; a console of 2012 may send an integer for its JSON text, which is the same.

    Raises:
        CallFailure: there are other values among them.
    """
    args, kwargs = arguments.get("args") or [], arguments.get("kwargs") or {}
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise CallFailure("invalid_argument", "TypeError", "args must be a list and kwargs a map of JSON texts")
    return [_json(value) for value in args], {name: _json(value) for name, value in kwargs.items()}


class ArgumentCheck:
    """Checks calls, or results, for all plugins. Used from one event loop."""

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

    async def texts(self, arguments: Mapping[str, Value]) -> tuple[list[str], dict[str, str]]:
        """As :func:`texts`, of a large call."""
        return await self._run(lambda: texts(arguments), "the arguments")

    async def beside(self, action: Action, args: Sequence[str], kwargs: Mapping[str, str]) -> dict[str, JsonValue]:
        """The arguments by name; other calls go on meanwhile.

        Raises:
            CallFailure: they do not fit, or (kind ``busy``) too many others are being checked.
        """
        return await self._run(lambda: self.now(action, args, kwargs), f"the arguments of {action.name}")

    async def again(self, recheck: Recheck, tell: Callable[[Recheck, CallFailure | None], None]) -> None:
        """Check a call of another generation, and ``tell`` why it does not run; that may be because of too many others."""
        action = recheck.action

        def look() -> None:
            action.check_again(recheck.allowed, recheck.args, recheck.kwargs)

        try:
            await self._run(look, f"the arguments of {action.name}")
        except CallFailure as failure:
            tell(recheck, failure)
        # the library that validates, on what a caller made: nobody else would end the call before its time is over
        except Exception as error:  # noqa: BLE001 - see above
            _log.exception("call %s: the arguments of %s could not be checked", recheck.call, action.name)
            tell(recheck, not_run("refused", f"the arguments of {action.name} could not be checked: {error}"))
        else:
            tell(recheck, None)

    async def finished(self, result: CallResult) -> CallResult:
        """A result whose check may be left to be done, with what was found."""
        if result.check is None:
            return result
        try:
            return CallResult(result.text, await self._threads.run(result.check, timeout=RESULT_TIMEOUT))
        except TimeoutError as error:
            return CallResult(result.text, f"the result could not be checked, {error}")
        # as above: the call itself was done
        except Exception as error:  # noqa: BLE001 - see above
            _log.exception("a result could not be checked")
            return CallResult(result.text, f"the result could not be checked: {error}")

    async def _run(self, look: Callable[[], T], what: str) -> T:
        try:
            return await self._threads.run(look, timeout=CHECK_TIMEOUT)
        except TimeoutError as error:
            text = f"{what} could not be checked, {error}; send less, or ask again later"
            raise CallFailure("busy", "Busy", text, text=text) from error


def _json(value: Value) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    found = text_of(value)
    if found is None:
        raise CallFailure(
            "invalid_argument", "TypeError", f"each argument must be a JSON text, not {type(value).__name__}"
        )
    return found


def _size(value: Value) -> int:
    return len(value) if isinstance(value, str | bytes) else 0

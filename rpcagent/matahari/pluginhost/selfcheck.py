"""The two functions by which a plugin speaks for itself: ``self_check`` and ``activate``.

A function of that name is one of them when the plugin defines it, it needs no argument and ``__all__`` does not list
it; otherwise it is an action like any other, as it was before there were such functions.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Final

__all__ = ["HOOKS", "SelfCheckFailed", "activation", "check_self", "hook"]

HOOKS: Final = ("self_check", "activate")
#: Longest reason, in characters.
_MAX_REASON: Final = 1024


class SelfCheckFailed(Exception):
    """The plugin says that it does not work."""


def hook(module: ModuleType, name: str) -> Callable[[], object] | None:
    """Give the plugin's function ``name``, when it is one of ``HOOKS``."""
    function = getattr(module, name, None)
    if not inspect.isroutine(function) or name in _listed(module):
        return None
    home = getattr(function, "__module__", None) or ""
    if home != module.__name__ and not home.startswith(f"{module.__name__}."):
        return None
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):
        return None
    return function


def _listed(module: ModuleType) -> list[object]:
    names = getattr(module, "__all__", ())
    return list(names) if isinstance(names, Iterable) else []


def check_self(function: Callable[[], object]) -> None:
    """Run a plugin's ``self_check``.

    Raises:
        SelfCheckFailed: it gave false or raised; the traceback is that of what it raised.
    """
    try:
        answer = _run(function)
    except BaseException as error:  # the plugin's code; SystemExit too is a check that failed
        raise SelfCheckFailed(_error_text(error)).with_traceback(error.__traceback__) from error
    is_good, reason = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, "")
    if is_good is not None and not is_good:
        raise SelfCheckFailed(_text(reason) or f"self_check() returned {_text(answer)}")


def activation(function: Callable[[], object]) -> tuple[bool, str]:
    """Run a plugin's ``activate``: whether it wants to be published on this host, and why (not)."""
    try:
        answer = _run(function)
        is_active, reason = answer if isinstance(answer, tuple) and len(answer) == 2 else (answer, "")
        if isinstance(is_active, bool):
            return is_active, "" if reason is None else _text(reason)
        return False, f"activate() returned {_text(answer)}, neither true nor false"
    except BaseException as error:  # noqa: BLE001  # the plugin's code; SystemExit too is a no
        return False, _error_text(error)


def _run(function: Callable[[], object]) -> object:
    answer = function()
    if inspect.iscoroutine(answer):
        import asyncio  # costs memory and time; few need it

        return asyncio.run(answer)
    return answer


def _error_text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # __str__ is the plugin's code
        text = ""
    kind = type(error).__name__
    return _text(f"{kind}: {text}" if text else kind)


def _text(value: object) -> str:
    if not isinstance(value, str):
        try:
            value = json.dumps(value)
        except (TypeError, ValueError, RecursionError):
            value = type(value).__name__
    return value[:_MAX_REASON].encode("utf-8", "backslashreplace").decode()

"""What the author of an action declares about it, beside its signature."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar, overload

__all__ = ["Declared", "declared", "method"]

_ATTRIBUTE: Final = "__matahari_method__"
_Action = TypeVar("_Action", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Declared:
    """What :func:`method` was told.

    Attributes:
        effects: ``read_only``, ``destructive``, ``idempotent`` -> yes or no; one that is absent is not known.
        timeout: time limit of one call in seconds, in place of the agent's; None: the agent's.
        sensitive: names of parameters whose values must not be shown or logged.
    """

    effects: Mapping[str, bool] = field(default_factory=dict)
    timeout: float | None = None
    sensitive: tuple[str, ...] = ()


@overload
def method(action: _Action, /) -> _Action: ...


@overload
def method(
    *,
    read_only: bool | None = None,
    destructive: bool | None = None,
    idempotent: bool | None = None,
    timeout: float | None = None,
    sensitive: Iterable[str] = (),
) -> Callable[[_Action], _Action]: ...


def method(
    action: _Action | None = None,
    /,
    *,
    read_only: bool | None = None,
    destructive: bool | None = None,
    idempotent: bool | None = None,
    timeout: float | None = None,
    sensitive: Iterable[str] = (),
) -> _Action | Callable[[_Action], _Action]:
    """Declare what an action does; the function itself stays as it is.

    Args:
        action: the function, when used without parentheses.
        read_only: it changes nothing.
        destructive: it may destroy what cannot be brought back; shells ask before they call it.
        idempotent: calling it twice is the same as calling it once.
        timeout: time limit of one call in seconds, in place of the agent's, shorter or longer; a ``call_timeout`` that
            the operator sets for the plugin (``NAME.toml``) counts instead, and a caller may ask for less.
        sensitive: names of parameters whose values must not be shown or logged.

    Raises:
        TypeError, ValueError: what was declared makes no sense.
    """
    effects = {"read_only": read_only, "destructive": destructive, "idempotent": idempotent}
    for name, value in effects.items():
        if value is not None and not isinstance(value, bool):
            raise TypeError(f"{name} is True, False or None, not {value!r}")
    if read_only and destructive:
        raise ValueError("what only reads destroys nothing")
    if timeout is not None:
        if isinstance(timeout, bool) or not isinstance(timeout, int | float):
            raise TypeError(f"timeout is a number of seconds, not {timeout!r}")
        if not (timeout > 0 and math.isfinite(timeout)):
            raise ValueError(f"timeout is above 0, not {timeout!r}")
    names = (sensitive,) if isinstance(sensitive, str) else tuple(sensitive)
    if not all(isinstance(name, str) for name in names):
        raise TypeError("sensitive holds names of parameters")
    said = Declared({name: value for name, value in effects.items() if value is not None}, timeout, names)

    def declare(action: _Action) -> _Action:
        if not callable(action):
            raise TypeError(f"@method is for functions, not {type(action).__name__}")
        setattr(action, _ATTRIBUTE, said)
        return action

    return declare if action is None else declare(action)


def declared(action: Callable[..., object]) -> Declared:
    """Give what was declared about an action; nothing for a plain function."""
    said = getattr(action, _ATTRIBUTE, None)
    if said is None:
        said = getattr(getattr(action, "func", None), _ATTRIBUTE, None)  # a partial of a declared function
    return said if isinstance(said, Declared) else Declared()

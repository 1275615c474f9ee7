"""A call as it is decided upon and written down, before it runs."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from matahari.hooks import JsonValue, Problem
from matahari.qmf import Value

__all__ = ["UNKNOWN_EFFECTS", "Action", "Effects", "json_values"]


@dataclass(frozen=True, slots=True)
class Effects:
    """What a method may do; None where nobody said."""

    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None


UNKNOWN_EFFECTS: Final = Effects()


@dataclass(frozen=True, slots=True)
class Action:
    """A call that fits its method, ready to run.

    Attributes:
        run: does it and gives the output arguments; raises :class:`~matahari.agent.Fault`.
        arguments: values by name of the parameter, for who decides and for the audit log.
        sensitive: parameters whose values must not be written anywhere.
        check: finds further problems of the arguments, which may take time; None when there is nothing to look at.
        check_reply: finds problems of what ``run`` gave.
    """

    run: Callable[[], Awaitable[Mapping[str, Value]]]
    arguments: Mapping[str, JsonValue]
    effects: Effects = UNKNOWN_EFFECTS
    sensitive: frozenset[str] = frozenset()
    check: Callable[[], Awaitable[Sequence[Problem]]] | None = None
    check_reply: Callable[[Mapping[str, Value]], Awaitable[Sequence[Problem]]] | None = None


def json_values(arguments: Mapping[str, Value]) -> dict[str, JsonValue]:
    """Arguments of the bus as JSON values: binary as text where it is some, else in hexadecimal digits."""
    return {name: _json(value) for name, value in arguments.items()}


def _json(value: Value) -> JsonValue:
    match value:
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return value.hex()
        case uuid.UUID():
            return str(value)
        case list():
            return [_json(entry) for entry in value]
        case dict():
            return {name: _json(entry) for name, entry in value.items()}
    return value

"""A plugin's call as it is decided upon and written down: arguments by name, effects, what must not be shown. Pure."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from matahari.agent import Action, Effects
from matahari.hooks import JsonValue, Problem
from matahari.hostproto import MethodSpec
from matahari.qmf import Value

from .formats import MethodFormats
from .records import CallFailure, FailureKind

__all__ = ["bind", "not_run", "plugin_action", "sensitive_names"]

_KINDS: Final[Mapping[str, FailureKind]] = {"refused": "refused", "invalid_argument": "invalid_argument"}
_parse = json.JSONDecoder().decode


def plugin_action(
    spec: MethodSpec,
    arguments: Mapping[str, JsonValue],
    run: Callable[[], Awaitable[Mapping[str, Value]]],
    formats: MethodFormats | None = None,
) -> Action:
    """A call that fits ``spec``.

    Args:
        arguments: as :func:`bind` gives them.
        run: does it; what it gives may have a ``mismatch``.
        formats: what validators of extensions look at.
    """
    effects = spec.effects
    return Action(
        run,
        arguments,
        Effects(effects.get("read_only"), effects.get("destructive"), effects.get("idempotent"))
        if effects
        else Effects(),
        sensitive_names(spec, arguments),
        None if formats is None else lambda: formats.check(arguments),
        _mismatch if formats is None else lambda value: _mismatch(value, formats),
    )


def bind(spec: MethodSpec, args: Sequence[str], kwargs: Mapping[str, str]) -> dict[str, JsonValue]:
    """Arguments by name; those that ``*args`` takes are ``#3``, counted from 1 like all positions.

    The texts fit ``spec``, so they are JSON and no name comes twice.
    """
    positional = spec.params.get("x-positional")
    names = positional if isinstance(positional, list) else []
    bound: dict[str, JsonValue] = {}
    for at, text in enumerate(args):
        name = names[at] if at < len(names) else None
        bound[name if isinstance(name, str) else f"#{at + 1}"] = _parse(text)
    for name, text in kwargs.items():
        # A name that is positional only may be one of **kwargs as well; and so may be what is made of it.
        while name in bound:
            name += "="
        bound[name] = _parse(text)
    return bound


def sensitive_names(spec: MethodSpec, arguments: Mapping[str, JsonValue]) -> frozenset[str]:
    """Those of the arguments, by name, whose values must not be written."""
    if not spec.sensitive:
        return frozenset()
    hidden = set(spec.sensitive)
    properties = spec.params.get("properties")
    known = properties if isinstance(properties, dict) else {}
    if not hidden <= set(known):
        # *args or **kwargs have no name in the schema: one that is sensitive hides all that they take.
        hidden |= set(arguments) - set(known)
    # What stands for one that is there twice, see bind().
    return frozenset(hidden | {name for name in arguments if name.rstrip("=") in hidden})


def not_run(kind: str, text: str) -> CallFailure:
    """The outcome of a call that was stopped before it ran."""
    known = _KINDS.get(kind, "refused")
    return CallFailure(known, "Refused" if known == "refused" else "InvalidArgument", text, text=text)


async def _mismatch(value: Mapping[str, Value], formats: MethodFormats | None = None) -> Sequence[Problem]:
    said, result = value.get("mismatch"), value.get("result")
    if isinstance(said, str):
        return (Problem("", "schema", said),)
    return await formats.check_result(result) if formats is not None and isinstance(result, str) else ()

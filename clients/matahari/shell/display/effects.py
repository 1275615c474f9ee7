"""What a method does beside answering, as its author declared it: told by ``help``, and asked about before it is called.

What is known is what the objects published when they were fetched, of every object that is to be called. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from matahari.shell.base.ports import DEFAULT_PACKAGE, ObjectsLike
from matahari.shell.display.approval import Risk
from matahari.shell.display.secrets import arguments_text
from matahari.shell.syntax.arguments import entries_of

__all__ = ["declared_of", "declared_text", "risk_of"]

# QMF has no place for it in a schema, and these are the methods of our own agents that are no plugins.
DESTRUCTIVE: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    (DEFAULT_PACKAGE, "Host"): frozenset({"shutdown", "reboot"})
}


def risk_of(
    objects: ObjectsLike, method: str, args: Sequence[object] = (), kwargs: Mapping[str, object] = MappingProxyType({})
) -> Risk | None:
    """What calling ``method`` on all of them risks: None where none of them says that it is destructive."""
    if not _is_known(objects, method) and not any(
        _effects(entry).get("destructive") is True for entry in entries_of(objects, method)
    ):
        return None
    hosts = tuple(dict.fromkeys(found.host for found in objects))
    return Risk(
        method,
        hosts,
        arguments_text(list(entries_of(objects, method)), args, kwargs),
        exact=json.dumps([args, kwargs], sort_keys=True, default=repr),
        objects=frozenset((found.host, found.name) for found in objects),
    )


def declared_of(objects: ObjectsLike, method: str) -> str:
    """What is declared of ``method``, as the first object says that has something declared; empty for nothing."""
    if _is_known(objects, method):
        return declared_text({"destructive": True})
    return next(filter(None, map(_declared, entries_of(objects, method))), "")


def _declared(entry: Mapping[str, object]) -> str:
    timeout, sensitive = entry.get("timeout"), entry.get("sensitive")
    return declared_text(
        _effects(entry),
        timeout=timeout if isinstance(timeout, int | float) else None,
        sensitive=[str(name) for name in sensitive] if isinstance(sensitive, list) else (),
        streams=entry.get("streams") is True,
    )


def declared_text(
    effects: Mapping[str, bool], *, timeout: float | None = None, sensitive: Sequence[str] = (), streams: bool = False
) -> str:
    """Effects, time limit, secrets and partial results in one line, e.g. ``destructive; at most 600 s``."""
    told = [("" if holds else "not ") + name.replace("_", " ") for name, holds in sorted(effects.items())]
    limit = [] if timeout is None else [f"at most {timeout:g} s"]
    secrets = [f"never shown: {', '.join(sensitive)}"] if sensitive else []
    return "; ".join([*told, *limit, *secrets, *(["gives partial results"] if streams else [])])


def _is_known(objects: ObjectsLike, method: str) -> bool:
    name = objects.class_name
    return method in DESTRUCTIVE.get((name.package, name.name), ())


def _effects(entry: Mapping[str, object]) -> Mapping[str, bool]:
    effects = entry.get("effects")
    if not isinstance(effects, Mapping):
        return {}
    return {str(name): holds for name, holds in effects.items() if isinstance(holds, bool)}

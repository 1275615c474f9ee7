"""Which events are meant with the name of a class, or with none, and whether there can be any.

A name without package means the classes of that name in all packages. Heartbeats come all the time from every host, so
they are left out where no class is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from matahari.errors import MatahariError
from matahari.shell.base.event_ports import EventLike
from matahari.shell.base.ports import DEFAULT_PACKAGE, PLUGIN_PACKAGE, ConsoleLike
from matahari.shell.syntax.values import close_matches

__all__ = ["asked_for", "is_heartbeat", "unknown_class", "wanted"]

HEARTBEAT: Final = "heartbeat"
OF_PLUGIN: Final = "_event"  # behind a plugin's name the class of what it raises itself
CHECK_TIMEOUT = 2.0  # seconds for agents to tell their classes; meanwhile nothing is shown

Names = Iterable[tuple[str, str]]
"""Packages and names of classes."""


def is_heartbeat(event: EventLike) -> bool:
    """Whether a host only tells that it lives."""
    return event.name == HEARTBEAT and event.package == DEFAULT_PACKAGE


def wanted(name: str | None, *, heartbeats: bool = False) -> Callable[[EventLike], bool]:
    """Tells whether an event is meant.

    Args:
        name: class of the events, None for all, and agents that come and go.
        heartbeats: without a class heartbeats are meant, too.
    """
    if name is None:
        return lambda event: heartbeats or not is_heartbeat(event)
    package, class_name = _parts(name)
    return lambda event: event.kind == "event" and event.name == class_name and package in ("", event.package)


def asked_for(name: str | None) -> str | None:
    """What to ask the console for: a class without package is chosen from all events."""
    return name if name is not None and _parts(name)[0] else None


def unknown_class(name: str, console: ConsoleLike, heard: Names) -> str:
    """What to say of a class that no agent publishes and nobody has raised; empty where it may come.

    An agent publishes the class of the events that a plugin raises itself with the first of them: that of a plugin that
    is there may come.

    Args:
        heard: classes of events that came.
    """
    known = set(heard)
    package, class_name = _parts(name)
    try:
        known |= {(one.package, one.name) for one in console.event_classes(timeout=CHECK_TIMEOUT)}
        if class_name.endswith(OF_PLUGIN):
            known |= {(PLUGIN_PACKAGE, f"{one.name}{OF_PLUGIN}") for one in console.classes(PLUGIN_PACKAGE)}
    except MatahariError:
        return ""  # what is known is too little to warn
    if any(class_name == one and package in ("", owner) for owner, one in known):
        return ""
    texts = [f"{owner}:{one}" for owner, one in sorted(known)]
    short = sorted(one for _, one in known)
    same = [text for text in texts if text.endswith(f":{class_name}")]
    close = same or close_matches(name, texts if package else short)
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    own = f"what a plugin raises itself is {PLUGIN_PACKAGE}:PLUGIN{OF_PLUGIN}"
    return f"% no agent publishes the event class {name}{hint or f'; {own}'}"


def _parts(name: str) -> tuple[str, str]:
    package, _, class_name = name.rpartition(":")
    return package, class_name

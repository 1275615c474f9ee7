"""What is known of one host when a filter looks at it. None always means: not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

__all__ = ["ObjectView", "PluginView", "Subject"]


@dataclass(frozen=True, slots=True)
class ObjectView:
    """One object of a class.

    Attributes:
        values: by property; plain values as from JSON.
        units: by property, as the schema says; without those that have none.
    """

    values: Mapping[str, object]
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PluginView:
    """One plugin; a version or state that is not told is empty."""

    version: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """One host.

    Attributes:
        host: its name.
        facts, labels: flat or nested maps; a dotted name finds an entry in either form.
        inventory: classes that its inventory gives.
        classes: ``package:Class`` of the objects that it publishes.
        plugins: by name. It need not have more than a filter's :class:`~matahari.filters.Needs` name.
        agents: names (``vendor:product:instance``) of its agents.
        objects: (package, class) -> objects; a class that is not in it, or is None, is not known.
    """

    host: str
    facts: Mapping[str, object] | None = None
    labels: Mapping[str, object] | None = None
    inventory: AbstractSet[str] | None = None
    classes: AbstractSet[str] | None = None
    plugins: Mapping[str, PluginView] | None = None
    agents: AbstractSet[str] | None = None
    objects: Mapping[tuple[str, str], Sequence[ObjectView] | None] = field(default_factory=dict)

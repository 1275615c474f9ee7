"""Plugins of some hosts as rows: those that have the same of one share a row. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from matahari.shell.base.ports import ObjectLike
from matahari.shell.display.rows import counted

__all__ = ["FAULTY_STATES", "PluginRow", "load_error_text", "plugin_rows"]

MAX_NAMED: Final = 8  # hosts that a row names; of more, their number tells
_HEALTHY: Final = ("", "ready")
FAULTY_STATES: Final = ("degraded", "failed", "quarantined")  # the newest version is not in service


@dataclass(frozen=True, slots=True)
class PluginRow:
    """A plugin as some hosts have it.

    Attributes:
        state: empty where the agent tells none, as that of 2012.
        generation: None where the agent tells none.
        methods: how many, None where the agent does not publish them.
        why: what is wrong, or why it is not for these hosts; a line for each, empty for nothing.
    """

    name: str
    state: str
    generation: int | None
    methods: int | None
    why: str
    hosts: tuple[str, ...] = ()

    @property
    def is_faulty(self) -> bool:
        """Its newest version is not in service."""
        return self.state in FAULTY_STATES

    @property
    def cells(self) -> tuple[str, ...]:
        """Its columns."""
        generation = "-" if self.generation is None else f"generation {self.generation}"
        methods = "-" if self.methods is None else counted(self.methods, "method")
        hosts = ", ".join(self.hosts) if len(self.hosts) <= MAX_NAMED else f"{len(self.hosts)} hosts"
        return self.name, self.state or "-", generation, methods, hosts

    @property
    def record(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "plugin": self.name,
            "state": self.state,
            "generation": self.generation,
            "methods": self.methods,
            "why": self.why,
            "hosts": list(self.hosts),
        }


def plugin_rows(objects: Iterable[ObjectLike]) -> list[PluginRow]:
    """The rows, by name, then by hosts."""
    groups: dict[PluginRow, list[str]] = {}
    for found in objects:
        groups.setdefault(_row(found), []).append(found.host or found.agent)
    rows = [
        PluginRow(one.name, one.state, one.generation, one.methods, one.why, tuple(hosts))
        for one, hosts in groups.items()
    ]
    return sorted(rows, key=lambda one: (one.name, one.hosts))


def _row(found: ObjectLike) -> PluginRow:
    state, generation, methods = (found.values.get(name) for name in ("state", "generation", "methods"))
    shown = state if isinstance(state, str) else ""
    return PluginRow(
        found.name,
        shown,
        generation if isinstance(generation, int) else None,
        len(methods) if isinstance(methods, Mapping) else None,
        "" if shown in _HEALTHY else _why(found.values),
    )


def _why(values: Mapping[str, object]) -> str:
    reason, error = values.get("reason"), values.get("last_error")
    texts = [load_error_text(error)] if isinstance(error, Mapping) and error else []
    return "\n".join([*texts, *([reason] if isinstance(reason, str) and reason else [])])


def load_error_text(error: Mapping[str, object]) -> str:
    """Why a plugin is not ready, as its agent tells it: ``TYPE: text (FILE:LINE)``."""
    kind, text, file, line = (error.get(name) for name in ("type", "text", "file", "line"))
    shown = str(text or kind or "the agent does not say why")
    if kind and not shown.startswith(str(kind)):
        shown = f"{kind}: {shown}"
    if not file:
        return shown
    place = f"{file}:{line}" if line else str(file)
    # Python's own text of a SyntaxError names the file without its folders.
    shown = shown.removesuffix(f" ({str(file).rpartition('/')[2]}, line {line})")
    return shown if place in shown else f"{shown} ({place})"

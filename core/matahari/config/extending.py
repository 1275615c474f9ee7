"""The settings of extensions, facts, and of who may call: part of the table in :mod:`matahari.config.declaration`."""

from __future__ import annotations

from matahari.config.kinds import Choice, PathList, PathValue, Seconds
from matahari.config.setting import Program, Setting

__all__ = ["EXTENDING"]

_AGENTS: tuple[Program, ...] = ("up", "agent", "doctor")
_DAY = 86_400

EXTENDING: tuple[Setting, ...] = (
    Setting(
        "authorisation",
        "agent.authorisation",
        Choice(("broker", "owner")),
        "who may call what no extension has an opinion of: whoever the broker lets through (broker),"
        " or the user of the agent and root on this machine alone (owner)",
        default="broker",
    ),
    Setting(
        "audit",
        "agent.audit",
        Choice(("required", "on", "off")),
        "whether calls are written to the audit log below state; required: what cannot be written there beforehand"
        " is refused, unless it is known to be read-only",
        variable="MATAHARI_AUDIT",
        flags=("--audit",),
        programs=_AGENTS,
        metavar="required|on|off",
        default="required",
    ),
    Setting(
        "hooks",
        "hooks.directory",
        PathValue(),
        "directory with extensions",
        variable="MATAHARI_HOOKS",
        flags=("--hooks",),
        programs=(*_AGENTS, "hooks", "facts"),
        metavar="DIR",
    ),
    Setting(
        "facts",
        "facts.directories",
        PathList(),
        "directory with facts; may be given several times",
        variable="MATAHARI_FACTS",
        flags=("--facts",),
        programs=(*_AGENTS, "facts"),
        metavar="DIR",
        is_repeatable=True,
    ),
    Setting(
        "facts_interval",
        "facts.interval",
        Seconds(1, _DAY),
        # Programs are run to get them; descriptions seldom change.
        "seconds between two times that the facts, labels and classes of the host are collected",
        default=60.0,
    ),
)

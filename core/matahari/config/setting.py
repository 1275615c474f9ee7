"""What one entry of the table of all settings says."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from matahari.config.kinds import Kind

__all__ = ["Program", "Setting"]

Program: TypeAlias = Literal["up", "broker", "agent", "console", "doctor", "hooks", "facts"]


class Setting(NamedTuple):
    """One entry of the table.

    Attributes:
        field: attribute of ``Settings`` and ``dest`` of the option.
        key: dotted key in a configuration file.
        kind: what values are possible.
        help: one sentence for ``--help`` and the documentation, without a full stop.
        variable: environment variable, empty when there is none.
        flags: command line options, empty when there are none.
        programs: who offers the options.
        metavar: placeholder of the option's value; empty for an option without a value.
        is_repeatable: the option may come several times, each adding one entry.
        default: value when nobody sets it; the marker ``None`` means "none" or "depends on the user".
        only_command_line: why files and environment are refused, empty when they are not.
    """

    field: str
    key: str
    kind: Kind
    help: str
    variable: str = ""
    flags: tuple[str, ...] = ()
    programs: tuple[Program, ...] = ()
    metavar: str = ""
    is_repeatable: bool = False
    default: object = None
    only_command_line: str = ""

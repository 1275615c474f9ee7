"""The options that all programs share, made from the table."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from matahari.config.declaration import TABLE, Program, Setting
from matahari.config.kinds import Choice

__all__ = ["add_options", "choices_of"]


def add_options(
    parser: argparse.ArgumentParser, which: Program, *, defaults: Mapping[str, object] | None = None
) -> None:
    """Give ``parser`` the shared options of program ``which``.

    Values stay texts (or None when not given): :func:`matahari.config.load` checks them, so that
    a fault on the command line reads like one in a file.

    Args:
        defaults: the program's own, as :func:`matahari.config.load` gets them; for the help.
    """
    group = parser.add_argument_group("settings", "Each beats the environment, which beats the configuration files.")
    for setting in TABLE:
        if which in setting.programs:
            _add(group, setting, (defaults or {}).get(setting.field, setting.default))
    group.add_argument(
        "--config", metavar="FILE", help="configuration file to read instead of the usual ones [MATAHARI_CONFIG]"
    )
    group.add_argument("-v", "--verbose", action="count", default=0, help="log one level more; may be repeated")


def choices_of(field: str) -> tuple[str, ...]:
    """The words that the setting of this field takes; empty where it takes others, and where there is none."""
    kinds = (setting.kind for setting in TABLE if setting.field == field)
    return next((kind.words for kind in kinds if isinstance(kind, Choice)), ())


def _add(group: argparse._ArgumentGroup, setting: Setting, default: object) -> None:
    text = setting.help
    if isinstance(default, str | int | float) and setting.metavar:
        shown = {True: "yes", False: "no"}[default] if isinstance(default, bool) else default
        text += f" (default {shown})"
    if setting.variable and not setting.only_command_line:
        text += f" [{setting.variable}]"
    text = text.replace("%", "%%")
    if not setting.metavar:
        group.add_argument(*setting.flags, dest=setting.field, action="store_const", const=True, help=text)
    elif setting.is_repeatable:
        group.add_argument(*setting.flags, dest=setting.field, action="append", metavar=setting.metavar, help=text)
    else:
        group.add_argument(*setting.flags, dest=setting.field, metavar=setting.metavar, help=text)

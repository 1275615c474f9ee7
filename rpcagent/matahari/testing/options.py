"""``NAME.toml`` as a test wants it: written from values, with the limits that the plugin's own file has."""

from __future__ import annotations

import datetime
import json
import math
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from matahari.errors import ConfigError
from matahari.rpcagent import Limits, find_options, read_options

__all__ = ["Settings", "dump_toml", "options_text", "own_limits"]

#: Values for ``[settings]``, or the path of a file in the form of ``NAME.toml`` that takes the place of the plugin's.
Settings = Mapping[str, object] | os.PathLike[str]


def options_text(settings: Mapping[str, object], own: Path | None) -> str:
    """Give the text of a ``NAME.toml`` with these settings.

    Args:
        settings: name -> value that TOML has a form for; None has none.
        own: the plugin's file, whose limits stay; None when it has none.

    Raises:
        TypeError, ValueError: a value that TOML has no form for; the plugin's file is no TOML.
        OSError: the plugin's file cannot be read.
    """
    tables: Mapping[str, object] = {} if own is None else tomllib.loads(own.read_text(encoding="utf-8"))
    limits = tables.get("limits", {})
    return dump_toml({"limits": limits if isinstance(limits, Mapping) else {}, "settings": settings})


def own_limits(path: Path, settings: Settings | None, limits: Limits) -> Limits:
    """The bounds that the plugin at ``path`` will have: ``limits`` with those of its file, or of ``settings``, in place.

    A file that cannot be read changes nothing: the load says what is wrong with it.
    """
    file = find_options(path) if settings is None or isinstance(settings, Mapping) else Path(settings)
    if file is None:
        return limits
    try:
        return read_options(file.read_bytes(), str(file)).limits(limits)
    except (OSError, ConfigError):
        return limits


def dump_toml(tables: Mapping[str, Mapping[str, object]]) -> str:
    """Give the text of a TOML file with these tables.

    Raises:
        TypeError, ValueError: a value that TOML has no form for.
    """
    lines: list[str] = []
    for name, table in tables.items():
        lines += [f"[{_key(name)}]", *(f"{_key(key)} = {_value(value)}" for key, value in table.items()), ""]
    return "\n".join(lines)


def _key(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the name of a setting is text, not {name!r}")
    return _value(name)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{value} is no setting: JSON has no form for it")
            return repr(value)
        case str():
            # A JSON text is a TOML text, but for one control character.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case os.PathLike():
            return _value(os.fspath(value))
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case Mapping():
            return "{ " + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(_value(each) for each in value) + "]"
        case None:
            raise TypeError("TOML has no null: leave the setting out")
        case _:
            raise TypeError(f"TOML has no form for {type(value).__name__}")

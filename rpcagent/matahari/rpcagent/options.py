"""Reading ``NAME.toml``, the file beside a plugin with its own limits and settings.

Everything in it is checked, because a misspelt limit is no limit. Each rule is that of the setting of the same name
in the configuration, which gives the default.
"""

from __future__ import annotations

import datetime
import difflib
import hashlib
import math
import os
import pwd
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from matahari.config import PLUGIN_LIMITS, Place
from matahari.errors import ConfigError
from matahari.hostproto import Json

from .limits import MIB, Options

__all__ = ["MAX_OPTIONS", "find_options", "read_options"]

#: Largest ``NAME.toml``, in bytes: its settings travel in one message, with the plugin.
MAX_OPTIONS: Final = 64 * 1024
#: Variables of one plugin, and bytes of one: the kernel passes them at every start of a program.
MAX_VARIABLES: Final = 64
MAX_VARIABLE: Final = 4096
#: Nesting of settings; the host protocol takes a little more.
MAX_NESTING: Final = 16

_TABLES: Final = ("limits", "settings")
_LIMITS: Final = (*PLUGIN_LIMITS, "environment")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def find_options(path: Path) -> Path | None:
    """Give the file that belongs to a plugin, or None when there is none.

    ``NAME.toml`` beside the plugin; for a folder without that, ``plugin.toml`` in it.
    """
    is_folder = path.is_dir()
    beside = path.with_name(f"{path.name}.toml") if is_folder else path.with_suffix(".toml")
    for file in (beside, path / "plugin.toml") if is_folder else (beside,):
        if file.exists() or file.is_symlink():  # a link to nothing is a mistake, not an absence
            return file
    return None


def read_options(data: bytes, file: str) -> Options:
    """Take the content of a ``NAME.toml``.

    Args:
        data: the bytes.
        file: its path, for errors.

    Raises:
        ConfigError: names file, key, rule, and what to do.
    """
    if len(data) > MAX_OPTIONS:
        raise ConfigError(f"has more than {MAX_OPTIONS} bytes; keep large data in files of their own", file=file)
    try:
        tables = tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8 text; save it as such", file=file) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"is not valid TOML: {error}", file=file) from error
    for name, table in tables.items():
        if name not in _TABLES:
            hint = " write it below [limits]" if name in _LIMITS else _suggest(name, _TABLES)
            raise ConfigError(f"there are only the tables [limits] and [settings];{hint}", file=file, key=name)
        if not isinstance(table, dict):
            raise ConfigError(f"must be a table; write [{name}] on a line of its own", file=file, key=name)
    overrides = _read_limits(tables.get("limits", {}), file)
    settings = {name: _as_json(value, file, f"settings.{name}") for name, value in tables.get("settings", {}).items()}
    return Options(f"sha256:{hashlib.sha256(data).hexdigest()}", overrides, settings, file)


_Override = int | float | str | tuple[tuple[str, str], ...]


def _read_limits(table: Mapping[str, object], file: str) -> dict[str, _Override]:
    place = Place(base=Path(file).parent, home=None, is_text=False)
    found: dict[str, _Override] = {}
    for name, raw in table.items():
        key = f"limits.{name}"
        if name == "environment":
            found[name] = _read_environment(raw, file, key)
            continue
        kind = PLUGIN_LIMITS.get(name)
        if kind is None:
            raise ConfigError(f"there is no such limit;{_suggest(name, _LIMITS)}", file=file, key=key)
        try:
            value = kind.convert(raw, place)
        except ValueError as error:
            raise ConfigError(f"{error}; correct it, or remove it to have the default", file=file, key=key) from error
        assert isinstance(value, int | float | str)
        if name == "user":
            _check_user(str(value), file, key)
        found[name] = value * MIB if name == "memory" else value
    return found


def _check_user(name: str, file: str, key: str) -> None:
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        text = f"there is no user {name!r} on this host; create it, or name another"
        raise ConfigError(text, file=file, key=key) from None
    if os.geteuid() not in (0, user.pw_uid):
        text = (
            "only an agent that runs as root can run a plugin as another user; remove this, or start the agent as root"
        )
        raise ConfigError(text, file=file, key=key)


def _read_environment(raw: object, file: str, key: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(raw, dict):
        raise ConfigError('must be a table of texts, as in environment = { LANG = "C" }', file=file, key=key)
    if len(raw) > MAX_VARIABLES:
        raise ConfigError(f"has {len(raw)} variables, at most {MAX_VARIABLES} are allowed", file=file, key=key)
    for name, value in raw.items():
        if _VARIABLE.fullmatch(name) is None:
            rule = "a variable's name has letters, digits and _ only, and does not begin with a digit; rename it"
            raise ConfigError(rule, file=file, key=f"{key}.{name}")
        if not isinstance(value, str) or "\0" in value or len(value.encode()) > MAX_VARIABLE:
            rule = f"must be a text of at most {MAX_VARIABLE} bytes, in quotes"
            raise ConfigError(f"{rule}, not {value!r:.100}", file=file, key=f"{key}.{name}")
    return tuple(sorted(raw.items()))


def _as_json(value: object, file: str, key: str, depth: int = 1) -> Json:
    """A value of TOML as one of JSON: dates become texts (ISO 8601)."""
    if depth > MAX_NESTING:
        raise ConfigError(f"is nested deeper than {MAX_NESTING} levels; make it flatter", file=file, key=key)
    if isinstance(value, dict):
        return {name: _as_json(each, file, f"{key}.{name}", depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_json(each, file, f"{key}[{at}]", depth + 1) for at, each in enumerate(value)]
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"must be a finite number, not {value}; JSON has no other", file=file, key=key)
    assert isinstance(value, bool | int | float | str)
    return value


def _suggest(name: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f" did you mean {close[0]}?" if close else f" known are {', '.join(sorted(known))}"

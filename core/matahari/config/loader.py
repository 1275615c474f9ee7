"""From defaults, files, environment and command line to :class:`Settings`.

Each layer beats the ones before it. A layer's values are checked when they are read, also those
that a later layer overrides: a wrong line is better found today than on the day it matters.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from matahari.config.declaration import LOG_LEVELS, TABLE, Setting
from matahari.config.defaults import configuration_files, default_paths, find_checkout
from matahari.config.kinds import Place, home_folder
from matahari.config.layers import Found, Layer, combine_broker
from matahari.config.settings import Settings
from matahari.errors import ConfigError

__all__ = ["load"]

LIMIT_BYTES = 1 << 20
"""Largest configuration file; a real one has a few hundred bytes, a wrong path may be a disk image."""

_BY_KEY = {setting.key: setting for setting in TABLE}


def load(
    cli: Mapping[str, object],
    *,
    environ: Mapping[str, str],
    files: Sequence[Path] | None = None,
    uid: int | None = None,
    defaults: Mapping[str, object] | None = None,
    checkout: Path | None = None,
) -> Settings:
    """Read all layers and return what is in effect.

    Args:
        cli: what the options of :func:`add_options` gave, ``vars(namespace)``; None stands for
            "not given". Entries that are no settings are left alone.
        environ: the environment; empty values count as unset.
        files: configuration files, weakest first, each of which may be missing; None stands for
            the usual ones, or the one that ``--config`` or ``MATAHARI_CONFIG`` names, which must exist.
        uid: the user for whom default paths are made, None for the process's.
        defaults: a program's own defaults by field name, weaker than any file.
        checkout: source tree whose ``plugins/`` is the default; None to look for it.

    Raises:
        ConfigError: names the file (or ``environment``, ``command line``), the key, the rule and
            what to do.
    """
    uid = os.geteuid() if uid is None else uid
    home = home_folder(environ)
    found = _defaults(uid, environ, defaults or {}, checkout or find_checkout())
    for rank, file in enumerate(_files_to_read(cli, environ, files, uid)):
        found.update(_read_file(file, home, rank))
    found.update(_read_environment(environ, home))
    found.update(_read_command_line(cli, home))

    found["broker"] = combine_broker(found)
    del found["port"]
    found["log_level"] = _verbosity(found["log_level"], cli.get("verbose"))
    state = found["state"].value
    if found["custom_uuid_file"].value is None and isinstance(state, Path):
        found["custom_uuid_file"] = Found(state / "custom-uuid", (Layer.DEFAULT, 0), "default, below state")
    values = {field: entry.value for field, entry in found.items()}
    sources = MappingProxyType({field: entry.source for field, entry in found.items()})
    # The kinds in the table guarantee the types, which mypy cannot see through a dictionary.
    return Settings(**cast("dict[str, Any]", values), sources=sources)


def _defaults(
    uid: int, environ: Mapping[str, str], own: Mapping[str, object], checkout: Path | None
) -> dict[str, Found]:
    paths = default_paths(uid, environ, checkout)
    by_user: dict[str, object] = {
        "socket": paths.socket,
        "state": paths.state,
        "plugins": (paths.plugins,),
        "hooks": paths.hooks,
        "facts": (paths.facts,),
    }
    values = {setting.field: by_user.get(setting.field, setting.default) for setting in TABLE}
    return {field: Found(own.get(field, value), (Layer.DEFAULT, 0), "default") for field, value in values.items()}


def _files_to_read(
    cli: Mapping[str, object], environ: Mapping[str, str], files: Sequence[Path] | None, uid: int
) -> list[Path]:
    if files is not None:
        return [file for file in files if file.exists()]
    for place, named in (("command line --config", cli.get("config")), ("environment", environ.get("MATAHARI_CONFIG"))):
        if named:
            file = Path(str(named))
            if not file.is_file():
                key = "MATAHARI_CONFIG" if place == "environment" else ""
                raise ConfigError(
                    f"the configuration file {file} does not exist; create it or drop this", file=place, key=key
                )
            return [file]
    return [file for file in configuration_files(uid, environ) if file.exists()]


def _read_file(file: Path, home: Path | None, rank: int) -> dict[str, Found]:
    place = Place(base=file.absolute().parent, home=home, is_text=False)
    found = {}
    for key, raw in _flatten(_parse(file)):
        setting = _BY_KEY.get(key)
        if setting is None:
            raise ConfigError(f"there is no such setting{_did_you_mean(key)}", file=str(file), key=key)
        if setting.only_command_line:
            raise ConfigError(setting.only_command_line, file=str(file), key=key)
        value = _convert(setting, raw, place, str(file), key)
        found[setting.field] = Found(value, (Layer.FILE, rank), str(file), str(file), key)
    return found


def _parse(file: Path) -> dict[str, object]:
    try:
        with file.open("rb") as stream:
            content = stream.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}; mend it or name another by --config", file=str(file)
        ) from error
    if len(content) > LIMIT_BYTES:
        raise ConfigError(f"has more than {LIMIT_BYTES} bytes, so it is no configuration file", file=str(file))
    import tomllib  # where there is no file, and for help, nobody waits for it

    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8 text; configuration files are TOML", file=str(file)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is not valid TOML: {error}", file=str(file)) from error


def _flatten(table: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Dotted keys and values, one section deep; an empty section is no key."""
    for name, value in table.items():
        if isinstance(value, dict):
            for inner, entry in value.items():
                yield f"{name}.{inner}", entry
        else:
            yield name, value


def _did_you_mean(key: str) -> str:
    """The nearest known key: by the whole, or by the last part for one in the wrong section."""
    known = [setting.key for setting in TABLE if not setting.only_command_line]
    by_last = {name.rpartition(".")[2]: name for name in known}
    last = key.rpartition(".")[2]
    import difflib  # only wanted after a mistake

    close = difflib.get_close_matches(key, known, n=1) or difflib.get_close_matches(last, by_last, n=1)
    if close:
        return f"; did you mean {by_last.get(close[0], close[0])}?"
    return f"; known are {', '.join(sorted(known))}"


def _read_environment(environ: Mapping[str, str], home: Path | None) -> dict[str, Found]:
    place = Place(base=Path.cwd(), home=home, is_text=True)
    found = {}
    for setting in TABLE:
        raw = environ.get(setting.variable, "") if setting.variable else ""
        if not raw:
            continue
        if setting.only_command_line:
            raise ConfigError(setting.only_command_line, file="environment", key=setting.variable)
        value = _convert(setting, raw, place, "environment", setting.variable)
        source = f"environment {setting.variable}"
        found[setting.field] = Found(value, (Layer.ENVIRONMENT, 0), source, "environment", setting.variable)
    return found


def _read_command_line(cli: Mapping[str, object], home: Path | None) -> dict[str, Found]:
    place = Place(base=Path.cwd(), home=home, is_text=True)
    found = {}
    for setting in TABLE:
        raw = cli.get(setting.field)
        if raw is None:
            continue
        flag = setting.flags[-1] if setting.flags else setting.field
        value = _convert(setting, raw, place, "command line", flag)
        found[setting.field] = Found(value, (Layer.COMMAND_LINE, 0), f"command line {flag}", "command line", flag)
    return found


def _convert(setting: Setting, raw: object, place: Place, file: str, key: str) -> object:
    try:
        return setting.kind.convert(raw, place)
    except ValueError as error:
        raise ConfigError(str(error), file=file, key=key) from error


def _verbosity(level: Found, verbose: object) -> Found:
    steps = verbose if isinstance(verbose, int) else 0
    if steps <= 0:
        return level
    index = min(LOG_LEVELS.index(str(level.value)) + steps, len(LOG_LEVELS) - 1)
    return Found(LOG_LEVELS[index], (Layer.COMMAND_LINE, 0), f"{level.source}, command line -{'v' * min(steps, 3)}")

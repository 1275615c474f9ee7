"""Default paths, by user and by kind of installation.

Root's programs use the system's folders, a plain user's the XDG base directories, and a checkout
brings its own ``plugins/``. Nothing here touches the disk but to see whether this is a checkout.
"""

from __future__ import annotations

import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from matahari.config.kinds import home_folder

__all__ = ["DefaultPaths", "configuration_files", "default_paths", "find_checkout"]

SYSTEM_FILE = Path("/etc/matahari/matahari.toml")


class DefaultPaths(NamedTuple):
    """Where things are when nobody says otherwise; all absolute."""

    socket: Path
    state: Path
    plugins: Path
    hooks: Path
    facts: Path


def default_paths(uid: int, environ: Mapping[str, str], checkout: Path | None) -> DefaultPaths:
    """The default paths of user ``uid``.

    Args:
        checkout: root of the source tree that the program runs from, None for an installed one.
    """
    if uid == 0:
        paths = DefaultPaths(
            socket=Path("/run/matahari/bus.sock"),
            state=Path("/var/lib/matahari"),
            # The place of 2012 (matahari-2012.md 2.4): existing plugins are found again.
            plugins=Path("/usr/lib/matahari/plugins"),
            # Code and texts of the administrator: beside the configuration file.
            hooks=SYSTEM_FILE.parent / "hooks",
            facts=SYSTEM_FILE.parent / "facts.d",
        )
    else:
        # /tmp is shared, but the folder is only used after private_directory() has checked its owner and mode.
        shared = Path(f"/tmp/matahari-{uid}")  # noqa: S108
        runtime = _folder(environ, "XDG_RUNTIME_DIR")
        home = home_folder(environ) or _home_of(uid) or shared
        configuration = (_folder(environ, "XDG_CONFIG_HOME") or home / ".config") / "matahari"
        paths = DefaultPaths(
            socket=(runtime / "matahari" if runtime else shared) / "bus.sock",
            state=(_folder(environ, "XDG_STATE_HOME") or home / ".local/state") / "matahari",
            plugins=(_folder(environ, "XDG_DATA_HOME") or home / ".local/share") / "matahari/plugins",
            hooks=configuration / "hooks",
            facts=configuration / "facts.d",
        )
    if checkout is None:
        return paths
    return paths._replace(plugins=checkout / "plugins")


def configuration_files(uid: int, environ: Mapping[str, str]) -> list[Path]:
    """Files that are read when they exist, weakest first.

    Root reads the system's file only: under ``sudo`` the home folder may be another user's,
    who could otherwise loosen what root's agent allows.
    """
    files = [SYSTEM_FILE]
    if uid != 0:
        home = home_folder(environ) or _home_of(uid)
        folder = _folder(environ, "XDG_CONFIG_HOME") or (home / ".config" if home else None)
        if folder is not None:
            files.append(folder / "matahari/matahari.toml")
    return files


def find_checkout() -> Path | None:
    """Root of the source tree that this module was imported from, None when it is installed."""
    root = Path(__file__).resolve().parents[3]
    is_checkout = (root / "pyproject.toml").is_file() and (root / "core/matahari/config").is_dir()
    return root if is_checkout else None


def _folder(environ: Mapping[str, str], name: str) -> Path | None:
    # The XDG base directory specification says to ignore relative values.
    value = environ.get(name, "")
    return Path(value) if value.startswith("/") else None


def _home_of(uid: int) -> Path | None:
    try:
        return Path(pwd.getpwuid(uid).pw_dir)
    except KeyError:
        return None

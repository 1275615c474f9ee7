"""Packages of the host: list, look up, search, install, remove, see what is out of date.

On Debian and its relatives by dpkg and apt, on Fedora, Red Hat and theirs by rpm and dnf; which of them is found
out. Nobody is asked anything: a changed configuration file stays as it is.

A change (``install``, ``remove``) is not cut off by an impatient caller: one whose limit, or the plugin's own, leaves less
than 50 minutes is refused before anything is begun, and one that is cancelled goes on. What then still takes an hour is
ended, as is what runs when the agent stops.
"""

from __future__ import annotations

import builtins
import fnmatch
import re
from pathlib import Path
from typing import TypedDict

from matahari.plugin import method

from .apt import Apt
from .programs import CHANGE, PackageError, find
from .records import Action, Backend, Found, Package, Update
from .rpm import Rpm

__version__ = "1.0"

#: Most entries of one answer; with their summaries they are below what a result may have.
_MAX_ENTRIES = 4000
#: Characters kept of what a package program said: its end, where errors are.
_MAX_SAID = 16 * 1024
#: Debian's and rpm's names, with an architecture: nothing that a package program takes for an option, a pattern, a
#: path, a version or, by a "-" at its end, for the opposite of what was asked.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,126}[A-Za-z0-9+](:[a-z0-9-]{1,32})?|[A-Za-z0-9]", re.ASCII)
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:~^_-]{0,127}", re.ASCII)
_SEARCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._ -]{0,127}", re.ASCII)


class PackageList(TypedDict):
    """Answer of ``list``: how many matched, and the first of them."""

    backend: str
    matched: int
    packages: builtins.list[Package]


class PackageStatus(TypedDict):
    """Answer of ``status``: one instance for each architecture or version."""

    backend: str
    name: str
    installed: bool
    instances: builtins.list[Package]


class SearchResult(TypedDict):
    """Answer of ``search``: how many matched, and the first of them."""

    backend: str
    matched: int
    packages: builtins.list[Found]


class Change(TypedDict):
    """Answer of ``install`` and ``remove``: the plan, and what was said when it was carried out."""

    backend: str
    name: str
    dry_run: bool
    changed: bool
    actions: builtins.list[Action]
    output: str


class UpdateCheck(TypedDict):
    """Answer of ``update_check``."""

    backend: str
    refreshed: bool
    updates: builtins.list[Update]


def activate() -> bool:
    """Be published where there is a package manager; the error says what was looked for."""
    _backend()
    return True


@method(read_only=True)
def list(pattern: str = "*", limit: int = 1000) -> PackageList:
    """List the packages that are on this host.

    Args:
        pattern: shell pattern for names, such as ``libssl*``.
        limit: most packages in the answer, 1 to 4000.

    Raises:
        ValueError: the limit is out of range.
        PackageError: no package manager is known here, or it failed.
        TimeoutError: the call was cancelled.
    """
    _check_limit(limit)
    backend = _backend()
    found = [one for one in backend.packages() if fnmatch.fnmatchcase(one["name"], pattern)]
    return {"backend": backend.name, "matched": len(found), "packages": found[:limit]}


@method(read_only=True)
def status(name: str) -> PackageStatus:
    """Tell whether a package is installed, and in which versions.

    Args:
        name: exactly; on Debian also with an architecture, ``name:arch``.

    Raises:
        ValueError: this is no name of a package.
        PackageError: no package manager is known here, or it failed.
        TimeoutError: the call was cancelled.
    """
    _check_name(name)
    backend = _backend()
    found = backend.instances(name)
    is_installed = any(one["state"] == "installed" for one in found)
    return {"backend": backend.name, "name": name, "installed": is_installed, "instances": found}


@method(read_only=True)
def search(text: str, limit: int = 100) -> SearchResult:
    """Search the packages that this host's sources offer.

    Args:
        text: words that all must occur, on Debian in name or description, else in the name.
        limit: most packages in the answer, 1 to 4000.

    Raises:
        ValueError: the text has other characters than letters, digits, blanks and ``+ . _ -``; the limit is out of range.
        PackageError: no package manager is known here, or it failed.
        TimeoutError: the call was cancelled.
    """
    _check_limit(limit)
    if not _SEARCH.fullmatch(text):
        raise ValueError(f"text is {text[:200]!r}, it must be up to 128 letters, digits, blanks and + . _ -")
    backend = _backend()
    found = backend.search(text)
    return {"backend": backend.name, "matched": len(found), "packages": found[:limit]}


@method(destructive=False, idempotent=True, timeout=CHANGE)
def install(name: str, version: str = "", dry_run: bool = False) -> Change:
    """Install a package or bring it up to date; never removes another one for it.

    Args:
        name: exactly.
        version: this one; empty for the newest.
        dry_run: only tell what would be done.

    Raises:
        ValueError: this is no name or version of a package.
        LookupError: the sources of this host do not have it.
        PermissionError: the plugin does not run as root; with the words of the package program.
        PackageLockedError: another program works on the packages.
        TimeTooShortError: the call has too short a limit; nothing was begun.
        PackageError: no package manager is known here, or it failed; with its words.
        TimeoutError: the call was cancelled before anything was changed.
    """
    _check_name(name)
    if version and not _VERSION.fullmatch(version):
        raise ValueError(f"version is {version[:200]!r}, it must be letters, digits and . + : ~ ^ _ -")
    backend = _backend()
    actions = backend.plan_install(name, version)
    if lost := [one["name"] for one in actions if one["action"] in ("remove", "purge")]:
        raise PackageError(f"installing {name} would remove {', '.join(lost)}; do that first, or on the host")
    changes = bool(actions) and not dry_run
    output = backend.install(name, version)[-_MAX_SAID:] if changes else ""
    return _change(backend, name, dry_run, actions, output)


@method(destructive=True, idempotent=True, timeout=CHANGE)
def remove(name: str, purge: bool = False, dependents: bool = False, dry_run: bool = False) -> Change:
    """Remove a package.

    Args:
        name: exactly.
        purge: its configuration too (dpkg only).
        dependents: also the packages that need it; otherwise they are a reason to refuse.
        dry_run: only tell what would be done.

    Raises:
        ValueError: this is no name of a package; purge is not known here.
        PermissionError: the plugin does not run as root; with the words of the package program.
        PackageLockedError: another program works on the packages.
        TimeTooShortError: the call has too short a limit; nothing was begun.
        PackageError: others need it, no package manager is known here, or it failed; with its words.
        TimeoutError: the call was cancelled before anything was changed.
    """
    _check_name(name)
    backend = _backend()
    if not backend.instances(name):
        return _change(backend, name, dry_run, [], "")
    actions = backend.plan_remove(name, purge)
    if wrong := [one["name"] for one in actions if one["action"] not in ("remove", "purge")]:
        raise PackageError(f"removing {name} would install or change {', '.join(wrong)}; do that on the host")
    plain = name.partition(":")[0]
    others = [one["name"] for one in actions if one["name"].partition(":")[0] != plain]
    if others and not dependents and not dry_run:
        raise PackageError(f"{name} is needed by {', '.join(others)}; set dependents to remove them too")
    changes = bool(actions) and not dry_run
    output = backend.remove(name, purge)[-_MAX_SAID:] if changes else ""
    return _change(backend, name, dry_run, actions, output)


@method(destructive=False, idempotent=True, timeout=CHANGE)
def update_check(refresh: bool = False) -> UpdateCheck:
    """Tell of which installed packages there are newer versions.

    Args:
        refresh: ask the sources first, over the network; else what was last heard from them counts.

    Raises:
        PermissionError: refresh is for root; with the words of the package program.
        PackageLockedError: another program works on the packages.
        PackageError: no package manager is known here, or it failed; with its words.
        TimeoutError: the call was cancelled.
    """
    backend = _backend()
    return {"backend": backend.name, "refreshed": refresh, "updates": backend.updates(refresh)[:_MAX_ENTRIES]}


def _backend() -> Backend:
    # The status file tells Debian from a system on which somebody installed dpkg to look into a package, as rpm often
    # is on Debian.
    database = Path("/var/lib/dpkg/status")
    if find("dpkg-query") and database.is_file() and database.stat().st_size:
        return Apt()
    if find("rpm") and find("dnf"):
        return Rpm()
    raise PackageError("no package manager is known here: neither dpkg-query with its database, nor rpm with dnf")


def _change(backend: Backend, name: str, dry_run: bool, actions: builtins.list[Action], output: str) -> Change:
    return {
        "backend": backend.name,
        "name": name,
        "dry_run": dry_run,
        "changed": bool(actions) and not dry_run,
        "actions": actions,
        "output": output,
    }


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"name is {name[:200]!r}, it must be the name of a package: letters, digits and + . _ -, at its end no -"
        )


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= _MAX_ENTRIES:
        raise ValueError(f"limit is {limit}, it must be 1 to {_MAX_ENTRIES}")

"""Debian and its relatives: ``dpkg-query`` tells what is there, ``apt-get`` changes it."""

from __future__ import annotations

import re
from dataclasses import replace

from .programs import ASK, CHANGE, Done, PackageLockedError, needs_root, run
from .records import Action, Found, Package, Update

_FORMAT = "${Package}\t${Version}\t${Architecture}\t${db:Status-Status}\t${binary:Summary}\n"
#: Without a terminal of its own dpkg leaves out the percentages, which it writes over each other.
_QUIET = ("-q", "-y", "-o", "APT::Color=0", "-o", "Dpkg::Progress-Fancy=0", "-o", "Dpkg::Use-Pty=0")
#: A changed configuration file is the administrator's, and nobody is there to be asked.
_KEEP = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
#: "Inst name [old] (new origin [arch])"; "Remv name [old]"; "Purg name [old]". A new package has no [old].
_STEP = re.compile(r"^(Inst|Remv|Purg) (\S+)(?: \[([^\]]*)\])?(?: \((\S+)[^)]*\))?")
_LOCKED = (
    "Could not get lock",
    "Unable to acquire the dpkg frontend lock",
    "Unable to lock",
    "is another process using",
)


class Apt:
    """The backend for dpkg and apt."""

    name = "dpkg"

    def packages(self) -> list[Package]:
        return parse_packages(run("dpkg-query", "-W", "-f", _FORMAT, timeout=ASK).require().output)

    def instances(self, name: str) -> list[Package]:
        done = run("dpkg-query", "-W", "-f", _FORMAT, "--", name, timeout=ASK).require(0, 1)
        if done.status and "no packages found" not in done.errors:
            done.require()
        return parse_packages(done.output)

    def search(self, text: str) -> list[Found]:
        # apt-cache takes a regular expression: brackets take the meaning from every other character.
        words = [re.sub(r"[^A-Za-z0-9_ -]", r"[\g<0>]", word) for word in text.split()]
        lines = run("apt-cache", "search", "--", *words, timeout=ASK).require().output.splitlines()
        pairs = (line.partition(" - ") for line in lines)
        return [{"name": name, "summary": summary} for name, _, summary in sorted(pairs) if name]

    def plan_install(self, name: str, version: str) -> list[Action]:
        self._require_known(name)
        return parse_steps(_checked(run("apt-get", "-s", *_install(name, version), timeout=ASK)).output)

    def install(self, name: str, version: str) -> str:
        words = (*_KEEP, *_install(name, version))
        return _checked(run("apt-get", *words, timeout=CHANGE, is_shown=True, is_change=True)).output

    def plan_remove(self, name: str, purge: bool) -> list[Action]:
        return parse_steps(_checked(run("apt-get", "-s", *_remove(name, purge), timeout=ASK)).output)

    def remove(self, name: str, purge: bool) -> str:
        words = _remove(name, purge)
        return _checked(run("apt-get", *words, timeout=CHANGE, is_shown=True, is_change=True)).output

    def updates(self, refresh: bool) -> list[Update]:
        if refresh:
            _checked(run("apt-get", *_QUIET, "update", timeout=CHANGE, is_shown=True))
        done = _checked(run("apt-get", "-s", *_QUIET, "upgrade", "--with-new-pkgs", timeout=ASK))
        return [
            {"name": step["name"], "installed": step["old_version"], "available": step["version"]}
            for step in parse_steps(done.output)
            if step["action"] == "upgrade"
        ]

    def _require_known(self, name: str) -> None:
        """Refuse what apt would take for a pattern, for lack of a package of exactly this name."""
        plain = name.partition(":")[0]
        known = run("apt-cache", "pkgnames", "--", plain, timeout=ASK).require().output.split()
        if plain not in known:
            raise LookupError(f"no package {name!r} in the sources of this host; update_check with refresh reads them")


def _install(name: str, version: str) -> list[str]:
    # An install never removes another package: that would be a surprise.
    return [*_QUIET, "--no-remove", "install", "--", f"{name}={version}" if version else name]


def _remove(name: str, purge: bool) -> list[str]:
    return [*_QUIET, "purge" if purge else "remove", "--", name]


def _checked(done: Done) -> Done:
    if done.status:
        said = done.errors.strip()
        # Who may not open the lock is asked by apt whether another holds it, too.
        if "Permission denied" in said or "are you root" in said:
            raise needs_root(said)
        if any(text in said for text in _LOCKED):
            raise PackageLockedError(f"another program holds the lock of the packages; try again later: {said[-1000:]}")
        # Why packages do not go together stands in its output; the errors only say that they do not.
        done = replace(done, errors=f"{done.output.strip()[-1000:]}\n{said}")
    return done.require()


def parse_packages(text: str) -> list[Package]:
    """Read lines of ``dpkg-query`` in the format above; packages that are only known by name are left out."""
    packages: list[Package] = []
    for line in text.splitlines():
        fields = line.split("\t", 4)
        if len(fields) == 5 and fields[3] != "not-installed":
            name, version, architecture, state, summary = fields
            packages.append(
                {"name": name, "version": version, "architecture": architecture, "state": state, "summary": summary}
            )
    return sorted(packages, key=lambda package: (package["name"], package["architecture"]))


def parse_steps(text: str) -> list[Action]:
    """Read what ``apt-get -s`` would do, in its order."""
    steps: list[Action] = []
    for line in text.splitlines():
        found = _STEP.match(line)
        if found is None:
            continue
        kind, name, old, new = found[1], found[2], found[3] or "", found[4] or ""
        action = {"Remv": "remove", "Purg": "purge"}.get(kind) or ("upgrade" if old else "install")
        steps.append({"action": action, "name": name, "version": new, "old_version": old})
    return steps

"""Fedora, Red Hat and their relatives: ``rpm`` tells what is there, ``dnf`` changes it."""

from __future__ import annotations

import os
import re

from .programs import ASK, CHANGE, Done, PackageLockedError, find, needs_root, run
from .records import Action, Found, Package, Update

_FORMAT = "%{NAME}\t%{EVR}\t%{ARCH}\tinstalled\t%{SUMMARY}\n"
#: A heading of dnf's table of a transaction -> what happens to the packages below it.
_HEADINGS = {
    "Installing": "install",
    "Installing dependencies": "install",
    "Installing weak dependencies": "install",
    "Upgrading": "upgrade",
    "Updating": "upgrade",
    "Downgrading": "downgrade",
    "Reinstalling": "reinstall",
    "Removing": "remove",
    "Removing dependent packages": "remove",
    "Removing unused dependencies": "remove",
}
_ARCHITECTURE = re.compile(r"noarch|x86_64|i[3-6]86|aarch64|armv7hl|ppc64le|s390x|riscv64|src")
#: Exit statuses: dnf has updates to tell of; dnf could not get a lock (dnf(8), return values).
_HAS_UPDATES = 100
_NO_LOCK = 200
#: Words of dnf and of rpm for a user who may not change packages.
_NOT_ROOT = ("superuser", "must be root", "Permission denied")


class Rpm:
    """The backend for rpm and dnf."""

    name = "rpm"

    def packages(self) -> list[Package]:
        return parse_packages(run("rpm", "-qa", "--qf", _FORMAT, timeout=ASK).require().output)

    def instances(self, name: str) -> list[Package]:
        done = run("rpm", "-q", "--qf", _FORMAT, "--", name, timeout=ASK).require(0, 1)
        if done.status and "is not installed" not in done.output + done.errors:
            done.require()
        return parse_packages(done.output)

    def search(self, text: str) -> list[Found]:
        patterns = [f"*{word}*" for word in text.split()]
        output = _dnf("-q", "repoquery", "--qf", "%{name}\t%{summary}\n", "--", *patterns).require().output
        pairs = sorted({line.partition("\t")[::2] for line in output.splitlines() if line})
        return [{"name": name, "summary": summary} for name, summary in pairs]

    def plan_install(self, name: str, version: str) -> list[Action]:
        return _planned(_dnf("--assumeno", "install", "--", _spec(name, version)))

    def install(self, name: str, version: str) -> str:
        return _checked(_dnf("-y", "install", "--", _spec(name, version), is_change=True)).output

    def plan_remove(self, name: str, purge: bool) -> list[Action]:
        return _planned(_dnf("--assumeno", *_remove(name, purge)))

    def remove(self, name: str, purge: bool) -> str:
        return _checked(_dnf("-y", *_remove(name, purge), is_change=True)).output

    def updates(self, refresh: bool) -> list[Update]:
        words = ("--refresh",) if refresh else ()
        done = _dnf("-q", *words, "check-update")
        if done.status != _HAS_UPDATES:
            _checked(done)
        installed = {f"{one['name']}.{one['architecture']}": one["version"] for one in self.packages()}
        return parse_updates(done.output, installed)


def _dnf(*words: str, is_change: bool = False) -> Done:
    program = find("dnf")
    # The fifth dnf dropped this setting of the fourth, which would wait for ever; here the time limit ends the wait.
    is_fourth = program is not None and "dnf5" not in os.path.realpath(program)
    words = (*(("--setopt=exit_on_lock=True",) if is_fourth else ()), *words)
    return run("dnf", *words, timeout=CHANGE, is_shown=is_change, is_change=is_change)


def _spec(name: str, version: str) -> str:
    return f"{name}-{version}" if version else name


def _remove(name: str, purge: bool) -> list[str]:
    if purge:
        raise ValueError("purge is for dpkg: rpm keeps only changed configuration files, as NAME.rpmsave")
    return ["--setopt=clean_requirements_on_remove=False", "remove", "--", name]


def _checked(done: Done, *statuses: int) -> Done:
    said = (done.errors.strip() or done.output.strip())[-1000:]
    if done.status == _NO_LOCK or (done.status and "Waiting for process with pid" in done.output + done.errors):
        raise PackageLockedError(f"another program holds the lock of the packages; try again later: {said}")
    if done.status and any(text in said for text in _NOT_ROOT):
        raise needs_root(said)
    if done.status and ("Unable to find a match" in said or "No match for argument" in said):
        raise LookupError(f"no such package in the sources of this host: {said}")
    return done.require(*statuses)


def _planned(done: Done) -> list[Action]:
    # Saying no to the plan counts as an error to dnf: a real one has no table.
    steps = parse_transaction(done.output)
    if not steps:
        _checked(done)
    return steps


def parse_packages(text: str) -> list[Package]:
    """Read lines of ``rpm -q`` in the format above; keys, which rpm lists as packages, are left out."""
    packages: list[Package] = []
    for line in text.splitlines():
        fields = line.split("\t", 4)
        if len(fields) == 5 and fields[0] != "gpg-pubkey":
            name, version, architecture, state, summary = fields
            packages.append(
                {"name": name, "version": version, "architecture": architecture, "state": state, "summary": summary}
            )
    return sorted(packages, key=lambda package: (package["name"], package["version"]))


def parse_transaction(text: str) -> list[Action]:
    """Read dnf's table of what it would do; ``old_version`` is only known for what goes."""
    steps: list[Action] = []
    action = long_name = ""
    for line in text.splitlines():
        if line.startswith("Transaction Summary"):
            break
        if line.endswith(":") and not line.startswith(" "):
            action, long_name = _HEADINGS.get(line[:-1], ""), ""
            continue
        fields = line.split()
        if not action or not line.startswith(" ") or not fields:
            continue
        if len(fields) == 1:  # too long for its column: the rest stands on the next line
            long_name = fields[0]
            continue
        if long_name:
            fields, long_name = [long_name, *fields], ""
        if len(fields) >= 3 and _ARCHITECTURE.fullmatch(fields[1]):
            new, old = ("", fields[2]) if action == "remove" else (fields[2], "")
            steps.append({"action": action, "name": fields[0], "version": new, "old_version": old})
    return steps


def parse_updates(text: str, installed: dict[str, str]) -> list[Update]:
    """Read ``dnf check-update``.

    Args:
        text: lines of name.architecture, version and source, up to what is obsoleted.
        installed: name.architecture to version.
    """
    updates: list[Update] = []
    for line in text.splitlines():
        if line.startswith("Obsoleting"):
            break
        fields = line.split()
        name, _, architecture = fields[0].rpartition(".") if len(fields) == 3 else ("", "", "")
        if name and _ARCHITECTURE.fullmatch(architecture):
            updates.append({"name": name, "installed": installed.get(fields[0], ""), "available": fields[1]})
    return updates

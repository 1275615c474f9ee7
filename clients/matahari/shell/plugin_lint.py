"""``matahari plugin lint``: loads a plugin in a real worker, and prints what is to be said about it."""

from __future__ import annotations

import os
import sys
import tokenize
from collections.abc import Sequence

from matahari.errors import PluginLoadError
from matahari.shell.outcome import CommandError, ExitStatus
from matahari.shell.plugin_findings import Finding, examine
from matahari.shell.plugin_worker import find_plugin, loaded
from matahari.shell.render import json_line, printable
from matahari.testing import PluginHarness, PluginPlace, PluginStatus

__all__ = ["lint", "lint_status"]

_FOUND = 1


def lint(path: os.PathLike[str], *, as_json: bool) -> int:
    """Print the findings; gives the exit status."""
    try:
        place = find_plugin(path)
    except CommandError as error:
        print(f"matahari: {printable(str(error))}", file=sys.stderr)
        return ExitStatus.USAGE
    actions: list[str] = []
    file = str(place.main)
    try:
        status = loaded(place, _status)
    except PluginLoadError as error:
        findings = [Finding("error", "load", f"it cannot be loaded: {error}", error.line)]
        file = error.file or file
    else:
        actions = [method.name for method in status.methods]
        with tokenize.open(place.main) as source:
            findings = [*_beside(place), *examine(place.name, source.read(), status.methods)]
    if as_json:
        print(json_line(_record(place, file, actions, findings)))
    else:
        _print(place, file, actions, findings)
    return lint_status(findings)


def lint_status(findings: Sequence[Finding]) -> int:
    """1 when anything is more than a note."""
    return _FOUND if any(finding.severity != "note" for finding in findings) else ExitStatus.OK


async def _status(plugin: PluginHarness) -> PluginStatus:
    return plugin.status


def _beside(place: PluginPlace) -> list[Finding]:
    """What lies beside the plugin and takes its place, or is displaced by it."""
    if not place.is_folder and (place.path.with_suffix("") / "__init__.py").is_file():
        text = f"the folder {place.name} beside it is loaded instead"
        return [Finding("error", "shadowing", text)]
    if place.is_folder and place.path.with_name(f"{place.name}.py").exists():
        return [Finding("warning", "shadowing", f"{place.name}.py beside it is not loaded")]
    return []


def _record(place: PluginPlace, file: str, actions: Sequence[str], findings: Sequence[Finding]) -> dict[str, object]:
    return {
        "plugin": place.name,
        "file": file,
        "ok": lint_status(findings) == ExitStatus.OK,
        "actions": list(actions),
        "findings": [
            {
                "severity": finding.severity,
                "code": finding.code,
                "text": finding.text,
                "line": finding.line,
                "name": finding.name,
            }
            for finding in findings
        ],
    }


def _print(place: PluginPlace, file: str, actions: Sequence[str], findings: Sequence[Finding]) -> None:
    for finding in findings:
        where = f"{file}:{finding.line}" if finding.line else file
        print(printable(f"{where}: {finding.severity}: {finding.text} [{finding.code}]"))
    if lint_status(findings) == ExitStatus.OK:
        number = len(actions)
        print(f"{place.name} is fine: {number} action{'s' * (number != 1)} ({', '.join(actions)})")

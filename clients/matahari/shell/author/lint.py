"""``matahari plugin lint``: loads a plugin in a real worker, and prints what is to be said about it.

A comment ``# noqa`` in the line of a finding silences it, ``# noqa: CODE, CODE`` only findings of these codes; that a
plugin does not load is always told.
"""

from __future__ import annotations

import ast
import io
import os
import re
import sys
import tokenize
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from matahari.errors import PluginLoadError
from matahari.shell.author.findings import Finding, examine
from matahari.shell.author.options import unread_settings
from matahari.shell.author.worker import find_plugin, find_settings, loaded
from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.display.render import json_line, printable
from matahari.testing import NAME_RULE, PluginHarness, PluginPlace, PluginStatus, find_options

__all__ = ["lint", "lint_status", "not_silenced"]

_FOUND = 1
_NOQA: Final = re.compile(r"#\s*noqa(?:\s*:\s*(?P<codes>[\w-]+(?:[,\s]+[\w-]+)*))?(?!\S)", re.IGNORECASE)


def lint(path: os.PathLike[str], *, as_json: bool, settings: os.PathLike[str] | None = None) -> int:
    """Print the findings; gives the exit status."""
    try:
        options = find_settings(settings)
        misnamed = _misnamed(Path(path))
        place = find_plugin(path) if misnamed is None else PluginPlace(misnamed.name, Path(os.path.abspath(path)))
    except CommandError as error:
        print(f"matahari: {printable(str(error))}", file=sys.stderr)
        return ExitStatus.USAGE
    methods: list[str] = []
    file = str(place.main)
    try:
        if misnamed is not None:
            findings = [misnamed]
        else:
            status = loaded(place, _status, settings=options)
            methods = [method.name for method in status.methods]
            with tokenize.open(place.main) as stream:
                source = stream.read()
            examined = not_silenced(examine(place.name, source, status.methods), source)
            findings = [*_beside(place), *examined, *_about_options(place, status, options)]
    except PluginLoadError as error:
        file = error.file or file
        column = _column(error)
        findings = [Finding("error", "load", f"it cannot be loaded: {error}", error.line, column=column)]
    if as_json:
        print(json_line(_record(place, file, methods, findings)))
    else:
        _print(place, file, methods, findings)
    return lint_status(findings)


def lint_status(findings: Sequence[Finding]) -> int:
    """1 when anything is more than a note."""
    return _FOUND if any(finding.severity != "note" for finding in findings) else ExitStatus.OK


def not_silenced(findings: Sequence[Finding], source: str) -> list[Finding]:
    """Give those findings that no ``# noqa`` in their line silences."""
    silenced: dict[int, frozenset[str]] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and (said := _NOQA.search(token.string)):
            silenced[token.start[0]] = frozenset(re.split(r"[,\s]+", said["codes"]) if said["codes"] else ())

    def is_silenced(finding: Finding) -> bool:
        codes = silenced.get(finding.line)
        return codes is not None and (not codes or finding.code in codes)

    return [finding for finding in findings if not is_silenced(finding)]


async def _status(plugin: PluginHarness) -> PluginStatus:
    return plugin.status


def _misnamed(path: Path) -> Finding | None:
    """What is said of a file that would be a plugin by another name."""
    name = path.stem if path.suffix == ".py" and path.is_file() else path.name
    is_one = (path.suffix == ".py" and path.is_file() and path.name != "__init__.py") or (
        path / "__init__.py"
    ).is_file()
    if not is_one or PluginPlace.is_name(name) or Path(os.path.abspath(path)).name != path.name:
        return None
    text = f"it is no plugin by its name, and is left alone: {NAME_RULE}"
    return Finding("error", "name", text, name=name, remedy="rename it")


def _beside(place: PluginPlace) -> list[Finding]:
    """What lies beside the plugin and takes its place, or is displaced by it."""
    if not place.is_folder and (place.path.with_suffix("") / "__init__.py").is_file():
        text = f"the folder {place.name} beside it is loaded instead"
        return [Finding("error", "shadowing", text, remedy="remove one of them")]
    if place.is_folder and place.path.with_name(f"{place.name}.py").exists():
        return [
            Finding("warning", "shadowing", f"{place.name}.py beside it is not loaded", remedy="remove one of them")
        ]
    return []


def _about_options(place: PluginPlace, status: PluginStatus, given: Path | None) -> list[Finding]:
    """What is said of ``NAME.toml``; with a class of its settings, the load has said it."""
    file = given or find_options(place.path)
    if file is None or status.settings is not None:
        return []
    modules = sorted(place.path.rglob("*.py")) if place.is_folder else [place.path]
    sources: list[str] = []
    for module in modules:
        with tokenize.open(module) as stream:
            sources.append(stream.read())
    return unread_settings(file.read_text(encoding="utf-8"), str(file), sources)


def _column(error: PluginLoadError) -> int:
    """The column of a fault of syntax, which the error itself does not have; 0 for any other."""
    if error.error_type not in ("SyntaxError", "IndentationError", "TabError") or not error.file.endswith(".py"):
        return 0
    try:
        ast.parse(Path(error.file).read_bytes())
    except SyntaxError as fault:
        return max(0, fault.offset or 0) if fault.lineno == error.line else 0
    except (OSError, ValueError):
        return 0
    return 0


def _record(place: PluginPlace, file: str, methods: Sequence[str], findings: Sequence[Finding]) -> Mapping[str, object]:
    return {
        "plugin": place.name,
        "file": file,
        "ok": lint_status(findings) == ExitStatus.OK,
        "methods": list(methods),
        "findings": [
            {
                "severity": finding.severity,
                "code": finding.code,
                "text": finding.text,
                "remedy": finding.remedy,
                "file": finding.file or file,
                "line": finding.line,
                "column": finding.column,
                "name": finding.name,
            }
            for finding in findings
        ],
    }


def _print(place: PluginPlace, file: str, methods: Sequence[str], findings: Sequence[Finding]) -> None:
    for finding in findings:
        place_parts = [finding.file or file, *(str(part) for part in (finding.line, finding.column) if part)]
        remedy = f"; {finding.remedy}" if finding.remedy else ""
        print(printable(f"{':'.join(place_parts)}: {finding.severity}: {finding.text}{remedy} [{finding.code}]"))
    if lint_status(findings) == ExitStatus.OK:
        number = len(methods)
        print(f"{place.name} is fine: {number} method{'s' * (number != 1)} ({', '.join(methods)})")

"""What lint says about the ``NAME.toml`` of a plugin: settings that nobody reads. Pure."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable

from matahari.shell.author.source import Finding

__all__ = ["unread_settings"]


def unread_settings(options: str, file: str, sources: Iterable[str]) -> list[Finding]:
    """Give the settings whose names do not occur in the plugin.

    To be asked only of a plugin that declares no class of its settings: with one, the load says what is unknown.

    Args:
        options: text of the file; it must be TOML, for the plugin has been loaded with it.
        file: its path.
        sources: texts of the plugin's modules.
    """
    settings = tomllib.loads(options).get("settings", {})
    words: set[str] = set()
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Constant(value=str(text)):
                    words.update((text, *text.split(".")))
                case ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                    words.add(name)
    found: list[Finding] = []
    for name in settings if isinstance(settings, dict) else ():
        if name not in words:
            line, column = _place(options, name)
            text = f"the setting {name} is written nowhere in the plugin"
            remedy = "remove it, or correct its name; with a class Settings in the plugin, the load checks every name"
            found.append(Finding("warning", "unread-setting", text, line, name, column, remedy, file))
    return found


def _place(text: str, name: str) -> tuple[int, int]:
    """Line and column of a key below ``[settings]``, as far as it is written in the usual way."""
    is_inside = False
    key = re.compile(rf"\s*(?:\[settings\.)?[\"']?({re.escape(name)})[\"']?\s*(?:[.=\]])")
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith("["):
            is_inside = line.strip().startswith("[settings")
        if is_inside and (found := key.match(line)):
            return number, found.start(1) + 1
    return 0, 0

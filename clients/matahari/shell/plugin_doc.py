"""``matahari plugin doc``: the help of a plugin, as its worker publishes it."""

from __future__ import annotations

import ast
import os
import sys
import tokenize
from collections.abc import Mapping, Sequence
from pathlib import Path

from matahari.errors import PluginLoadError
from matahari.shell.arguments import Parameters, parameters_from
from matahari.shell.outcome import CommandError, ExitStatus
from matahari.shell.plugin_worker import find_plugin, loaded
from matahari.shell.render import printable
from matahari.shell.values import not_found
from matahari.testing import MethodSpec, PluginHarness, PluginPlace, PluginStatus

__all__ = ["doc", "markdown_lines", "text_lines"]

_INDENT = "    "


def doc(name: str, *, markdown: bool, options: Mapping[str, object]) -> int:
    """Print the help of a file, or of the plugin called so; gives the exit status.

    Raises:
        ConfigError: the plugin directories are looked for, and a setting is wrong.
    """
    try:
        place = _place(name, options)
        status = loaded(place, _status)
    except CommandError as error:
        print(f"matahari: {printable(str(error))}", file=sys.stderr)
        return error.status
    except PluginLoadError as error:
        print(f"matahari: {place.path} cannot be loaded: {printable(str(error))}", file=sys.stderr)
        return ExitStatus.SOME_FAILED
    with tokenize.open(place.main) as source:
        about = ast.get_docstring(ast.parse(source.read())) or ""
    lines = markdown_lines if markdown else text_lines
    print("\n".join(lines(place.name, status.version, about, status.methods)))
    return ExitStatus.OK


async def _status(plugin: PluginHarness) -> PluginStatus:
    return plugin.status


def _place(name: str, options: Mapping[str, object]) -> PluginPlace:
    if not PluginPlace.is_name(name) or Path(name, "__init__.py").is_file():
        return find_plugin(name)
    from matahari.config import load

    directories = load(options, environ=os.environ).plugins
    for directory in directories:
        for entry in (directory / name, directory / f"{name}.py"):
            if entry.is_file() or (entry / "__init__.py").is_file():
                return find_plugin(entry)
    places = ", ".join(str(directory) for directory in directories)
    known = sorted({entry.stem for directory in directories if directory.is_dir() for entry in directory.glob("*.py")})
    raise CommandError(f"{not_found('plugin', name, known)} in {places}", status=ExitStatus.NOTHING_MATCHED)


def text_lines(name: str, version: str, about: str, methods: Sequence[MethodSpec]) -> list[str]:
    """The help for a terminal."""
    lines = [f"{name} {version}".rstrip(), *_indented(about, _INDENT)]
    for method in methods:
        parameters = parameters_from(method.params)
        lines += ["", f"{name} {_syntax(method, parameters)}", *_indented(method.doc, _INDENT)]
        lines += ["", f"{_INDENT}({declared})"] if (declared := _declared(method)) else []
        rows = _rows(parameters)
        width = max((len(kind) for kind, _, _ in rows), default=0)
        lines += ["", *(f"{_INDENT}{kind:>{width}}  {row} {more}".rstrip() for kind, row, more in rows)] if rows else []
    return [printable(line) for line in lines]


def markdown_lines(name: str, version: str, about: str, methods: Sequence[MethodSpec]) -> list[str]:
    """The help as a page: one heading for the plugin and one for each action."""
    lines = [f"# {name}", *(["", f"Version {version}"] if version else []), *(["", about] if about else [])]
    for method in methods:
        parameters = parameters_from(method.params)
        lines += ["", f"## {method.name}", "", f"`{_syntax(method, parameters)}`"]
        if method.doc:
            # The sections of a docstring are laid out by indentation, which Markdown would take for something else.
            first, _, rest = method.doc.partition("\n\n")
            lines += ["", first, *(["", "```text", *rest.splitlines(), "```"] if rest else [])]
        lines += ["", f"*{declared}*"] if (declared := _declared(method)) else []
        rows = _rows(parameters)
        if rows:
            lines += ["", "| parameter | type | |", "|---|---|---|"]
            lines += [f"| `{row}` | {_cell(kind)} | {_cell(more)} |" for kind, row, more in rows]
    return [printable(line) for line in lines]


def _syntax(method: MethodSpec, parameters: Parameters) -> str:
    syntax = f"{method.name} {parameters.syntax}".rstrip()
    kind = method.result.get("type") if method.result is not None else None
    kinds = kind if isinstance(kind, list) else [kind]
    names = [each for each in kinds if isinstance(each, str)]
    return f"{syntax} -> {'|'.join(names)}" if names else syntax


def _declared(method: MethodSpec) -> str:
    """What the author declared beside the signature: effects, time limit, secrets, partial results."""
    effects = [("" if holds else "not ") + name.replace("_", " ") for name, holds in sorted(method.effects.items())]
    limit = [] if method.timeout is None else [f"at most {method.timeout:g} s"]
    secrets = [f"never shown: {', '.join(method.sensitive)}"] if method.sensitive else []
    return "; ".join([*effects, *limit, *secrets, *(["gives partial results"] if method.streams else [])])


def _rows(parameters: Parameters) -> list[tuple[str, str, str]]:
    """Type, name, and what else is known, of each parameter."""
    rows: list[tuple[str, str, str]] = []
    for name, schema in parameters.schemas.items():
        description = schema.get("description")
        more = [description] if isinstance(description, str) else []
        if "default" in schema:
            more.append(f"(default {schema['default']!r})")
        rows.append((parameters.type_of(name), name, " ".join(more)))
    return rows


def _indented(text: str, indent: str) -> list[str]:
    return [f"{indent}{line}".rstrip() for line in text.splitlines()]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

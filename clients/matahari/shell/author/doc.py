"""``matahari plugin doc``: the help of a plugin, as its worker publishes it."""

from __future__ import annotations

import ast
import os
import sys
import tokenize
from collections.abc import Mapping, Sequence
from pathlib import Path

from matahari.errors import PluginLoadError
from matahari.shell.author.worker import find_plugin, find_settings, loaded
from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.display.docstring import without_parameters
from matahari.shell.display.effects import declared_text
from matahari.shell.display.render import printable
from matahari.shell.display.schema_text import Row, definitions, parameter_rows, table_lines, type_text, yields_text
from matahari.shell.syntax.arguments import Parameters, parameters_from
from matahari.shell.syntax.values import not_found
from matahari.testing import MethodSpec, PluginHarness, PluginPlace, PluginStatus

__all__ = ["doc", "markdown_lines", "text_lines"]

_INDENT = "    "


def doc(name: str, *, markdown: bool, options: Mapping[str, object], settings: os.PathLike[str] | None = None) -> int:
    """Print the help of a file, or of the plugin called so; gives the exit status.

    Raises:
        ConfigError: the plugin directories are looked for, and a setting is wrong.
    """
    try:
        place = _place(name, options)
        status = loaded(place, _status, settings=find_settings(settings))
    except CommandError as error:
        print(f"matahari: {printable(str(error))}", file=sys.stderr)
        return error.status
    except PluginLoadError as error:
        print(f"matahari: {place.path} cannot be loaded: {printable(str(error))}", file=sys.stderr)
        return ExitStatus.SOME_FAILED
    with tokenize.open(place.main) as source:
        about = ast.get_docstring(ast.parse(source.read())) or ""
    lines = markdown_lines if markdown else text_lines
    print("\n".join(lines(place.name, status.version, about, status.methods, status.settings)))
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


def text_lines(
    name: str,
    version: str,
    about: str,
    methods: Sequence[MethodSpec],
    settings: Mapping[str, object] | None = None,
) -> list[str]:
    """The help for a terminal; ``settings`` is the schema of the plugin's settings, None when it declares none."""
    lines = [f"{name} {version}".rstrip(), *_indented(about, _INDENT)]
    for method in methods:
        parameters = parameters_from(method.params)
        lines += ["", f"{name} {_syntax(method, parameters)}", *_indented(_prose(method, parameters), _INDENT)]
        lines += ["", f"{_INDENT}({declared})"] if (declared := _declared(method)) else []
        lines += _table(parameter_rows(parameters.schemas, method.params))
    if settings is not None:
        lines += ["", f"{name}.toml [settings]", *_table(_settings_rows(settings))]
    return [printable(line) for line in lines]


def _table(rows: Sequence[Row]) -> list[str]:
    return ["", *table_lines(rows, _INDENT)] if rows else []


def markdown_lines(
    name: str,
    version: str,
    about: str,
    methods: Sequence[MethodSpec],
    settings: Mapping[str, object] | None = None,
) -> list[str]:
    """The help as a page: one heading for the plugin and one for each action; and one for its settings."""
    lines = [f"# {name}", *(["", f"Version {version}"] if version else []), *(["", about] if about else [])]
    for method in methods:
        parameters = parameters_from(method.params)
        lines += ["", f"## {method.name}", "", f"`{_syntax(method, parameters)}`"]
        if prose := _prose(method, parameters):
            # The sections of a docstring are laid out by indentation, which Markdown would take for something else.
            first, _, rest = prose.partition("\n\n")
            lines += ["", first, *(["", "```text", *rest.splitlines(), "```"] if rest else [])]
        lines += ["", f"*{declared}*"] if (declared := _declared(method)) else []
        lines += _page_table("parameter", parameter_rows(parameters.schemas, method.params))
    if settings is not None:
        lines += ["", "## Settings", "", f"In `{name}.toml`, below `[settings]`."]
        lines += _page_table("setting", _settings_rows(settings))
    return [printable(line) for line in lines]


def _page_table(heading: str, rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    body = [f"| `{row}` | {_cell(kind)} | {_cell(more)} |" for kind, row, more in rows]
    return ["", f"| {heading} | type | |", "|---|---|---|", *body]


def _syntax(method: MethodSpec, parameters: Parameters) -> str:
    syntax = f"{method.name} {parameters.syntax}".rstrip()
    kind = type_text(method.result, definitions(method.result)) if method.result else "any"
    syntax += yields_text(method.params)
    return syntax if kind == "any" else f"{syntax} -> {kind}"


def _prose(method: MethodSpec, parameters: Parameters) -> str:
    """The docstring without the section on the parameters, which are listed below it."""
    return without_parameters(method.doc, parameters.schemas)


def _declared(method: MethodSpec) -> str:
    """What the author declared beside the signature: effects, time limit, secrets, partial results."""
    return declared_text(method.effects, timeout=method.timeout, sensitive=method.sensitive, streams=method.streams)


def _settings_rows(settings: Mapping[str, object]) -> list[Row]:
    properties = settings.get("properties")
    schemas = {
        name: schema
        for name, schema in (properties.items() if isinstance(properties, Mapping) else ())
        if isinstance(schema, Mapping)
    }
    required = settings.get("required")
    needed = required if isinstance(required, list) else []
    rows = parameter_rows(schemas, settings)
    return [(kind, name, f"{more} (needed)".lstrip() if name in needed else more) for kind, name, more in rows]


def _indented(text: str, indent: str) -> list[str]:
    return [f"{indent}{line}".rstrip() for line in text.splitlines()]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

"""``matahari plugin new | lint | run | doc | stubs``: the options; each command imports what it needs when it runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from matahari.shell.author.stubs import add_stub_options, stubs
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.parser import Parser, parse_mixed, seconds

__all__ = ["add_plugin_commands"]

_MAX_SECONDS: Final = 86_400.0  # a day; more is a typing error
_CALL_TIMEOUT: Final = 60.0


def add_plugin_commands(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the commands below ``plugin``."""
    parser.set_defaults(run=_help(parser))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str, more: str = "") -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}. {more}".rstrip())
        command.set_defaults(run=run)
        return command

    new = add("new", _new, "write a small plugin and its test", "No file is ever overwritten.")
    new.add_argument("name", metavar="NAME", help="name of the plugin: letters, digits and _")
    new.add_argument(
        "--dir", metavar="DIR", type=Path, default=Path(), help="where to (default: the current directory)"
    )

    lint = add(
        "lint",
        _lint,
        "load a plugin in a real worker and say what its users would miss",
        "Ends with 0 when there is nothing but notes, else with 1.",
    )
    _add_settings(lint)
    lint.add_argument("files", metavar="FILE", type=Path, nargs="+", help="NAME.py, or the folder of a plugin")
    lint.add_argument("--json", action="store_true", help="print one JSON object for each, one a line")

    run = add(
        "run",
        _run,
        "call a method of a plugin in a real worker, and print its result",
        "Yielded values and the result go to standard output; progress, shown text, events and what the plugin prints to"
        " standard error. The first Ctrl-C cancels the call, the second ends it. Ends with 0, 2 when there is no result,"
        " 130 after Ctrl-C.",
    )
    _add_run_options(run)
    run.add_argument("file", metavar="FILE", type=Path, help="NAME.py, or the folder of a plugin")
    run.add_argument("method", metavar="METHOD")
    words = run.add_argument(
        "words",
        metavar="ARG",
        nargs=argparse.REMAINDER,
        help="as in mhsh: words and JSON, by position or NAME=VALUE; options may stand among them, and what stands"
        " behind -- is none",
    )
    words.required = False  # else a missing METHOD is told as "METHOD, ARG"

    doc = add("doc", _doc, "print the help of a plugin")
    doc.add_argument("name", metavar="NAME", help="file or folder of a plugin, or its name in the plugin directories")
    _add_settings(doc)
    doc.add_argument("--format", choices=("text", "markdown"), default="text", help="default: text")
    doc.add_argument(
        "--plugins", metavar="DIR", action="append", help="plugin directory instead of the configured ones"
    )
    doc.add_argument("--config", metavar="FILE", help="configuration file to read instead of the usual ones")

    add_stub_options(
        add(
            "stubs",
            stubs,
            "write the types of a fleet's plugins, for programs that call them",
            "Of what is on the bus now. No file is overwritten but those that were written so.",
        )
    )


def _add_run_options(run: argparse.ArgumentParser) -> None:
    run.add_argument(
        "--json", action="store_true", help="print JSON objects, one a line: what the call tells, then ok, value, error"
    )
    run.add_argument(
        "-y", "--yes", action="store_true", help="call a method that is declared destructive without asking"
    )
    _add_settings(run)
    run.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds(_MAX_SECONDS),
        default=_CALL_TIMEOUT,
        help=f"longest time the call may take (default {_CALL_TIMEOUT:g})",
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--settings",
        metavar="FILE",
        type=Path,
        help="settings and limits to use in place of NAME.toml; of the same form",
    )


def _help(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    def run(_: argparse.Namespace) -> int:
        parser.print_help()
        return ExitStatus.OK

    return run


def _new(arguments: argparse.Namespace) -> int:
    from matahari.shell.author.new import new_plugin

    return new_plugin(arguments.name, arguments.dir)


def _lint(arguments: argparse.Namespace) -> int:
    from matahari.shell.author.lint import lint

    return max(lint(file, as_json=arguments.json, settings=arguments.settings) for file in arguments.files)


def _run(arguments: argparse.Namespace) -> int:
    from matahari.shell.author.run import run

    behind = Parser(prog="matahari plugin run", usage="matahari plugin run [OPTION]... FILE METHOD [ARG]...")
    _add_run_options(behind)
    behind.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    arguments = parse_mixed(behind, arguments.words, arguments)
    return run(
        arguments.file,
        arguments.method,
        arguments.words,
        as_json=arguments.json,
        timeout=arguments.timeout,
        settings=arguments.settings,
        is_approved=arguments.yes,
    )


def _doc(arguments: argparse.Namespace) -> int:
    from matahari.shell.author.doc import doc

    return doc(
        arguments.name, markdown=arguments.format == "markdown", options=vars(arguments), settings=arguments.settings
    )

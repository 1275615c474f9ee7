"""``matahari hooks`` and ``matahari facts``: what extensions there are, and what they and this host say."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from matahari.config import Settings, add_options, load
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.display.render import printable

if TYPE_CHECKING:
    from matahari.facts import FactSnapshot
    from matahari.hooks import Extensions

__all__ = ["HOOK_COMMANDS", "add_fact_options", "add_hook_options", "facts", "hooks", "load_extensions"]


def add_hook_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``matahari hooks``."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_options(parser, "hooks")


def add_fact_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``matahari facts``."""
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help="facts to show, with all below; all when none is given"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_options(parser, "facts")


def hooks(arguments: argparse.Namespace) -> int:
    """List hooks, who provides them, and what could not be loaded; fails if something could not."""
    from matahari.hooks import HOOKS

    extensions = load_extensions(_settings(arguments))
    if arguments.json:
        print(json.dumps(_record(extensions), indent=2))
    else:
        origins = {one.name: one.origin for one in extensions.providers}
        for hook in HOOKS:
            print(f"{hook.name:<16}{hook.summary.partition(chr(10))[0]}")
            for one in extensions.implementations(hook.name):
                print(f"    {printable(one.provider)}  ({printable(origins.get(one.provider, ''))})")
        for failure in extensions.failures:
            print(f"matahari: {printable(str(failure))}", file=sys.stderr)
    return ExitStatus.SOME_FAILED if extensions.failures else ExitStatus.OK


def facts(arguments: argparse.Namespace) -> int:
    """Print the facts of this host; fails if a source failed, or if there is none of a name."""
    from matahari.facts import Facts, builtin_facts

    settings = _settings(arguments)
    extensions = load_extensions(settings)
    source = Facts(settings.facts, extensions, builtin=builtin_facts(settings.hostname))
    snapshot = asyncio.run(source.collect())
    chosen = {name: value for name, value in sorted(snapshot.facts.items()) if _is_asked(name, arguments.names)}
    if arguments.json:
        print(json.dumps({"facts": chosen, "faults": _faults(snapshot, extensions)}, indent=2))
    else:
        for name, value in chosen.items():
            print(f"{printable(name)} = {json.dumps(value)}")
        for fault in _faults(snapshot, extensions):
            print(f"matahari: {printable(fault['source'])}: {printable(fault['text'])}", file=sys.stderr)
    unknown = [name for name in arguments.names if not any(_is_asked(one, [name]) for one in chosen)]
    for name in unknown:
        print(f"matahari: there is no fact {printable(repr(name))}{_hint(name, snapshot)}", file=sys.stderr)
    if snapshot.faults or extensions.failures:
        return ExitStatus.SOME_FAILED
    return ExitStatus.NOTHING_MATCHED if unknown else ExitStatus.OK


HOOK_COMMANDS: Final[
    tuple[
        tuple[str, str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]],
        ...,
    ]
] = (
    ("hooks", "list the extension points and the extensions that were found", add_hook_options, hooks),
    ("facts", "show what this host says of itself", add_fact_options, facts),
)
"""Name, help, options, and what runs."""


def load_extensions(settings: Settings) -> Extensions:
    """The extensions of this process; what cannot be loaded is among its failures."""
    from matahari.hooks import Extensions

    extensions = Extensions()
    extensions.load_entry_points()
    extensions.load_directory(settings.hooks)
    return extensions


def _settings(arguments: argparse.Namespace) -> Settings:
    return load(vars(arguments), environ=os.environ)


def _record(extensions: Extensions) -> dict[str, object]:
    from matahari.hooks import HOOKS

    return {
        "hooks": [
            {
                "name": hook.name,
                "summary": hook.summary,
                "providers": [one.provider for one in extensions.implementations(hook.name)],
            }
            for hook in HOOKS
        ],
        "providers": [
            {"name": one.name, "origin": one.origin, "hooks": list(one.hooks)} for one in extensions.providers
        ],
        "failures": [{"provider": one.provider, "text": str(one)} for one in extensions.failures],
    }


def _is_asked(name: str, asked: list[str]) -> bool:
    return not asked or any(name == one or name.startswith(f"{one}.") for one in asked)


def _hint(name: str, snapshot: FactSnapshot) -> str:
    """What may have been meant: a fact, a group of them, or facts whose last part is the name."""
    from matahari.validation import did_you_mean  # only wanted after a mistake

    groups = {one[:at] for one in snapshot.facts for at, sign in enumerate(one) if sign == "."}
    same = [one for one in sorted(snapshot.facts) if one.rpartition(".")[2] == name][:2]
    meant = f"; did you mean {' or '.join(map(repr, same))}?" if same else ""
    return printable(meant or did_you_mean(name, {*snapshot.facts, *groups}))


def _faults(snapshot: FactSnapshot, extensions: Extensions) -> list[dict[str, str]]:
    found = [{"source": fault.source, "text": fault.text} for fault in snapshot.faults]
    for one in extensions.failures:
        source = f"extension {one.provider}"
        found.append({"source": source, "text": str(one).removeprefix(f"{source}: ")})
    return found

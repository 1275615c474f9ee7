"""The ``matahari`` command: runs a node or its parts, and looks at an installation."""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import os
import sys
from collections.abc import Callable, Collection, Sequence

from matahari.config import Program, Settings, add_options, configure_logging, load
from matahari.errors import MatahariError
from matahari.shell.base.outcome import ExitStatus, is_usage
from matahari.shell.base.parser import CLIENT_DEFAULTS, Parser
from matahari.shell.service.extension_commands import help_lines, run_command
from matahari.shell.service.hooks import HOOK_COMMANDS

__all__ = ["main"]

EXIT_FAILED = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser, own = _parser(words)
    try:
        if words and not words[0].startswith("-") and words[0] not in own:
            status = run_command(words, own)
            if status is not None:
                return status
        elif not words or {"-h", "--help"} & set(words[:1]):
            parser.epilog = "\n".join(help_lines(own)) or None
        arguments = parser.parse_args(words)
        run: Callable[[argparse.Namespace], int] | None = arguments.run
        if run is None:
            parser.print_help()
            return 0
        return run(arguments)
    except MatahariError as error:
        print(f"matahari: {error}", file=sys.stderr)
        return ExitStatus.USAGE if is_usage(error) else EXIT_FAILED
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader went away (`| head`). Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # stdout on a full disk, for one; what is still buffered would fail once more at exit
        print(f"matahari: cannot go on: {error.strerror or error}", file=sys.stderr)
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # for the rest of the process
        return EXIT_FAILED


def _parser(words: Collection[str]) -> tuple[Parser, Collection[str]]:
    """The parser for these words, and the names of our own commands."""
    parser = Parser(
        prog="matahari",
        description="Export functions of this machine as remote methods over AMQP 1.0 and QMFv2.",
        formatter_class=argparse.RawDescriptionHelpFormatter,  # keeps the lines of what extensions offer
    )
    parser.add_argument("--version", action="version", version=f"matahari {importlib.metadata.version('matahari')}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    offered: tuple[tuple[str, Program, str, Callable[[argparse.Namespace], int]], ...] = (
        ("up", "up", "run one node in the foreground: broker, Host agent and RPC agent", _up),
        ("broker", "broker", "run the embedded broker alone", _broker),
        ("agent", "agent", "run agents on a broker that runs already", _agent),
        ("tap", "console", "show the messages on a bus as they go, or record them", _tap),
        ("doctor", "doctor", "tell what is installed, what is missing, and which broker can be reached", _doctor),
    )
    for name, program, text, run in offered:
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        add_options(command, program, defaults=CLIENT_DEFAULTS if program == "console" else None)
        if name == "agent":
            text = "which agents, separated by commas: host, rpc, and those that extensions offer"
            command.add_argument("--only", metavar="NAMES", help=text)
        elif name == "tap" and name in words:
            from matahari.shell.service.tap import add_tap_options  # a MiB that a node would keep as long as it runs

            add_tap_options(command)
        command.set_defaults(run=run)
    for name, text, add, command_run in HOOK_COMMANDS:
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        add(command)
        command.set_defaults(run=command_run)
    text = "write, check, try and describe a plugin; write the types of those on a bus"
    authoring = commands.add_parser("plugin", help=text, description=text[0].upper() + text[1:] + ".")
    if "plugin" in words:
        from matahari.shell.author.command import add_plugin_commands  # as above

        add_plugin_commands(authoring)
    return parser, commands.choices.keys()


def _up(arguments: argparse.Namespace) -> int:
    from matahari.shell.service.node import AGENTS, Plan

    return _run(arguments, Plan("up", True, AGENTS, None))


def _broker(arguments: argparse.Namespace) -> int:
    from matahari.shell.service.node import Plan

    return _run(arguments, Plan("broker", True, ()))


def _agent(arguments: argparse.Namespace) -> int:
    from matahari.shell.service.node import AGENTS, Plan

    if arguments.only is None:
        return _run(arguments, Plan("agent", False, AGENTS, None))
    names = [name.strip() for name in arguments.only.split(",") if name.strip()]
    if not names:
        print(f"matahari: --only {arguments.only}: the agents are {', '.join(AGENTS)}", file=sys.stderr)
        return ExitStatus.USAGE
    chosen = tuple(name for name in AGENTS if name in names)
    offered = tuple(dict.fromkeys(name for name in names if name not in AGENTS))
    return _run(arguments, Plan("agent", False, chosen, offered))


def _run(arguments: argparse.Namespace, plan: object) -> int:
    from matahari.shell.service.node import Plan, run_node

    assert isinstance(plan, Plan)

    def read() -> Settings:
        return load(vars(arguments), environ=os.environ)

    settings = read()
    configure_logging(settings)

    def say(line: str) -> None:
        print(line, flush=True)

    return asyncio.run(run_node(settings, plan, read, say))


def _tap(arguments: argparse.Namespace) -> int:
    from matahari.shell.service.tap import tap

    settings = load(vars(arguments), environ=os.environ, defaults=CLIENT_DEFAULTS)
    configure_logging(settings)
    return tap(arguments, settings)


def _doctor(arguments: argparse.Namespace) -> int:
    from matahari.shell.service.doctor import examine

    settings = load(vars(arguments), environ=os.environ)
    return examine(settings, print)

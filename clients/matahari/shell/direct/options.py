"""The command line of ``mhsh``: its options, and what tells a direct command from a script.

The first word that is no option decides. Where it is one of :data:`DIRECT_WORDS`, all that follows is that command's;
options that both have may stand before it or behind it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final, NoReturn

from matahari.shell.base.parser import LinesFormatter, Parser, cut, parse_mixed
from matahari.shell.direct.client_options import add_client_options

__all__ = ["DIRECT_WORDS", "SHELLS", "parse", "shell_parser"]

DIRECT_WORDS: Final = ("call", "describe", "events", "get", "hosts")
SHELLS: Final = ("bash", "fish", "zsh")

_EPILOG = """\
direct commands, each one request, for scripts and for short (mhsh WORD --help tells more):
  call PLUGIN.METHOD [ARG]...  call a method of a plugin, or of package:Class
  describe PLUGIN.METHOD       what is known of a method
  events [NAME]                show events as they come
  get CLASS PROPERTY           read a property of all objects of a class
  hosts [FILTER]               list the hosts, or those that a filter means
A script of such a name is run as ./NAME.

Exit status: 0 all fine, 1 nothing matched, 2 some failed, 3 none answered, 4 could not ask, 64 usage."""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line.

    Returns:
        The options; ``direct`` is the direct command's word, empty for none.

    Raises:
        SystemExit: the command line is wrong, or has asked for help.
    """
    if (at := _word_at(argv)) is not None:
        options, rest = at
        word = rest[0]
        from matahari.shell.direct.request import check, direct_parser  # most starts are none of a direct command

        parser = direct_parser(word)
        for flag, is_given in (("-c", options.commands), ("-e", options.stop_on_error), ("-x", options.echo)):
            if is_given:
                parser.error(
                    f"{flag} is for scripts, and {word} is a direct command; a script of that name is ./{word}"
                )
        options = parse_mixed(parser, rest[1:], options)
        check(parser, options)
        return options
    options = shell_parser().parse_args(argv)
    options.direct = ""
    return options


def shell_parser(*, words: str = "*") -> Parser:
    """The parser of everything but direct commands; ``words`` is how many it takes, as argparse says it."""
    parser = Parser(
        prog="mhsh",
        description="Shell for the hosts on a Matahari bus. Without FILE and -c it reads commands from the terminal.",
        epilog=_EPILOG,
        formatter_class=LinesFormatter,  # keeps the lines about direct commands
        allow_abbrev=False,
    )
    parser.add_argument(
        "-c",
        dest="commands",
        metavar="COMMANDS",
        action="append",
        default=[],
        help="run these commands, separated by ';', before any FILE",
    )
    parser.add_argument("-e", "--stop-on-error", action="store_true", help="end scripts at the first failed command")
    parser.add_argument("-x", "--echo", action="store_true", help="show each command of a script before it runs")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    parser.add_argument(
        "--completion", action=_Completion, choices=SHELLS, help="print a script that completes mhsh in that shell"
    )
    add_client_options(parser)
    parser.add_argument("scripts", metavar="FILE", nargs=words, help="scripts to run in turn; - is standard input")
    return parser


def _word_at(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]] | None:
    """Options in front of a direct word, and that word with what follows; None when there is none."""
    before, behind = cut(argv)
    if not any(word in DIRECT_WORDS for word in before):
        return None
    # What stands behind the first word is that word's: it is taken as it is.
    finder = shell_parser(words=argparse.REMAINDER)
    finder.usage = shell_parser().format_usage().removeprefix("usage: ").replace("%", "%%").rstrip("\n")
    options = finder.parse_args(before)
    rest: list[str] = options.scripts
    if not rest or rest[0] not in DIRECT_WORDS:
        return None
    options.direct = rest[0]
    return options, [*rest, *(["--", *behind] if behind else [])]


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *ignored: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"mhsh {version('matahari')}")
        except PackageNotFoundError:
            print("mhsh (not installed)")
        parser.exit()


class _Completion(argparse.Action):
    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, shell: object, *ignored: object
    ) -> NoReturn:
        from matahari.shell.direct.completion_scripts import SCRIPTS

        print(SCRIPTS[str(shell)], end="")
        parser.exit()

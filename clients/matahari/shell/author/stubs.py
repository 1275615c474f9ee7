"""``matahari plugin stubs``: types of a fleet's plugins, for those who write programs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from matahari.config import add_options, configure_logging, load
from matahari.errors import MatahariError
from matahari.shell.base.outcome import ExitStatus, status_of
from matahari.shell.base.parser import CLIENT_DEFAULTS
from matahari.shell.display.render import printable

__all__ = ["add_stub_options", "stubs"]


def add_stub_options(parser: argparse.ArgumentParser) -> None:
    """The options of ``matahari plugin stubs``."""
    text = "directory of the package that is written; one that is there is updated"
    parser.add_argument("directory", metavar="DIRECTORY", type=Path, help=text)
    text = "a plugin to write; may be given several times (default: all that are on the bus)"
    parser.add_argument("--plugin", metavar="NAME", action="append", dest="names", help=text)
    add_options(parser, "console", defaults=CLIENT_DEFAULTS)


def stubs(arguments: argparse.Namespace) -> int:
    """Write them; returns the exit status.

    Raises:
        ConfigError: a setting is wrong.
    """
    from matahari.console.sync import connect, write_stubs  # no other command of `matahari plugin` needs them

    settings = load(vars(arguments), environ=os.environ, defaults=CLIENT_DEFAULTS)
    configure_logging(settings)
    try:
        with connect(
            str(settings.broker),
            insecure_anonymous=settings.insecure_anonymous,
            broker_kind=settings.broker_kind,
            virtual_host=settings.virtual_host or "",
        ) as console:
            paths = write_stubs(console, arguments.directory, arguments.names)
    except MatahariError as error:
        print(f"matahari: {printable(str(error))}", file=sys.stderr)
        return status_of(error)
    except OSError as error:
        print(f"matahari: the stubs cannot be written: {printable(str(error))}", file=sys.stderr)
        return ExitStatus.SOME_FAILED
    for path in paths:
        print(printable(str(path)))
    return ExitStatus.OK

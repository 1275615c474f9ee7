"""The options that ``mhsh`` and its direct commands share."""

from __future__ import annotations

from matahari.config import add_options
from matahari.shell.base.limits import DEFAULT_TIMEOUT, MAX_TIMEOUT
from matahari.shell.base.parser import CLIENT_DEFAULTS, Parser, seconds

__all__ = ["add_client_options"]


def add_client_options(parser: Parser) -> None:
    """The options that stand before a direct word or behind it."""
    parser.add_argument(
        "-y", "--yes", action="store_true", help="call methods that are declared destructive without asking"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    parser.add_argument(
        "-t",
        "--timeout",
        metavar="SECONDS",
        type=seconds(MAX_TIMEOUT),
        help=f"wait this long for answers (default: {DEFAULT_TIMEOUT:g}, or what a method declares that takes longer)",
    )
    parser.add_argument("-d", "--debug", action="store_true", help="show tracebacks of errors, remote ones included")
    add_options(parser, "console", defaults=CLIENT_DEFAULTS)

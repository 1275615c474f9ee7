"""``matahari tap``: options and exit status; the work is in :mod:`matahari.tap`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from matahari.config import Settings
from matahari.shell.base.parser import seconds
from matahari.shell.display.output import wants_colour
from matahari.tap import WORDS, Filters, TapOptions, key_filter, run_tap

__all__ = ["add_tap_options", "tap"]

MAX_SECONDS = 7 * 86400.0  # a week; more is a typing error
MAX_COUNT = 10**9


def add_tap_options(parser: argparse.ArgumentParser) -> None:
    """The options that only ``tap`` has."""
    filters = parser.add_argument_group(
        "filters", "An option given several times passes what fits any of its values; different options must all fit."
    )
    filters.add_argument(
        "--agent", action="append", default=[], metavar="PATTERN", help="agents by name, product, or host/product"
    )
    filters.add_argument("--host", action="append", default=[], metavar="PATTERN", help="agents on these hosts")
    filters.add_argument(
        "--opcode",
        action="append",
        default=[],
        metavar="WORD",
        type=_opcode,
        help=f"kinds of messages: {', '.join(WORDS)}",
    )
    filters.add_argument(
        "--class", action="append", default=[], metavar="PATTERN", dest="classes", help="Class or package:Class"
    )
    filters.add_argument(
        "--method", action="append", default=[], metavar="PATTERN", help="calls and answers of methods"
    )
    filters.add_argument(
        "--key", action="append", default=[], metavar="PATTERN", help="routing keys; * is one word, # none or more"
    )
    filters.add_argument("--only-errors", action="store_true", help="exceptions, failures and malformed messages")
    filters.add_argument(
        "--no-heartbeats", action="store_true", help="neither heartbeats of agents nor heartbeat events of hosts"
    )
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="print one JSON object per line")
    output.add_argument("--full", action="store_true", help="print whole messages, not only what fits the terminal")
    output.add_argument(
        "--record", metavar="FILE", type=Path, help="also write the messages shown to a new file, as vectors for tests"
    )
    output.add_argument("--count", metavar="N", type=_count, help="end after N messages")
    output.add_argument(
        "--for", metavar="SECONDS", type=seconds(MAX_SECONDS), dest="duration", help="end after so many seconds"
    )
    output.add_argument(
        "--show-secrets", action="store_true", help="show passwords, tokens and the like, which are masked otherwise"
    )


def tap(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run until the end; returns the exit status."""
    options = TapOptions(
        filters=Filters(
            agents=arguments.agent,
            hosts=arguments.host,
            opcodes=arguments.opcode,
            classes=arguments.classes,
            methods=arguments.method,
            keys=[key_filter(pattern) for pattern in arguments.key],
            only_errors=arguments.only_errors,
            no_heartbeats=arguments.no_heartbeats,
        ),
        as_json=arguments.json,
        full=arguments.full,
        record=arguments.record,
        count=arguments.count,
        duration=arguments.duration,
        show_secrets=arguments.show_secrets,
        colour=sys.stdout is not None and not arguments.json and wants_colour(sys.stdout),
        insecure_anonymous=settings.insecure_anonymous,
        broker_kind=settings.broker_kind,
        virtual_host=settings.virtual_host or "",
    )
    return asyncio.run(run_tap(settings.broker, options, out=_descriptor(sys.stdout), err=_descriptor(sys.stderr)))


def _descriptor(stream: object) -> int:
    """A stream's file descriptor; one that the caller has closed leads nowhere, not to whatever is opened next."""
    fileno: Callable[[], int] | None = getattr(stream, "fileno", None)
    return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC) if fileno is None else fileno()


def _opcode(text: str) -> str:
    if text not in WORDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no kind of message; there are {', '.join(WORDS)}")
    return text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= MAX_COUNT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MAX_COUNT}")
    return int(text)

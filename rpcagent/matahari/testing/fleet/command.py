"""``python -m matahari.testing.fleet``: a fleet that runs until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NoReturn

from matahari.errors import MatahariError

from .fleet import READY_TIMEOUT, AsyncFleet, FleetOptions
from .rules import parse_rule

__all__ = ["main", "read_options"]

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 64

_EPILOG: Final = """\
A plugin is a file of Python functions, as on a real host; they run in this program's own processes, and
matahari.testing.fleet.simulated_host() tells them on which host. Values of a fact that are separated by commas are
dealt out to the hosts in turn. A rule is a list of hosts, plugin, method (patterns), share (0 to 1), delay and spread
(seconds), outcome (answer, fail, silent or crash) and text; the first that applies counts.

  python -m matahari.testing.fleet --hosts 1000 --facts role=web,web,db --plugin calls.py \\
      --rule 'hosts=host0007,outcome=silent' --rule 'method=slow,delay=1,spread=2'
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run; the exit status is 0 after SIGINT or SIGTERM, 1 when the fleet fails, 64 for wrong options."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        count, options = read_options(words)
        fleet = AsyncFleet(count, **options)
    except (ValueError, MatahariError) as error:
        _tell(f"fleet: {error}")
        return EXIT_USAGE
    try:
        asyncio.run(_serve(fleet))
    except MatahariError as error:
        _tell(f"fleet: {error}")
        return EXIT_FAILED
    except KeyboardInterrupt:  # before the fleet was up
        pass
    return 0


def read_options(words: Sequence[str] | None) -> tuple[int, FleetOptions]:
    """The number of hosts and everything else, from the words of a command line.

    Raises:
        ValueError: an option that there is not, or a fact, label or rule that is none.
    """
    given = _parser().parse_args(words)
    options: FleetOptions = {
        "broker": given.broker,
        "plugins": dict(_plugin(text) for text in given.plugin),
        "rules": [parse_rule(text) for text in given.rule],
        "facts": {name: _values(text) for name, text in _pairs(given.facts, "a fact")},
        "labels": dict(_pairs(given.label, "a label")),
        "classes": given.classes,
        "prefix": given.prefix,
        "agents": given.agents.split(","),
        "processes": given.processes,
        "heartbeat_interval": given.heartbeat_interval,
        "update_interval": given.update_interval,
        "broker_kind": given.broker_kind,
        "virtual_host": given.virtual_host,
        "insecure_anonymous": given.insecure_anonymous,
        "timeout": given.timeout,
    }
    return given.hosts, options


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m matahari.testing.fleet",
        description="Simulate many hosts on a broker until Ctrl-C.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--hosts", type=int, default=100, metavar="N", help="how many (default %(default)s)")
    add("-b", "--broker", metavar="ADDRESS", help="unix:PATH or HOST:PORT (default: as for mhsh)")
    add("--broker-kind", default="auto", metavar="KIND", help="for a broker that does not tell what it is")
    add("--virtual-host", default="", metavar="NAME", help="what to ask the broker for")
    add("--insecure-anonymous", action="store_true", help="allow plain TCP without a login, on this machine")
    add("--plugin", action="append", default=[], metavar="[NAME=]FILE", help="a plugin of every host; may be repeated")
    add("--facts", action="append", default=[], metavar="NAME=A,B,…", help="a fact; may be repeated")
    add("--label", action="append", default=[], metavar="NAME=TEXT", help="a label; may be repeated")
    add("--class", dest="classes", action="append", default=[], metavar="NAME", help="a class; may be repeated")
    add("--rule", action="append", default=[], metavar="RULE", help="how hosts behave, see below; may be repeated")
    add("--prefix", default="host", help="of the hosts' names (default %(default)s)")
    add("--agents", default="host,rpc", metavar="NAMES", help="of each host (default %(default)s)")
    add("--processes", type=int, metavar="N", help="to simulate in; 0 for this one alone (default: as fits)")
    add("--heartbeat-interval", type=int, default=60, metavar="S", help="of agents (default %(default)s)")
    add("--update-interval", type=int, default=0, metavar="S", help="of heartbeat events of hosts (default: none)")
    add("--timeout", type=float, default=READY_TIMEOUT, metavar="S", help="for all to be up (default %(default)g)")
    return parser


def _plugin(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    return (name, Path(path)) if equals else (Path(text).stem, Path(text))


def _pairs(texts: Iterable[str], what: str) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise ValueError(f"{what} is given as NAME=VALUE, not {text!r}")
        pairs.append((name, value))
    return pairs


def _values(text: str) -> list[object]:
    return [_value(one) for one in text.split(",")]


def _value(text: str) -> object:
    """A number, true or false where the text is one."""
    try:
        found: object = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, int | float) else text


async def _serve(fleet: AsyncFleet) -> None:
    stop = asyncio.Event()
    async with fleet:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        sys.stdout.write(f"ready fleet hosts={len(fleet.names)} processes={len(fleet.pids) or 1} pid={os.getpid()}\n")
        sys.stdout.flush()
        await stop.wait()


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")

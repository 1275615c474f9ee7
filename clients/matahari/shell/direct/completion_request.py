"""``mhsh --complete-words SHELL …``: what the completion scripts ask for; silent and quick whatever happens.

For bash the words are its ``$COMP_WORDBREAKS`` and the line up to the cursor, for zsh and fish the words behind ``mhsh``
up to the cursor, the one that is being typed last. The first line printed is how the shell is to take the others
(``words``, ``open``: without a blank behind them, ``files``: names of files too), each of these is one word.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Callable, Sequence
from typing import Final, NoReturn, TypeVar

from matahari.config import load
from matahari.errors import ConfigError, MatahariError
from matahari.shell.base.parser import CLIENT_DEFAULTS, Parser
from matahari.shell.base.ports import ConsoleLike
from matahari.shell.direct.client_options import add_client_options
from matahari.shell.direct.completion_words import offer, split_line, typed
from matahari.shell.syntax.lines import Word

__all__ = ["BusNames", "answer", "complete_words"]

TIME_LIMIT: Final = 2.0  # seconds from here to the end; a person waits for the cursor
CONNECT_TIMEOUT: Final = 1.0
FETCH_TIMEOUT: Final = 1.0

_T = TypeVar("_T")

_SIGNS = ":="  # of bash's word breaks, those that our words have


def complete_words(arguments: Sequence[str]) -> None:
    """Print what may stand at the cursor; nothing where that is not known, and never an error."""

    def give_up(number: int, frame: object) -> None:
        os._exit(0)  # an agent that does not answer must not hold the prompt; nothing has to be kept

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT)
    for line in answer(arguments, _connect):
        print(line)


def answer(arguments: Sequence[str], connect: Callable[[argparse.Namespace], ConsoleLike]) -> list[str]:
    """The lines that are printed; none where there is nothing to say.

    Args:
        arguments: the shell's name and what it tells.
        connect: gives the console for the options on the line.
    """
    shell, *words = arguments or [""]
    cut = ""
    if shell == "bash":
        if len(words) != 2 or (found := split_line(words[1])) is None:
            return []
        before, fragment = found[0][1:], found[1]
        # bash replaces only what stands behind the last of its word breaks.
        cut = fragment[: 1 + max((fragment.rfind(sign) for sign in _SIGNS if sign in words[0]), default=-1)]
    elif words:
        before, fragment = words[:-1], words[-1]
    else:
        return []
    line = typed(before)
    names = BusNames(lambda: connect(_options(line.given)))
    try:
        offered = offer(line, fragment, names)
    finally:
        names.close()
    return [offered.manner, *(word.removeprefix(cut) for word in offered.words)]


class BusNames:
    """Names on the bus, asked for when they are wanted; empty where there is no broker."""

    def __init__(self, connect: Callable[[], ConsoleLike]) -> None:
        self._connect = connect
        self._console: ConsoleLike | None = None
        self._is_out = False

    def hosts(self) -> Sequence[str]:
        """Of the hosts."""
        return self._asked(lambda console: [one.name for one in console.hosts()])

    def classes(self) -> Sequence[tuple[str, str]]:
        """Packages and names of the classes."""
        return self._asked(lambda console: [(one.package, one.name) for one in console.classes()])

    def methods(self, package: str, class_name: str) -> Sequence[str]:
        """Of the methods of a class."""
        return self._asked(
            lambda console: [
                one.name for one in console.select(class_name, package=package, timeout=FETCH_TIMEOUT).methods
            ]
        )

    def properties(self, package: str, class_name: str) -> Sequence[str]:
        """Of the properties of a class."""
        return self._asked(
            lambda console: [
                one.name for one in console.select(class_name, package=package, timeout=FETCH_TIMEOUT).properties
            ]
        )

    def events(self) -> Sequence[tuple[str, str]]:
        """Packages and names of the classes of events."""
        return self._asked(
            lambda console: [(one.package, one.name) for one in console.event_classes(timeout=FETCH_TIMEOUT)]
        )

    def arguments(
        self, package: str, class_name: str, method: str, given: Sequence[str], fragment: str
    ) -> Sequence[str]:
        """What may stand behind the arguments of a plugin's method."""

        def ask(console: ConsoleLike) -> list[str]:
            from matahari.shell.syntax.arguments import schema_of  # only arguments need them
            from matahari.shell.verbs.argument_completion import complete_arguments

            schema = schema_of(console.select(class_name, package=package, timeout=FETCH_TIMEOUT), method)
            if schema is None:
                return []
            words = [Word(text, 0, len(text), source=text) for text in given]
            return [text.removesuffix(" ") for text in complete_arguments(schema, words, fragment)]

        return self._asked(ask)

    def close(self) -> None:
        """Leave the bus."""
        if self._console is not None:
            self._console.close()

    def _asked(self, ask: Callable[[ConsoleLike], list[_T]]) -> list[_T]:
        if self._is_out:
            return []
        try:
            if self._console is None:
                self._console = self._connect()
            return ask(self._console)
        except (MatahariError, OSError):
            self._is_out = True  # completion is a help, and where there is no help the user types on
            return []


def _options(given: Sequence[str]) -> argparse.Namespace:
    """The options of the connection among those on the line."""
    parser = _Quiet(prog="mhsh", allow_abbrev=False, add_help=False)
    add_client_options(parser)
    return argparse.ArgumentParser.parse_known_args(parser, list(given))[0]


class _Quiet(Parser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


def _connect(options: argparse.Namespace) -> ConsoleLike:
    import logging  # the console loads it in any case

    from matahari.console.sync import connect

    logging.disable()
    settings = load(vars(options), environ=os.environ, defaults=CLIENT_DEFAULTS)
    return connect(
        str(settings.broker),
        insecure_anonymous=settings.insecure_anonymous,
        timeout=CONNECT_TIMEOUT,
        broker_kind=settings.broker_kind,
        virtual_host=settings.virtual_host or "",
    )

"""What may follow the words of a command line of ``mhsh`` that is being typed in bash, zsh or fish.

The scripts of :mod:`matahari.shell.direct.completion_scripts` ask for it with ``mhsh --complete-words SHELL …``. Names on the
bus come from outside and would be executed by that shell if they were no plain words: only plain ones are offered.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from matahari.config import choices_of
from matahari.shell.base.outcome import CommandError
from matahari.shell.base.parser import Parser
from matahari.shell.base.ports import DEFAULT_PACKAGE, PLUGIN_PACKAGE
from matahari.shell.direct.call import target_of
from matahari.shell.direct.options import DIRECT_WORDS, shell_parser

__all__ = ["Names", "Offer", "Typed", "offer", "split_line", "typed"]

MAX_OFFERED: Final = 1000  # words; nobody reads more, and shells become slow
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@%+/=,-]{0,254}")


class Names(Protocol):
    """Names on the bus; empty where nobody answers."""

    def hosts(self) -> Sequence[str]:
        """Of the hosts."""

    def classes(self) -> Sequence[tuple[str, str]]:
        """Packages and names of the classes."""

    def methods(self, package: str, class_name: str) -> Sequence[str]:
        """Of the methods of a class."""

    def properties(self, package: str, class_name: str) -> Sequence[str]:
        """Of the properties of a class."""

    def events(self) -> Sequence[tuple[str, str]]:
        """Packages and names of the classes of events."""

    def arguments(
        self, package: str, class_name: str, method: str, given: Sequence[str], fragment: str
    ) -> Sequence[str]:
        """What may stand behind the arguments ``given`` of a method: values, and names with ``=``."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered.

    Attributes:
        words: each in whole.
        has_files: names of files may stand there too.
        is_open: the words go on, so that no blank belongs behind them.
    """

    words: tuple[str, ...] = ()
    has_files: bool = False
    is_open: bool = False

    @property
    def manner(self) -> str:
        """How the shell is to take the words: ``files``, ``open`` or ``words``."""
        return "files" if self.has_files else "open" if self.is_open else "words"


@dataclass(slots=True)
class Typed:
    """A command line up to the word that is being typed.

    Attributes:
        parser: knows the options that may stand there.
        direct: the direct word, empty for none.
        words: those that are no options, behind the direct word if there is one.
        given: options and their values, as they were typed.
        pending: the option whose value is being typed, None for none.
        is_behind: ``--`` was typed, so that nothing is an option any more.
    """

    parser: Parser
    direct: str = ""
    words: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    pending: argparse.Action | None = None
    is_behind: bool = False

    def action(self, text: str) -> argparse.Action | None:
        """The option of that name."""
        return _actions(self.parser).get(text)

    def take(self, word: str) -> None:
        """One more word that is whole."""
        if self.pending is not None:
            self.given.append(word)
            self.pending = None
        elif word == "--" and not self.is_behind:
            self.is_behind = True
        elif word.startswith("-") and word != "-" and not self.is_behind:
            self.given.append(word)
            action = self.action(word)
            self.pending = action if action is not None and action.nargs != 0 else None
        elif not self.direct and not self.words and word in DIRECT_WORDS and not self.is_behind:
            from matahari.shell.direct.request import direct_parser  # nothing else needs it

            self.direct, self.parser = word, direct_parser(word)
        else:
            self.words.append(word)


def typed(words: Iterable[str]) -> Typed:
    """Read the words behind ``mhsh`` that are whole."""
    found = Typed(shell_parser())
    for word in words:
        found.take(word)
    return found


def offer(line: Typed, fragment: str, names: Names) -> Offer:
    """What may stand in place of ``fragment``."""
    if line.pending is not None:
        return _kept(_values(line.pending, fragment, names), fragment)
    if fragment.startswith("-") and not line.is_behind:
        option, sign, value = fragment.partition("=")
        if not sign:
            return Offer(tuple(sorted(one for one in _actions(line.parser) if one.startswith(fragment))))
        action = line.action(option)
        if action is None or action.nargs == 0:
            return Offer()
        found = _kept(_values(action, value, names), value)
        return Offer(tuple(f"{option}={one}" for one in found.words), found.has_files)
    return _kept(_POSITIONS[line.direct](line, fragment, names), fragment)


def _script(line: Typed, fragment: str, names: Names) -> Offer:
    is_first = not line.words and not line.is_behind and not {"-c", "-e", "-x"} & set(line.given)
    return Offer(DIRECT_WORDS if is_first else (), has_files=True)


def _call(line: Typed, fragment: str, names: Names) -> Offer:
    if not line.words:
        return _members(fragment, names, names.methods)
    try:
        target = target_of(line.words[0])
    except CommandError:
        return Offer()
    words = tuple(one for one in names.arguments(*target, line.words[1:], fragment) if one.startswith(fragment))
    return Offer(words, is_open=bool(words) and all(one.endswith("=") for one in words))


def _describe(line: Typed, fragment: str, names: Names) -> Offer:
    def members(package: str, class_name: str) -> Sequence[str]:
        return [*names.methods(package, class_name), *names.properties(package, class_name)]

    return Offer() if line.words else _members(fragment, names, members)


def _members(fragment: str, names: Names, members: Callable[[str, str], Sequence[str]]) -> Offer:
    classes = {
        (f"{name}." if package == PLUGIN_PACKAGE else f"{package}:{name}."): (package, name)
        for package, name in names.classes()
    }
    for head, (package, name) in classes.items():
        if fragment.startswith(head):
            return Offer(tuple(head + member for member in members(package, name)))
    # Whoever has typed nothing wants a plugin; all other classes have long names.
    return Offer(
        tuple(head for head, (package, _) in classes.items() if fragment or package == PLUGIN_PACKAGE), is_open=True
    )


def _get(line: Typed, fragment: str, names: Names) -> Offer:
    if not line.words:
        classes = names.classes()
        short = [name for package, name in classes if package == DEFAULT_PACKAGE]
        long = [f"{package}:{name}" for package, name in classes if package != DEFAULT_PACKAGE or fragment]
        return Offer((*short, *long, *(_lonely(classes) if fragment else ())))
    if len(line.words) > 1:
        return Offer()
    package, _, name = line.words[0].rpartition(":")
    if not package:
        package = _lonely(names.classes()).get(name, DEFAULT_PACKAGE)
    return Offer(tuple(names.properties(package, name)))


def _lonely(classes: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Packages of the classes that are the only ones of their name: these can be named without it."""
    counts = Counter(name for _, name in classes)
    return {name: package for package, name in classes if counts[name] == 1}


def _events(line: Typed, fragment: str, names: Names) -> Offer:
    return Offer() if line.words else _event_classes(fragment, names)


def _event_classes(fragment: str, names: Names) -> Offer:
    known = names.events()
    short = [name for _, name in known] if fragment else []
    return Offer((*(f"{package}:{name}" for package, name in known), *short))


def _hosts(line: Typed, fragment: str, names: Names) -> Offer:
    return Offer(tuple(names.hosts()))


_POSITIONS: Final[dict[str, Callable[[Typed, str, Names], Offer]]] = {
    "": _script,
    "call": _call,
    "describe": _describe,
    "events": _events,
    "get": _get,
    "hosts": _hosts,
}


def _values(action: argparse.Action, fragment: str, names: Names) -> Offer:
    """What may be an option's value."""
    if action.choices is not None:
        return Offer(tuple(str(one) for one in action.choices))
    if action.dest == "hosts":
        return Offer(tuple(names.hosts()))
    if action.dest == "class_name":
        return _event_classes(fragment, names)
    return Offer(choices_of(action.dest), has_files=action.metavar == "FILE")


def _kept(found: Offer, fragment: str) -> Offer:
    """Those that begin with the fragment and are plain words, each once and in order."""
    words = sorted({one for one in found.words if one.startswith(fragment) and _PLAIN.fullmatch(one)})
    return Offer(tuple(words[:MAX_OFFERED]), found.has_files, found.is_open)


def _actions(parser: Parser) -> dict[str, argparse.Action]:
    # argparse has no public way to ask; this table is what all completers of it read.
    return {text: one for text, one in parser._option_string_actions.items() if one.help != argparse.SUPPRESS}


def split_line(line: str) -> tuple[list[str], str] | None:
    """The words of a line of bash up to the cursor, the one that is being typed, as it stands, apart.

    Returns:
        None when that one has quotes: what is put in its place would need them too.
    """
    words: list[str] = []
    word, raw, quote = "", "", ""
    is_open, is_escaped = False, False
    for char in line:
        if is_escaped:
            word, raw, is_escaped = word + char, raw + char, False
        elif char == "\\" and quote != "'":
            raw, is_open, is_escaped = raw + char, True, True
        elif quote:
            raw += char
            if char == quote:
                quote = ""
            else:
                word += char
        elif char in "'\"":
            quote, raw, is_open = char, raw + char, True
        elif char.isspace():
            if is_open:
                words.append(word)
            word, raw, is_open = "", "", False
        else:
            word, raw, is_open = word + char, raw + char, True
    return (words, word) if word == raw else None

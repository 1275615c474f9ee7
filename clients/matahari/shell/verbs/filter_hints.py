"""What may have been meant with a filter that means no host: names in it that no host, class or plugin has.

Imported after a mistake.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matahari.errors import MatahariError
from matahari.filters import (
    And,
    Compare,
    Exists,
    Expression,
    HasAgent,
    HasPlugin,
    In,
    InClass,
    NamedHost,
    Or,
    Property,
    Text,
    parse,
)
from matahari.shell.base.ports import PLUGIN_PACKAGE, ConsoleLike, HostMatchesLike
from matahari.shell.syntax.values import close_matches
from matahari.shell.verbs.filter_completion import NOT_A_NAME, located_pieces

__all__ = ["Hint", "filter_hints", "unmatched_hosts"]


HINT_TIMEOUT = 2.0  # seconds; a host that hangs must not delay what is known without it
MAX_HINTS = 8  # a filter may list a thousand hosts; more would drive the reason off the screen


@dataclass(frozen=True, slots=True)
class Hint:
    """A name that is not there: what to say of it, and its column in the filter, None where that is not clear."""

    text: str
    position: int | None


def filter_hints(text: str, matches: HostMatchesLike, console: ConsoleLike) -> list[Hint]:
    """The names in a filter that nothing has, those of facts first; none of what stands behind ``not``.

    Args:
        text: the filter as it was typed.
        matches: what became of it.
        console: knows classes and plugins; it is asked where the filter has some.
    """
    return list(dict.fromkeys(_all(text, matches, console)))[:MAX_HINTS]


def unmatched_hosts(text: str, matches: HostMatchesLike) -> list[str]:
    """What to say of names in a filter, none of what stands behind ``not``, that no host has.

    Where an agent did not say on which host it is, one of them may be there.
    """
    hosts = [one.host.name for one in matches]
    known = {host.lower() for host in hosts}
    unknown: dict[str, None] = {}
    for term in _terms(parse(text).expression):
        match term:
            case NamedHost(pattern=Text(value=name)) if name.lower() not in known:
                unknown[name] = None
            case _:
                pass
    is_sure = all(one.host for one in matches.unanswered)
    found = []
    for name in list(unknown)[:MAX_HINTS]:
        what = _meant(_close_hosts(name, hosts)) if is_sure else ", of those that announced themselves"
        found.append(f'no host is called "{name}"{what}')
    more = len(unknown) - len(found)
    return [*found, *([f"and {more} more names that no host has"] if more else [])]


def _all(text: str, matches: HostMatchesLike, console: ConsoleLike) -> Iterator[Hint]:
    for name, close in matches.unknown_names.items():
        hint = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
        yield Hint(f'no host has a fact or label "{name}"{hint}', _column(text, name))
    hosts = [one.host.name for one in matches]
    for term in _terms(parse(text).expression):
        match term:
            case NamedHost(pattern=Text(value=name)) if name.lower() not in map(str.lower, hosts):
                close = _close_hosts(name, hosts)
                yield Hint(f'no host is called "{name}"{_meant(close)}', _column(text, name))
            case InClass(pattern=Text(value=name)) if not matches.hosts:  # else an inventory may give it
                yield from _unknown(text, name, "no agent publishes the class", _classes(console, name))
            case HasPlugin(pattern=Text(value=name)):
                yield from _unknown(text, name, "no host has the plugin", _plugins(console, name))
            case HasAgent(pattern=Text(value=name)):
                yield from _unknown(text, name, "no host has the agent", _agents(console, name))
            case Compare(name=Property() as one) | In(name=Property() as one) | Exists(name=Property() as one):
                yield from _unknown_property(text, one, matches, console)
            case _:
                pass


def _terms(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, And | Or):
        for part in expression.parts:
            yield from _terms(part)
    else:
        yield expression


def _unknown(text: str, name: str, what: str, known: Sequence[str]) -> list[Hint]:
    if name in known:
        return []
    return [Hint(f'{what} "{name}"{_meant(close_matches(name, known))}', _column(text, name))]


def _unknown_property(text: str, wanted: Property, matches: HostMatchesLike, console: ConsoleLike) -> Iterator[Hint]:
    try:
        known = _properties(console, wanted, [one.host.name for one in matches])
        classes = [one.name for one in console.classes(wanted.package)]
    except MatahariError:
        return  # nothing can be said of it
    if wanted.class_name not in classes:
        hint = _meant(close_matches(wanted.class_name, classes))
        column = _column(text, f"{wanted.class_name}.{wanted.name}")
        yield Hint(f'no agent publishes the class "{wanted.class_name}"{hint}', column)
    elif known and not any(wanted.name == one or wanted.name.startswith(f"{one}.") for one in known):
        name = wanted.name.partition(".")[0]
        hint = _meant([f"{wanted.class_name}.{one}" for one in close_matches(name, known)])
        yield Hint(f'{wanted.class_name} has no property "{name}"{hint}', _column(text, wanted.name))


def _properties(console: ConsoleLike, wanted: Property, hosts: Sequence[str]) -> list[str]:
    """Those of the class, asked of the first host that has it."""
    for host in hosts:
        if any(one.name == wanted.class_name for one in console.classes(wanted.package, hosts=[host])):
            found = console.select(wanted.class_name, package=wanted.package, hosts=[host], timeout=HINT_TIMEOUT)
            return [one.name for one in found.properties]
    return []


def _agents(console: ConsoleLike, name: str) -> list[str]:
    """Their products, and their whole names where the name is one."""
    try:
        agents = console.agents()
    except MatahariError:
        return [name]
    return list(dict.fromkeys(one.name if ":" in name else one.product for one in agents))


def _classes(console: ConsoleLike, name: str) -> list[str]:
    """With their packages where the name has one."""
    try:
        classes = console.classes()
    except MatahariError:
        return [name]  # nothing can be said of it
    return [f"{one.package}:{one.name}" if ":" in name else one.name for one in classes]


def _plugins(console: ConsoleLike, name: str) -> list[str]:
    try:
        return [one.name for one in console.classes(PLUGIN_PACKAGE)]
    except MatahariError:
        return [name]


def _close_hosts(name: str, hosts: Sequence[str]) -> list[str]:
    """Hosts of which the name, or its part before the first dot, is close."""
    lowered = {host.lower(): host for host in hosts}
    if close := close_matches(name.lower(), list(lowered)):
        return [lowered[one] for one in close]
    short: dict[str, str] = {}
    for host in hosts:
        short.setdefault(host.lower().partition(".")[0], host)
    return [short[one] for one in close_matches(name.lower().partition(".")[0], list(short))]


def _meant(close: Sequence[str]) -> str:
    return f"; did you mean {', '.join(close)}?" if close else ""


def _column(text: str, name: str) -> int | None:
    """Where a name stands in the filter; what is compared with is none."""
    before = ""
    for column, piece in located_pieces(text):
        plain = piece.strip("'\"")
        if before not in NOT_A_NAME and (plain == name or plain.endswith(f".{name}")):
            return column
        before = piece
    return None

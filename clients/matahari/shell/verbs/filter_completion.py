"""What may follow in a filter of hosts: names, keywords, facts, and values of facts after a comparison. Pure.

The text is cut up without refusing anything: what stands before the cursor is rarely a whole filter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from matahari.errors import FilterSyntaxError
from matahari.shell.base.ports import DEFAULT_PACKAGE
from matahari.shell.base.selection import Directory
from matahari.shell.syntax.lines import Word

__all__ = ["NOT_A_NAME", "complete_filter", "is_in_regex", "located_pieces"]

_KEYWORDS: Final = ("and", "or", "not", "in", "has", "class", "plugin", "agent")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")  # names that are never quoted
_SOURCES: Final = ("fact.", "label.")
_COMPARISONS: Final = frozenset(("=", "!=", "<", "<=", ">", ">="))
_PATTERNS: Final = frozenset(("=~", "!~"))
NOT_A_NAME: Final = _COMPARISONS | _PATTERNS
"""Behind these stands a value."""

# A quoted text, a regular expression (either may be unfinished), an operator, or a bare word.
_PIECE: Final = re.compile(
    r"""\s*("(?:\\.|[^"\\])*(?:"|\\?$)|'[^']*(?:'|$)|/(?:\\.|[^/\\])*(?:/i?|\\?$)|[=!]~|[!<>]=|[=<>(),]|[^\s=<>!(),"']+|.)""",
    re.DOTALL,
)


def complete_filter(
    words: Sequence[Word], fragment: str, directory: Directory, fact_names: Collection[str] = ()
) -> list[str]:
    """Continuations of ``fragment`` behind the words of a filter, as they must be typed.

    Args:
        fragment: as it was typed.
        directory: knows hosts, classes, plugins and facts.
        fact_names: further facts.
    """
    pieces = _pieces(fragment)
    partial = pieces.pop() if pieces and not _is_sign(pieces[-1]) else ""
    head = fragment[: len(fragment) - len(partial)]
    before = [piece for word in words for piece in _pieces(word.source)] + pieces
    if partial.startswith("/") or (before and before[-1] in _PATTERNS):
        return []  # nobody can guess a regular expression
    offered = _offered(before, partial, directory, fact_names)
    return [head + text for text in dict.fromkeys(offered) if text.startswith(partial)]


def is_in_regex(words: Sequence[Word], fragment: str) -> bool:
    """Whether the end of a filter's text is inside a regular expression that is not closed."""
    text = " ".join([*(word.source for word in words), fragment])
    pieces = _pieces(text)
    last = pieces[-1] if pieces else ""
    return last.startswith("/") and re.fullmatch(r"/(?:\\.|[^/\\])*/i?", last, re.DOTALL) is None


def _offered(before: Sequence[str], partial: str, directory: Directory, fact_names: Collection[str]) -> list[str]:
    subject = _compared(before)
    facts = directory.facts()
    if subject:
        values = facts.get(subject) or facts.get(subject.partition(".")[2], ())
        return [f"{value} " for value in values]
    kind = _term(before)
    if kind == "plugin":
        return _written(directory.plugins())
    if kind == "class":
        classes = directory.classes()
        return [
            *_written(name for _, name in classes),
            *_written(f"{package}:{name}" for package, name in classes),
        ]
    if kind == "agent":
        return []  # as many as hosts, and none of their names is known here
    if found := _properties(partial, directory):
        return found
    names = sorted({*(f"{name} " for name in facts), *_written(fact_names, is_fact=True)})
    known = names.copy()
    for source in _SOURCES:
        known += [f"{source}{name}" for name in names] if partial.startswith(source) else [source]
    # Whoever has typed nothing is not shown all packages.
    heads = _heads(directory).items()
    known += [head for head, (package, _) in heads if head != partial and (partial or package == DEFAULT_PACKAGE)]
    if kind == "has":
        return known
    return [*_written(directory.hosts()), *(f"{word} " for word in _KEYWORDS), *known]


def _heads(directory: Directory) -> dict[str, tuple[str, str]]:
    """What stands in front of a property, by package and class; without package where that is enough."""
    return {
        f"{name}." if package == DEFAULT_PACKAGE and "A" <= name[:1] <= "Z" else f"{package}:{name}.": (package, name)
        for package, name in directory.classes()
    }


def _properties(partial: str, directory: Directory) -> list[str]:
    """Properties of the class that ``partial`` names in front of a dot."""
    for head, (package, class_name) in _heads(directory).items():
        if partial.startswith(head):
            names = directory.properties(package, class_name)
            return [f"{head}{name} " for name in names if _PLAIN.fullmatch(name)]
    return []


def _written(names: Iterable[str], *, is_fact: bool = False) -> list[str]:
    """Names of the bus, each with a final blank: in quotes where the line would mean something else without."""
    words = [
        name if _PLAIN.fullmatch(name) and name.lower() not in _KEYWORDS else _quoted(name, is_fact) for name in names
    ]
    return [f"{word} " for word in words if word]


def _quoted(name: str, is_fact: bool) -> str:
    from matahari.filters import Exists, Filter, Name, NamedHost, Text  # such a name is rare

    try:
        return str(Filter(Exists(Name(name)))).removeprefix("has ") if is_fact else str(Filter(NamedHost(Text(name))))
    except (ValueError, FilterSyntaxError):
        return ""  # no filter can have it


def _compared(before: Sequence[str]) -> str:
    """The name whose value is expected next; empty when something else is."""
    if len(before) >= 2 and before[-1] in _COMPARISONS:
        return before[-2]
    if before and before[-1] in ("(", ","):
        opened = next((at for at in range(len(before) - 1, -1, -1) if before[at] in ("(", ")")), -1)
        if opened >= 2 and before[opened] == "(" and before[opened - 1].lower() == "in":
            name = opened - 3 if before[opened - 2].lower() == "not" else opened - 2
            return before[name] if name >= 0 else ""
    return ""


def _term(before: Sequence[str]) -> str:
    """The keyword that asks for a name of its kind next; empty for none."""
    last = before[-1].lower() if before else ""
    if last == "(" and len(before) >= 2:
        last = before[-2].lower()
        return last if last in ("plugin", "class", "agent") else ""
    return last if last in ("plugin", "class", "agent", "has") else ""


def _pieces(text: str) -> list[str]:
    return [piece for _, piece in located_pieces(text)]


def located_pieces(text: str) -> list[tuple[int, str]]:
    """Words, signs, quoted texts and regular expressions as they were typed, each with its column."""
    return [(found.start(1), found[1]) for found in _PIECE.finditer(text.rstrip())]


def _is_sign(piece: str) -> bool:
    return piece in _COMPARISONS or piece in _PATTERNS or piece in ("(", ")", ",", "!")

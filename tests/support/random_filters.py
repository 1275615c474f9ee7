"""Random expressions, hosts, and texts that are nearly filters, made from one seed each."""

from __future__ import annotations

from random import Random

from matahari.filters import (
    And,
    Compare,
    Exists,
    Expression,
    Filter,
    Glob,
    HasAgent,
    HasPlugin,
    In,
    InClass,
    Name,
    NamedHost,
    Not,
    Number,
    ObjectView,
    Operator,
    Or,
    Pattern,
    PluginView,
    Property,
    Regex,
    Source,
    Subject,
    Text,
)

__all__ = ["expression", "filter_text", "subject"]

_NAMES = (
    "role",
    "os.version",
    "os.id",
    "up",
    "mem",
    "a b",
    "fact.x",
    "and",
    "Host.x",
    "p:Q.r",
    "é",
    "x'\"\n",
    "/",
    "\U0001f600",
)
_TEXTS = (
    "web",
    "db",
    "12",
    "9.10",
    "1.2rc1",
    "5m",
    "2GiB",
    "true",
    "",
    "and",
    "class",
    "a b",
    "we*",
    "/x",
    'q"\\',
    "é\x00",
    "~x",
)
_GLOBS = ("w*", "*", "?", "[wd]*", "[!a]b", "1*", "*.*", "[")
_REGEXES = ("^w", "b$", "", "[0-9]+", "a/b", r"\d", r"\\/", "x y(z)", "web|db")
_NUMBERS = ("0", "12", "-1", "9.10", ".5", "1e3", "+7", "100000000000000000000")
_UNITS = ("", "", "B", "KiB", "MB", "%", "s", "h")
_VALUES: tuple[object, ...] = (
    None, True, False, 0, 12, -1, 9.1, 80, 2**20, "web", "db", "12", "9.9", "9.10", "2GiB", "5 min", "80%", "1.2", "",
    ["web", 12], [], [["x"]], {"id": "x"}, float("nan"), b"web",
)  # fmt: skip
_CLASSES = ("Host", "Door", "cat")
_PACKAGES = ("org.matahariproject", "org.example")
_HOSTS = ("web1", "web2.example.org", "db1", "WEB", "class", "")
_ORDERS = (Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST)
_EQUALITIES = (Operator.EQUAL, Operator.DIFFERENT)
_MATCHES = (Operator.MATCHES, Operator.MISMATCHES)
_PIECES = (
    "and", "or", "not", "in", "has", "class", "plugin", "agent", "(", ")", ",", "=", "!=", "<", ">=", "=~", "!~", "/w.*/",
    "/x/i", "'a b'", '"\\u00e9"', "role", "web*", "Host.x", "fact.", "label.x", "12", "2GiB", "5%", "1.2.3", "\\", ";", "~",
    "\x00", "'", '"', "/", "[", "fact.'x'", "p:Q.r", "\U0001f600", "((((", "not not", "==", "{",
)  # fmt: skip


def expression(random: Random, depth: int = 4) -> Expression:
    """Any expression that can be made, nested up to ``depth`` levels."""
    kind = random.randrange(7 if depth else 4)
    if kind < 4:
        return _term(random)
    if kind == 4:
        return Not(expression(random, depth - 1))
    parts = tuple(expression(random, depth - 1) for _ in range(random.randrange(2, 4)))
    if kind == 5:
        return And(tuple(one for part in parts for one in (part.parts if isinstance(part, And) else (part,))))
    return Or(tuple(one for part in parts for one in (part.parts if isinstance(part, Or) else (part,))))


def _term(random: Random) -> Expression:
    match random.randrange(8):
        case 0:
            return NamedHost(_pattern(random, _HOSTS))
        case 1:
            return InClass(_pattern(random, (*_CLASSES, "role::web")))
        case 2:
            if random.random() < 0.5:
                return HasPlugin(_pattern(random, ("calc", "disks")))
            version = Number(random.choice(_NUMBERS)) if random.random() < 0.5 else Text(random.choice(_TEXTS))
            return HasPlugin(_pattern(random, ("calc", "disks")), random.choice((*_ORDERS, *_EQUALITIES)), version)
        case 3:
            return HasAgent(_pattern(random, ("rpc", "matahariproject.org:host:x")))
        case 4:
            return Exists(_known(random))
        case 5:
            return In(_known(random), tuple(_literal(random) for _ in range(random.randrange(1, 4))))
    match random.randrange(3):
        case 0:
            return Compare(_known(random), random.choice(_MATCHES), _regex(random))
        case 1:
            return Compare(_known(random), random.choice(_EQUALITIES), _literal(random))
    number = Number(random.choice(_NUMBERS), random.choice(_UNITS))
    value = number if random.random() < 0.7 else Text(random.choice(_TEXTS))
    return Compare(_known(random), random.choice(_ORDERS), value)


def _known(random: Random) -> Name | Property:
    if random.random() < 0.25:
        return Property(
            random.choice(_CLASSES), random.choice(("n", "load.1", "x:y.z", "a b")), random.choice(_PACKAGES)
        )
    return Name(random.choice(_NAMES), random.choice(tuple(Source)))


def _pattern(random: Random, texts: tuple[str, ...]) -> Pattern:
    match random.randrange(4):
        case 0:
            return Glob(random.choice(_GLOBS))
        case 1:
            return _regex(random)
    return Text(random.choice((*texts, random.choice(_TEXTS))))


def _regex(random: Random) -> Regex:
    return Regex(random.choice(_REGEXES), random.random() < 0.3)


def _literal(random: Random) -> Text | Glob | Number:
    match random.randrange(4):
        case 0:
            return Glob(random.choice(_GLOBS))
        case 1:
            return Number(random.choice(_NUMBERS), random.choice(_UNITS))
    return Text(random.choice(_TEXTS))


def subject(random: Random) -> Subject:
    """A host of which some is known."""

    def maybe(value: dict[str, object]) -> dict[str, object] | None:
        return value if random.random() < 0.8 else None

    def values(names: tuple[str, ...]) -> dict[str, object]:
        return {name: random.choice(_VALUES) for name in names if random.random() < 0.6}

    is_told = random.random() < 0.8
    return Subject(
        random.choice(_HOSTS),
        facts=maybe(values(_NAMES)),
        labels=maybe(values(_NAMES)),
        inventory=frozenset({"role::web"}) if random.random() < 0.5 else None,
        classes=frozenset({"org.matahariproject:Host"}) if random.random() < 0.5 else None,
        plugins={"calc": PluginView(random.choice(("", "1.2", "9.10", "odd")), "ready")} if is_told else None,
        agents=frozenset({"matahariproject.org:rpc:x"}) if is_told else None,
        objects={
            (package, name): [
                ObjectView(values(("n", "load")), {"n": random.choice(("kb", "s", "bit"))})
                for _ in range(random.randrange(3))
            ]
            if random.random() < 0.8
            else None
            for package in _PACKAGES
            for name in _CLASSES
            if random.random() < 0.7
        },
    )


def filter_text(random: Random) -> str:
    """A text that may be a filter: pieces of some in any order, or a filter with damage."""
    if random.random() < 0.5:
        glue = random.choice((" ", " ", ""))
        return glue.join(random.choices(_PIECES, k=random.randrange(12)))
    text = list(_written(random))
    for _ in range(random.randrange(4)):
        at = random.randrange(len(text) + 1)
        match random.randrange(3):
            case 0:
                text[at : at + 1] = []
            case 1:
                text.insert(at, random.choice(random.choice(_PIECES)))
            case 2:
                text[at:at] = text[at : at + random.randrange(8)]
    return "".join(text)


def _written(random: Random) -> str:
    return str(Filter(expression(random, 3)))

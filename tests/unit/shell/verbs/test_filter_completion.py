"""What may follow in a filter of hosts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from matahari.filters import Exists, Expression, Filter, HasPlugin, InClass, Name, NamedHost, Source, Text
from matahari.shell.base.selection import Snapshot
from matahari.shell.syntax.lines import split
from tests.support.fake_classes import CORE, PLUGINS
from tests.support.shell import TestShell

NAMES = Snapshot(
    host_names=("db1", "web1", "web2"),
    class_names=((CORE, "Host"), (PLUGINS, "asterisk"), (PLUGINS, "disks")),
    fact_values={
        "os.name": ('"Debian GNU/Linux"', "Fedora"),
        "role": ("db", "web"),
        "roles": (),
    },
    members={
        (CORE, "Host"): ("free_mem", "free_swap", "load", "odd name"),
        (PLUGINS, "disks"): ("state",),
    },
)

OFFERED = [
    # (behind "select hosts ", suggestions)
    ("w", ["web1 ", "web2 "]),
    ("ro", ["role ", "roles "]),
    ("not (ro", ["(role ", "(roles "]),
    ("label.ro", ["label.role ", "label.roles "]),
    ("fa", ["fact."]),
    ("H", ["Host."]),
    ("not (H", ["(Host."]),
    ("Host.", ["Host.free_mem ", "Host.free_swap ", "Host.load "]),
    ("has Host.fr", ["Host.free_mem ", "Host.free_swap "]),
    ("web1 and (Host.l", ["(Host.load "]),
    (f"{PLUGINS}:di", [f"{PLUGINS}:disks."]),
    (f"{PLUGINS}:disks.", [f"{PLUGINS}:disks.state "]),
    (f"{PLUGINS}:asterisk.", []),
    ("Nosuch.", []),
    ("role = Host.", []),
    ("role = ", ["db ", "web "]),
    ("role = w", ["web "]),
    ("role=w", ["role=web "]),
    ("role!=", ["role!=db ", "role!=web "]),
    ("web1 or (role>=d", ["(role>=db "]),
    ("fact.role = ", ["db ", "web "]),
    ("label.role=d", ["label.role=db "]),
    ("os.name = ", ['"Debian GNU/Linux" ', "Fedora "]),
    ('os.name = "Debian G', ['"Debian GNU/Linux" ']),
    ('os.name="D', ['os.name="Debian GNU/Linux" ']),
    ("role in (", ["(db ", "(web "]),
    ("role in ( d", ["db "]),
    ("role in (db, w", ["web "]),
    ("role in (db,w", ["(db,web "]),
    ("role not in (w", ["(web "]),
    ("roles = ", []),
    ("nosuch = w", []),
    ("role =~ ", []),
    ("role =~ /w", []),
    ("/w", []),
    ("plugin ", ["asterisk ", "disks "]),
    ("plugin d", ["disks "]),
    ("class(Ho", ["class(Host "]),
    ("class org.matahariproject:", [f"{CORE}:Host "]),
    ("agent r", []),
    ("has ro", ["role ", "roles "]),
    ("role = web a", ["and ", "agent "]),
    ("explain role = w", ["web "]),
    ("role = web; select hosts role = d", ["db "]),
]


@pytest.mark.parametrize(("typed", "suggestions"), OFFERED)
def test_a_filter_completes(typed: str, suggestions: list[str]) -> None:
    shell = TestShell()
    assert shell.session.commands(NAMES).complete(f"select hosts {typed}")[1] == suggestions


@pytest.mark.parametrize(
    "typed", ["\"'/(", "= = =", "in (", ", ,", "not in (", "(" * 50, "role in (a) (", "'", "\\", "x/"]
)
def test_nonsense_is_no_error(typed: str) -> None:
    commands = TestShell().session.commands(NAMES)
    for end in range(len(typed) + 1):
        commands.complete(f"select hosts {typed[:end]}")


HOSTILE = [
    "web7; quit",
    "web7;quit",
    "web7\ncall reboot",
    "web7 or not db1",
    'web7"',
    "web7 | file x",
    "web7#",
    "*",
    "7\\",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    ("beginning", "meant"),
    [
        ("", lambda name: NamedHost(Text(name))),
        ("plugin ", lambda name: HasPlugin(Text(name))),
        ("class ", lambda name: InClass(Text(name))),
        ("has ", lambda name: Exists(Name(name))),
        ("has fact.", lambda name: Exists(Name(name, Source.FACT))),
    ],
)
def test_names_of_the_bus_are_offered_as_one_word_that_means_them(
    name: str, beginning: str, meant: Callable[[str], Expression]
) -> None:
    shell = TestShell()
    shell.session.fact_names = frozenset((name,))
    commands = shell.session.commands(Snapshot((name,), (PLUGINS,), ((PLUGINS, name),)))
    start, offered = commands.complete(f"select hosts {beginning}")
    lines = [f"select hosts {beginning}"[:start] + text for text in offered]
    for text in lines:
        [line] = split(text)
        assert (len(line.words), line.stages) == (len(f"select hosts {beginning}x".split()), ())
    assert str(Filter(meant(name))) in [text.removeprefix("select hosts ").strip() for text in lines]


def test_properties_that_are_not_known_are_wished_for_once_their_class_is_named() -> None:
    wishes: list[tuple[str, str]] = []
    names = Snapshot(class_names=((CORE, "Host"), (CORE, "Vlan")), members={(CORE, "Host"): ()}, wish=wishes.append)
    commands = TestShell().session.commands(names)
    for typed in ("", "V", "Host.", "Nosuch.", "Vlan.x"):
        commands.complete(f"select hosts {typed}")
    assert wishes == [(CORE, "Vlan")]


def test_a_host_that_is_called_as_a_keyword_is_offered_in_quotes() -> None:
    commands = TestShell().session.commands(Snapshot(("or",)))
    assert {'"or" ', "or "} <= set(commands.complete("select hosts ")[1])


def test_a_name_that_no_filter_can_have_is_not_offered() -> None:
    commands = TestShell().session.commands(Snapshot(("", "x" * 20_000 + " ")))
    offered = commands.complete("select hosts ")[1]
    assert "explain " in offered
    assert not [text for text in offered if "xx" in text or not text.strip()]

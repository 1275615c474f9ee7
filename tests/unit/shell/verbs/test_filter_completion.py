"""What may follow in a filter of hosts."""

from __future__ import annotations

import pytest

from matahari.shell.base.selection import Snapshot
from tests.support.fake_console import CORE, PLUGINS
from tests.support.shell import TestShell

NAMES = Snapshot(
    host_names=("db1", "web1", "web2"),
    class_names=((CORE, "Host"), (PLUGINS, "asterisk"), (PLUGINS, "disks")),
    fact_values={
        "os.name": ('"Debian GNU/Linux"', "Fedora"),
        "role": ("db", "web"),
        "roles": (),
    },
)

OFFERED = [
    # (behind "select hosts ", suggestions)
    ("w", ["web1 ", "web2 "]),
    ("ro", ["role ", "roles "]),
    ("not (ro", ["(role ", "(roles "]),
    ("label.ro", ["label.role ", "label.roles "]),
    ("fa", ["fact."]),
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

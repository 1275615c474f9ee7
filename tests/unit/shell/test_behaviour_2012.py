"""What the mhsh of 2012 did, behaviour by behaviour: what is kept, and what was changed on purpose.

Each row of :data:`KEPT` stands behind the section of matahari-2012.md that describes it. :data:`CHANGED` shows the new
behaviour for each row of the table of differences in the guide; a row without an example, or an example without a row,
fails.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.selection import take_snapshot
from tests.support.fake_classes import PLUGINS
from tests.support.shell import TestShell

GUIDE = Path(__file__).parents[3] / "core" / "docs" / "guide" / "mhsh.md"
HOST = "select host web1; select class Host"
CALC = f"select host web1; select class package {PLUGINS} calc"

KEPT = [
    # (section, lines before, typed, printed)
    ("15.2 the empty line does nothing", "", "", ""),
    ("15.2 nor does it repeat the last command", "list packages", "   ", ""),
    ("15.2 ? is help", "", "? sleep", " > sleep FLOAT\n\nWait that many seconds.\n"),
    ("15.2 an unknown first word", "", "frobnicate all", "*** Unknown syntax: frobnicate all\n\n"),
    ("15.2 a word of another mode", "", "clear host", None),
    ("15.4 list hosts", "", "list hosts", "db1\nweb1\nweb2\n"),
    ("15.4 list hosts is not limited by the selection", "select host db1", "list hosts", "db1\nweb1\nweb2\n"),
    (
        "15.4 list agents of the selected hosts",
        "select host web2",
        "list agents",
        "matahariproject.org:host:web2\nmatahariproject.org:rpc:web2\n",
    ),
    (
        "15.4 select host replaces the earlier choice",
        "select host db1; select host web2; select class Host",
        "show selection",
        "org.matahariproject:Host[matahariproject.org:host:web2:Host] web2\n",
    ),
    (
        "15.4 the package defaults to org.matahariproject",
        "select host db1; select class Host",
        "show selection",
        "org.matahariproject:Host[matahariproject.org:host:db1:Host] db1\n",
    ),
    (
        "15.4 select property filters by equality",
        "select class Host; select property hostname web2",
        "show selection",
        "org.matahariproject:Host[matahariproject.org:host:web2:Host] web2\n",
    ),
    (
        "15.4 selecting a class drops the filters",
        "select host web1 web2; select class Host; select property hostname web2; select class Host",
        "get hostname",
        "web1: web1\nweb2: web2\n",
    ),
    (
        "15.4 clear properties drops the filters",
        "select host web1 web2; select class Host; select property hostname web2; clear properties",
        "get hostname",
        "web1: web1\nweb2: web2\n",
    ),
    (
        "15.4 clear all leads back to the root",
        f"{HOST}; clear all",
        "get hostname",
        '% "get" needs a class or plugin: select class (package PACKAGE) CLASS, or select plugin NAME\n\n',
    ),
    ("15.4 get", HOST, "get update_interval", "web1: 5\n"),
    ("15.4 set prints nothing", HOST, "set update_interval 9", ""),
    ("15.4 call", HOST, "call get_uuid Hardware", "web1: Hardware-of-web1\n"),
    ("15.4 sleep", "", "sleep 0.5", ""),
    ("15.4 quit", "", "quit", ""),
    ("15.5 a group that is left out", HOST, "call set_uuid Custom", "web1: 0\n"),
    ("15.5 a group that is taken", HOST, "call set_uuid Custom 1234", "web1: 0\n"),
    ("15.6 a boolean", "", "sleep yes", None),
    (
        "15.6 a number below its range",
        HOST,
        "set update_interval -1",
        "% Value -1 underflows minimum of range (0)\n",
    ),
    (
        "15.6 a number above its range",
        HOST,
        "set update_interval 86401",
        "% Value 86401 overflows maximum of range (86400)\n",
    ),
    ("15.6 a text that is too long", HOST, f"call set_uuid Custom {'x' * 37}", "Parameter is too long"),
    ("15.6 no map", HOST, "select property load 5", '"5" is not a map'),
    ("15.6 no host of that name", "", "select host nosuch", 'Host "nosuch" not found'),
    ("15.6 no class of that name", "", "select class Nosuch", 'Class "org.matahariproject:Nosuch" not found'),
    ("15.7 words missing", "", "sleep", "% Missing arguments: 'FLOAT'\n"),
    ("15.7 words left", "", "sleep 1 2 3", "% Excess arguments: '2 3'\n"),
    ("15.7 a refused value", "", "sleep soon", "% Invalid argument value ("),
    ("15.7 a group in which nothing fits", "", "list everything", '% Invalid Command: "list everything"\n'),
    ("15.7 its candidates", "", "list everything", "% Candidates are:\n%     list hosts\n%     list agents\n"),
    ("15.7 no objects", "select class Host; select property hostname nobody", "get load", "% No objects selected\n"),
    ("15.8 help on a word", "", "help quit", " > quit\n\nLeave the shell; in a script, end the script.\n"),
    ("15.8 the parameters of a method", HOST, "help call", " > call get_uuid LIFETIME\n"),
    ("15.8 their lines", HOST, "help call", "      str lifetime           Custom, Hardware or Filesystem\n"),
    ("15.8 no such topic", "", "help nosuch", "*** No help on nosuch\n"),
    ("15.10 a comment", "", "# list hosts", ""),
    ("15.10 a comment behind blanks", "", "   # list hosts", ""),
]


@pytest.mark.parametrize(("section", "before", "typed", "printed"), KEPT, ids=[row[0] for row in KEPT])
def test_what_is_kept(section: str, before: str, typed: str, printed: str | None) -> None:
    shell = TestShell()
    if before:
        assert shell.run(before) is ExitStatus.OK, before
    said = shell.says(typed)
    if printed is None:  # refused; the words of 2012 say less than ours
        assert re.match(r"\*\*\* |% ", said), said
    elif printed.endswith("\n") or not printed:
        assert printed in said if printed else said == ""
    else:
        assert printed in said


COMPLETED = [
    # 15.9: (lines before, typed, offered)
    ("", "sel", ["select "]),
    ("", "select host d", ["db1"]),
    ("", "select host db1 ", ["db1", "web1", "web2"]),
    ("", "list nosuch ", []),
    ("", "help qui", ["quit "]),
    ("", "help quit ", []),
    (HOST, "get upd", ["update_interval "]),
    (HOST, "call get_uuid ", [""]),
    (HOST, "call get_uuid Cust", ["Cust "]),
    (HOST, "select property load ", ["{"]),
    (HOST, "set update_interval 99999", []),
]


@pytest.mark.parametrize(("before", "typed", "offered"), COMPLETED)
def test_completion_that_is_kept(before: str, typed: str, offered: list[str]) -> None:
    shell = TestShell()
    if before:
        shell.run(before)
    assert shell.session.commands(take_snapshot(shell.console)).complete(typed)[1] == offered


CHANGED = {
    # the first cell of the guide's row: (lines before, typed, what the answer begins with now, its status)
    "`-p PORT`, TCP to `localhost`": None,  # settings of all programs: tests of the configuration show it
    "no quoting; lists and maps as Python expressions, evaluated": (
        CALC, 'call greet "two words"', 'web1: [["two words"], {}]\n', ExitStatus.OK,
    ),
    "keywords whole": ("", "sel cl Host; sh sel", "org.matahariproject:Host[", ExitStatus.OK),
    "`call num_calls [] {}` with JSON texts as elements": (CALC, "call add 1 2", "web1: [[1, 2], {}]\n", ExitStatus.OK),
    "`set` changed the shell's copy, in silence": (
        f"{HOST}; set update_interval 9", "select host web1; get update_interval", "web1: 9\n", ExitStatus.OK,
    ),
    "`get` showed the values as of the selection": (
        f"select class Host; {HOST}; set update_interval 7", "get update_interval", "web1: 7\n", ExitStatus.OK,
    ),
    "an optional schema argument had to be given": (HOST, "call set_uuid Custom", "web1: 0\n", ExitStatus.OK),
    "`OK (0) - {…}`, `None` for silence": (HOST, "call get_uuid Hardware", "web1: Hardware", ExitStatus.OK),
    "a group's error only lists its syntaxes": (
        "", "select host nosuch", '% Invalid Command: "select host nosuch"\n', ExitStatus.NOTHING_MATCHED,
    ),
    "a group cut off at the end of a command was accepted": (
        "", "list classes package", "% Invalid Command:", ExitStatus.USAGE,
    ),
    "`quit` did not end a script, the exit status was always 0": ("", "quit; list hosts", "", ExitStatus.OK),
    "`#` comments on lines of their own in scripts": (
        "", "list packages # not a class", "org.matahariproject\n", ExitStatus.OK,
    ),
    "no history file": None,  # tests of the history show it
}  # fmt: skip


def test_every_change_is_in_the_guide_and_every_row_of_the_guide_is_shown_here() -> None:
    section = GUIDE.read_text().split("## Differences to the mhsh of 2012\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in section.splitlines() if line.startswith("| ")]
    assert rows[0] == "2012"
    assert rows[1:] == list(CHANGED)


@pytest.mark.parametrize("row", [name for name, example in CHANGED.items() if example is not None])
def test_what_was_changed_on_purpose(row: str) -> None:
    example = CHANGED[row]
    assert example is not None
    before, typed, printed, status = example
    shell = TestShell()
    if before:
        assert shell.run(before) is ExitStatus.OK
    shell.out()
    assert shell.run(typed) is status
    said = shell.out()
    assert said.startswith(printed) if printed else said == ""

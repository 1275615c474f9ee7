"""Hosts by filter in the shell: selecting, explaining, completing."""

from __future__ import annotations

import pytest

from matahari.console import Host
from matahari.shell.base.outcome import ExitStatus
from matahari.shell.base.selection import Snapshot
from matahari.shell.syntax.lines import scan, split
from matahari.shell.verbs.hostfilters import MAX_FACT_NAMES, filter_text, looks_like_filter
from tests.support.fake_console import fleet
from tests.support.shell import TestShell


def shell_with_facts(*, as_json: bool = False) -> TestShell:
    console = fleet()
    console.facts = {
        "db1": {"role": "db", "os.version": "11"},
        "web1": {"role": "web", "os.version": "12", "site": "two words"},
        "web2": {"role": "web", "os.version": "11"},
    }
    return TestShell(console, as_json=as_json)


SELECTIONS = [
    ("select hosts role=web and not /2$/", ("web1",)),
    ("select hosts role = web", ("web1", "web2")),
    ("select hosts web*", ("web1", "web2")),
    ("select hosts os.version >= 12 or role=db", ("db1", "web1")),
    ("select hosts site='two words'", ("web1",)),
    ('select hosts site="two words"', ("web1",)),
    ("select hosts (role = web) and (os.version<12)", ("web2",)),
    ("select hosts class Volume", ("db1", "web1")),
    ("select hosts Volume.size >= 3", ("web1",)),
    ("select hosts plugin calc >= 1.2 and db1", ("db1",)),
    ("select hosts role in (db, mail)", ("db1",)),
    ("sel hosts web1", ("web1",)),
    ("select hosts explain", ()),
    ("select host role=web", ("web1", "web2")),
    ("select host web*", ("web1", "web2")),
    ("select host web1 or db1", ("db1", "web1")),
    ("sel ho not web1", ("db1", "web2")),
    ("select host web2 db1", ("web2", "db1")),
    ("sel ho web2", ("web2",)),
]


@pytest.mark.parametrize(("line", "hosts"), SELECTIONS)
def test_hosts_are_selected_by_filter_and_by_name(line: str, hosts: tuple[str, ...]) -> None:
    shell = shell_with_facts()
    shell.run(line)
    assert shell.session.selection.hosts == hosts


def test_many_hosts_of_which_the_same_is_to_be_said_are_explained_together() -> None:
    names = [f"h{number:02}" for number in range(1, 13)]
    shell = shell_with_facts()
    shell.console.machines = [Host(name, str(number)) for number, name in enumerate(names)]
    shell.console.facts = {name: {"role": "web"} for name in names[:9]}
    shell.console.facts["h10"] = {"role": "db"}
    shell.run("select hosts explain role = web and not h01")
    lines = shell.out().splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "8 hosts (h02, h03, h04, h05, h06, h07, h08, h09):",
        "2 hosts (h11, h12):",
        "h01:",
        "h10:",
    ]
    assert lines[1:5] == [
        "    yes     role = web and not h01",
        '      yes     role = web: role is "web"',
        "      yes     not h01",
        "        no      h01: by its name",
    ]
    assert "        yes     h01: the host is h01" in lines
    shell.run("select hosts explain role = web | count")
    assert shell.out().splitlines()[-1] == "12"


def test_a_filter_ends_where_the_command_ends() -> None:
    shell = shell_with_facts()
    assert shell.run("select hosts role=web and web1; select class Host # both") is ExitStatus.OK
    assert shell.session.prompt == "mhsh (host)[org.matahariproject:Host]> "
    assert shell.session.selection.hosts == ("web1",)
    assert shell.err() == "1 of 3 hosts\n"


def test_a_filter_that_no_host_matches_changes_nothing_and_says_what_may_be_meant() -> None:
    shell = shell_with_facts()
    shell.run("select host db1")
    assert shell.run("select hosts rol=web and os.version > 1") is ExitStatus.NOTHING_MATCHED
    assert shell.out() == (
        "% None of 3 hosts matches\n"
        "% no host has a fact or label \"rol\"; did you mean 'role'?\n"
        "%     select hosts rol=web and os.version > 1\n"
        "%                  ^\n\n"
    )
    assert shell.session.selection.hosts == ("db1",)
    assert shell.run("select hosts role=mail; list hosts") is ExitStatus.NOTHING_MATCHED
    assert shell.out() == "% None of 3 hosts matches\n\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "select hosts role=web| head",
            'Invalid filter: "|" is not known\n% A pipe has blanks around it: role=web | head\n',
        ),
        (
            "select hosts explain web1|count",
            'Invalid filter: "|" is not known\n% A pipe has blanks around it: web1 | count',
        ),
        ("select hosts web1|web2", 'Invalid filter: "|" is not known; did you mean or?\n%     select'),
        ("select hosts web1 || count", 'Invalid filter: "||" is not known; did you mean or?\n%     select'),
        ("select hosts web1|", 'Invalid filter: "|" is not known; did you mean or?\n%     select'),
    ],
)
def test_a_pipe_without_blanks_is_told_from_an_or(line: str, said: str) -> None:
    shell = shell_with_facts()
    assert shell.run(line) is ExitStatus.USAGE
    printed = shell.out()
    assert printed.startswith(f"% {said}")
    assert printed.endswith(f"%     {line}\n%     {' ' * line.index('|')}^\n\n")


def test_hosts_that_do_not_answer_are_named_and_the_others_are_selected() -> None:
    shell = shell_with_facts()
    shell.console.deaf = {"web2"}
    assert shell.run("select hosts role=web") is ExitStatus.SOME_FAILED
    assert shell.session.selection.hosts == ("web1",)
    assert shell.out() == "% web2 did not answer; undecided and not selected: matahariproject.org:host:web2\n\n"
    assert shell.run("select hosts role=web or web2") is ExitStatus.OK
    assert shell.run("select hosts role=mail") is ExitStatus.NONE_ANSWERED
    assert shell.out() == "% No host matches; no answer within 10 s from matahariproject.org:host:web2\n\n"


def test_hosts_that_do_not_answer_for_a_class_are_named_as_not_selected() -> None:
    shell = shell_with_facts()
    shell.console.mute = {"web2"}
    assert shell.run("select class Volume") is ExitStatus.SOME_FAILED
    assert "% web2 did not answer; not selected: matahariproject.org:" in shell.out()
    assert shell.run("select plugin calc") is ExitStatus.SOME_FAILED
    assert "% web2 did not answer; not selected: matahariproject.org:rpc:web2\n" in shell.out()


ERRORS = [
    (
        "select hosts role=web adn web1",
        'unexpected "adn", expected "and", "or" or the end; did you mean and?',
        "select hosts role=web adn web1\n%                           ^\n\n",
    ),
    (
        "list hosts;  select hosts role=",
        "the filter ends here, expected a value",
        "select hosts role=\n%                       ^\n\n",
    ),
    (
        "select host role in (a",
        '"(" is not closed, expected "," or ")"',
        "select host role in (a\n%                         ^\n\n",
    ),
]


@pytest.mark.parametrize(("line", "reason", "pointer"), ERRORS)
def test_errors_in_a_filter_point_at_their_column_of_the_line(line: str, reason: str, pointer: str) -> None:
    shell = shell_with_facts()
    assert shell.says(line).endswith(f"% Invalid filter: {reason}\n%     {pointer}")
    assert shell.run(line) is ExitStatus.USAGE


def test_a_filter_is_needed() -> None:
    said = shell_with_facts().says("select hosts")
    assert "Missing arguments: 'FILTER'" in said
    assert "%     select hosts FILTER\n" in said


def test_every_host_is_explained_and_the_selection_stays() -> None:
    shell = shell_with_facts()
    shell.run("select host db1")
    shell.console.deaf = {"web2"}
    assert shell.run("select hosts explain role=web and os.version >= 12") is ExitStatus.SOME_FAILED
    assert shell.out() == (
        "db1:\n"
        "    no      role = web and os.version >= 12\n"
        '      no      role = web: role is "db", not = web\n'
        '      no      os.version >= 12: os.version is "11", not >= 12\n'
        "web1:\n"
        "    yes     role = web and os.version >= 12\n"
        '      yes     role = web: role is "web"\n'
        '      yes     os.version >= 12: os.version is "12"\n'
        "web2:\n"
        "    unknown role = web and os.version >= 12\n"
        "      unknown role = web: fact or label role is not known, for nothing was told\n"
        "      unknown os.version >= 12: fact or label os.version is not known, for nothing was told\n"
        "% web2 did not answer; undecided: matahariproject.org:host:web2\n\n"
    )
    assert shell.session.selection.hosts == ("db1",)


def test_an_explanation_has_an_honest_status_and_hints() -> None:
    shell = shell_with_facts()
    assert shell.run("select hosts explain role=web") is ExitStatus.OK
    assert shell.run("select hosts explain role=mail") is ExitStatus.NOTHING_MATCHED
    shell.out()
    shell.run("select hosts explain rol=web")
    assert shell.out().endswith("% no host has a fact or label \"rol\"; did you mean 'role'?\n\n")


def test_an_explanation_in_json_has_a_record_for_each_host() -> None:
    shell = shell_with_facts(as_json=True)
    records = shell.records("select hosts explain not role=web")
    assert [record["matched"] for record in records] == [True, False, False]
    assert records[0] == {
        "host": "db1",
        "uuid": "00000000-0000-0000-0000-000000000000",
        "matched": True,
        "unanswered": [],
        "explanation": {
            "filter": "not role = web",
            "matched": True,
            "reason": "",
            "parts": [{"filter": "role = web", "matched": False, "reason": 'role is "db", not = web'}],
        },
    }


def test_control_characters_of_a_host_never_reach_the_terminal() -> None:
    shell = shell_with_facts()
    shell.console.facts["db1"]["role"] = "\x1b[31m"
    assert "\x1b" not in shell.says("select hosts explain role =~ /m/")


def test_completion_offers_hosts_keywords_and_the_facts_that_filters_have_met() -> None:
    shell = shell_with_facts()
    names = Snapshot(host_names=("web1", "web2"))

    def offered(text: str) -> list[str]:
        return shell.session.commands(names).complete(text)[1]

    assert offered("select hosts w") == ["web1 ", "web2 "]
    assert offered("select hosts a") == ["and ", "agent "]
    assert offered("select hosts ro") == []
    shell.run("select hosts has role")
    assert offered("select hosts ro") == ["role "]
    assert offered("select hosts not o") == ["or ", "os.version "]
    assert offered("select hosts fact.r") == ["fact.role "]
    assert offered("select hosts role = w") == []
    assert offered("select hosts fa") == ["fact."]
    assert offered("select host w") == ["web1", "web2"]
    assert offered("select ho") == ["host ", "hosts "]


def test_facts_for_completion_have_a_limit() -> None:
    shell = shell_with_facts()
    shell.console.facts["db1"] = {f"x{at}": 1 for at in range(MAX_FACT_NAMES + 1)}
    shell.run("select hosts has role")
    assert len(shell.session.fact_names) == MAX_FACT_NAMES


@pytest.mark.parametrize(
    "text",
    ["role = 'a  b' and x", 'x="a\\u00e9b"', "web[12]*", "  a   or\tb", "/a b\\/c/i", "x={1}", "[ab]c", "role=[a b]"],
)
def test_a_filter_is_taken_as_it_was_typed(text: str) -> None:
    line = f"select hosts {text}"
    words = split(line)[0].words[2:]
    assert filter_text(words).replace("\t", " ") == " " * words[0].start + text.strip().replace("\t", " ")


def test_names_are_told_from_filters() -> None:
    def is_filter(text: str) -> bool:
        return looks_like_filter(scan(text)[-1].words)

    assert [is_filter(text) for text in ("web1", "web1 web2", "agent", "")] == [False] * 4
    assert all(is_filter(text) for text in ("web*", "a=b", "not web1", "web1 and web2", "/x/", "agent rpc", "(a)"))

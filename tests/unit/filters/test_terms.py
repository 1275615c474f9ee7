"""Single terms against one host, with their reasons."""

from __future__ import annotations

import pytest

from matahari.filters.comparing import Truth
from matahari.filters.subject import Subject
from matahari.filters.terms import judge
from matahari.filters.tree import And, Not, Or
from tests.support.filters import WEB1, parsed

TERMS: list[tuple[str, Truth, str]] = [
    ("web1.example.org", True, "the host is web1.example.org"),
    ("WEB1*", True, "the host is web1.example.org"),
    ("web1", False, "the host is web1.example.org"),
    ("/^WEB/", True, "the host is web1.example.org"),
    ("role = web", True, 'role is "web"'),
    ("fact.role = web", True, 'fact role is "web"'),
    ("label.role = label", True, 'label role is "label"'),
    ("rack = b12", True, 'rack is "b12"'),
    ("fact.rack = b12", None, "fact rack is not known"),
    ("site = ber", None, "fact or label site is not known"),
    ("site != ber", None, "fact or label site is not known"),
    ("os.version >= 12", False, 'os.version is "11", not >= 12'),
    ("os.id = debian", True, 'os.id is "debian"'),
    ("os = debian", None, 'os is {"id": "debian"}, which cannot be compared: = debian'),
    ("net.ipv4 = 10.0.0.2", True, 'net.ipv4 is ["10.0.0.1", "10.0.0.2"]'),
    ("role in (db, mail)", False, 'role is "web", not in (db, mail)'),
    ("role in (db, w*)", True, 'role is "web"'),
    ("has role", True, 'role is "web"'),
    ("has odd", True, "odd is {}"),
    ("has site", False, "fact or label site is not known"),
    ("has os.id", True, 'os.id is "debian"'),
    ("Host.free_mem > 512MiB", True, "Host.free_mem is 1048576 kb"),
    ("Host.free_mem > 2GiB", False, "Host.free_mem is 1048576 kb, not > 2GiB"),
    ("Host.load.1 > 2", True, "Host.load.1 is 2.5"),
    ("Host.nosuch > 2", None, "Host.nosuch is not known: no object has it"),
    ("has Host.nosuch", False, "Host.nosuch is not known: no object has it"),
    ("org.example:Door.n = 4", True, "org.example:Door.n is 0, 1, 2 and 2 more"),
    ("org.example:Door.n != 4", False, "org.example:Door.n is 0, 1, 2 and 2 more, not != 4"),
    ("org.example:Door.n != 9", True, "org.example:Door.n is 0, 1, 2 and 2 more"),
    ("org.example:Cat.n = 1", None, "org.example:Cat.n is not known: there is no object of Cat"),
    ("org.example:Dog.n = 1", None, "org.example:Dog.n is not known, for the objects of Dog are not"),
    ("has org.example:Dog.n", None, "org.example:Dog.n is not known, for the objects of Dog are not"),
    ("has org.example:Bat.n", None, "org.example:Bat.n is not known, for the objects of Bat are not"),
    ("class role::web", True, "its inventory has the class role::web"),
    ("class Host", True, "it publishes the class org.matahariproject:Host"),
    ("class org.example:*", True, "it publishes the class org.example:Door"),
    ("class host", False, "neither its inventory nor its agents have such a class"),
    ("plugin asterisk", True, "plugin asterisk is ready"),
    ("plugin calc", True, "plugin calc is failed"),
    ("plugin nosuch", False, "there is no such plugin"),
    ("plugin nosuch > 1", False, "there is no such plugin"),
    ("plugin asterisk >= 1.9", True, "plugin asterisk is 1.10"),
    ("plugin asterisk >= 2", False, "plugin asterisk is 1.10, not >= 2"),
    ("plugin calc >= 2", None, "plugin calc tells no version"),
    ("plugin * >= 1", True, "plugin asterisk is 1.10, calc tells no version"),
    ("agent rpc", True, "agent matahariproject.org:rpc:box is there"),
    ("agent apache.org:*", True, "agent apache.org:qpidd:x is there"),
    ("agent host", False, "its agents are apache.org:qpidd:x, matahariproject.org:rpc:box"),
]


@pytest.mark.parametrize(("term", "truth", "reason"), TERMS)
def test_terms_and_their_reasons(term: str, truth: Truth, reason: str) -> None:
    expression = parsed(term)
    assert not isinstance(expression, And | Or | Not)
    found, reason_of = judge(expression, WEB1)
    assert (found, reason_of()) == (truth, reason)


@pytest.mark.parametrize(
    ("term", "reason"),
    [
        ("role = web", "fact or label role is not known, for nothing was told"),
        ("has role", "fact or label role is not known, for nothing was told"),
        ("label.rack = x", "label rack is not known, for nothing was told"),
        ("class Host", "its classes are not known"),
        ("plugin asterisk", "its plugins are not known"),
        ("agent rpc", "its agents are not known"),
        ("Host.free_mem > 1", "Host.free_mem is not known, for the objects of Host are not"),
    ],
)
def test_of_a_host_that_told_nothing_only_the_name_is_known(term: str, reason: str) -> None:
    expression = parsed(term)
    assert not isinstance(expression, And | Or | Not)
    found, reason_of = judge(expression, Subject("web1"))
    assert (found, reason_of()) == (None, reason)


def test_long_values_are_cut_in_reasons() -> None:
    expression = parsed("x = 1")
    assert not isinstance(expression, And | Or | Not)
    _, reason_of = judge(expression, Subject("h", facts={"x": "y" * 100}))
    assert reason_of() == f'x is "{"y" * 58}…, not = 1'


def test_what_is_known_for_sure_needs_not_all_to_be_known() -> None:
    assert judge_of("class web", Subject("h", inventory={"web"})) is True
    assert judge_of("class Host", Subject("h", classes={"a:Host"})) is True
    assert judge_of("role = web", Subject("h", labels={"role": "web"})) is True


def judge_of(term: str, subject: Subject) -> Truth:
    expression = parsed(term)
    assert not isinstance(expression, And | Or | Not)
    return judge(expression, subject)[0]

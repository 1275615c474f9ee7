"""What lint finds that fails only later: shared defaults, blocked event loops, hooks that are none, docstrings."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from matahari.hostproto import Json
from matahari.shell.author.pitfalls import pitfalls
from matahari.shell.author.source import Finding, Module
from matahari.testing import MethodSpec


def look(source: str, *actions: str) -> list[Finding]:
    module = Module(ast.parse(dedent(source)))
    return list(pitfalls(module, {name: MethodSpec(name, {}) for name in actions}))


@pytest.mark.parametrize("default", ["[]", "{}", "{1}", "list()", "dict(a=1)", "collections.deque()", "[x for x in y]"])
def test_a_mutable_default_is_found_where_it_stands(default: str) -> None:
    [found] = look(f"def f(a, b={default}): pass", "f")
    assert (found.severity, found.code, found.line, found.column, found.name) == (
        "warning",
        "mutable-default",
        1,
        12,
        "f",
    )
    assert found.remedy
    [found] = look(f"def f(*, b={default}): pass", "f")
    assert found.code == "mutable-default"


def test_defaults_that_cannot_change_and_functions_that_nobody_calls_are_fine() -> None:
    assert look("def f(a=(), b=None, c='x', d=frozenset()): pass\ndef _g(a=[]): pass", "f") == []


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("import time\nasync def f(): time.sleep(1)", "time.sleep"),
        ("import time as t\nasync def f():\n    if 1:\n        t.sleep(1)", "t.sleep"),
        ("from time import sleep as nap\nasync def f(): nap(1)", "nap"),
        ("import subprocess\nasync def f(): return [subprocess.run(x) for x in y]", "subprocess.run"),
        ("import urllib.request\nasync def f(): urllib.request.urlopen('x')", "urllib.request.urlopen"),
        ("async def f(): return input()", "input"),
        ("import requests\nasync def f():\n    async def g(): requests.get('x')", "requests.get"),
    ],
)
def test_a_call_that_blocks_the_event_loop_is_found(source: str, call: str) -> None:
    [found] = look(source)
    assert (found.severity, found.code) == ("warning", "blocking-call")
    assert f"{call}() blocks" in found.text
    assert found.column


@pytest.mark.parametrize(
    "source",
    [
        "import time\ndef f(): time.sleep(1)",
        "import asyncio, time\nasync def f(): await asyncio.to_thread(time.sleep, 1)",
        "import time\nasync def f():\n    def inner(): time.sleep(1)\n    await run(inner)",
        "import asyncio as time\nasync def f(): await time.sleep(1)",
        "async def f(): print('x')",
    ],
)
def test_what_runs_elsewhere_does_not_block(source: str) -> None:
    assert look(source) == []


@pytest.mark.parametrize(
    ("source", "actions", "text"),
    [
        ("def activate(force): return True", ("activate",), "is a method that callers see"),
        ("def self_check(path): pass", ("self_check",), "is a method that callers see"),
        ("def activate(): print('yes')", (), "returns nothing, which counts as no"),
        ("def activate():\n    def inner(): return True\n    return", (), "returns nothing"),
        ("def self_check(): yield 1", (), "yields"),
    ],
)
def test_a_hook_that_is_none_or_never_says_yes(source: str, actions: tuple[str, ...], text: str) -> None:
    [found] = look(source, *actions)
    assert (found.severity, found.code) == ("warning", "hook-signature")
    assert text in found.text


def test_hooks_as_they_should_be() -> None:
    assert look("def self_check(): pass\nasync def activate(): return False, 'no disks'") == []
    assert look("def self_check(deep=False): raise ValueError\ndef activate() -> bool: return True") == []


def test_a_class_settings_that_declares_none_is_told() -> None:
    [found] = look("class Settings:\n    keep = 3")
    assert (found.severity, found.code) == ("note", "settings-class")
    for source in (
        "@dataclass\nclass Settings: keep: int = 3",
        "@dataclasses.dataclass(frozen=True)\nclass Settings: keep: int = 3",
        "class Settings(TypedDict): keep: int",
        "class Settings(typing.NamedTuple): keep: int",
        "class Settings(Base): keep: int",
    ):
        assert look(source) == []


SECTIONS = '''
def f(name, *more, **others):
    """Do it.

    Args:
        name: which
            one: it is.
        *more, others (dict): what else.

    Raises:
        ValueError: it cannot.
    """
    raise ValueError("no")
'''


def test_a_docstring_that_tells_all_is_fine_and_one_line_is_enough() -> None:
    assert look(SECTIONS, "f") == []
    assert look('def f(name):\n    """Do it."""\n    raise ValueError', "f") == []


@pytest.mark.parametrize(
    ("change", "severity", "text"),
    [
        (("    Args:\n        name: which\n            one: it is.\n        *more, others (dict): what else.\n", ""),
         "note", "has no section on name, more, others"),
        (("*more, others (dict): what else.", ""), "note", "leaves out more, others"),
        (("name: which", "nam: which"), "warning", "tells of nam, which it has not"),
        (("    Raises:\n        ValueError: it cannot.\n", ""), "note", "does not say that it raises ValueError"),
    ],
)  # fmt: skip
def test_what_a_long_docstring_leaves_out_is_told(change: tuple[str, str], severity: str, text: str) -> None:
    source = SECTIONS.replace(*change)
    assert source != SECTIONS
    found = look(source, "f")
    assert (severity, "docstring") in [(each.severity, each.code) for each in found]
    assert any(text in each.text for each in found)
    assert {each.line for each in found} == {3}


def secret_findings(parameters: str, schemas: dict[str, Json], sensitive: tuple[str, ...] = ()) -> list[Finding]:
    module = Module(ast.parse(f"def f({parameters}): pass"))
    spec = MethodSpec("f", {"properties": schemas}, sensitive=sensitive)
    return [one for one in pitfalls(module, {"f": spec}) if one.code == "secret"]


def test_a_parameter_that_is_named_like_a_secret_is_found_where_it_stands() -> None:
    [found] = secret_findings("user, api_token: str", {"user": {}, "api_token": {"type": "string"}})
    assert (found.severity, found.line, found.column, found.name) == ("warning", 1, 13, "f")
    assert found.text == "f: parameter api_token has the name of a secret, and its values are shown and logged"
    assert found.remedy == 'declare it: @method(sensitive=["api_token"])'
    assert [one.severity for one in secret_findings("*, key=None, **passwords", {"key": {}})] == ["note", "warning"]


@pytest.mark.parametrize(
    "schema",
    [{"type": "boolean"}, {"type": "integer"}, {"type": "string", "format": "password", "writeOnly": True}],
)
def test_what_is_no_text_or_hidden_by_its_type_is_no_secret_to_declare(schema: dict[str, Json]) -> None:
    assert secret_findings("token", {"token": schema}) == []


def test_a_secret_that_is_declared_is_fine() -> None:
    assert secret_findings("token: str", {"token": {"type": "string"}}, ("token",)) == []

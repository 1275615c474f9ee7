"""Each thing that ``matahari plugin lint`` says, said for exactly what it is about."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from matahari.shell.author.findings import Finding, examine
from matahari.shell.author.lint import lint_status
from matahari.testing import MethodSpec

KNOWN = {"int": "integer", "str": "string", "bool": "boolean"}


def method(function: ast.FunctionDef) -> MethodSpec:
    """What a worker would publish, as far as it is looked at here."""
    properties: dict[str, object] = {}
    for argument in function.args.args:
        name = argument.annotation.id if isinstance(argument.annotation, ast.Name) else ""
        properties[argument.arg] = {"type": KNOWN[name]} if name in KNOWN else {}
    returns = function.returns.id if isinstance(function.returns, ast.Name) else ""
    result = {"type": KNOWN[returns]} if returns in KNOWN else None
    params = {"type": "object", "properties": properties}
    return MethodSpec(function.name, params, result, ast.get_docstring(function) or "")  # type: ignore[arg-type]  # nested JSON


def look(source: str, *names: str, plugin: str = "shop") -> list[Finding]:
    """Examine ``source``, of which the functions ``names`` are exported; all public ones when none is named."""
    text = dedent(source)
    functions = {node.name: node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
    chosen = names or [name for name in functions if not name.startswith("_")]
    return examine(plugin, text, [method(functions[name]) for name in chosen])


def codes(findings: list[Finding]) -> list[tuple[str, str, int]]:
    return [(finding.severity, finding.code, finding.line) for finding in findings]


GOOD = '"""A shop."""\ndef price(item: str) -> int:\n    "Tell a price."\n    return 1\n'


def test_a_typed_and_documented_plugin_has_no_findings() -> None:
    assert look(GOOD) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("def f(x: int) -> int: return x", ("warning", "undocumented", 6)),
        ("def f(x) -> int: 'Doc'", ("warning", "unannotated", 6)),
        ("def f(*more) -> int: 'Doc'", ("warning", "unannotated", 6)),
        ("def f(x: int): 'Doc'", ("note", "unannotated", 6)),
        ("def f(x: Thing) -> int: 'Doc'", ("note", "unchecked", 6)),
        ("def f() -> set: 'Doc'", ("warning", "result", 6)),
        ("def f() -> 'list[datetime]': 'Doc'", ("warning", "result", 6)),
        ("def f() -> dict[str, decimal.Decimal]: 'Doc'", ("warning", "result", 6)),
    ],
)
def test_each_fault_of_an_action_is_found_at_its_line(line: str, expected: tuple[str, str, int]) -> None:
    assert codes(look(f"{GOOD}\n{line}\n")) == [expected]


@pytest.mark.parametrize("annotation", ["Any", "typing.Any", "object", "int"])
def test_an_annotation_that_means_anything_is_no_finding(annotation: str) -> None:
    assert look(f"{GOOD}\ndef f(x: {annotation}) -> Any:\n    'Doc'\n") == []


def test_names_that_are_not_exported_are_told_with_the_reason() -> None:
    found = look(GOOD + "from .prices import offer\nfrom os import sep\nclass Till: pass\ncut = sep.strip\n", "price")
    assert [(finding.name, finding.severity) for finding in found] == [
        ("offer", "note"),
        ("Till", "note"),
        ("cut", "note"),
    ]
    assert "__all__" in found[0].text
    assert "class" in found[1].text


def test_a_function_that_all_does_not_list_is_a_note_and_one_that_vanished_a_warning() -> None:
    listed = look(GOOD + "__all__ = ['price']\ndef other() -> int: 'Doc'\n", "price")
    assert [(finding.name, finding.severity) for finding in listed] == [("other", "note")]
    vanished = look(GOOD + "def other() -> int: 'Doc'\ndel other\n", "price")
    assert [(finding.name, finding.severity) for finding in vanished] == [("other", "warning")]


def test_private_names_are_nobodys_business() -> None:
    assert look(GOOD + "def _help(x): pass\nclass _Till: pass\nfrom ._inner import _cut\n", "price") == []


def test_a_second_function_of_the_same_name_takes_the_place_of_the_first() -> None:
    [found] = look(GOOD + "def price(item: str) -> int:\n    'Tell it.'\n", "price")
    assert (found.severity, found.code, found.line) == ("warning", "shadowing", 5)
    assert "line 2" in found.text


def test_alternatives_within_blocks_and_decorated_ones_are_usual() -> None:
    source = GOOD + "if 1:\n    def f() -> int: 'Doc'\nelse:\n    def f() -> int: 'Doc'\n"
    assert look(source) == []
    assert look(GOOD + "@overload\ndef price() -> int: ...\n", "price")[0].code != "shadowing"


def test_a_function_that_hides_a_builtin_is_told_when_the_builtin_is_used() -> None:
    harmless = '"""Doc."""\ndef list() -> int:\n    "Doc"\n'
    assert look(harmless) == []
    used = look(harmless + "def other(x: list[int]) -> int:\n    'Doc'\n")
    assert ("warning", "shadowing", 2) in codes(used)


def test_a_plugin_named_as_a_standard_module_and_one_without_actions() -> None:
    [found] = look(GOOD, plugin="json")
    assert (found.severity, found.code) == ("note", "shadowing")
    assert codes(examine("shop", '"""Doc."""\nX = 1\n', [])) == [("warning", "no-methods", 0)]


def test_an_assigned_lambda_cannot_be_annotated() -> None:
    source = '"""Doc."""\ndouble = lambda x: 2 * x\nnothing = lambda: 0\n'
    found = examine("shop", source, [MethodSpec("double", {}, doc="d"), MethodSpec("nothing", {}, doc="d")])
    assert codes(found) == [("warning", "unannotated", 2)]


def test_notes_alone_leave_the_exit_status_at_0() -> None:
    assert lint_status([]) == lint_status([Finding("note", "x", "y")]) == 0
    assert lint_status([Finding("note", "x", "y"), Finding("warning", "x", "y")]) == 1
    assert lint_status([Finding("error", "x", "y")]) == 1

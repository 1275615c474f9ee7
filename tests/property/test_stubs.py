"""Nothing that comes from the bus gets into stub files but as names that were looked at, and values."""

from __future__ import annotations

import ast
import string

from hypothesis import given, settings
from hypothesis import strategies as st

from matahari.console.stubs import stub_files
from tests.support.published import published

EVIL = st.one_of(
    st.text(max_size=30),
    st.sampled_from([
        'x"""\nimport os\n', "x'''", "a]\nimport os", "\\", 'a\\"""', "\r\nimport os", "\x0cimport os", "\u2028import os",
        "Literal['", "self", "None", "def", "class", "__init__", "_t", "_b", "list", "int", "\ud800", "a # type: ignore",
    ]),
)  # fmt: skip
SCHEMAS = st.recursive(
    st.one_of(
        st.none(), st.booleans(), EVIL,
        st.fixed_dictionaries({"type": st.one_of(EVIL, st.sampled_from(["integer", "string", "null", "array", "object"]))}),
        st.fixed_dictionaries({"enum": st.lists(st.one_of(EVIL, st.integers(), st.none(), st.floats(allow_nan=False)))}),
        st.fixed_dictionaries({"$ref": st.one_of(EVIL, EVIL.map("#/$defs/{}".format))}),
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"anyOf": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"type": st.just("array"), "prefixItems": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries(
            {"type": st.just("object"), "title": EVIL, "properties": st.dictionaries(EVIL, inner, max_size=3),
             "required": st.lists(EVIL, max_size=2), "additionalProperties": inner},
        ),
    ),
    max_leaves=6,
)  # fmt: skip
PARAMS = st.fixed_dictionaries(
    {
        "properties": st.dictionaries(EVIL, SCHEMAS, max_size=3),
        "required": st.lists(EVIL, max_size=2),
        "x-positional": st.lists(EVIL, max_size=3),
        "x-varargs": st.booleans(),
        "$defs": st.dictionaries(EVIL, SCHEMAS, max_size=3),
    }
)
NAMES = EVIL.filter(lambda name: name.isascii() or name.isprintable())  # others are no text on the bus
METHODS = st.dictionaries(NAMES, st.fixed_dictionaries({"params": PARAMS, "result": SCHEMAS, "doc": EVIL}), max_size=3)
#: All that a stub is made of.
NODES = (
    ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.AnnAssign, ast.Assign, ast.Expr
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, METHODS, max_size=3))
def test_nothing_from_the_bus_becomes_code(plugins: dict[str, dict[str, dict[str, object]]]) -> None:
    files = stub_files({name: [published(name, methods)] for name, methods in plugins.items()})
    for name, text in files.items():
        tree = ast.parse(text.encode("utf-8"))
        imported: list[str] = []
        for node in tree.body:
            assert isinstance(node, NODES)
            if isinstance(node, ast.Import | ast.ImportFrom):
                imported += [one.name for one in node.names]
                continue
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call):  # classes of dictionaries that are made of texts
                    assert ast.unparse(inner.func) == "_t.TypedDict"
                assert not isinstance(inner, ast.Import | ast.ImportFrom | ast.Lambda | ast.NamedExpr | ast.Await)
                if isinstance(inner, ast.stmt):
                    assert isinstance(inner, NODES)
        assert set(imported) <= {
            "builtins", "pathlib", "typing", "Generator", "matahari.console", "matahari.console.sync",
            "matahari.console.typed", "Connecting", "Console", "Plugin", "connect",
        } | {one for one in imported if name == "sync.pyi" and set(one) <= set(string.ascii_letters + string.digits)}  # fmt: skip


@given(EVIL)
def test_documentation_reads_as_it_was_written(doc: str) -> None:
    text = stub_files({"p": [published("p", {"go": {"doc": doc}})]})["sync.pyi"]
    tree = ast.parse(text.encode("utf-8"))
    [go] = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "go"]
    assert ast.get_docstring(go, clean=False) == (doc or "The plugin publishes no documentation of it.")

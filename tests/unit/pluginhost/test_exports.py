"""Which names of a plugin are actions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from textwrap import dedent
from types import ModuleType

import pytest

from matahari.pluginhost import ExportError, Sources, exported, import_plugin
from matahari.pluginhost.loading import NAMESPACE


@pytest.fixture(autouse=True)
def _import_system() -> Iterator[None]:
    before = (dict(sys.modules), list(sys.path), list(sys.meta_path), list(sys.argv), sys.dont_write_bytecode)
    yield
    for name in [name for name in sys.modules if name.startswith(NAMESPACE)]:
        del sys.modules[name]
    sys.modules.pop("sample_plugin", None)
    _, sys.path[:], sys.meta_path[:], sys.argv[:], sys.dont_write_bytecode = before


def actions(source: str) -> list[str]:
    text = dedent(source).encode()
    module = import_plugin("sample_plugin", Sources("/nowhere/sample_plugin.py", {"": text}))
    return list(exported(module, text))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def b(): pass\ndef a(): pass\n", ["a", "b"]),
        ("async def a(): pass\n", ["a"]),
        ("def _a(): pass\ndef __b(): pass\n", []),
        ("class A: pass\n", []),
        ("import os\nfrom os import getcwd\nfrom json import dumps as write\n", []),
        ("a = lambda: 1\n", ["a"]),
        ("import functools, os\na = functools.partial(os.getenv, 'X')\n", ["a"]),
        (
            "import functools\nif True:\n  try:\n    a: object = functools.partial(print)\n  except OSError: pass\n",
            ["a"],
        ),
        ("import functools\n@functools.lru_cache\ndef a(): pass\n", ["a"]),
        ("import contextlib\n@contextlib.contextmanager\ndef a(): yield\n", ["a"]),
        ("import os\na = os.system\n", []),
        ("a = len\n", []),
        ("def a(): pass\nb = a\n", ["a", "b"]),
        ("class A:\n  def run(self): pass\na = A().run\n", ["a"]),
        ("a = 1\nb = 'text'\n", []),
        ("def a(): pass\ndel a\n", []),
        ("__all__ = ['a']\ndef a(): pass\ndef b(): pass\n", ["a"]),
        ("from os import getcwd\n__all__ = ('getcwd', 'A', 'LIMIT')\nclass A: pass\nLIMIT = 1\n", ["A", "getcwd"]),
        ("__all__ = []\ndef a(): pass\n", []),
    ],
)
def test_actions_are_what_the_module_defines_or_lists(source: str, names: list[str]) -> None:
    assert actions(source) == names


def test_an_imported_partial_is_not_an_action() -> None:
    helper = ModuleType("sample_helper")
    exec("import functools\nready = functools.partial(print)", helper.__dict__)
    sys.modules["sample_helper"] = helper
    try:
        assert actions("from sample_helper import ready\nmine = ready\n") == ["mine"]
    finally:
        del sys.modules["sample_helper"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("__all__ = ['gone']", "'gone', which is not defined"),
        ("__all__ = 'abc'", "str, not a list"),
        ("__all__ = [1]", "1, which is not a name"),
        ("__all__ = 5", "int, not a list"),
    ],
)
def test_a_wrong_all_is_an_error_of_the_plugin(source: str, text: str) -> None:
    with pytest.raises(ExportError, match=text):
        actions(source)

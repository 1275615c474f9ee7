"""Which class of a plugin declares its settings, and what the plugin gets to see."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from matahari.errors import ConfigError
from matahari.pluginhost.settings import plugin_settings, settings_class

DATACLASS = "import dataclasses\n@dataclasses.dataclass\nclass Settings:\n    keep: int = 3\n"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Makes a module of a source, one at a time; annotations are looked up in it by its name."""

    def make(source: str) -> ModuleType:
        made = ModuleType("sample_settings")
        monkeypatch.setitem(sys.modules, made.__name__, made)
        exec(compile(source, "sample_settings.py", "exec", dont_inherit=True), made.__dict__)
        return made

    return make


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        (DATACLASS, True),
        ("import typing\nclass Settings(typing.NamedTuple):\n    keep: int = 3\n", True),
        ("import typing\nclass Settings(typing.TypedDict, total=False):\n    keep: int\n", True),
        ("import pydantic\nclass Settings(pydantic.BaseModel):\n    keep: int = 3\n", True),
        ("class Settings:\n    keep = 3\n", False),
        ("Settings = {'keep': 3}\n", False),
        (f"{DATACLASS}__all__ = ['Settings']\n", False),
        (f"{DATACLASS}__all__ = ['other']\n", True),
        ("from pathlib import Path as Settings\n", False),
        (f"{DATACLASS}Settings.__module__ = 'elsewhere'\n", False),
        (f"{DATACLASS}Settings.__module__ = 'sample_settings.inner'\n", True),
        ("", False),
    ],
)
def test_a_class_with_fields_that_the_plugin_defines_declares_settings(
    module: Callable[[str], ModuleType], source: str, is_found: bool
) -> None:
    assert (settings_class(module(source)) is not None) is is_found


def test_without_a_class_the_plugin_sees_the_table_and_cannot_change_it(module: Callable[[str], ModuleType]) -> None:
    table = {"keep": 3}
    found = plugin_settings(module(""), table, "p.toml")
    assert (dict(found.value), found.schema) == (table, None)
    with pytest.raises(TypeError):
        found.value["keep"] = 4  # type: ignore[index]  # that is what is tried
    table["keep"] = 5
    assert found.value["keep"] == 3


def test_with_a_class_the_plugin_sees_an_instance_and_the_schema_is_known(
    module: Callable[[str], ModuleType],
) -> None:
    found = plugin_settings(module(DATACLASS), {"keep": 5}, "p.toml")
    assert getattr(found.value, "keep", None) == 5
    assert found.schema is not None
    assert found.schema["properties"] == {"keep": {"type": "integer", "default": 3}}
    with pytest.raises(ConfigError, match=r"settings\.kep: there is no such setting; did you mean keep\?"):
        plugin_settings(module(DATACLASS), {"kep": 5}, "p.toml")

"""Settings that a plugin declares, in a real service: checked at every load, and no version is lost by a wrong one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path

import pytest

from tests.support.plugins import Box, plugin_service

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

BACKUP = '''
from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Annotated, TypedDict

from pydantic import Field

from matahari.plugin import context, settings

AT_IMPORT = dict(context().settings)


@dataclass(frozen=True)
class Settings:
    """What is backed up.

    Attributes:
        target: where to.
    """

    target: str
    keep: Annotated[int, Field(ge=1, le=99)] = 7


def self_check():
    return context().settings.target.startswith("/"), "the target is no absolute path"

def activate():
    return settings(Settings).keep < 50, f"{context().settings.keep} are too many"

def show() -> list:
    mine = context().settings
    return [type(mine).__name__, mine.target, settings(Settings).keep, AT_IMPORT]

async def show_async() -> str:
    return context().settings.target
'''

PLAIN = """
import sys
from matahari.plugin import context
def show(): return dict(context().settings)
def loaded(): return "matahari.pluginhost.typedsettings" in sys.modules
"""


def run(story: Coroutine[object, object, None]) -> None:
    asyncio.run(story)


def test_an_action_and_both_hooks_have_an_instance_of_the_class(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("backup.toml", '[settings]\ntarget = "/srv"\nkeep = 3\n')
            box.save("backup.py", BACKUP)
            status = await box.wait_state("backup", "ready")
            assert await box.call("backup", "show") == ["Settings", "/srv", 3, {"target": "/srv", "keep": 3}]
            assert await box.call("backup", "show_async") == "/srv"
            assert [method.name for method in status.methods] == ["show", "show_async"]
            assert status.settings == {
                "type": "object",
                "properties": {
                    "target": {"type": "string", "description": "where to."},
                    "keep": {"type": "integer", "minimum": 1, "maximum": 99, "default": 7},
                },
                "required": ["target"],
                "additionalProperties": False,
            }
            box.save("backup.toml", '[settings]\ntarget = "/srv"\nkeep = 60\n')
            status = await box.wait_state("backup", "inactive")
            assert status.reason == "60 are too many"

    run(story())


def test_wrong_settings_leave_the_version_in_service_and_name_file_key_value_and_rule(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            file = box.save("backup.toml", '[settings]\ntarget = "/srv"\n')
            box.save("backup.py", BACKUP)
            await box.wait_state("backup", "ready")

            async def refused(text: str, saved: str) -> None:
                box.save("backup.toml", saved)
                await box.heard.wait(lambda: _error(box).endswith(text))
                status = box.heard.now["backup"]
                assert (status.state, status.generation) == ("degraded", 1)
                assert status.last_error is not None
                assert status.last_error.file == (str(file) if text.startswith("ConfigError") else "")
                assert await box.call("backup", "show_async") == "/srv"

            start = f"ConfigError: {file}: settings."
            await refused(
                f"{start}kep: there is no such setting; did you mean keep?",
                '[settings]\ntarget = "/srv"\nkep = 3\n',
            )
            await refused(
                f"{start}keep: must be less than or equal to 99, not 100; correct it, or remove it to have the default",
                '[settings]\ntarget = "/srv"\nkeep = 100\n',
            )
            await refused(
                f'{start}keep: must be a valid integer, not "3"; correct it, or remove it to have the default',
                '[settings]\ntarget = "/srv"\nkeep = "3"\n',
            )
            await refused(f"{start}target: is missing, and has no default; write target = … below [settings]", "")
            await refused("SelfCheckFailed: the target is no absolute path", '[settings]\ntarget = "srv"\n')
            box.save("backup.toml", '[settings]\ntarget = "/new"\n')
            await box.wait_generation("backup", 2)
            assert await box.call("backup", "show_async") == "/new"

    run(story())


def _error(box: Box) -> str:
    status = box.heard.now.get("backup")
    return "" if status is None else str(status.last_error)


def test_a_plugin_that_never_had_its_settings_names_the_file_that_is_missing(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("backup.py", BACKUP)
            status = await box.wait_state("backup", "failed")
            assert str(status.last_error).startswith(
                f"ConfigError: {tmp_path / 'backup.toml'}: settings.target: is missing"
            )

    run(story())


@pytest.mark.parametrize("other", ["", "class Settings:\n    keep = 3\n"])
def test_without_the_class_settings_are_the_table_and_nothing_is_loaded_for_them(tmp_path: Path, other: str) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("plain.toml", "[settings]\nanything = [1, { a = 2 }]\n")
            box.save("plain.py", PLAIN + other)
            status = await box.wait_state("plain", "ready")
            assert await box.call("plain", "show") == {"anything": [1, {"a": 2}]}
            assert status.settings is None
            assert await box.call("plain", "loaded") is False

    run(story())


def test_a_typed_dict_and_a_named_tuple_do_as_well(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            for name, kind in (("rows", "NamedTuple"), ("tables", "TypedDict, total=False")):
                default = " = 7" if kind == "NamedTuple" else ""
                box.save(f"{name}.toml", "[settings]\nkeep = 3\n")
                box.save(
                    f"{name}.py",
                    f"from __future__ import annotations\nimport typing\nfrom typing import {kind.split(',')[0]}\n"
                    "from matahari.plugin import context\n"
                    f"class Settings({kind}):\n    keep: int{default}\n"
                    "def show(): return repr(context().settings)\n",
                )
                await box.wait_state(name, "ready")
            assert await box.call("rows", "show") == "Settings(keep=3)"
            assert json.loads(str(await box.call("tables", "show")).replace("'", '"')) == {"keep": 3}

    run(story())

"""Saves, reloads and replaced directories that follow each other faster than looks at the disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path

import pytest

from matahari.errors import PluginError
from tests.support.plugins import TIME, Box, plugin_service

pytestmark = pytest.mark.integration

#: Far below the ten seconds after which everything is looked at in any case.
SOON = 4.0
ROUNDS = 50


def answer(value: object) -> str:
    return f"def value(): return {value!r}\n"


async def wait_ready(box: Box, name: str) -> None:
    await box.heard.wait(lambda: name in box.heard.now and box.heard.now[name].state == "ready", timeout=SOON)


async def wait_none(box: Box) -> None:
    await box.heard.wait(lambda: not box.service.statuses(), timeout=SOON)


class TestReload:
    def test_what_was_saved_just_before_a_reload_answers_the_next_call(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("a.py", answer(-1))
                await box.wait_state("a", "ready")
                for number in range(ROUNDS):
                    path = box.save("a.py", answer(number))
                    status = await box.service.reload("a")
                    assert status.last_error is None
                    assert await box.call("a", "value") == number, path.stat()

        asyncio.run(story())

    def test_the_same_when_all_are_reloaded_and_files_are_renamed_into_place(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                for number in range(ROUNDS // 2):
                    for name in ("a", "b"):
                        fresh = box.save(f"{name}.new", answer([name, number]))
                        fresh.rename(box.directory / f"{name}.py")
                    await box.service.reload_all()
                    assert await box.call("a", "value") == ["a", number]
                    assert await box.call("b", "value") == ["b", number]

        asyncio.run(story())

    def test_a_plugin_saved_just_now_can_be_reloaded_and_one_deleted_just_now_is_none(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                path = box.save("a.py", answer(1))
                assert (await box.service.reload("a")).state == "ready"
                assert await box.call("a", "value") == 1
                path.unlink()
                with pytest.raises(PluginError, match="no plugin a"):
                    await box.service.reload("a")

        asyncio.run(story())

    def test_a_file_that_is_written_to_without_end_does_not_hold_up_a_reload(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                path = box.save("a.py", answer(1))
                await box.wait_state("a", "ready")
                with path.open("a") as file:

                    async def write() -> None:
                        while True:
                            file.write("# more\n")
                            file.flush()
                            await asyncio.sleep(0)

                    async with asyncio.timeout(SOON * TIME), asyncio.TaskGroup() as group:
                        writing = group.create_task(write())
                        await box.service.reload("a")
                        assert await box.call("a", "value") == 1
                        writing.cancel()

        asyncio.run(story())


class TestDirectories:
    def test_a_directory_removed_and_made_anew_is_watched_again(self, tmp_path: Path) -> None:
        """Its number is often that of the old one, which makes the two look the same."""

        async def story() -> None:
            plugins = tmp_path / "plugins"
            plugins.mkdir()
            async with plugin_service(plugins) as box:
                for number in range(3):
                    name = f"p{number}"
                    box.save(f"{name}.py", answer(number))
                    await wait_ready(box, name)
                    shutil.rmtree(plugins)
                    await wait_none(box)
                    plugins.mkdir()
                    box.save("b.py", answer(["b", number]))
                    await wait_ready(box, "b")
                    # The new one is watched, and not only found by an occasional look.
                    started = time.monotonic()
                    box.save("b.py", answer(["c", number]))
                    await box.wait_generation("b", box.heard.now["b"].generation + 1)
                    assert time.monotonic() - started < SOON * TIME
                    assert await box.call("b", "value") == ["c", number]

        asyncio.run(story())

    def test_a_directory_replaced_at_once_is_watched_again(self, tmp_path: Path) -> None:
        async def story() -> None:
            plugins = tmp_path / "plugins"
            plugins.mkdir()
            async with plugin_service(plugins) as box:
                box.save("a.py", answer(0))
                await wait_ready(box, "a")
                for number in range(5):
                    shutil.rmtree(plugins)
                    plugins.mkdir()
                    box.save(f"b{number}.py", answer(number))
                    await wait_ready(box, f"b{number}")
                    assert await box.call(f"b{number}", "value") == number

        asyncio.run(story())

    @pytest.mark.parametrize("how", ["removed", "renamed", "linked"])
    def test_a_parent_of_the_directory_is_replaced(self, tmp_path: Path, how: str) -> None:
        async def story() -> None:
            parent = tmp_path / "site"
            plugins = parent / "etc" / "plugins"
            if how == "linked":
                (tmp_path / "one").mkdir()
                parent.symlink_to("one")
            plugins.mkdir(parents=True)
            async with plugin_service(plugins) as box:
                box.save("a.py", answer("a"))
                await wait_ready(box, "a")
                if how == "removed":
                    shutil.rmtree(parent)
                    await wait_none(box)
                elif how == "renamed":
                    parent.rename(tmp_path / "old")
                else:
                    (tmp_path / "two" / "etc" / "plugins").mkdir(parents=True)
                    (tmp_path / "link").symlink_to("two")
                    os.replace(tmp_path / "link", parent)
                box.save("b.py", answer("b"))
                await wait_ready(box, "b")
                await box.heard.wait(lambda: [each.name for each in box.service.statuses()] == ["b"], timeout=SOON)
                box.save("b.py", answer("c"))
                await box.wait_generation("b", 2)
                assert await box.call("b", "value") == "c"

        asyncio.run(story())

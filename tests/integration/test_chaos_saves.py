"""Everything that may happen to the files of plugins, also while they are called: each ends in the right state."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
from collections.abc import Coroutine
from pathlib import Path

import pytest

from tests.support.plugins import TIME, Box, methods, plugin_service

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

SAVES = 200
CALLERS = 64
MANY = 500
#: Descriptors of the agent for one plugin: a socket and a pipe, and as much again while a worker starts.
DESCRIPTORS = 5


def run(story: Coroutine[object, object, None]) -> None:
    asyncio.run(story)


def replace(path: Path, source: str) -> None:
    """Save as most editors do: write beside, and rename."""
    new = path.with_name(f"{path.name}.tmp")
    new.write_text(source)
    new.replace(path)


def answering(answer: object) -> str:
    return f"def ask(): return {answer!r}\n"


async def is_answered(box: Box, name: str, answer: object) -> None:
    """Wait until a loaded version of ``name`` gives ``answer``."""
    async with asyncio.timeout(20 * TIME):
        while True:
            seen = len(box.heard.history)
            is_there = name in box.heard.now and box.heard.now[name].generation > 0
            if is_there and await box.call(name, "ask") == answer:
                return
            await box.heard.wait(lambda seen=seen: len(box.heard.history) > seen)  # type: ignore[misc]  # a default in a lambda


class TestSavedAgainAndAgain:
    def test_no_call_of_64_callers_is_lost_in_200_saves_of_a_folder_plugin(self, tmp_path: Path) -> None:
        """The helper says which version it is; plugin and helper, old functions and old state are never mixed."""
        main = """
            import time
            from . import helper
            FIRST = helper.VERSION
            BORN = {}
            __all__ = ["ask", f"only_{FIRST}"]
            globals()[f"only_{FIRST}"] = helper.only
            def ask():
                BORN.setdefault("version", helper.VERSION)
                time.sleep(0.002)
                from . import late
                return [FIRST, helper.VERSION, helper.version(), late.helper.VERSION, BORN["version"]]
        """

        def helper(number: int) -> str:
            return f"VERSION = {number}\ndef version(): return {number}\ndef only(): return {number}\n"

        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("hot/helper.py", helper(0))
                box.save("hot/late.py", "from . import helper\n")
                box.save("hot/__init__.py", main)
                await box.wait_method("hot", "only_0")
                first = box.heard.now["hot"].generation
                seen: set[int] = set()
                calls = 0
                is_over = asyncio.Event()

                async def caller() -> None:
                    nonlocal calls
                    while not is_over.is_set():
                        answer = await box.call("hot", "ask")  # a failure ends the test
                        assert isinstance(answer, list)
                        assert answer == [answer[0]] * 5
                        seen.add(answer[0])
                        calls += 1

                async with asyncio.TaskGroup() as callers:
                    for _ in range(CALLERS):
                        callers.create_task(caller())
                    for number in range(1, SAVES + 1):
                        if number % 2:
                            replace(tmp_path / "hot" / "helper.py", helper(number))
                        else:
                            box.save("hot/helper.py", helper(number))
                        if number % 3:  # the others come while the one before is being loaded
                            await box.wait_method("hot", f"only_{number}")
                    status = await box.wait_method("hot", f"only_{SAVES}")
                    assert await box.call("hot", "ask") == [SAVES] * 5
                    is_over.set()
                assert methods(status) == ["ask", f"only_{SAVES}"]
                gone = await box.fail("hot", f"only_{SAVES - 1}")
                assert gone.kind == "unknown_action"
                last = box.service.statuses()[0]
                assert (last.state, last.failures, last.active) == ("ready", 1, 0)
                assert last.calls >= calls + 2
                assert {0, SAVES} <= seen
                assert SAVES // 2 <= last.generation - first <= SAVES

        run(story())


class TestMoved:
    def test_a_renamed_plugin_is_there_under_its_new_name_only(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                path = box.save("first.py", answering(1))
                await box.wait_state("first", "ready")
                path.rename(tmp_path / "second.py")
                await box.wait_state("second", "ready")
                await box.heard.wait(lambda: box.heard.removed == ["first"])
                assert await box.call("second", "ask") == 1
                assert [status.name for status in box.service.statuses()] == ["second"]

        run(story())

    def test_two_plugins_change_places(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                left, right = box.save("left.py", answering("l")), box.save("right.py", answering("r"))
                await box.wait_state("left", "ready")
                await box.wait_state("right", "ready")
                away = tmp_path / "away.tmp"
                left.rename(away)
                right.rename(left)
                away.rename(right)
                await is_answered(box, "left", "r")
                await is_answered(box, "right", "l")
                assert box.heard.removed == []

        run(story())

    # watchdog 7.1 follows a folder that is moved out, and wonders when it comes in again.
    @pytest.mark.filterwarnings("ignore:Callback with id:RuntimeWarning")
    def test_a_plugin_that_is_moved_out_and_in_again_is_the_same(self, tmp_path: Path) -> None:
        async def story() -> None:
            directory = tmp_path / "plugins"
            directory.mkdir()
            async with plugin_service(directory) as box:
                path = box.save("shop/__init__.py", answering(1)).parent
                await box.wait_state("shop", "ready")
                path.rename(tmp_path / "elsewhere")
                await box.heard.wait(lambda: box.heard.removed == ["shop"])
                (tmp_path / "elsewhere").rename(path)
                await box.wait_state("shop", "ready")
                assert await box.call("shop", "ask") == 1

        run(story())

    def test_a_file_becomes_a_folder_and_a_file_again(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                path = box.save("shop.py", answering("file"))
                await box.wait_state("shop", "ready")
                folder = box.save("shop/__init__.py", answering("folder")).parent
                await is_answered(box, "shop", "folder")
                path.unlink()
                box.save("shop.py", answering("file again"))
                shutil.rmtree(folder)
                await is_answered(box, "shop", "file again")

        run(story())


class TestLinked:
    def test_a_link_that_is_turned_to_another_file_is_another_version(self, tmp_path: Path) -> None:
        """As releases are switched: the link is replaced as a whole."""

        async def story() -> None:
            releases, directory = tmp_path / "releases", tmp_path / "plugins"
            releases.mkdir()
            directory.mkdir()
            for number in (1, 2):
                (releases / f"{number}.py").write_text(answering(number))
            link = directory / "shop.py"
            link.symlink_to(releases / "1.py")
            async with plugin_service(directory) as box:
                assert await box.call("shop", "ask") == 1
                new = directory / "shop.py.tmp"
                new.symlink_to(releases / "2.py")
                new.replace(link)
                await is_answered(box, "shop", 2)
                link.unlink()
                await box.heard.wait(lambda: box.heard.removed == ["shop"])

        run(story())

    def test_a_linked_folder_is_a_plugin_and_a_change_behind_the_link_is_found_by_a_reload(
        self, tmp_path: Path
    ) -> None:
        """Nobody watches where links lead to; every ten seconds there is a look at it in any case."""

        async def story() -> None:
            source, directory = tmp_path / "source", tmp_path / "plugins"
            source.mkdir()
            directory.mkdir()
            (source / "__init__.py").write_text("from . import helper\ndef ask(): return helper.VALUE\n")
            (source / "helper.py").write_text("VALUE = 1\n")
            (directory / "shop").symlink_to(source)
            async with plugin_service(directory) as box:
                assert await box.call("shop", "ask") == 1
                replace(source / "helper.py", "VALUE = 2\n")
                status = await box.service.reload("shop")
                while status.generation < 2 or await box.call("shop", "ask") != 2:
                    status = await box.service.reload("shop")  # a file saved this moment may still be being written
                assert status.state == "ready"

        run(story())

    def test_a_link_whose_target_appears_later_becomes_ready(self, tmp_path: Path) -> None:
        async def story() -> None:
            target, directory = tmp_path / "later.py", tmp_path / "plugins"
            directory.mkdir()
            (directory / "shop.py").symlink_to(target)
            async with plugin_service(directory) as box:
                assert (await box.wait_state("shop", "failed")).last_error is not None
                target.write_text(answering(1))
                await is_answered(box, "shop", 1)

        run(story())


class TestWritten:
    @pytest.mark.parametrize("pieces", [3, 60])
    def test_a_file_that_is_still_being_written_is_not_loaded_in_part(self, tmp_path: Path, pieces: int) -> None:
        """Every line would load on its own; only the whole is what the author meant."""

        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("other.py", answering(0))
                box.save("slow.py", answering("old"))
                await box.wait_state("slow", "ready")
                await box.wait_state("other", "ready")
                with (tmp_path / "slow.py").open("w") as file:
                    for number in range(pieces):
                        file.write(answering(number))
                        file.flush()
                        await box.call("slow", "ask")
                        await box.call("other", "ask")
                await is_answered(box, "slow", pieces - 1)
                assert [status.state for status in box.heard.history if status.name == "slow"].count("degraded") == 0
                assert box.service.statuses()[1].generation == 2

        run(story())

    def test_an_editor_with_backup_and_swap_files_leaves_no_plugins_of_them(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                path = box.save("shop.py", answering(0))
                await box.wait_state("shop", "ready")
                for number in range(1, 6):
                    (tmp_path / ".shop.py.swp").write_text("swap")
                    (tmp_path / "4913").write_text("")
                    (tmp_path / "4913").unlink()
                    path.rename(tmp_path / "shop.py~")
                    path.write_text(answering(number))
                    (tmp_path / "#shop.py#").write_text("autosave")
                    await is_answered(box, "shop", number)
                assert [status.name for status in box.service.statuses()] == ["shop"]
                assert box.heard.removed == []

        run(story())

    def test_times_that_go_back_do_not_hide_a_change(self, tmp_path: Path) -> None:
        """As of an archive or ``cp -p``: the new content has an older time, and the same size."""

        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                path = box.save("shop.py", answering(1))
                await box.wait_state("shop", "ready")
                new = tmp_path / "new.tmp"
                new.write_text(answering(2))
                os.utime(new, (1_000_000_000, 1_000_000_000))
                new.replace(path)
                await is_answered(box, "shop", 2)

        run(story())


class TestMany:
    def test_a_directory_that_is_replaced_as_a_whole(self, tmp_path: Path) -> None:
        async def story() -> None:
            directory, other = tmp_path / "plugins", tmp_path / "other"
            for place, names in ((directory, "abc"), (other, "bcd")):
                place.mkdir()
                for name in names:
                    (place / f"{name}.py").write_text(answering(f"{place.name} {name}"))
            async with plugin_service(directory) as box:
                assert await box.call("a", "ask") == "plugins a"
                directory.rename(tmp_path / "old")
                other.rename(directory)
                for name in "bcd":
                    await is_answered(box, name, f"other {name}")
                await box.heard.wait(lambda: box.heard.removed == ["a"])
                assert [status.name for status in box.service.statuses()] == ["b", "c", "d"]
                box.save("e.py", answering("new"))
                await is_answered(box, "e", "new")
                shutil.rmtree(directory)
                await box.heard.wait(lambda: box.service.statuses() == [])

        run(story())

    @pytest.mark.timeout(300 * TIME)
    def test_500_plugins_that_appear_at_once_are_all_loaded_and_the_first_is_served_meanwhile(
        self, tmp_path: Path
    ) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert hard == resource.RLIM_INFINITY or hard >= DESCRIPTORS * MANY, f"{hard} open files are too few"
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, DESCRIPTORS * MANY), hard))

        async def story() -> None:
            directory, waiting = tmp_path / "plugins", tmp_path / "waiting"
            directory.mkdir()
            waiting.mkdir()
            async with plugin_service(directory) as box:
                box.save("witness.py", answering("here"))
                await box.wait_state("witness", "ready")
                for number in range(MANY):
                    (waiting / f"p{number}.py").write_text(answering(number))
                (waiting / "witness.py").write_text(answering("here"))
                directory.rename(tmp_path / "old")
                waiting.rename(directory)

                def ready() -> int:
                    return sum(status.state == "ready" for status in box.heard.now.values())

                while (seen := ready()) < MANY + 1:
                    async with asyncio.timeout(1.0 * TIME):
                        assert await box.call("witness", "ask") == "here"
                    await box.heard.wait(lambda seen=seen: ready() > seen, timeout=60)  # type: ignore[misc]  # a default in a lambda
                answers = await asyncio.gather(*(box.call(f"p{number}", "ask") for number in range(MANY)))
                assert answers == list(range(MANY))
                assert box.heard.removed == []

        try:
            run(story())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

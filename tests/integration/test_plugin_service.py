"""The plugin service with real processes: every sentence is something an author may do to a file."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path

import pytest

from matahari.errors import PluginError
from tests.support.plugins import methods, plugin_service, wait_dead

pytestmark = [pytest.mark.integration, pytest.mark.embedded]
HELLO = "def hello(): return 'one'\n"
PID = "import os\ndef pid(): return os.getpid()\n"


def run(story: Coroutine[object, object, None]) -> None:
    asyncio.run(story)


class TestSaving:
    def test_plugins_that_are_there_at_the_start_are_ready_when_start_returns(self, tmp_path: Path) -> None:
        async def story() -> None:
            (tmp_path / "first.py").write_text(HELLO)
            (tmp_path / "second.py").write_text(
                "__version__ = '1.2'\ndef two(a: int = 1) -> int:\n  'Doc.'\n  return a\n"
            )
            async with plugin_service(tmp_path) as box:
                first, second = box.service.statuses()
                assert (first.name, first.state, first.generation, methods(first)) == ("first", "ready", 1, ["hello"])
                assert (second.version, second.language, second.origin) == ("1.2", "python", "local")
                assert second.methods[0].doc == "Doc."
                assert second.methods[0].result == {"type": "integer"}
                assert second.loaded_ns > 0
                assert second.digest.startswith("sha256:")

        run(story())

    def test_a_file_that_is_dropped_in_can_be_called(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                assert box.service.statuses() == []
                box.save("greet.py", "def hello(name, mark='!'): return f'hello {name}{mark}'")
                await box.wait_state("greet", "ready")
                assert await box.call("greet", "hello", "you") == "hello you!"
                assert await box.call("greet", "hello", name="all", mark="?") == "hello all?"

        run(story())

    def test_a_plugin_of_2012_works_as_it_did(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save(
                    "test.py",
                    """
                    def testFunction(): return "This is a test"
                    def testException(): raise Exception("This is a test exception")
                    def showArgs(*args, **kwargs): return "args: %s, kwargs: %s" % (args, kwargs)
                    def _hidden(): return 1
                    class TestClass: pass
                    """,
                )
                status = await box.wait_state("test", "ready")
                assert methods(status) == ["showArgs", "testException", "testFunction"]
                assert await box.service.call("test", "showArgs", ["1", '"a"'], {"k": "[2]"}) == (
                    "\"args: (1, 'a'), kwargs: {'k': [2]}\""
                )
                failure = await box.fail("test", "testException")
                assert (failure.kind, failure.type, failure.value) == (
                    "raised",
                    "Exception",
                    "This is a test exception",
                )
                assert failure.text == "Exception: This is a test exception"
                assert "testException" in failure.traceback
                assert "matahari" not in failure.traceback

        run(story())

    def test_an_edit_takes_effect_and_the_old_process_ends(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("greet.py", PID + HELLO)
                await box.wait_state("greet", "ready")
                old = await box.pid("greet")
                box.save("greet.py", PID + "def bye(): return 2\n")
                status = await box.wait_method("greet", "bye")
                assert (status.generation, methods(status)) == (2, ["bye", "pid"])
                assert await box.call("greet", "bye") == 2
                assert (await box.fail("greet", "hello")).kind == "unknown_action"
                await wait_dead(old)

        run(story())

    def test_a_broken_edit_leaves_the_old_version_in_service_and_says_why(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("greet.py", HELLO)
                await box.wait_state("greet", "ready")
                box.save("greet.py", "def hello(:\n")
                status = await box.wait_state("greet", "degraded")
                assert status.generation == 1
                assert status.last_error is not None
                assert (status.last_error.type, status.last_error.line) == ("SyntaxError", 1)
                assert status.last_error.file == str(tmp_path / "greet.py")
                assert await box.call("greet", "hello") == "one"
                box.save("greet.py", "def hello(): return 'three'\n")
                status = await box.wait_state("greet", "ready")
                assert status.last_error is None
                assert await box.call("greet", "hello") == "three"

        run(story())

    def test_an_old_version_that_dies_after_a_broken_edit_comes_back(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("greet.py", "import os\ndef leave(): os._exit(1)\n" + HELLO)
                await box.wait_state("greet", "ready")
                box.save("greet.py", "def hello(:\n")
                await box.wait_state("greet", "degraded")
                failure = await box.fail("greet", "leave")
                assert failure.kind == "crashed"
                assert await box.call("greet", "hello") == "one"
                assert box.service.statuses()[0].state == "degraded"

        run(story())

    def test_a_helper_in_a_folder_plugin_changes_with_it(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("shop/helper.py", "PRICE = 1\n")
                box.save("shop/__init__.py", "def price():\n    from . import helper\n    return helper.PRICE\n")
                await box.wait_state("shop", "ready")
                assert await box.call("shop", "price") == 1
                box.save("shop/helper.py", "PRICE = 2\n")
                await box.wait_generation("shop", box.service.statuses()[0].generation + 1)
                assert await box.call("shop", "price") == 2
                assert not list(tmp_path.rglob("__pycache__"))

        run(story())

    def test_a_removed_file_takes_its_plugin_and_its_process_away(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                path = box.save("greet.py", PID)
                await box.wait_state("greet", "ready")
                pid = await box.pid("greet")
                path.unlink()
                await box.heard.wait(lambda: box.heard.removed == ["greet"])
                failure = await box.fail("greet", "pid")
                assert (failure.kind, failure.text) == ("not_loaded", "no plugin greet")
                await wait_dead(pid)
                box.save("greet.py", PID)
                assert (await box.wait_state("greet", "ready")).generation == 2

        run(story())

    def test_an_editor_that_deletes_and_writes_anew_does_not_withdraw_the_plugin(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                path = box.save("greet.py", HELLO)
                await box.wait_state("greet", "ready")
                path.unlink()
                box.save(".greet.py.swp", "x")
                box.save("greet.py", "def hello(): return 'two'\n")
                await box.wait_generation("greet", 2)
                new = tmp_path / "greet.py.tmp"
                new.write_text("def hello(): return 'three'\n")
                new.rename(path)
                await box.wait_generation("greet", 3)
                assert await box.call("greet", "hello") == "three"
                assert box.heard.removed == []

        run(story())

    def test_the_directory_may_appear_later_and_be_replaced_as_a_whole(self, tmp_path: Path) -> None:
        async def story() -> None:
            directory = tmp_path / "plugins"
            async with plugin_service(directory) as box:
                box.save("greet.py", HELLO)
                await box.wait_state("greet", "ready")
                other = tmp_path / "other"
                other.mkdir()
                (other / "greet.py").write_text("def hello(): return 'other'\n")
                directory.rename(tmp_path / "old")
                other.rename(directory)
                await box.wait_generation("greet", 2)
                assert await box.call("greet", "hello") == "other"
                box.save("late.py", HELLO)
                await box.wait_state("late", "ready")
                assert box.heard.removed == []

        run(story())

    def test_a_bad_file_name_is_named_once_with_the_rule(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def story() -> None:
            (tmp_path / "my-plugin.py").write_text(HELLO)
            (tmp_path / "_private.py").write_text(HELLO)
            async with plugin_service(tmp_path) as box:
                box.save("good.py", HELLO)
                await box.wait_state("good", "ready")
                assert box.service.misnamed == (tmp_path / "my-plugin.py",)
                assert [status.name for status in box.service.statuses()] == ["good"]

        run(story())
        told = [record.getMessage() for record in caplog.records if "my-plugin.py" in record.getMessage()]
        assert len(told) == 1
        assert "letters, digits and _" in told[0]

    def test_a_plugin_named_json_is_itself_and_takes_nothing_from_others(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("json.py", "import json\ndef mine(): return [json.dumps([1]), __name__]\n")
                box.save("os.py", "def mine(): return 'os'\n")
                box.save("user.py", "import json, os\ndef use(): return json.loads('[1]') + [os.sep]\n")
                for name in ("json", "os", "user"):
                    await box.wait_state(name, "ready")
                assert await box.call("json", "mine") == ["[1]", "matahari_plugins.json"]
                assert await box.call("os", "mine") == "os"
                assert await box.call("user", "use") == [1, "/"]

        run(story())

    def test_polling_takes_over_where_nothing_can_be_watched(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(28, "inotify watch limit reached")

        async def story() -> None:
            monkeypatch.setattr("watchdog.observers.api.BaseObserver.schedule", refuse)
            async with plugin_service(tmp_path) as box:
                box.save("greet.py", HELLO)
                await box.wait_state("greet", "ready")

        run(story())
        assert any("looked at twice a second" in record.getMessage() for record in caplog.records)

    def test_many_plugins_that_appear_at_once_are_all_loaded(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                for number in range(60):
                    box.save(f"p{number}.py", f"def number(): return {number}\n")
                await box.heard.wait(
                    lambda: sum(status.state == "ready" for status in box.heard.now.values()) == 60, timeout=30
                )
                assert await asyncio.gather(*(box.call(f"p{n}", "number") for n in range(60))) == list(range(60))

        run(story())


class TestReload:
    def test_no_call_is_lost_while_a_plugin_is_saved_again_and_again(self, tmp_path: Path) -> None:
        async def story() -> None:
            def source(number: int) -> str:
                return (
                    f"import time\nFIRST = {number}\ndef ask():\n    time.sleep(0.002)\n    return [FIRST, {number}]\n"
                )

            async with plugin_service(tmp_path) as box:
                box.save("hot.py", source(0))
                await box.wait_state("hot", "ready")
                seen: set[int] = set()
                is_over = asyncio.Event()
                calls = 0

                async def caller() -> None:
                    nonlocal calls
                    while not is_over.is_set():
                        answer = await box.call("hot", "ask")
                        assert isinstance(answer, list)
                        assert answer[0] == answer[1]  # wholly from one generation
                        seen.add(answer[0])
                        calls += 1

                callers = [asyncio.ensure_future(caller()) for _ in range(64)]
                for number in range(1, 21):
                    box.save("hot.py", source(number))
                    await box.wait_generation("hot", number + 1)
                while await box.call("hot", "ask") != [20, 20]:
                    pass
                is_over.set()
                await asyncio.gather(*callers)
                status = box.service.statuses()[0]
                assert (status.failures, status.generation, status.state) == (0, 21, "ready")
                assert {0, 20} <= seen
                assert calls > 200

        run(story())

    def test_saves_in_quick_succession_end_with_the_last(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                for number in range(40):
                    box.save("hot.py", f"def v{number}(): return {number}\n")
                    await asyncio.sleep(0)
                status = await box.wait_method("hot", "v39")
                assert methods(status) == ["v39"]
                assert await box.call("hot", "v39") == 39

        run(story())

    def test_a_slow_load_gives_way_to_a_newer_save(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path, superseded_grace=0.1) as box:
                box.save("hot.py", "import time\ntime.sleep(600)\n")
                await box.wait_state("hot", "loading")
                box.save("hot.py", HELLO)
                assert (await box.wait_state("hot", "ready")).generation == 1

        run(story())

    def test_reload_makes_a_new_generation_of_the_same_file(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                box.save("greet.py", PID)
                box.save("other.py", PID)
                await box.wait_state("greet", "ready")
                await box.wait_state("other", "ready")
                old = await box.pid("greet")
                status = await box.service.reload("greet")
                assert (status.generation, status.state) == (2, "ready")
                assert await box.pid("greet") != old
                assert [status.generation for status in await box.service.reload_all()] == [3, 2]
                with pytest.raises(PluginError, match="did you mean 'greet'"):
                    await box.service.reload("gret")

        run(story())

    def test_calls_in_an_old_generation_finish_there(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with plugin_service(tmp_path) as box:
                go = tmp_path / "go.txt"
                source = "import os, time\ndef old(path):\n    while not os.path.exists(path): time.sleep(0.01)\n    return 1\n"
                box.save("hot.py", source)
                await box.wait_state("hot", "ready")
                call = asyncio.ensure_future(box.call("hot", "old", str(go)))
                await asyncio.sleep(0)
                box.save("hot.py", HELLO)
                await box.wait_method("hot", "hello")
                assert await box.call("hot", "hello") == "one"
                assert not call.done()
                go.write_text("")
                assert await call == 1

        run(story())

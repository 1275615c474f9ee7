"""What a plugin can do inside a real worker: typed arguments, live reports, its own word on health and activity."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path

import pytest

from matahari.hostproto import Output, Partial, Progress
from matahari.rpcagent import CallFailure, PluginSaid
from tests.support.plugins import Box, plugin_service

pytestmark = [pytest.mark.integration, pytest.mark.embedded]

TYPED = '''
from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypedDict

from pydantic import Field

from matahari.plugin import method


class Color(enum.Enum):
    RED = "red"


@dataclass
class Disk:
    path: Path
    size: Annotated[int, Field(ge=1)]
    seen: datetime.datetime
    color: Color = Color.RED
    parts: list[Disk] = field(default_factory=list)


class Options(TypedDict, total=False):
    depth: int


@method(read_only=True, timeout=20, sensitive=["password"])
def grow(disk: Disk, by: int = 1, *, password: str = "", options: Options | None = None) -> Disk:
    """Grow a disk.

    Args:
        disk: which.
        by: how much.
    """
    assert isinstance(disk, Disk) and isinstance(disk.color, Color) and isinstance(disk.path, Path)
    disk.size += by
    disk.seen += datetime.timedelta(days=1)
    return disk
'''

DISK = {"path": "/dev/sda", "size": 5, "seen": "2020-01-01T00:00:00Z"}


def run(story: Coroutine[object, object, None]) -> None:
    asyncio.run(story)


async def failing(box: Box, plugin: str, method: str, *args: object) -> CallFailure:
    with pytest.raises(CallFailure) as caught:
        await box.call(plugin, method, *args)
    return caught.value


def test_typed_arguments_arrive_as_their_types_and_results_leave_as_json(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("disks.py", TYPED)
            status = await box.wait_state("disks", "ready")
            (spec,) = status.methods
            assert (spec.effects, spec.timeout, spec.sensitive) == ({"read_only": True}, 20, ("password",))
            assert await box.call("disks", "grow", DISK, by=3, options={"depth": 1}) == {
                "path": "/dev/sda",
                "size": 8,
                "seen": "2020-01-02T00:00:00Z",
                "color": "red",
                "parts": [],
            }
            for wrong in ({**DISK, "size": 0}, {**DISK, "color": "blue"}, {**DISK, "seen": "soon"}, {"path": "/"}, 5):
                assert (await failing(box, "disks", "grow", wrong)).kind == "invalid_argument"

    run(story())


def test_an_annotation_that_is_not_understood_means_anything(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("odd.py", "class Own: pass\ndef same(x: Own): return x\n")
            await box.wait_state("odd", "ready")
            assert await box.call("odd", "same", {"a": 1}) == {"a": 1}

    run(story())


def test_what_a_running_call_tells_is_heard_before_its_answer(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save(
                "copy.py",
                """
                import asyncio, itertools
                from matahari.plugin import context, event, output, progress

                def work(count):
                    for number in range(count):
                        progress(number + 1, count, f"file {number}")
                        output(f"copied {number}\\n")
                    event("copied", severity=5, count=count)
                    return context().plugin

                async def work_later(count):
                    await asyncio.sleep(0)
                    return work(count)

                def numbers(count):
                    yield from range(count)

                async def numbers_later(count):
                    for number in range(count):
                        yield number

                def endless():
                    yield from itertools.count()
                """,
            )
            status = await box.wait_state("copy", "ready")
            streams = [spec.name for spec in status.methods if spec.streams]
            assert streams == ["endless", "numbers", "numbers_later"]
            for name in ("work", "work_later"):
                told: list[object] = []
                text = await box.service.call("copy", name, ["3"], on_progress=told.append)
                assert text == '"copy"'
                assert [item.chunk for item in told if isinstance(item, Output)] == [
                    f"copied {number}\n" for number in range(3)
                ]
                last = [item for item in told if isinstance(item, Progress)][-1]
                assert (last.done, last.total, last.text) == (3, 3, "file 2")
            for name in ("numbers", "numbers_later"):
                told = []
                assert await box.service.call("copy", name, ["500"], on_progress=told.append) == "500"
                values = [json.loads(item.text) for item in told if isinstance(item, Partial)]
                assert values == list(range(500))

    run(story())


def test_events_of_a_plugin_are_heard(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("bell.py", "from matahari.plugin import event\ndef ring(): event('rung', severity=4, times=2)\n")
            await box.wait_state("bell", "ready")
            await box.call("bell", "ring")
            await box.heard.wait(lambda: any(isinstance(notice, PluginSaid) for notice in box.heard.notices))
            (said,) = [notice for notice in box.heard.notices if isinstance(notice, PluginSaid)]
            assert (said.name, said.event.name, said.event.severity) == ("bell", "rung", 4)
            assert json.loads(said.event.fields) == {"times": 2}

    run(story())


def test_a_self_check_that_fails_keeps_the_old_version(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("sound.py", "def version(): return 1\ndef self_check(): return True\n")
            status = await box.wait_state("sound", "ready")
            assert [spec.name for spec in status.methods] == ["version"]
            box.save("sound.py", "def version(): return 2\ndef self_check(): return False, 'no disks'\n")
            status = await box.wait_state("sound", "degraded")
            assert status.last_error is not None
            assert (status.last_error.type, status.last_error.text) == ("SelfCheckFailed", "no disks")
            assert await box.call("sound", "version") == 1
            box.save("sound.py", "def version(): return 3\ndef self_check():\n    raise OSError('no /dev')\n")
            await box.heard.wait(
                lambda: (error := box.heard.now["sound"].last_error) is not None and error.text == "OSError: no /dev"
            )
            error = box.heard.now["sound"].last_error
            assert error is not None
            assert error.line == 3
            assert await box.call("sound", "version") == 1

    run(story())


def test_a_plugin_may_say_that_it_is_not_for_this_host(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            box.save("never.py", "def a(): return 1\ndef activate(): return False, 'no such hardware'\n")
            status = await box.wait_state("never", "inactive")
            assert (status.is_active, status.reason) == (False, "no such hardware")
            box.save("broken.py", "def a(): return 1\ndef activate(): return 1 / 0\n")
            status = await box.wait_state("broken", "inactive")
            assert (status.is_active, status.reason) == (False, "ZeroDivisionError: division by zero")

    run(story())


def test_a_plugin_is_asked_again_whether_it_is_for_this_host(tmp_path: Path) -> None:
    async def story() -> None:
        marker = tmp_path / "hardware"
        async with plugin_service(tmp_path, activate_interval=0.1) as box:
            box.save(
                "card.py",
                f"""
                import os
                def here(): return True
                async def activate():
                    return os.path.exists({str(marker)!r}), "looked for it"
                """,
            )
            status = await box.wait_state("card", "inactive")
            assert status.reason == "looked for it"
            marker.touch()
            await box.wait_state("card", "ready")
            assert await box.call("card", "here") is True
            marker.unlink()
            await box.wait_state("card", "inactive")

    run(story())


def test_settings_beside_the_plugin_are_in_the_context(tmp_path: Path) -> None:
    async def story() -> None:
        async with plugin_service(tmp_path) as box:
            (tmp_path / "roots.toml").write_text('[settings]\nroots = ["/tmp"]\n')
            box.save(
                "roots.py",
                "from matahari.plugin import context\nEARLY = context().settings['roots']\n"
                "def look(): return [EARLY, context().settings['roots'], dict(context().facts) is not None]\n",
            )
            await box.wait_state("roots", "ready")
            assert await box.call("roots", "look") == [["/tmp"], ["/tmp"], True]

    run(story())

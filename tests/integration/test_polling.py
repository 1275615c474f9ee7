"""Many plugins where nothing can be watched: polling finds every change, and ends in the right state."""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.plugins import TIME, Box, plugin_service

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300 * TIME)]

MANY = 500
#: Open files that the agent needs for one plugin: a socket and a pipe, and some while a worker starts.
DESCRIPTORS = 6


def answer(value: object) -> str:
    return f"def value(): return {value!r}\n"


@pytest.fixture
def many_files() -> Iterator[None]:
    """Leave to open as many files as all the plugins need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = DESCRIPTORS * MANY
    assert hard == resource.RLIM_INFINITY or hard >= needed, f"{hard} open files are too few"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """No directory can be watched, as when all watches of the user are taken."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("watchdog.observers.api.BaseObserver.schedule", refuse)


def put(box: Box, name: str, source: str) -> None:
    """Save in one step: a look between the steps of a plain save is another test's matter."""
    path = box.directory / name
    path.parent.mkdir(exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(source)
    beside.rename(path)


async def wait_values(box: Box, expected: dict[str, object]) -> None:
    """Wait until exactly these plugins are ready, then ask them."""
    await box.heard.wait(
        lambda: (
            {name for name, status in box.heard.now.items() if status.state == "ready"} == set(expected)
            and set(box.heard.now) == set(expected)
        ),
        timeout=120,
    )
    found = await asyncio.gather(*(box.call(name, "value") for name in expected))
    assert dict(zip(expected, found, strict=True)) == expected


def test_500_plugins_appear_change_and_go(
    tmp_path: Path, many_files: None, unwatched: None, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        directory, other = tmp_path / "plugins", tmp_path / "other"
        directory.mkdir()
        async with plugin_service(directory) as box:
            expected: dict[str, object] = {f"p{number}": number for number in range(MANY)}
            for name, value in expected.items():
                put(box, f"{name}.py", answer(value))
            await wait_values(box, expected)
            # Some change, some are renamed, some go, and one becomes a folder.
            for number in range(40):
                put(box, f"p{number}.py", answer(["new", number]))
                expected[f"p{number}"] = ["new", number]
            for number in range(40, 60):
                (directory / f"p{number}.py").rename(directory / f"q{number}.py")
                expected[f"q{number}"] = expected.pop(f"p{number}")
            for number in range(60, 100):
                (directory / f"p{number}.py").unlink()
                del expected[f"p{number}"]
            (directory / "p100.py").unlink()
            put(box, "p100/helper.py", answer("helped"))
            put(box, "p100/__init__.py", "from .helper import value\n__all__ = ['value']\n")
            expected["p100"] = "helped"
            changed = [name for name, value in expected.items() if isinstance(value, list)]
            await box.heard.wait(
                lambda: all(box.heard.now[name].generation == 2 for name in [*changed, "p100"]), timeout=120
            )
            await wait_values(box, expected)
            # The directory is replaced as a whole by one with fewer.
            other.mkdir()
            for number in range(200, 210):
                (other / f"p{number}.py").write_text(answer(number))
            directory.rename(tmp_path / "old")
            other.rename(directory)
            await wait_values(box, {f"p{number}": number for number in range(200, 210)})

    caplog.set_level(logging.WARNING)
    asyncio.run(story())
    assert any("looked at twice a second" in record.getMessage() for record in caplog.records)

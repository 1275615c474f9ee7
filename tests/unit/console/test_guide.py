"""The guide's page on the Python API names what is there."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path

from matahari.console import Call, Console, ConsoleEvent, EventStream, Objects, Plugin, Subscription, sync

PAGE = (Path(__file__).parents[3] / "core" / "docs" / "guide" / "python.md").read_text()


def members(kind: type) -> dict[str, object]:
    return {name: one for name, one in vars(kind).items() if not name.startswith("_") and callable(one)}


def test_the_coroutines_are_named_and_nothing_else_is_called_one() -> None:
    [line] = [line for line in PAGE.splitlines() if line.startswith("With asyncio these are coroutines")]
    parts = re.split(" of the console; | of objects; | of a subscription; | of an event stream; | of a call", line)
    for kind, part in zip((Console, Objects, Subscription, EventStream), parts, strict=False):
        made = {name for name, one in members(kind).items() if inspect.iscoroutinefunction(one)}
        assert set(re.findall(r"`(\w+)`", part)) == made


def test_the_blocking_face_has_the_same_names_and_no_coroutine() -> None:
    faces = (
        (Call, sync.Call), (Console, sync.Console), (EventStream, sync.EventStream), (Objects, sync.Objects),
        (Plugin, sync.Plugin), (Subscription, sync.Subscription),
    )  # fmt: skip
    for kind, blocking in faces:
        assert members(kind).keys() <= members(blocking).keys()
        assert not [name for name, one in members(blocking).items() if inspect.iscoroutinefunction(one)]


def test_every_attribute_of_an_event_is_in_its_table() -> None:
    table = PAGE.partition("A `ConsoleEvent` has these attributes:")[2].partition("\n\n")[2].partition("\n\n")[0]
    named = [name for line in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", line.split("|")[1])]
    assert named == [one.name for one in dataclasses.fields(ConsoleEvent)]

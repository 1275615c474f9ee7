"""Subscriptions to objects of a real node, through both faces of the console."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.node import PLUGIN_PACKAGE, TIME, Box, box

pytestmark = [pytest.mark.integration, pytest.mark.together]


@pytest.fixture
def node() -> Iterator[Box]:
    with box() as made:
        made.save("first.py", "def one():\n    return 1\n")
        with made.up():
            with made.connect() as console:
                made.wait_plugin(console, "first", lambda values: values["state"] == "ready")
            yield made


def test_a_plugin_is_told_of_as_it_is_when_it_is_edited_and_when_it_goes(node: Box) -> None:
    with node.connect() as console, console.subscribe("first", package=PLUGIN_PACKAGE, interval=1) as changes:
        assert changes.unsupported == ()
        first = changes.next(20 * TIME)
        assert first is not None
        assert (first.kind, first.object.values["generation"]) == ("changed", 1)
        node.save("first.py", "def one():\n    return 2\n")
        for change in changes:
            if change.object.values["generation"] == 2:
                break
        (node.home / "plugins" / "first.py").unlink()
        for change in changes:
            if change.kind == "deleted":
                break
        assert changes.dropped == 0


def test_hosts_are_told_of_on_an_event_loop(node: Box) -> None:
    async def story() -> None:
        async with node.connect_async() as console, console.subscribe("Host", interval=1) as changes:
            async for change in changes:
                assert change.object.values["hostname"] == change.object.host
                break
            await changes.close()
            assert await changes.next() is None

    asyncio.run(story())

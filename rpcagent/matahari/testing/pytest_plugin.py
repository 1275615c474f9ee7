"""The fixture ``load_plugin``.

::

    from matahari.testing import PluginLoader

    pytest_plugins = ["matahari.testing.pytest_plugin"]

    def test_adds(load_plugin: PluginLoader) -> None:
        plugin = load_plugin("calc.py")
        assert plugin.call("add", 1, right=2) == 3

    def test_tells_how_far_it_is(load_plugin: PluginLoader) -> None:
        plugin = load_plugin("copy.py", settings={"target": "/tmp"})
        record = plugin.record("copy", ["a", "b"])
        assert (record.value, record.output, record.partials) == (2, "copied a\\ncopied b\\n", [])

Paths begin at the folder of the test module. ``load_plugin.save("calc.py", source)`` writes a plugin of the test's own,
and gives its path. What was loaded is ended with the test.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from .loader import PluginLoader

__all__ = ["load_plugin"]


@pytest.fixture
def load_plugin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PluginLoader]:
    """A :class:`PluginLoader`: called with a path, it gives a :class:`matahari.testing.Plugin`."""
    with contextlib.ExitStack() as stack:
        yield PluginLoader(request.path.parent, tmp_path, stack)

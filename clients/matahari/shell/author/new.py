"""``matahari plugin new``: a plugin to begin with, and its test."""

from __future__ import annotations

import sys
from pathlib import Path
from string import Template
from typing import Final

from matahari.shell.base.outcome import ExitStatus
from matahari.testing import PluginPlace

__all__ = ["new_plugin", "source_of_plugin", "source_of_test"]

_PLUGIN: Final = Template('''\
"""$name: say here in one sentence what the plugin is for."""

from __future__ import annotations

import shutil

__version__ = "0.1"


def greet(name: str, times: int = 1) -> str:
    """Greet somebody.

    Args:
        name: who is greeted.
        times: how often, at least once.

    Returns:
        The greeting, one line for each time.

    Raises:
        ValueError: ``times`` is less than 1.
    """
    if times < 1:
        raise ValueError(f"times is {times}, and must be at least 1")
    return "\\n".join([f"hello {name}"] * times)


def disk_usage(path: str = "/") -> dict[str, int]:
    """Tell how full a file system is.

    Args:
        path: anything on the file system.

    Returns:
        ``total``, ``used`` and ``free``, in bytes.
    """
    return dict(shutil.disk_usage(path)._asdict())
''')

_TEST: Final = Template('''\
"""The plugin $name, in a worker as on a host. Run with: pytest tests"""

from __future__ import annotations

import pytest

from matahari.testing import CallFailure, PluginLoader

pytest_plugins = ["matahari.testing.pytest_plugin"]


def test_somebody_is_greeted(load_plugin: PluginLoader) -> None:
    plugin = load_plugin("../$name.py")
    assert plugin.call("greet", "you") == "hello you"
    assert plugin.call("greet", name="you", times=2) == "hello you\\nhello you"


def test_a_greeting_needs_a_name_that_is_text(load_plugin: PluginLoader) -> None:
    plugin = load_plugin("../$name.py")
    with pytest.raises(CallFailure) as failure:
        plugin.call("greet", 5)
    assert failure.value.kind == "invalid_argument"


def test_a_disk_has_a_size(load_plugin: PluginLoader) -> None:
    usage = load_plugin("../$name.py").call("disk_usage")
    assert isinstance(usage, dict)
    assert usage["total"] > 0
''')


def source_of_plugin(name: str) -> str:
    """The text of the plugin ``name``."""
    return _PLUGIN.substitute(name=name)


def source_of_test(name: str) -> str:
    """The text of its test."""
    return _TEST.substitute(name=name)


def new_plugin(name: str, directory: Path) -> int:
    """Write both files; gives the exit status: 1 when something is in the way, 64 for a name that is none."""
    if fault := PluginPlace.name_fault(name):
        print(f"matahari: {name!r:.100} {fault}", file=sys.stderr)
        return ExitStatus.USAGE
    # The test is in a folder of its own: beside the plugin it would be taken for one.
    files = {
        directory / f"{name}.py": source_of_plugin(name),
        directory / "tests" / f"test_{name}.py": source_of_test(name),
    }
    for path in (*files, directory / name):
        if path.exists() or path.is_symlink():
            print(f"matahari: there is {path} already; nothing was written", file=sys.stderr)
            return 1
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
            print(path)
    except OSError as error:
        print(f"matahari: {error.filename or directory}: {error.strerror}", file=sys.stderr)
        return 1
    return ExitStatus.OK

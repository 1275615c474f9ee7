"""A directory in which the author of a plugin works, and the command that runs there."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import psutil

from tests.support.node import BIN, environment
from tests.support.plugins import TIME

__all__ = ["KEPT", "Desk"]

#: A plugin with settings of its own.
KEPT = """
from dataclasses import dataclass
from matahari.plugin import context

@dataclass(frozen=True)
class Settings:
    keep: int = 7
    token: str = "x"

def show() -> int: return context().settings.keep
"""


class Desk:
    """A directory in which an author works."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.temporary = home / "tmp"
        self.temporary.mkdir()

    @property
    def env(self) -> dict[str, str]:
        return environment(XDG_CONFIG_HOME=str(self.home), TMPDIR=str(self.temporary), DESK=str(self.home))

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run ``matahari plugin …`` to its end; it must leave nothing behind."""
        done = subprocess.run(
            [BIN / "matahari", "plugin", *words],
            cwd=self.home,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60 * TIME,
            check=False,
        )
        assert "Traceback (most recent" not in done.stderr
        self.check_nothing_left()
        return done

    def check_nothing_left(self) -> None:
        """No process that was started here, and no directory of links."""
        left: list[psutil.Process] = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):  # it ends just now, or is another user's
                if process.environ().get("DESK") == str(self.home):
                    left.append(process)
        assert not left
        assert list(self.temporary.iterdir()) == []

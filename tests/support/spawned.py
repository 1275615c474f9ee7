"""mhsh on a pseudo-terminal, for tests that only read its output as it comes; see :mod:`tests.support.terminal` for screens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pexpect

from tests.support.node import BIN, TIME, Box, environment

__all__ = ["spawned_shell"]


@contextmanager
def spawned_shell(node: Box, *, columns: int = 200) -> Iterator[pexpect.spawn[str]]:
    """mhsh on the node's bus, at its first prompt; its history is in the node's home."""
    child: pexpect.spawn[str] = pexpect.spawn(
        str(BIN / "mhsh"),
        list(node.bus.words),
        cwd=node.home,
        env=environment(XDG_CONFIG_HOME=str(node.home), XDG_STATE_HOME=str(node.home), TERM="xterm"),
        encoding="utf-8",
        codec_errors="backslashreplace",
        timeout=20 * TIME,
        dimensions=(40, columns),
    )
    try:
        child.expect("mhsh>")
        yield child
    finally:
        child.close(force=True)

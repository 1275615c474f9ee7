"""A worker's start, played through in the warm parent before it forks.

What Python writes to its own objects when code runs for the first few times (specialized instructions, caches of
attributes and classes, hashes of texts) is then there already, on pages that all workers share. Each of them would write
it to a copy of its own otherwise: an idle worker is about a tenth smaller so, and loads its plugin sooner.
"""

from __future__ import annotations

import base64
import contextlib
import linecache
import logging
import socket
import sys
from collections.abc import Iterator
from typing import Final

from matahari.hostproto import SINGLE_FILE, Connection, Load, content_digest
from matahari.plugin import report_to

from .loading import NAMESPACE
from .worker import Worker

__all__ = ["rehearse"]

#: Stands for a plugin; the name is one that nobody gives.
_NAME: Final = "matahari_rehearsal"
_PATH: Final = f"/{_NAME}.py"
_NONCE: Final = "rehearsal"
#: Python specializes most code when it has run eight times. All of them together take about ten milliseconds.
_TIMES: Final = 10
#: Room for what a worker says before somebody reads it, in bytes; a socket has more.
_READ_SIZE: Final = 64 * 1024

#: It needs what most plugins need. None with types of its own: what the library for them makes anew for each type is
#: most of what such a worker weighs, and none of that can be shared.
_SOURCE: Final = b'''"""A plugin."""

def act(first: int, second: list[str] | None = None, *more: object, **others: object) -> str:
    """Do something.

    Args:
        first: how much.
    """
    return f"{first}{second}{more}{others}"
'''


def rehearse(times: int = _TIMES) -> None:
    """Load a small plugin as a worker does, some times over, and forget it.

    Raises:
        OSError: there is no socket to be had.
    """
    load = Load(
        path=_PATH,
        name=_NAME,
        digest=content_digest({SINGLE_FILE: _SOURCE}),
        generation=1,
        concurrency=1,
        result_limit=1,
        files={SINGLE_FILE: base64.b64encode(_SOURCE).decode()},
    )
    for _ in range(times):
        ours, theirs = socket.socketpair()
        with ours, theirs, _unchanged():
            connection = Connection.to_worker(_NONCE)
            worker = Worker(theirs, nonce=_NONCE)
            worker.greet()
            connection.receive_data(ours.recv(_READ_SIZE))
            connection.next_event()
            ours.sendall(connection.send(load))
            worker.take()


@contextlib.contextmanager
def _unchanged() -> Iterator[None]:
    """Undo what the load of a plugin does to its process."""
    root = logging.getLogger()
    path, finders, arguments, writes = list(sys.path), list(sys.meta_path), sys.argv, sys.dont_write_bytecode
    handlers, level = list(root.handlers), root.level
    modules = set(sys.modules)
    try:
        yield
    finally:
        sys.path[:], sys.meta_path[:], sys.argv, sys.dont_write_bytecode = path, finders, arguments, writes
        root.handlers[:] = handlers
        root.setLevel(level)
        root.manager.loggerDict.pop(_NAME, None)
        linecache.cache.pop(_PATH, None)
        report_to(None)
        # What the load has imported of others stays: workers need it too.
        for name in sys.modules.keys() - modules:
            if name == _NAME or name.partition(".")[0] == NAMESPACE:
                del sys.modules[name]

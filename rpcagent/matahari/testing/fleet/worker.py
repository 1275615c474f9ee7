"""A process of a fleet: ``python -m matahari.testing.fleet.worker``, started by :mod:`matahari.testing.fleet`.

It speaks lines of JSON with its parent. The first line in is the plan, each further one an order ``{"number", "what",
"host"}``; lines out are ``{"ready": hosts}``, ``{"done": number, "error": text or null}`` and ``{"failed": text}``. The
end of its input, which the parent's death brings too, is the order to end.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from typing import BinaryIO, Final

from matahari.errors import MatahariError
from matahari.net import TaskKeeper

from .crew import Crew
from .plan import load_plan

__all__ = ["MAX_LINE", "main"]

#: Longest line: the plan for 10,000 hosts with some KiB of facts each.
MAX_LINE: Final = 64 << 20


class _Worker:
    """Serves its parent until the input ends.

    Args:
        out: where lines for the parent go.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._tasks = TaskKeeper()

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        lines = asyncio.StreamReader(limit=MAX_LINE)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        crew: Crew | None = None
        try:
            crew = Crew(load_plan((await lines.readline()).decode()))
            starting = self._tasks.start(self._start(crew), name="start of the hosts")
            while line := await lines.readline():
                self._tasks.start(self._obey(crew, line), name="an order")
            starting.cancel()
        except MatahariError as error:
            self._say({"failed": str(error)})
        finally:
            await self._tasks.cancel_all()
            if crew is not None:
                await crew.stop()
            transport.close()

    async def _start(self, crew: Crew) -> None:
        try:
            await crew.start()
        except MatahariError as error:
            self._say({"failed": str(error)})
        else:
            self._say({"ready": len(crew.names)})

    async def _obey(self, crew: Crew, line: bytes) -> None:
        order = json.loads(line)
        error = None
        try:
            await crew.order(order["what"], order["host"])
        except MatahariError as failure:
            error = str(failure)
        self._say({"done": order["number"], "error": error})

    def _say(self, message: dict[str, object]) -> None:
        try:
            self._out.write(json.dumps(message).encode() + b"\n")
            self._out.flush()
        except BrokenPipeError:
            logging.getLogger(__name__).info("nobody hears this process of a fleet any more")


def main() -> int:
    """Run; the exit status is 0 when the input has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what plugins print must not get between the lines
        asyncio.run(_Worker(out).serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())

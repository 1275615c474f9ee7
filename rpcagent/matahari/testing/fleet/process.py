"""A process of a fleet as its parent sees it: started, waited for, ordered about, and reaped."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from typing import Final

from matahari.net import TaskKeeper

from .plan import FleetError, Plan, dump_plan

__all__ = ["WorkerProcess"]

ORDER_TIMEOUT: Final = 20.0  # seconds for an order; reviving a host on a busy broker is the longest
STOP_TIMEOUT: Final = 10.0  # seconds to cut all connections and end; then it is killed
_MODULE: Final = "matahari.testing.fleet.worker"


class WorkerProcess:
    """One event loop owns it. :meth:`stop` must be called, whatever else fails.

    Args:
        plan: its part of the fleet.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._names = frozenset(host.name for host in plan.hosts)
        self._process: asyncio.subprocess.Process | None = None
        self._tasks = TaskKeeper()
        self._numbers = itertools.count(1)
        self._ready: asyncio.Future[None] | None = None
        self._orders: dict[int, asyncio.Future[None]] = {}

    def __contains__(self, host: str) -> bool:
        return host in self._names

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    async def start(self) -> None:
        """Start it and give it its plan.

        Raises:
            OSError: no process can be made.
        """
        self._ready = asyncio.get_running_loop().create_future()
        # What it is about to write to its standard error belongs on ours.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", _MODULE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        self._tasks.start(self._read(self._process), name="lines of a fleet's process")
        await self._write(dump_plan(self._plan))

    async def wait_ready(self) -> None:
        """Return when all of its hosts have announced themselves.

        Raises:
            FleetError: it cannot bring them up, or has ended.
        """
        assert self._ready is not None, "started"
        await asyncio.shield(self._ready)

    async def order(self, what: str, host: str) -> None:
        """Have it do something to a host; see :meth:`matahari.testing.fleet.crew.Crew.order`.

        Raises:
            FleetError: it could not, has ended, or does not answer.
        """
        number = next(self._numbers)
        answer = self._orders[number] = asyncio.get_running_loop().create_future()
        try:
            if self.pid is None:
                raise FleetError("a process of the fleet has ended")
            await self._write(json.dumps({"number": number, "what": what, "host": host}))
            async with asyncio.timeout(ORDER_TIMEOUT):
                await answer
        except TimeoutError as error:
            raise FleetError(f"{what} {host}: no answer within {ORDER_TIMEOUT:g} s") from error
        finally:
            del self._orders[number]

    async def stop(self) -> None:
        """End it; when this returns it is reaped."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
        finally:
            await self._tasks.cancel_all()

    async def _write(self, line: str) -> None:
        assert self._process is not None
        stdin = self._process.stdin
        assert stdin is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has ended; its reader tells why
            stdin.write(line.encode() + b"\n")
            await stdin.drain()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            self._take(json.loads(line))
        status = await process.wait()
        died = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        self._fail(FleetError(f"a process of the fleet {died} (pid {process.pid})"))

    def _take(self, message: dict[str, object]) -> None:
        if "ready" in message:
            self._settle(self._ready, None)
        elif "failed" in message:
            self._fail(FleetError(str(message["failed"])))
        else:
            error = message["error"]
            answer = self._orders.get(int(str(message["done"])))
            self._settle(answer, None if error is None else FleetError(str(error)))

    def _fail(self, error: FleetError) -> None:
        for future in (self._ready, *self._orders.values()):
            self._settle(future, error)

    def _settle(self, future: asyncio.Future[None] | None, error: FleetError | None) -> None:
        if future is None or future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
            future.exception()  # whoever awaits hears of it; nobody has to

"""The console's place on the bus: its engine, its requests as futures, its timer, and who is expected to answer."""

from __future__ import annotations

import asyncio
import logging
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from matahari.bus import Bus, ExchangeScheme
from matahari.console.failures import error_of
from matahari.errors import (
    AgentGoneError,
    ConnectFailedError,
    ConnectionLostError,
    MatahariError,
    RequestTimeoutError,
    TransportError,
)
from matahari.net import Address, TaskKeeper
from matahari.qmf import (
    AgentAdded,
    AgentInfo,
    AgentRemoved,
    AgentRestarted,
    AgentUpdated,
    CallCompleted,
    ConsoleEngine,
    Data,
    EngineEvent,
    EventRaised,
    ObjectId,
    Packet,
    Query,
    QueryCompleted,
    RequestAborted,
    RequestExpired,
    RequestFailed,
    Schema,
    SchemaId,
    Value,
)

__all__ = ["Station"]

_log = logging.getLogger(__name__)

EXPECTED_WAIT = 1.0  # seconds for agents that the broker lists to answer a locate; one that does not is stuck
QUIET_WAIT = 0.25  # on brokers that list nobody: seconds without a new agent after which discovery ends
QUIET_LIMIT = 2.0  # and the most that it may take
AGENT_KEY_COLONS = 2  # vendor:product:instance; consoles' reply keys have none

Items = list[Data] | list[SchemaId] | list[Schema]
Outcome = Mapping[str, Value] | Items | MatahariError


@dataclass(frozen=True, slots=True)
class _Open:
    """A request under way: who is told its outcome, and what for the texts of failures."""

    done: Callable[[Outcome], None]
    action: str
    timeout: float


class Station:
    """One event loop owns it. ``listener`` is told what agents do and raise."""

    def __init__(self, address: Address, *, insecure_anonymous: bool, listener: Callable[[EngineEvent], None]) -> None:
        key = f"direct-console.{uuid.UUID(bytes=secrets.token_bytes(16), version=4)}"
        self._engine = ConsoleEngine(reply_to=ExchangeScheme().reply_to(key))
        self._listener = listener
        self._bus = Bus(
            address,
            self,
            name="matahari.console",
            own=[key],
            patterns=["agent.ind.#"],
            watch_bindings=True,
            insecure_anonymous=insecure_anonymous,
            must_start=True,
        )
        self._tasks = TaskKeeper()
        self._running: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._open: dict[int, _Open] = {}
        self._bound: set[str] | None = None
        self._changed = asyncio.Event()
        self._last_error: TransportError | None = None

    @property
    def agents(self) -> Mapping[str, AgentInfo]:
        return self._engine.agents

    @property
    def mute(self) -> set[str]:
        """Names of agents that are connected, as the broker says, and have not announced themselves."""
        return set() if self._bound is None else self._bound - self.agents.keys()

    @property
    def address(self) -> Address:
        return self._bus.address

    @property
    def product(self) -> str:
        """Product and version of the broker."""
        return self._bus.product

    async def open(self, timeout: float) -> None:
        """Connect and find the agents.

        Raises:
            ConnectFailedError: no broker within ``timeout`` seconds; the message says what stood in the way.
        """
        self._running = self._tasks.start(self._run(), name="console bus")
        connected = asyncio.ensure_future(self._bus.wait_connected())
        try:
            done, _ = await asyncio.wait(
                (connected, self._running), timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            connected.cancel()
        if connected not in done:
            error = self._last_error
            await self.close()
            if error is None:
                error = ConnectFailedError(
                    f"no answer from {self.address} within {timeout:g} s", address=str(self.address)
                )
            raise error
        await self.discover()

    async def close(self) -> None:
        """Fail what is open, say goodbye, end every task."""
        self._fail_all(ConnectionLostError("the console was closed"))
        self._disarm()
        await self._bus.close()
        await self._tasks.cancel_all()
        self._disarm()

    async def discover(self) -> None:
        """Ask all agents to announce themselves, and return when all that are expected have.

        A broker that lists who is bound tells whom to expect; with others, discovery ends when nobody new came for a
        moment. Agents that come later are known as soon as they announce themselves.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        self._engine.locate(start)
        self._step()
        while True:
            if self._bus.lists_bindings:
                if self._bound is not None and all(name in self.agents for name in self._bound):
                    return
                left = start + EXPECTED_WAIT - loop.time()
            else:
                left = min(QUIET_WAIT, start + QUIET_LIMIT - loop.time())
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), max(0.0, left))
            except TimeoutError:
                for name in sorted(self.mute):
                    _log.info("agent %s is connected but does not answer", name)
                return

    async def query(self, agent: str, query: Query, timeout: float) -> Items:
        """Items of all parts.

        Raises:
            RequestError, RemoteError, ConnectionLostError: as the request ends.
        """
        self.require_connection()
        future: asyncio.Future[Items] = asyncio.get_running_loop().create_future()

        def done(outcome: Outcome) -> None:
            if future.done():
                return
            if isinstance(outcome, MatahariError):
                future.set_exception(outcome)
            elif isinstance(outcome, list):
                future.set_result(outcome)

        request = self._engine.query(agent, query, asyncio.get_running_loop().time(), timeout)
        self._open[request] = _Open(done, "query", timeout)
        self._step()
        try:
            return await future
        finally:
            self.cancel(request)

    def begin_call(
        self,
        agent: str,
        object_id: ObjectId,
        method: str,
        arguments: Mapping[str, Value],
        timeout: float,
        done: Callable[[Outcome], None],
    ) -> int:
        """Send a call and return its number; ``done`` is told once, on the loop, unless it is cancelled.

        Nothing is written before the loop's next turn, so that calls on many agents share their writes.

        Raises:
            ConnectionLostError, SchemaError: it could not be sent; ``done`` is not told.
        """
        self.require_connection()
        request = self._engine.call(agent, object_id, method, arguments, asyncio.get_running_loop().time(), timeout)
        self._open[request] = _Open(done, method, timeout)
        self._step()
        return request

    def flush(self) -> None:
        """Write what was begun now."""
        self._bus.flush()

    def cancel(self, request: int) -> None:
        """Forget a request; one that has ended is no fault."""
        self._open.pop(request, None)
        self._engine.cancel(request)

    # --- the bus's calls ------------------------------------------------------------------------------------

    def handle_connected(self) -> None:
        self._last_error = None
        self._engine.locate(asyncio.get_running_loop().time())
        self._step()

    def handle_packet(self, packet: Packet) -> None:
        self._engine.receive(packet, asyncio.get_running_loop().time())
        self._step()

    def handle_disconnected(self, error: TransportError) -> None:
        self._bound = None
        self._fail_all(ConnectionLostError(str(error)))

    def handle_bindings(self, change: str, keys: Iterable[str]) -> None:
        names = {key for key in keys if key.count(":") >= AGENT_KEY_COLONS}
        if change == "snapshot":
            self._bound = names
            for name in [one for one in self.agents if one not in names]:
                self._engine.agent_gone(name, asyncio.get_running_loop().time())
        elif self._bound is not None and change == "bound":
            self._bound |= names
        elif self._bound is not None:
            self._bound -= names
            for name in names:
                self._engine.agent_gone(name, asyncio.get_running_loop().time())
        self._changed.set()
        self._step()

    # --- inside ---------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            await self._bus.run()
        except TransportError as error:
            self._last_error = error
            self._fail_all(ConnectionLostError(str(error)))

    def require_connection(self) -> None:
        """Raise ConnectionLostError while there is none: what was known of the fleet may be wrong by now."""
        if not self._bus.is_connected:
            raise ConnectionLostError(f"there is no connection to {self.address} at the moment")

    def _step(self) -> None:
        engine = self._engine
        while (command := engine.next_command()) is not None:
            try:
                self._bus.send(command)
            except MatahariError as error:
                # numbered by the engine, so decimal; a locate (0) has nobody who waits
                self._end(int(command.packet.correlation_id or 0), error)
        while (event := engine.next_event()) is not None:
            self._take(event)
        deadline = engine.next_deadline()
        if deadline is not None and (self._timer is None or self._timer.when() > deadline):
            self._disarm()
            self._timer = asyncio.get_running_loop().call_at(deadline, self._on_timer)

    def _take(self, event: EngineEvent) -> None:
        match event:
            case CallCompleted():
                self._end(event.request, event.arguments)
            case QueryCompleted():
                self._end(event.request, event.items)
            case RequestFailed():
                waiting = self._open.get(event.request)
                action = waiting.action if waiting is not None else ""
                self._end(event.request, error_of(event.error, agent=event.agent, action=action))
            case RequestExpired():
                waiting = self._open.get(event.request)
                limit = waiting.timeout if waiting is not None else 0.0
                self._end(event.request, RequestTimeoutError(f"no answer within {limit:g} s", timeout=limit))
            case RequestAborted():
                self._end(event.request, AgentGoneError("the agent left before it answered", agent=event.agent))
            case AgentAdded() | AgentRemoved() | AgentRestarted() | AgentUpdated():
                self._changed.set()
                self._listener(event)
            case EventRaised():
                self._listener(event)
            case _:
                pass  # unsolicited object updates: values are fetched when they are asked for

    def _end(self, request: int, outcome: Outcome) -> None:
        waiting = self._open.pop(request, None)
        if waiting is not None:
            self._engine.cancel(request)
            waiting.done(outcome)

    def _fail_all(self, error: ConnectionLostError) -> None:
        for request in list(self._open):
            self._end(request, error)

    def _on_timer(self) -> None:
        self._timer = None
        self._engine.handle_timeout(asyncio.get_running_loop().time())
        self._step()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

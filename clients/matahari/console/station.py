"""The console's place on the bus: its engine, its requests as futures, its timer, and who is expected to answer."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TypeVar, assert_never

from matahari.bus import Bus, ExchangeScheme
from matahari.console.attendance import Attendance
from matahari.console.options import BusOptions
from matahari.console.outcomes import Items, OpenRequests, Outcome
from matahari.errors import (
    AgentGoneError,
    ConnectFailedError,
    ConnectionLostError,
    MatahariError,
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
    CallOptions,
    CallReported,
    ClassesListed,
    ConsoleEngine,
    Data,
    DataIndicated,
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
    SchemaFetched,
    SchemaId,
    SubscriptionData,
    SubscriptionEnded,
    SubscriptionFailed,
    SubscriptionStarted,
    Value,
)

__all__ = ["BusOptions", "Station"]

ANSWER_WAIT = 1.0  # seconds after its time limit in which an agent that knows that must have answered a call
CANCEL_WAIT = 2.0  # seconds for the answer to a call that was cancelled; whoever pressed Ctrl-C waits for it

T = TypeVar("T")


class Station:
    """One event loop owns it.

    Args:
        listener: is told what agents do, raise and publish.
        connected: is called after each reconnect.
    """

    def __init__(
        self,
        address: Address,
        options: BusOptions,
        *,
        listener: Callable[[EngineEvent], None],
        connected: Callable[[], None],
    ) -> None:
        key = f"direct-console.{uuid.UUID(bytes=os.urandom(16), version=4)}"
        self._engine = ConsoleEngine(reply_to=ExchangeScheme().reply_to(key))
        self._listener = listener
        self._tell_connected = connected
        self._bus = Bus(
            address,
            self,
            name="matahari.console",
            own=[key],
            # Objects that agents publish unasked are heard only on request (see listen): in a large fleet each
            # console that looks around makes all agents publish.
            patterns=["agent.ind.heartbeat.#", "agent.ind.event.#"],
            watch_bindings=True,
            legacy_replies=True,
            kind=options.kind,
            virtual_host=options.virtual_host,
            insecure_anonymous=options.insecure_anonymous,
            must_start=True,
        )
        self._tasks = TaskKeeper()
        self._timer: asyncio.TimerHandle | None = None
        self._open = OpenRequests()
        self._attendance = Attendance(self._engine.agents)
        self._last_error: TransportError | None = None

    @property
    def agents(self) -> Mapping[str, AgentInfo]:
        return self._engine.agents

    @property
    def mute(self) -> set[str]:
        """Names of agents that are connected, as the broker says, and have not announced themselves."""
        return self._attendance.mute

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
        running = self._tasks.start(self._run(), name="console bus")
        connected = asyncio.ensure_future(self._bus.wait_connected())
        try:
            await asyncio.wait((connected, running), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if not connected.done():
                text = f"no answer from {self.address} within {timeout:g} s"
                raise self._last_error or ConnectFailedError(text, address=str(self.address))
            await self._attendance.wait(lambda: self._bus.lists_bindings)
        except BaseException:
            connected.cancel()
            await self.close()  # nobody goes on trying for somebody who has given up
            raise

    async def close(self) -> None:
        """Fail what is open, say goodbye, end every task."""
        self._fail_all(ConnectionLostError("the console was closed"))
        self._disarm()
        await self._bus.close()
        await self._tasks.cancel_all()
        self._disarm()

    async def query(self, agent: str, query: Query, timeout: float) -> Items:
        """Items of all parts.

        Raises:
            RequestError, RemoteError, ConnectionLostError: as the request ends.
        """
        return await self._outcome("query", timeout, lambda now: self._engine.query(agent, query, now, timeout), list)

    def find_schema(self, wanted: SchemaId) -> Schema | None:
        """The schema of that hash, if it is known already."""
        return self._engine.find_schema(wanted)

    async def fetch_schema(self, agent: str, wanted: SchemaId, timeout: float) -> Schema:
        """The schema of that hash, from ``agent`` unless it is known already; errors as :meth:`query`."""
        known = self.find_schema(wanted)
        if known is not None:
            return known
        return await self._outcome(
            "schema", timeout, lambda now: self._engine.fetch_schema(agent, wanted, now, timeout), Schema
        )

    async def list_classes(self, agent: str, timeout: float) -> list[SchemaId]:
        """Ids of all classes of an agent, of events too; errors as :meth:`query`."""
        return await self._outcome("classes", timeout, lambda now: self._engine.list_classes(agent, now, timeout), list)

    def subscribe(self, agent: str, query: Query, timeout: float, interval: float) -> int:
        """Ask for changes of objects; what comes of it is told to the listener under the number returned.

        Raises:
            ConnectionLostError, LocalProtocolError: it could not be sent.
        """
        self.require_connection()
        number = self._engine.subscribe(agent, query, self._now(), timeout, interval)
        self._step()
        return number

    def unsubscribe(self, subscription: int) -> None:
        """Give a subscription back; one that has ended is no fault."""
        self._engine.unsubscribe(subscription)
        self._step()

    def listen(self, pattern: str) -> None:
        """Hear what is published under keys that fit ``pattern``, until the console is closed."""
        self._bus.listen(pattern)

    def start(self, coroutine: Coroutine[object, object, object], *, name: str) -> None:
        """Run something on our behalf until the console is closed."""
        self._tasks.start(coroutine, name=name)

    def note_objects(self, agent: str, items: Iterable[Data]) -> None:
        """Take objects as the state to which indications add."""
        self._engine.note_objects(agent, items)

    def begin_call(
        self,
        agent: str,
        object_id: ObjectId,
        method: str,
        arguments: Mapping[str, Value],
        timeout: float,
        done: Callable[[Outcome], None],
        *,
        options: CallOptions | None = None,
        told: Callable[[CallReported], None] | None = None,
    ) -> int:
        """Send a call and return its number; ``done`` is told once, on the loop, unless the request is forgotten.

        It is told before this returns when the message cannot be sent.
        Nothing is written before the loop's next turn, so that calls on many agents share their writes.

        Args:
            timeout: seconds until the answer must be there; ``ANSWER_WAIT`` more when the agent has that limit too.
            options: what the agent is asked for besides.
            told: hears reports, before ``done``; only of a call whose options want them.

        Raises:
            ConnectionLostError, LocalProtocolError, SchemaError: nothing was begun; ``done`` is not told.
            AgentGoneError: the same; the agent has left the bus, so that nobody would answer.
        """
        self.require_connection()
        if agent not in self.agents and agent not in self.mute:
            raise AgentGoneError("the agent has left", agent=agent)
        # An agent that keeps the limit answers when it is over, with what was printed so far.
        wait = timeout + ANSWER_WAIT if options is not None and options.timeout == timeout else timeout
        request = self._engine.call(agent, object_id, method, arguments, self._now(), wait, options=options)
        self._open.add(request, done, method, timeout, told)
        self._step()
        return request

    def cancel_call(self, request: int) -> None:
        """Ask the agent to end a call; its outcome is there soon. One that has ended is no fault."""
        if self._engine.cancel_call(request, self._now(), CANCEL_WAIT):
            self._open.cancelled(request)
            self._step()

    def flush(self) -> None:
        """Write what was begun now."""
        self._bus.flush()

    def forget(self, request: int) -> None:
        """Forget a request; one that has ended is no fault."""
        self._open.drop(request)
        self._engine.cancel(request)

    # --- the bus's calls ------------------------------------------------------------------------------------

    def handle_connected(self) -> None:
        self._last_error = None
        self._engine.locate(self._now())
        self._tell_connected()
        self._step()

    def handle_packet(self, packet: Packet) -> None:
        self._engine.receive(packet, self._now())
        self._step()

    def handle_disconnected(self, error: TransportError) -> None:
        self._attendance.forget()
        self._fail_all(ConnectionLostError(str(error)))

    def handle_bindings(self, change: str, keys: Iterable[str]) -> None:
        for name in self._attendance.handle_bindings(change, keys):
            self._engine.agent_gone(name, self._now())
        self._step()

    # --- inside ---------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _outcome(self, action: str, timeout: float, begin: Callable[[float], int], kind: type[T]) -> T:
        """Begin a request and return how it ends, which is of type ``kind`` or is raised."""
        self.require_connection()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def done(outcome: Outcome) -> None:
            if future.done():
                return
            if isinstance(outcome, kind):
                future.set_result(outcome)
            else:
                assert isinstance(outcome, MatahariError)
                future.set_exception(outcome)

        request = begin(self._now())
        self._open.add(request, done, action, timeout)
        self._step()
        try:
            return await future
        finally:
            self.forget(request)

    async def _run(self) -> None:
        try:
            await self._bus.run()
        except TransportError as error:
            self._last_error = error
            self._fail_all(ConnectionLostError(str(error)))

    def require_connection(self) -> None:
        """Raise ConnectionLostError while there is none: what was known of the fleet may be wrong by now."""
        if not self._bus.is_connected:
            self._bus.hurry()
            raise ConnectionLostError(
                f"there is no connection to {self.address} at the moment; it is being tried again"
            )

    def _step(self) -> None:
        engine = self._engine
        while (command := engine.next_command()) is not None:
            try:
                self._bus.send(command)
            except MatahariError as error:
                # numbered by the engine, so decimal; a locate (0) has nobody who waits
                self._end(int(str(command.packet.correlation_id or 0)), error)
        while (event := engine.next_event()) is not None:
            self._take(event)
        deadline = engine.next_deadline()
        if deadline is not None and (self._timer is None or self._timer.when() > deadline):
            self._disarm()
            self._timer = asyncio.get_running_loop().call_at(deadline, self._on_timer)

    def _take(self, event: EngineEvent) -> None:
        match event:
            case (
                CallCompleted()
                | QueryCompleted()
                | ClassesListed()
                | SchemaFetched()
                | RequestFailed()
                | RequestExpired()
                | RequestAborted()
            ):
                self._open.take(event)
            case CallReported():
                self._open.report(event)
            case AgentAdded() | AgentRemoved() | AgentRestarted() | AgentUpdated():
                self._attendance.note_change()
                self._listener(event)
            case (
                EventRaised()
                | DataIndicated()
                | SubscriptionStarted()
                | SubscriptionFailed()
                | SubscriptionData()
                | SubscriptionEnded()
            ):
                self._listener(event)
            case _:
                assert_never(event)

    def _end(self, request: int, outcome: MatahariError) -> None:
        self._engine.cancel(request)
        self._open.end(request, outcome)

    def _fail_all(self, error: ConnectionLostError) -> None:
        for request in self._open:
            self._end(request, error)

    def _on_timer(self) -> None:
        self._timer = None
        self._engine.handle_timeout(self._now())
        self._step()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

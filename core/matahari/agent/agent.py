"""The skeleton of every agent: a QMF engine on a bus, objects, heartbeats, and calls as owned tasks."""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence

from matahari.agent.gate import Gate
from matahari.agent.objects import AgentObject, CallContext, Fault
from matahari.agent.published import AGENT_SCHEMA, AgentIdentity
from matahari.agent.running import RunningCall, RunningCalls
from matahari.bus import Bus
from matahari.errors import MatahariError, SchemaError, TransportError
from matahari.hooks import Caller
from matahari.net import Address, TaskKeeper
from matahari.qmf import (
    CODE_EXCEPTION,
    DATA_INDICATION,
    METHOD_INDICATION,
    AgentEngine,
    CancelCall,
    Direct,
    Invoke,
    ManagedObject,
    Packet,
    Publish,
    Reply,
    Report,
    Schema,
    Value,
    as_exception,
)

__all__ = ["VENDOR", "Agent"]

_log = logging.getLogger(__name__)

VENDOR = "matahariproject.org"
REQUEST_PATTERN = "console.#"
STOP_TIMEOUT = 5.0  # seconds for calls under way to end before they are cancelled and answered


class Agent:
    """Publishes objects under ``matahariproject.org:PRODUCT:INSTANCE``. One event loop owns it."""

    def __init__(
        self,
        product: str,
        identity: AgentIdentity,
        address: Address,
        *,
        heartbeat_interval: int = 60,
        broker_kind: str = "auto",
        virtual_host: str = "",
        insecure_anonymous: bool = False,
        reconnect: bool = True,
        gate: Gate | None = None,
    ) -> None:
        """Prepare an agent; nothing is connected before :meth:`run`.

        Args:
            product: second part of the agent's name, e.g. ``host`` or ``rpc``.
            heartbeat_interval: seconds between QMF heartbeats.
            broker_kind, virtual_host: see :class:`matahari.bus.Bus`.
            gate: decides upon calls and writes them down; without one everybody may call everything.

        Raises:
            ConnectFailedError: the address may not be used.
        """
        self.identity = identity
        self._engine = AgentEngine(
            vendor=VENDOR,
            product=product,
            instance=identity.instance,
            attributes={"hostname": identity.hostname, "uuid": identity.uuid},
            heartbeat_interval=heartbeat_interval,
            epoch=identity.epoch,
        )
        self._bus = Bus(
            address,
            self,
            name=f"matahari.{product}",
            own=[self._engine.name],
            patterns=[REQUEST_PATTERN, self._engine.direct_subject],
            kind=broker_kind,
            virtual_host=virtual_host,
            insecure_anonymous=insecure_anonymous,
            reconnect=reconnect,
        )
        self._gate = gate
        self._product = product
        self._objects: dict[str, AgentObject] = {}
        self._tasks = TaskKeeper()
        self._running = RunningCalls(self)
        self._timer: asyncio.TimerHandle | None = None
        self._first = asyncio.Event()
        self._is_stopping = False
        self._refusals = itertools.count(1)
        self._agent_object = str(uuid.uuid4())

    @property
    def name(self) -> str:
        return self._engine.name

    def add_object(self, item: AgentObject) -> None:
        """Publish ``item``, or put it in the place of the object of that name in one step."""
        old = self._objects.get(item.name)
        self._engine.add_schema(item.schema, time.time_ns())
        self._engine.add_object(ManagedObject(item.name, item.schema, item.values), time.time_ns())
        self._objects[item.name] = item
        if old is not None:
            self._forget_schema(old.schema)
        self._step()

    def remove_object(self, name: str) -> None:
        """Withdraw the object of that name; calls under way in it are still answered."""
        item = self._objects.pop(name)
        self._engine.remove_object(name, time.time_ns())
        self._forget_schema(item.schema)
        self._step()

    def object_changed(self, name: str) -> None:
        """Let consoles know soon that the values of the object of that name have changed.

        For changes worth a message of their own; values that count or measure are told of with the heartbeats.
        """
        self._engine.object_changed(name, time.time_ns())
        self._step()

    def add_schemas(self, schemas: Iterable[Schema]) -> None:
        """Publish classes that have no objects: events and exceptions."""
        for schema in schemas:
            self._engine.add_schema(schema, time.time_ns())
        self._step()

    def remove_schemas(self, schemas: Iterable[Schema]) -> None:
        """Withdraw such classes; one that is not there, or that an object has, is left alone."""
        for schema in schemas:
            self._forget_schema(schema)
        self._step()

    def raise_event(self, schema: Schema, values: Mapping[str, Value], severity: int | None = None) -> None:
        """Publish an event now; lost while there is no connection."""
        self._engine.raise_event(schema, values, severity, time.time_ns())
        self._step()

    async def run(self) -> None:
        """Serve until :meth:`stop`.

        Raises:
            TransportError: the broker cannot be used, or is gone and reconnecting is off.
        """
        self._publish_agent_object()
        try:
            await self._bus.run()
        finally:
            self._engine.stop()
            self._disarm()
            await self._tasks.cancel_all()

    async def wait_ready(self) -> None:
        """Return when the agent has announced itself on a broker for the first time."""
        await self._first.wait()

    async def stop(self) -> None:
        """Refuse new calls, let those under way end, say goodbye."""
        self._is_stopping = True
        self._engine.stop()
        self._disarm()
        if len(self._tasks):
            _log.info("%s: waiting up to %g s for %d calls to end", self.name, STOP_TIMEOUT, len(self._tasks))
        deadline = asyncio.get_running_loop().time() + STOP_TIMEOUT
        while len(self._tasks) and asyncio.get_running_loop().time() < deadline:
            await self._tasks.wait_any(deadline - asyncio.get_running_loop().time())
        await self._tasks.cancel_all()
        self._step()
        await self._bus.close()

    # --- the bus's calls ------------------------------------------------------------------------------------

    def handle_connected(self) -> None:
        self._engine.start(asyncio.get_running_loop().time(), time.time_ns())
        self._step()
        self._first.set()
        _log.info("%s is on the bus at %s (%s)", self.name, self._bus.address, self._bus.product)

    def handle_packet(self, packet: Packet) -> None:
        self._engine.receive(packet, asyncio.get_running_loop().time(), time.time_ns())
        self._step()

    def handle_disconnected(self, error: TransportError) -> None:
        self._disarm()
        _log.log(logging.DEBUG if self._is_stopping else logging.WARNING, "%s: %s", self.name, error)

    def handle_bindings(self, change: str, keys: Iterable[str]) -> None:
        return  # asked for by consoles only

    # --- what calls that run report -----------------------------------------------------------------------------

    @property
    def is_crowded(self) -> bool:
        """Whether the broker takes less than it is given, so that what can wait should."""
        return self._bus.is_crowded

    def send_reports(self, call: int, reports: Sequence[Report]) -> None:
        """Send reports of a call to its caller, in one message."""
        self._engine.report(call, reports)
        self._step()

    # --- inside ---------------------------------------------------------------------------------------------

    def _publish_agent_object(self) -> None:
        self._engine.add_schema(AGENT_SCHEMA, time.time_ns())
        values: dict[str, Value] = {"hostname": self.identity.hostname, "uuid": self.identity.uuid}
        self._engine.add_object(ManagedObject(self._agent_object, AGENT_SCHEMA, values), time.time_ns())

    def _forget_schema(self, schema: Schema) -> None:
        if schema.id in self._engine.schemas and all(one.schema.id != schema.id for one in self._objects.values()):
            self._engine.remove_schema(schema.id, time.time_ns())

    def _step(self) -> None:
        """Do what the engine asks for, and be back at its deadline."""
        engine = self._engine
        while (command := engine.next_command()) is not None:
            if isinstance(command, Invoke):
                running = self._running.add(command)
                task = self._tasks.start(self._invoke(command, running), name=f"call {command.call}")
                task.add_done_callback(functools.partial(self._ended, command, running))
            elif isinstance(command, CancelCall):
                self._running.cancel(command.call)
            else:
                self._send(command)
        while (refusal := engine.next_refusal()) is not None:
            number = f"{self._product}.{self.identity.epoch}.refused.{next(self._refusals)}"
            self._note(number, refusal.object_name, refusal.method, refusal.user_id, refusal.kind)
        deadline = engine.next_deadline()
        if self._bus.is_connected and deadline is not None and (self._timer is None or self._timer.when() > deadline):
            self._disarm()
            self._timer = asyncio.get_running_loop().call_at(deadline, self._on_timer)

    def _send(self, command: Publish | Direct | Reply) -> None:
        try:
            self._bus.send(command)
        except SchemaError as error:
            _log.warning("%s: a message cannot be sent: %s", self.name, error)
            # What subscribers and callers are told on the way is a reply that nobody waits for; an exception would end
            # the subscription, or the call before its answer.
            if isinstance(command, Reply) and command.packet.opcode not in (DATA_INDICATION, METHOD_INDICATION):
                self._bus.send(
                    Reply(command.reply_to, as_exception(command.packet, f"the answer cannot be sent: {error}"))
                )

    def _on_timer(self) -> None:
        self._timer = None
        self._engine.handle_timeout(asyncio.get_running_loop().time(), time.time_ns())
        self._step()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def _is_local(self) -> bool:
        """Whether names of callers are those of this machine: the embedded broker asks the kernel for them."""
        return self._bus.scheme.kind == "matahari" and self._bus.address.scheme == "unix"

    async def _invoke(self, command: Invoke, running: RunningCall) -> None:
        """Run one call; whatever happens, there is exactly one answer."""
        running.has_begun = True
        engine, call = self._engine, command.call
        user = command.user_id if self._bus.user_id_trusted else None
        item = self._objects.get(command.object_name or "")
        request = self._request(command)
        is_known = False  # by the gate, which writes what becomes of it
        try:
            if item is None:
                raise Fault("Not implemented", code=2)
            context = CallContext(user, request, running.timeout, running.reporter, running.ending, running.afterlife)
            async with running:
                is_known = True
                if self._gate is None:
                    returned = await item.invoke(command.method, command.arguments, context)
                else:
                    caller = Caller(user, self._is_local)
                    returned = await self._gate.run(item, command.method, command.arguments, context, caller)
            result = dict(returned)  # here, where what is no map still gets an answer
        except Fault as fault:
            if not is_known:
                self._note(
                    request, command.object_name or "", command.method, command.user_id, fault.kind or "unknown_object"
                )
            engine.fail(call, fault.text, code=fault.code, data=fault.data)
        except asyncio.CancelledError:
            engine.fail(call, "The agent is stopping")
            self._step()
            raise
        except MatahariError as error:
            engine.fail(call, str(error))
        # the objects of agents are foreign code to the skeleton; the caller must have an answer
        except Exception as error:  # noqa: BLE001 - see above
            _log.exception("%s: method %s of %s failed", self.name, command.method, command.object_name)
            engine.fail(call, f"{type(error).__name__}: {error}", code=CODE_EXCEPTION)
        else:
            engine.complete(call, result)
        self._step()
        if len(self._tasks) == 1:
            self._bus.flush()  # the only call under way: no other answer will share the write

    def _ended(self, command: Invoke, running: RunningCall, _task: object) -> None:
        if not running.has_begun:  # it was ended before its first step, so nothing of it was written or answered
            request, name = self._request(command), command.object_name or ""
            self._note(request, name, command.method, command.user_id, running.ending())
            self._engine.fail(command.call, "The agent is stopping")
        running.remove()

    def _note(self, request: str, name: str, method: str, user_id: str | None, rule: str) -> None:
        """Have written that a request was refused which did not come as far as the gate."""
        if self._gate is not None:
            caller = Caller(user_id if self._bus.user_id_trusted else None, self._is_local)
            self._gate.note_refusal(request, name or self._product, method, caller, rule)

    def _request(self, command: Invoke) -> str:
        return f"{self._product}.{self.identity.epoch}.{command.call}"

"""What answers at an address: which kind of broker, what it offers us, and what stands in the way.

One connection that makes the links which agents and consoles need, looks what becomes of them, and goes.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from matahari.amqp import CreditGiven, Event, Link, LinkClosed, LinkOpened, Opened, SessionClosed
from matahari.bus import (
    Binding,
    Declarations,
    Failed,
    In,
    Kind,
    RabbitMQ4Scheme,
    Scheme,
    detect,
    known_kind,
    remedy,
    snippet,
)
from matahari.errors import (
    AuthenticationError,
    ConnectFailedError,
    ConnectionLostError,
    LocalProtocolError,
    TransportError,
)
from matahari.net import Address, Client, Pump, check_allowed
from matahari.tap.watching import TAP_NODE

__all__ = ["Finding", "Trouble", "classify", "probe"]

PEEK_BYTES: Final = 8  # of an answer: a protocol header of AMQP
_SASL_HEADER = b"AMQP\x03\x01\x00\x00"

Trouble = Literal[
    "", "unreachable", "not-allowed", "authentication", "amqp-0-9-1", "amqp-0-10", "tls", "other-protocol", "silent",
    "unknown-product", "refused", "slow",
]  # fmt: skip
"""What is wrong; empty when nothing is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found.

    Attributes:
        message: the trouble in a sentence, empty without one.
        kind: what it was taken for; None when no broker of a known kind was reached.
        own_kind: the kind of the product that it says it is, None for an unknown one.
        capabilities: as offered in the open frame.
        lists_agents: it tells who is bound, so that a dead agent is known at once.
        user_id_trusted: the sender of a message is proved.
        offers_tap, may_tap: it shows all traffic to some logins, and to ours.
        node, condition: of the link that was refused; no node when the whole session was ended.
        remedy: what to do about a refusal, empty when that is not known.
        snippet: what a broker of this kind needs to carry QMF at all.
    """

    trouble: Trouble = ""
    message: str = ""
    product: str = ""
    version: str = ""
    kind: Kind | None = None
    own_kind: Kind | None = None
    capabilities: tuple[str, ...] = ()
    lists_agents: bool = False
    user_id_trusted: bool = False
    offers_tap: bool = False
    may_tap: bool = False
    node: str = ""
    condition: str = ""
    remedy: str = ""
    snippet: str = ""


async def probe(
    address: Address,
    *,
    insecure_anonymous: bool = False,
    kind: str = "auto",
    virtual_host: str = "",
    timeout: float,
) -> Finding:
    """Look at what answers. Never raises for what is found; ``timeout`` is for each of its two attempts, in seconds."""
    try:
        check_allowed(address, insecure_anonymous=insecure_anonymous)
    except TransportError as error:
        return Finding("not-allowed", str(error))
    prober = _Prober(str(address), kind)
    client = Client(
        address,
        prober,
        container=lambda: f"matahari.probe.{secrets.token_hex(8)}",
        hostname=virtual_host,
        properties={"product": "matahari"},
        insecure_anonymous=insecure_anonymous,
        reconnect=False,
        must_start=True,
    )
    running = asyncio.get_running_loop().create_task(client.run(), name="probe")
    try:
        await asyncio.wait((running, prober.done), timeout=timeout, return_when="FIRST_COMPLETED")
        finding = prober.finding()
        if prober.done.done() or prober.was_opened:
            return finding
        failure = running.exception() if running.done() else None
        return await _unopened(address, failure, timeout)
    finally:
        await client.close()
        running.cancel()
        await asyncio.wait((running,))


def classify(answer: bytes | None) -> Trouble:
    """What speaks there, by its first bytes after our AMQP 1.0 header; None when nobody accepted the connection."""
    if answer is None:
        return "unreachable"
    if not answer:
        return "silent"
    if answer.startswith(b"AMQP\x00\x00\x09"):
        return "amqp-0-9-1"
    if answer.startswith(b"AMQP\x01\x01\x00\x0a"):
        return "amqp-0-10"
    if answer.startswith((b"\x15\x03", b"\x16\x03")):
        return "tls"
    return "slow" if answer.startswith(b"AMQP") else "other-protocol"


async def _unopened(address: Address, failure: BaseException | None, timeout: float) -> Finding:
    """Why there was no open frame."""
    message = str(failure) if failure is not None else f"{address}: no answer within {timeout:g} s"
    if isinstance(failure, AuthenticationError):
        return Finding("authentication", message)
    return Finding(classify(await _peek(address, timeout)), message)


async def _peek(address: Address, timeout: float) -> bytes | None:
    """The first bytes of an answer to our protocol header; None without a connection."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(timeout):
            if address.scheme == "unix":
                reader, writer = await asyncio.open_unix_connection(address.path)
            else:
                reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(_SASL_HEADER)
            return await reader.read(PEEK_BYTES)
    except (OSError, TimeoutError):
        return None if writer is None else b""
    finally:
        if writer is not None:
            writer.transport.abort()


@dataclass(slots=True)
class _Links:
    """Links that were asked for and have not been answered."""

    waiting: dict[Link, str] = field(default_factory=dict)
    undeclared: dict[Binding, In] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return not self.waiting and not self.undeclared


class _Prober:
    """User of the client for one connection.

    Attributes:
        done: everything is known.
        was_opened: the broker's open frame has come.
    """

    def __init__(self, address: str, kind: str) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.was_opened = False
        self._address = address
        self._kind = kind
        self._found = Finding()
        self._scheme: Scheme | None = None
        self._pump: Pump | None = None
        self._links = _Links()
        self._tap: Link | None = None
        self._declarations: Declarations | None = None

    def finding(self) -> Finding:
        """What is known so far."""
        if self.was_opened and not self.done.done() and not self._found.trouble:
            nodes = ", ".join(sorted(set(self._links.waiting.values())))
            return replace(self._found, trouble="slow", message=f"{self._address} did not attach our links to {nodes}")
        return self._found

    # --- the client's calls ---------------------------------------------------------------------------------

    def handle_open(self, pump: Pump, opened: Opened) -> None:
        self.was_opened = True
        said = opened.properties
        self._found = Finding(
            product=said.get("product", ""),
            version=said.get("version", ""),
            own_kind=known_kind(opened),
            capabilities=opened.capabilities,
        )
        try:
            self._scheme = detect(opened, self._address, self._kind)
        except ConnectFailedError as error:
            self._end("unknown-product", str(error))
            return
        scheme = self._scheme
        self._found = replace(
            self._found,
            kind=scheme.kind,
            lists_agents=scheme.lists_bindings,
            user_id_trusted=scheme.user_id_trusted,
            offers_tap=scheme.taps,
            snippet=snippet(scheme.kind),
        )
        self._pump = pump
        try:
            self._attach(pump, scheme)
        except LocalProtocolError as error:
            self._end("refused", str(error))

    def handle_event(self, event: Event) -> None:
        if self._declarations is not None and self._declarations.handle(event):
            self._receive_declared(self._declarations)
        elif isinstance(event, LinkOpened | CreditGiven):
            self._answered(event)
        elif isinstance(event, LinkClosed):
            self._closed(event)
        elif isinstance(event, SessionClosed):
            self._refused("", event.condition, event.description)

    def handle_writable(self) -> None:
        pass  # nothing of ours waits

    def handle_lost(self, error: TransportError) -> None:
        # RabbitMQ 3 cuts the connection, without a word, where a login may not read a key
        if self._scheme is not None and not self.done.done():
            self._found = replace(self._found, remedy=remedy(self._scheme.kind, "amqp:unauthorized-access"))
        is_cut = isinstance(error, ConnectionLostError)
        self._end("refused", f"{error}, before it had attached our links" if is_cut else str(error))

    # --- links ----------------------------------------------------------------------------------------------

    def _attach(self, pump: Pump, scheme: Scheme) -> None:
        own = f"direct-console.probe-{secrets.token_hex(8)}"
        for wanted in (scheme.own(own), *scheme.subscribe("agent.ind.heartbeat.#")):
            if wanted.binding is None:
                self._receive(pump, wanted)
            else:
                self._links.undeclared[wanted.binding] = wanted
        for target in scheme.targets:
            link = pump.engine.open_sender(target, f"probe.{secrets.token_hex(8)}")
            self._links.waiting[link] = target or "the anonymous relay"
        if scheme.taps:
            self._tap = self._receive(pump, In(TAP_NODE, {}))
        if isinstance(scheme, RabbitMQ4Scheme):
            self._declarations = Declarations(pump.engine, scheme.exchanges)
            self._declarations.declare(self._links.undeclared)
        pump.flush_soon()

    def _receive(self, pump: Pump, wanted: In) -> Link:
        link = pump.engine.open_receiver(
            wanted.address,
            f"probe.{secrets.token_hex(8)}",
            filters=wanted.filters,
            capabilities=wanted.capabilities,
            credit=1,
        )
        self._links.waiting[link] = wanted.address or "a dynamic node"
        return link

    def _receive_declared(self, declarations: Declarations) -> None:
        while (outcome := declarations.next_outcome()) is not None:
            wanted = self._links.undeclared.pop(outcome.binding, None)
            if isinstance(outcome, Failed):
                self._refused(outcome.binding.exchange, outcome.condition, outcome.description)
            elif wanted is not None and self._pump is not None:
                self._receive(self._pump, wanted)
                self._pump.flush_soon()

    def _answered(self, event: LinkOpened | CreditGiven) -> None:
        # a sender counts when it may send, as a broker may attach a link first and refuse it then
        if event.link.is_sender and isinstance(event, LinkOpened):
            return
        if event.link is self._tap:
            self._found = replace(self._found, may_tap=True)
        self._links.waiting.pop(event.link, None)
        self._check()

    def _closed(self, event: LinkClosed) -> None:
        node = self._links.waiting.pop(event.link, None)
        if event.link is self._tap:
            self._found = replace(self._found, may_tap=False)
        elif node is not None:
            self._refused(node, event.condition, event.description)
        self._check()

    def _check(self) -> None:
        if self._links.is_complete and not self.done.done():
            self.done.set_result(None)

    def _refused(self, node: str, condition: str, description: str) -> None:
        if self.done.done() or self._scheme is None:
            return
        self._found = replace(self._found, node=node, condition=condition, remedy=remedy(self._scheme.kind, condition))
        reason = f"{condition} ({description})" if description else condition
        self._end("refused", f"{self._address} {f'refuses {node}' if node else 'ended our session'}: {reason}")

    def _end(self, trouble: Trouble, message: str) -> None:
        if not self.done.done():
            self._found = replace(self._found, trouble=trouble, message=message)
            self.done.set_result(None)

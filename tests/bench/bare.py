"""Bare proton request and reply through a broker: the yardstick for what the layers above proton cost.

    bare.py respond ADDRESS            answer requests until killed, prints "ready"
    bare.py ask ADDRESS                read lines "IN_FLIGHT COUNT" from stdin, print a JSON line of latencies for each

ADDRESS is a Unix socket path. The engine is pumped by asyncio as in the product, with none of its code: proton's own
message codec, a 200-byte body, one sender and one receiver on each side.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid

import proton
from proton import Event, Message, symbol, ulong

DIRECT = "qmf.default.direct"
KEY_FILTER = 0x468C00000000
BODY = b"x" * 200


class Peer(asyncio.Protocol):
    """One connection; ``received`` gets every message."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.ready = asyncio.Event()
        self.transport: asyncio.Transport | None = None
        self.engine = proton.Transport(proton.Transport.CLIENT)
        self.engine.sasl().allowed_mechs("ANONYMOUS")
        self.connection = proton.Connection()
        self.collector = proton.Collector()
        self.connection.collect(self.collector)
        self.connection.container = f"bench.{uuid.uuid4()}"
        self.engine.bind(self.connection)
        self.connection.open()
        session = self.connection.session()
        session.open()
        self.receiver = session.receiver(str(uuid.uuid4()))
        self.receiver.source.address = DIRECT
        self.receiver.source.filter.put_dict({symbol("key"): proton.Described(ulong(KEY_FILTER), key)})
        self.receiver.snd_settle_mode = proton.Link.SND_SETTLED
        self.receiver.open()
        self.receiver.flow(500)
        self.sender = session.sender(str(uuid.uuid4()))
        self.sender.target.address = DIRECT
        self.sender.snd_settle_mode = proton.Link.SND_SETTLED
        self.sender.open()
        self.tags = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.flush()

    def data_received(self, data: bytes) -> None:
        while data:
            room = self.engine.capacity()
            self.engine.push(data[:room])
            data = data[room:]
            self.process()
        self.flush()

    def process(self) -> None:
        handled = 0
        while (event := self.collector.peek()) is not None:
            if event.type == Event.DELIVERY:
                self.take(event.delivery)
                handled += 1
                if handled % 8 == 0:
                    self.flush()
            elif event.type == Event.LINK_FLOW and self.sender.credit > 0:
                self.ready.set()
            self.collector.pop()

    def take(self, delivery: proton.Delivery) -> None:
        link = delivery.link
        if not link.is_receiver or delivery.partial:
            return
        data = link.recv(delivery.pending)
        link.advance()
        delivery.settle()
        if link.credit < 250:
            link.flow(500 - link.credit)
        message = Message()
        message.decode(data)
        self.received(message)

    def received(self, message: Message) -> None:
        raise NotImplementedError

    def send(self, message: Message) -> None:
        self.tags += 1
        delivery = self.sender.delivery(str(self.tags))
        self.sender.stream(message.encode())
        self.sender.advance()
        delivery.settle()

    def flush(self) -> None:
        while (pending := self.engine.pending()) > 0:
            data = self.engine.peek(pending)
            assert self.transport is not None
            self.transport.write(data)
            self.engine.pop(len(data))


class Responder(Peer):
    def received(self, message: Message) -> None:
        answer = Message(body=message.body, inferred=True)
        answer.subject = message.reply_to.partition("/")[2]
        answer.correlation_id = message.correlation_id
        self.send(answer)


class Asker(Peer):
    """Keeps ``in_flight`` requests open until ``count`` were answered."""

    def start(self, in_flight: int, count: int) -> None:
        self.count = count
        self.sent = 0
        self.latencies: list[float] = []
        self.open: dict[str, float] = {}
        self.done = asyncio.Event()
        for _ in range(in_flight):
            self.ask()
        self.flush()

    def ask(self) -> None:
        self.sent += 1
        name = str(self.sent)
        request = Message(body=BODY, inferred=True)
        request.subject = "bench.responder"
        request.reply_to = f"{DIRECT}/{self.key}"
        request.correlation_id = name
        self.open[name] = time.perf_counter()
        self.send(request)

    def received(self, message: Message) -> None:
        self.latencies.append(time.perf_counter() - self.open.pop(message.correlation_id))
        if len(self.latencies) == self.count:
            self.done.set()
        elif self.sent < self.count:
            self.ask()


async def respond(path: str) -> None:
    loop = asyncio.get_running_loop()
    _, peer = await loop.create_unix_connection(lambda: Responder("bench.responder"), path)
    await peer.ready.wait()
    print("ready", flush=True)
    await asyncio.Event().wait()


async def ask(path: str) -> None:
    loop = asyncio.get_running_loop()
    _, peer = await loop.create_unix_connection(lambda: Asker(f"bench.{uuid.uuid4()}"), path)
    await peer.ready.wait()
    print("ready", flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        in_flight, count = map(int, line.split())
        start = time.perf_counter()
        peer.start(in_flight, count)
        await peer.done.wait()
        print(json.dumps({"seconds": time.perf_counter() - start, "latencies": peer.latencies}), flush=True)


if __name__ == "__main__":
    asyncio.run({"respond": respond, "ask": ask}[sys.argv[1]](sys.argv[2]))

"""The same request and reply with proton's own event loop: for decision record 0002, over loopback TCP.

reactor.py respond HOST:PORT
reactor.py ask HOST:PORT IN_FLIGHT COUNT
reactor.py engine-respond HOST:PORT, engine-ask HOST:PORT IN_FLIGHT COUNT: the engine on asyncio, same transport
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid

from bare import BODY, DIRECT, KEY_FILTER, Asker, Responder
from proton import Described, Message, symbol, ulong
from proton.handlers import MessagingHandler
from proton.reactor import AtMostOnce, Container, LinkOption


class KeyFilter(LinkOption):
    def __init__(self, key: str) -> None:
        self.key = key

    def apply(self, link) -> None:
        link.source.filter.put_dict({symbol("key"): Described(ulong(KEY_FILTER), self.key)})

    def test(self, link) -> bool:
        return link.is_receiver


class Loop(MessagingHandler):
    def __init__(self, address: str, key: str) -> None:
        super().__init__(prefetch=500)
        self.address, self.key = address, key

    def on_start(self, event) -> None:
        connection = event.container.connect(self.address, allowed_mechs="ANONYMOUS", reconnect=False)
        self.receiver = event.container.create_receiver(
            connection, DIRECT, name=str(uuid.uuid4()), options=[KeyFilter(self.key), AtMostOnce()]
        )
        self.sender = event.container.create_sender(connection, DIRECT, name=str(uuid.uuid4()), options=AtMostOnce())


class ReactorResponder(Loop):
    def on_message(self, event) -> None:
        answer = Message(body=event.message.body, inferred=True)
        answer.subject = event.message.reply_to.partition("/")[2]
        answer.correlation_id = event.message.correlation_id
        self.sender.send(answer)


class ReactorAsker(Loop):
    def __init__(self, address: str, key: str, in_flight: int, count: int) -> None:
        super().__init__(address, key)
        self.in_flight, self.count, self.sent, self.answered = in_flight, count, 0, 0
        self.start = 0.0

    def on_sendable(self, event) -> None:
        if not self.start:
            self.start = time.perf_counter()
            for _ in range(self.in_flight):
                self.ask()

    def ask(self) -> None:
        self.sent += 1
        request = Message(body=BODY, inferred=True)
        request.subject = "bench.responder"
        request.reply_to = f"{DIRECT}/{self.key}"
        request.correlation_id = str(self.sent)
        self.sender.send(request)

    def on_message(self, event) -> None:
        self.answered += 1
        if self.answered == self.count:
            print(f"{self.count / (time.perf_counter() - self.start):.0f}")
            event.connection.close()
        elif self.sent < self.count:
            self.ask()


async def engine(role: str, address: str, in_flight: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    host, _, port = address.partition(":")
    key = "bench.responder" if role == "respond" else f"bench.{uuid.uuid4()}"
    kind = Responder if role == "respond" else Asker
    _, peer = await loop.create_connection(lambda: kind(key), host, int(port))
    await peer.ready.wait()
    if role == "respond":
        await asyncio.Event().wait()
    start = time.perf_counter()
    peer.start(in_flight, count)
    await peer.done.wait()
    print(f"{count / (time.perf_counter() - start):.0f}")


if __name__ == "__main__":
    what, where, *numbers = sys.argv[1:]
    a, b = (int(n) for n in numbers) if numbers else (1, 1)
    if what == "respond":
        Container(ReactorResponder(where, "bench.responder")).run()
    elif what == "ask":
        Container(ReactorAsker(where, f"bench.{uuid.uuid4()}", a, b)).run()
    else:
        asyncio.run(engine(what.partition("-")[2], where, a, b))

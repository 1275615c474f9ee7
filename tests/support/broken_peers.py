"""Peers that send anything, and what an engine may hold after them."""

from __future__ import annotations

import gc
from collections import deque
from dataclasses import replace
from itertools import count
from random import Random

from matahari.amqp import decode_message
from matahari.bus import packet_of
from matahari.errors import RemoteProtocolError
from matahari.qmf import (
    AgentEngine,
    ManagedObject,
    Packet,
    Schema,
)
from tests.support import random_values as make
from tests.support.fuzzing import damaged, deliveries
from tests.support.qmf_talk import (
    DONE,
    REPLY_TO,
    THING,
    all_commands,
)

NAME = "vendor.org:product:1"
REPLIES = (None, REPLY_TO, "qmf.default.direct/qmfc-v2-box.1.1", "amq.direct/reply-box.1", "queue", "")
STEPS = (0.0, 0.1, 1.0, 11.0, 61.0, 400.0)
FAR = 1e7  # seconds after which nothing may be left to wait for


def any_packet(random: Random) -> Packet:
    """What a peer may send: words in disorder, or a captured message, mostly with some damage."""
    if random.random() < 0.5:
        return make.packet(random)
    raw = damaged(random, deliveries()) if random.random() < 0.8 else random.choice(deliveries())
    try:
        return packet_of(decode_message(raw))
    except RemoteProtocolError:
        return make.packet(random)


def perhaps_spoiled(random: Random, packet: Packet) -> Packet:
    """A packet that makes sense, or made some before."""
    choice = random.random()
    if choice < 0.5:
        return packet
    if isinstance(packet.body, bytes):
        body = bytearray(packet.body)
        body[random.randrange(len(body))] = random.randrange(256)
        return replace(packet, body=bytes(body))
    return replace(packet, body=make.spoiled(random, packet.body), partial=choice < 0.6)


def held(engine: object) -> int:
    """How many items all containers hold that an engine keeps, its schemas and functions apart."""
    total, seen, pending = 0, set(), [engine]
    while pending:
        item = pending.pop()
        if id(item) in seen or isinstance(item, (type, Schema, str, bytes, int, float)) or callable(item):
            continue
        seen.add(id(item))
        if isinstance(item, (dict, list, set, tuple, deque)):
            total += len(item)
        pending += gc.get_referents(item)
    return total


def fuzzed_agent() -> AgentEngine:
    """The agent of the other tests, with ids of subscriptions that these requests can name."""
    numbers = count()
    agent = AgentEngine(
        vendor="vendor.org", product="product", instance="1", attributes={"hostname": "box"},
        make_id=lambda: f"id-{next(numbers)}",
    )  # fmt: skip
    agent.add_schema(THING, 1)
    agent.add_schema(DONE, 2)
    for number in range(2):
        agent.add_object(ManagedObject(f"thing-{number}", THING, {"name": f"n{number}", "size": number}), 3)
    agent.start(0.0, 10)
    all_commands(agent)
    return agent

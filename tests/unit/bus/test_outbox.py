"""When so much waits for a broker that whoever can wait should know."""

from __future__ import annotations

from matahari.bus.outbox import CROWDED, CROWDED_BYTES
from matahari.qmf import Direct, Packet, Reply
from tests.support.bus_story import QPID, Setting, packet, play

CREDIT = 50  # that the broker of these stories gives, once


def is_crowded(at: Setting) -> bool:
    return at.bus.is_crowded


def test_it_is_crowded_when_many_messages_wait() -> None:
    async def story(at: Setting) -> None:
        await at.pair.carry()
        for _ in range(CREDIT + CROWDED):
            at.bus.send(Direct("somebody", packet()))
        assert not is_crowded(at)
        at.bus.send(Direct("somebody", packet()))
        assert is_crowded(at)
        at.near.pump.connection_lost(None)
        assert not is_crowded(at)

    play(story, QPID)


def test_it_is_crowded_when_large_messages_wait_for_one_reader() -> None:
    async def story(at: Setting) -> None:
        await at.pair.carry()
        reply_to = "qmf.default.direct/direct-console.1"
        large = Packet("_method_response", {"_arguments": {"result": "x" * (CROWDED_BYTES // 4)}})
        at.near.fill()
        for _ in range(3):
            at.bus.send(Reply(reply_to, large))
        assert not is_crowded(at)
        for _ in range(3):
            at.bus.send(Reply(reply_to, large))
        assert is_crowded(at)
        at.near.empty()
        await at.pair.carry()
        assert not is_crowded(at)

    play(story, QPID)

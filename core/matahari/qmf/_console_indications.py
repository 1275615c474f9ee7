"""What agents tell a console unasked, or as a subscription goes on: objects and events."""

from __future__ import annotations

from collections import deque

from matahari.errors import RemoteProtocolError
from matahari.qmf._console_subscriptions import SubscriptionTable
from matahari.qmf._object_states import ObjectStates
from matahari.qmf._requests import number_in
from matahari.qmf._schema_cache import SchemaCache
from matahari.qmf.agent_info import is_same_agent
from matahari.qmf.console_events import DataIndicated, EngineEvent, EventRaised, SubscriptionData
from matahari.qmf.data import Data
from matahari.qmf.packet import CONTENT_EVENT, Packet


class DataIndications:
    """See the module.

    Args:
        events: where what has happened is put; ``limit`` are the most that may wait there.

    Attributes:
        ignored: items that could not be read.
        dropped: events, and messages of objects, for which there was no room.
    """

    def __init__(
        self,
        states: ObjectStates,
        schemas: SchemaCache,
        subscriptions: SubscriptionTable,
        events: deque[EngineEvent],
        limit: int,
    ) -> None:
        self._states = states
        self._schemas = schemas
        self._subscriptions = subscriptions
        self._events = events
        self._limit = limit
        self.ignored = 0
        self.dropped = 0

    def receive(self, packet: Packet) -> bool:
        """Take an indication; False when it is not to be had, or of nothing that was asked for."""
        agent, body = packet.agent, packet.body
        if not agent or not isinstance(body, list):
            return False
        number: int | None = None
        if packet.content != CONTENT_EVENT and packet.correlation_id not in (None, "", b""):
            # Of a subscription, perhaps of one that has ended; unasked indications have no correlation id.
            number = number_in(packet.correlation_id)
            subscribed = self._subscriptions.agent_of(number)
            if number is None or subscribed is None or not is_same_agent(subscribed, agent):
                return False
            if not self._subscriptions.is_live(number):
                return True
        items: list[Data] = []
        for item in body:
            try:
                items.append(Data.from_map(item).at(agent))
            except RemoteProtocolError:
                self.ignored += 1
        room = max(self._limit - len(self._events), 0)
        if packet.content == CONTENT_EVENT:
            self._events.extend(EventRaised(agent, data) for data in items[:room])
            self.dropped += max(len(items) - room, 0)
        elif not room:
            self.dropped += 1
        else:
            merged = [self._states.merge(agent, self._named(agent, item)) for item in items]
            self._events.append(
                DataIndicated(agent, merged) if number is None else SubscriptionData(number, agent, merged)
            )
        return True

    def _named(self, agent: str, data: Data) -> Data:
        if data.object_id is not None or data.schema_id is None:
            return data
        return self._states.named(agent, data, self._schemas.find(data.schema_id))

"""From deliveries to sightings: who talks to whom about what, and how long the answer took. Pure; time is given."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from matahari.errors import RemoteProtocolError
from matahari.qmf import Data, Packet, Value, failure_code, failure_text, text
from matahari.tap.names import MAX_NAME, Agent, Directory, console_label
from matahari.tap.opcodes import (
    ANSWERS,
    FOREIGN,
    HEARTBEAT,
    LEFT_OUT,
    MALFORMED,
    ON_THE_WAY,
    REQUESTS,
    word_of,
    word_of_frame,
)
from matahari.tap.pending import Pending, PendingTable
from matahari.tap.positions import SecretPositions
from matahari.tap.qmf1 import Frame1
from matahari.tap.reading import Reading, read_message
from matahari.tap.sighting import Delivery, Sighting

__all__ = ["Watcher"]

_EVERYBODY = "all agents"
_SUBSCRIBERS = "subscribers"


class Watcher:
    """Sees messages one after another and remembers what later ones need.

    Attributes:
        own_key: the reply key of the tap's own locate request, empty when it makes none.
    """

    def __init__(self, *, show_secrets: bool = False, own_key: str = "") -> None:
        self.own_key = own_key
        self._show_secrets = show_secrets
        self._directory = Directory()
        self._pending = PendingTable()
        self._positions = SecretPositions()

    def see(self, delivery: Delivery, time_ns: int, now: float) -> Sighting:
        """Understand one message.

        Args:
            time_ns: nanoseconds since 1970.
            now: monotonic seconds.
        """
        if delivery.left_out:
            fault = f"too large for the broker to show: {delivery.left_out} bytes"
            return self._named(Sighting(time_ns, delivery, Reading(fault=fault), LEFT_OUT, error=fault), now)
        reading = read_message(delivery.data, show_secrets=self._show_secrets, mask_call=self._positions.mask)
        if not delivery.key:
            delivery = replace(delivery, key=reading.packet.subject)
        seen = Sighting(time_ns, delivery, reading, _word(reading), contents=reading.packet.body)
        if reading.frames:
            seen = _about_frames(seen, reading.frames)
        elif reading.packet.opcode and not reading.fault:
            seen = self._about(seen, reading.packet)
        return self._named(replace(seen, error=seen.error or reading.fault), now)

    # --- what it is about -----------------------------------------------------------------------------------

    def _about(self, seen: Sighting, packet: Packet) -> Sighting:
        body = packet.body
        if isinstance(body, list):
            return self._about_list(seen, packet, body)
        if not isinstance(body, dict):
            return seen
        values = body.get("_values")
        if seen.opcode in ("located", HEARTBEAT):
            self._directory.announced(packet.agent or "", values if isinstance(values, dict) else {})
            return replace(seen, contents=values)
        if seen.opcode == "exception":
            return replace(seen, contents=values, error=_failure(body))
        if seen.opcode == "result":
            return replace(seen, contents=body.get("_arguments"))
        if seen.opcode not in ("call", "query", "subscribe"):
            return seen
        query = body.get("_query") if seen.opcode == "subscribe" else None
        asked = query if isinstance(query, dict) else body
        package, class_name = _schema_id(asked)
        object_name = _object_name(asked)
        return replace(
            seen,
            package=package,
            class_name=class_name,
            object_name=object_name,
            method=text(body.get("_method_name")) or "",
            contents=body.get("_arguments") if seen.opcode == "call" else _query_rest(asked),
        )

    def _about_list(self, seen: Sighting, packet: Packet, body: list[Value]) -> Sighting:
        if seen.opcode == "locate":
            return seen
        if seen.opcode == "report":
            return replace(seen, items=len(body))
        for item in body:
            self._directory.saw_object(packet.agent or "", item)
            self._positions.learn(item)
        classes = {_schema_id(item) if seen.opcode != "classes" else _id_of(item) for item in body}
        package, class_name = next(iter(classes)) if len(classes) == 1 else ("", "")
        return replace(
            seen,
            package=package,
            class_name=class_name,
            object_name=_object_name(body[0]) if len(body) == 1 else "",
            items=len(body),
            contents=_short_items(seen.opcode, body),
        )

    # --- who, to whom, and since when -----------------------------------------------------------------------

    def _named(self, seen: Sighting, now: float) -> Sighting:
        packet, delivery = seen.reading.packet, seen.delivery
        if seen.opcode in REQUESTS:
            return self._request(seen, packet, now)
        if seen.opcode in ANSWERS:
            return self._answer(seen, packet, now)
        if seen.opcode in ON_THE_WAY:
            return self._on_the_way(seen, packet, now)
        agent = self._agent(packet.agent)
        is_topic = delivery.node.endswith(".topic")
        return replace(
            seen,
            agent=agent,
            sender=agent.label if agent else _person(delivery, packet, ""),
            receiver=_SUBSCRIBERS if is_topic else console_label(delivery.key),
        )

    def _request(self, seen: Sighting, packet: Packet, now: float) -> Sighting:
        delivery = seen.delivery
        reply_key = (packet.reply_to or "").rpartition("/")[2]
        is_broadcast = delivery.node.endswith(".topic") and delivery.key.startswith("console.")
        name = "" if is_broadcast else self._directory.agent_of_key(delivery.key)
        if not name and not delivery.node.endswith(".topic"):
            name = delivery.key
        agent = self._agent(name)
        package, class_name = seen.package, seen.class_name
        if not class_name and seen.object_name:
            package, class_name = self._directory.class_of(name, seen.object_name)
        pending = Pending(
            asked=now,
            agent=_bounded(name),
            package=_bounded(package),
            class_name=_bounded(class_name),
            object_name=_bounded(seen.object_name),
            method=_bounded(seen.method),
            is_broadcast=is_broadcast,
        )
        if reply_key:
            of_anybody = bool(seen.reading.frames)
            self._pending.ask(_bounded(reply_key), _correlation(seen), pending, of_anybody=of_anybody)
        return replace(
            seen,
            agent=agent,
            package=package,
            class_name=class_name,
            sender=_person(delivery, packet, reply_key),
            receiver=_EVERYBODY if is_broadcast else agent.label if agent else console_label(delivery.key),
            number=pending.number,
            is_own=bool(self.own_key) and reply_key == self.own_key,
        )

    def _answer(self, seen: Sighting, packet: Packet, now: float) -> Sighting:
        delivery = seen.delivery
        is_last = not packet.partial and seen.opcode not in ("v1-package", "v1-class")
        request = self._pending.answer(
            _bounded(delivery.key), _correlation(seen), packet.agent or "", now, is_last=is_last
        )
        agent = self._agent(packet.agent or (request.agent if request else None))
        seen = replace(
            seen,
            agent=agent,
            sender=agent.label if agent else _person(delivery, packet, ""),
            receiver=console_label(delivery.key),
            is_last=is_last,
            is_own=bool(self.own_key) and delivery.key == self.own_key,
        )
        if request is None:
            return seen
        return replace(
            seen,
            package=seen.package or request.package,
            class_name=seen.class_name or request.class_name,
            object_name=seen.object_name or request.object_name,
            method=request.method,
            part=request.parts if packet.partial or request.parts > 1 else 0,
            latency=max(0.0, now - request.asked),
            number=request.number,
        )

    def _on_the_way(self, seen: Sighting, packet: Packet, now: float) -> Sighting:
        """What an agent reports of a call before its answer, or its caller giving it up."""
        delivery, correlation = seen.delivery, _correlation(seen)
        if seen.opcode == "report":
            name = packet.agent or ""
            request = self._pending.find(_bounded(delivery.key), correlation, name, now)
        else:
            name = self._directory.agent_of_key(delivery.key) or delivery.key
            reply_key = (packet.reply_to or "").rpartition("/")[2]
            request = self._pending.find(_bounded(reply_key), correlation, name, now)
        agent = self._agent(name)
        label = agent.label if agent else ""
        if seen.opcode == "report":
            sender, receiver = label or _person(delivery, packet, ""), console_label(delivery.key)
        else:
            sender, receiver = _person(delivery, packet, reply_key), label
        seen = replace(seen, agent=agent, sender=sender, receiver=receiver, is_last=False)
        if request is None:
            return seen
        return replace(
            seen,
            package=request.package,
            class_name=request.class_name,
            object_name=request.object_name,
            method=request.method,
            latency=max(0.0, now - request.asked),
            number=request.number,
        )

    def _agent(self, name: str | None) -> Agent | None:
        return self._directory.agent(name) if name else None


def _word(reading: Reading) -> str:
    if reading.fault:
        return MALFORMED
    if reading.frames:
        return word_of_frame(str(reading.frames[-1]["opcode"]))
    if reading.packet.opcode:
        return word_of(reading.packet.opcode, reading.packet.content)
    return FOREIGN


def _about_frames(seen: Sighting, frames: tuple[Frame1, ...]) -> Sighting:
    last = frames[-1]
    status = last.get("status")
    shown = {
        key: value for key, value in last.items() if isinstance(value, str | int) and key not in ("opcode", "hash")
    }
    return replace(
        seen,
        package=str(last.get("package") or ""),
        class_name=str(last.get("class") or ""),
        items=len(frames),
        contents=cast(Value, {key: value for key, value in shown.items() if key not in ("package", "class")}),
        error=f"{status} {last.get('text')}" if isinstance(status, int) and status else "",
    )


def _correlation(seen: Sighting) -> str:
    """What binds an answer to its request: the correlation id, or the sequence number of QMFv1."""
    if seen.reading.frames:
        return f"v1:{seen.reading.frames[-1]['sequence']}"
    return _bounded(str(seen.reading.packet.correlation_id or ""))


def _bounded(name: str) -> str:
    """What is kept of a name: a peer could fill our memory with longer ones, and nobody uses them."""
    return name[:MAX_NAME]


def _person(delivery: Delivery, packet: Packet, reply_key: str) -> str:
    """A sender that is no agent: its reply key and login, as far as they are known."""
    login = packet.user_id or delivery.login
    label = console_label(reply_key) if reply_key else ""
    if login and label:
        return f"{login}@{label}"
    return login or label or "somebody"


def _failure(body: dict[str, Value]) -> str:
    try:
        data = Data.from_map(body)
    except RemoteProtocolError as error:
        return str(error)
    kind = text(data.values.get("type"))
    said = failure_text(data)
    said = said if not kind or said.startswith(kind) else f"{kind}: {said}"
    return f"{failure_code(data)} {said}"


def _schema_id(item: Value) -> tuple[str, str]:
    return _id_of(item.get("_schema_id")) if isinstance(item, dict) else ("", "")


def _id_of(schema_id: Value) -> tuple[str, str]:
    if not isinstance(schema_id, dict):
        return "", ""
    return text(schema_id.get("_package_name")) or "", text(schema_id.get("_class_name")) or ""


def _object_name(item: Value) -> str:
    object_id = item.get("_object_id") if isinstance(item, dict) else None
    return text(object_id.get("_object_name")) or "" if isinstance(object_id, dict) else ""


def _query_rest(query: dict[str, Value]) -> Value:
    """What a query asks besides its class and object."""
    return {key: value for key, value in query.items() if key not in ("_schema_id", "_object_id")}


def _short_items(opcode: str, body: list[Value]) -> Value:
    """Values of objects and events; names of classes; of schemas their ids."""
    if opcode == "classes":
        return [":".join(_id_of(item)) for item in body]
    if opcode == "schemas":
        return [":".join(_schema_id(item)) for item in body]
    return [item.get("_values") if isinstance(item, dict) and "_values" in item else item for item in body]

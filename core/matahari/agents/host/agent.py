"""The Host object: properties, statistics and methods as consoles see them.

Source: matahari-2012.md 6
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial

from matahari.agent import Action, AgentObject, CallContext, Fault, json_values
from matahari.agent.identity import Identity
from matahari.agents.host import actions
from matahari.agents.host.heartbeat import HeartbeatSchedule
from matahari.agents.host.schema import EFFECTS, HOST_SCHEMA, MAX_UPDATE_INTERVAL
from matahari.agents.host.system import Facts, Statistics, System
from matahari.config import Settings
from matahari.facts import HostDescription
from matahari.qmf import Data, UInt, ULong, Value, text

__all__ = ["HostObject"]

_log = logging.getLogger(__name__)

STATISTICS_AGE = 0.5
"""Seconds for which statistics are good. Counting processes takes milliseconds, so many consoles asking
at once must not cost as many scans; a human's next look is later than this."""

FACTS_AGE = 60.0
"""Seconds for which facts are good. Memory and CPUs can be added while the machine runs, but seldom are,
and the kernel takes milliseconds to describe hundreds of CPUs."""

_Run = Callable[[Sequence[Sequence[str]]], Awaitable[None]]


class HostObject(AgentObject):
    """The one object of class Host on this machine.

    Args:
        settings: permissions and the first update interval.
        identity: name and UUIDs of the host.
        system: where facts and statistics come from.
        run: runs the first installed one of several commands.
        beep: sounds the speaker.
        clock: monotonic seconds, for the age of statistics.
        publish: is called when somebody has changed a property, so that consoles learn of it.
        describe: what else is known of the host.

    Attributes:
        schedule: when heartbeats are due.
        changed: is set when the schedule was changed, for whoever waits for the next deadline.
    """

    name = "Host"
    schema = HOST_SCHEMA
    effects = EFFECTS

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        *,
        system: System | None = None,
        run: _Run = actions.run_first,
        beep: Callable[[], None] = actions.beep,
        clock: Callable[[], float] = time.monotonic,
        publish: Callable[[], None] = lambda: None,
        describe: Callable[[], HostDescription] = HostDescription,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._system = System() if system is None else system
        self._run = run
        self._beep = beep
        self._clock = clock
        self._publish = publish
        self._describe = describe
        self._facts: tuple[float, Facts] | None = None
        self._statistics: tuple[float, Statistics] | None = None
        self._sequence = 0
        self._last_updated_ns = 0
        self.schedule = HeartbeatSchedule(settings.update_interval)
        self.changed = asyncio.Event()

    def reconfigure(self, settings: Settings) -> None:
        """Take new settings into use, e.g. after SIGHUP.

        An update interval that a console has set stays, unless the configured one has changed.
        """
        if settings.update_interval != self._settings.update_interval:
            self._change_interval(settings.update_interval)
        self._settings = settings

    def values(self) -> Mapping[str, Value]:
        """See :class:`AgentObject`. Statistics are at most ``STATISTICS_AGE`` old."""
        facts = asdict(self._fresh_facts())
        statistics = asdict(self._fresh_statistics())
        described = self._describe()
        return {
            "hostname": self._identity.hostname,
            "uuid": self._identity.uuid,
            "custom_uuid": self._identity.get_uuid("custom"),
            **facts,
            "update_interval": self.schedule.interval,
            "last_updated": ULong(self._last_updated_ns),
            "sequence": UInt(self._sequence),
            **statistics,
            "facts": dict(described.facts),
            "labels": dict(described.labels),
            "classes": list(described.classes),
        }

    def beat(self, wall_ns: int) -> Mapping[str, Value]:
        """Do what a heartbeat does to the object, and return the event's values.

        Args:
            wall_ns: nanoseconds since 1970. (2012 sent seconds in the event, against its own schema.)
        """
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF  # uint32 in the schema
        self._last_updated_ns = wall_ns
        self._statistics = None
        return {
            "timestamp": ULong(wall_ns),
            "sequence": UInt(self._sequence),
            "hostname": self._identity.hostname,
            "uuid": self._identity.uuid,
        }

    async def invoke(self, method: str, arguments: dict[str, Value], context: CallContext) -> Mapping[str, Value]:
        """See :class:`AgentObject`."""
        return await self.prepare(method, arguments, context).run()

    def prepare(self, method: str, arguments: dict[str, Value], context: CallContext) -> Action:
        """See :class:`AgentObject`."""
        run: Callable[[], Awaitable[Mapping[str, Value]]]
        match method:
            case "get_uuid":
                run = partial(self._get_uuid, _text(arguments, "lifetime", default=""))
            case "set_uuid":
                run = partial(self._set_uuid, _text(arguments, "lifetime"), _text(arguments, "uuid"))
            case "set_properties":
                run = partial(self._set_properties, self._checked_properties(arguments))
            case "shutdown":
                self._require(self._settings.allow_shutdown, method, context)
                run = partial(self._order, method, actions.SHUTDOWN, context)
            case "reboot":
                self._require(self._settings.allow_reboot, method, context)
                run = partial(self._order, method, actions.REBOOT, context)
            case "identify":
                self._require(self._settings.allow_identify, method, context)
                run = partial(self._identify, context)
            case _:
                # Power profiles too: they are declared for the consoles of 2012.
                raise _refusal("unknown_action", "Not implemented")
        return Action(run, json_values(arguments), self.effects[method])

    def _fresh_facts(self) -> Facts:
        now = self._clock()
        if self._facts is None or not 0 <= now - self._facts[0] < FACTS_AGE:
            self._facts = (now, self._system.facts())
        return self._facts[1]

    def _fresh_statistics(self) -> Statistics:
        now = self._clock()
        if self._statistics is None or not 0 <= now - self._statistics[0] < STATISTICS_AGE:
            self._statistics = (now, self._system.statistics())
        return self._statistics[1]

    async def _get_uuid(self, lifetime: str) -> Mapping[str, Value]:
        return {"uuid": self._identity.get_uuid(lifetime)}

    async def _order(self, what: str, commands: Sequence[Sequence[str]], context: CallContext) -> Mapping[str, Value]:
        _log.warning("call %s: %s ordered by user %s", context.request, what, context.user_id or "unknown")
        await self._run(commands)
        return {}

    async def _identify(self, context: CallContext) -> Mapping[str, Value]:
        _log.warning("call %s: identify ordered by user %s", context.request, context.user_id or "unknown")
        self._beep()
        return {}

    async def _set_uuid(self, lifetime: str, value: str) -> Mapping[str, Value]:
        try:
            status = self._identity.set_uuid(lifetime, value)
        except ValueError as error:
            raise _refusal("invalid_argument", f"Invalid Arguments: uuid: {error}") from error
        self._publish()
        return {"rc": status}

    async def _set_properties(self, values: Mapping[str, int]) -> Mapping[str, Value]:
        if "update_interval" in values:
            self._change_interval(values["update_interval"])
        return {}

    def _checked_properties(self, arguments: Mapping[str, Value]) -> Mapping[str, int]:
        """All of them are checked before one is changed."""
        values = arguments.get("values")
        if not isinstance(values, dict):
            raise _refusal("missing_argument", "Invalid Arguments: values: a map of property names to values is needed")
        checked: dict[str, int] = {}
        for name, value in values.items():
            found = self.schema.find_property(name)
            if found is None:
                raise _refusal("invalid_argument", f"Invalid Arguments: Host has no property {name}")
            if found.access != "RW":
                raise _refusal("refused", f"{name} is read-only")
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_UPDATE_INTERVAL:
                rule = f"must be a whole number of seconds from 0 to {MAX_UPDATE_INTERVAL}"
                raise _refusal("invalid_argument", f"Invalid Arguments: {name} {rule}, not {value!r}")
            checked[name] = int(value)
        return checked

    def _change_interval(self, interval: int) -> None:
        self.schedule.change(interval)
        self.changed.set()
        self._publish()

    def _require(self, is_allowed: bool, method: str, context: CallContext) -> None:
        caller = context.user_id or "unknown"
        if not is_allowed:
            _log.warning("call %s: refused %s to user %s", context.request, method, caller)
            raise _refusal(
                "refused",
                "You are not authorized for specified action: "
                f"set host.allow_{method} = true in the configuration of {self._identity.hostname} to allow it",
            )


def _text(arguments: Mapping[str, Value], name: str, *, default: str | None = None) -> str:
    """The text argument ``name``; consoles on other protocols send text as binary."""
    value = arguments.get(name, default)
    found = text(value)
    if found is None:
        kind = "missing_argument" if value is None else "invalid_argument"
        raise _refusal(kind, f"Invalid Arguments: {name}: a text is needed")
    return found


def _refusal(kind: str, message: str) -> Fault:
    """A fault whose ``kind`` tells programs what the text tells humans."""
    return Fault(message, data=Data({"kind": kind}))

"""An RPC agent for the bus in memory that has one plugin, whose calls are answered as the test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from matahari.qmf import (
    CancelCall,
    Data,
    Invoke,
    ManagedObject,
    Method,
    Property,
    PropertyType,
    Schema,
    SchemaId,
    Value,
)
from tests.support.host_agents import PLUGINS, PluginAgent

__all__ = ["ADD", "CallingAgent", "Say"]

#: What a call answers with: a value, an exception's text, or None for no answer at all.
Say: TypeAlias = "object | Exception | None"

ADD: Mapping[str, object] = {
    "properties": {"a": {"type": "integer"}, "b": {"type": ["integer", "null"], "default": 1}},
    "required": ["a"],
    "x-positional": ["a", "b"],
}
_NOTHING: Mapping[str, object] = {"properties": {}, "x-positional": []}


class CallingAgent(PluginAgent):
    """Host ``hostname`` with the plugin ``calc``: methods ``add(a, b=1)``, ``num_calls()`` and what ``more`` names.

    Each of them publishes what is ``declared``.

    Attributes:
        called: methods, in order, with their arguments.
        limits: time limits of these calls, as their caller told them; None where it did not.
        cancelled: how many calls were given up.
    """

    def __init__(
        self,
        hostname: str,
        say: Say = 0,
        *,
        state: str = "ready",
        more: tuple[str, ...] = (),
        declared: Mapping[str, Value] = MappingProxyType({}),
    ) -> None:
        super().__init__(hostname)
        self.say = say
        self.called: list[tuple[str, Value]] = []
        self.limits: list[float | None] = []
        self.cancelled = 0
        self.on_call: Callable[[], None] = lambda: None
        params = {"add": ADD, "num_calls": _NOTHING} | dict.fromkeys(more, _NOTHING)
        methods: dict[str, Value] = {
            name: {"params": json.dumps(one), "doc": f"About {name}.", **declared} for name, one in params.items()
        }
        arguments = (
            Property("args", PropertyType.LIST),
            Property("kwargs", PropertyType.MAP),
            Property("result", PropertyType.STRING, direction="O"),
        )
        schema = Schema(
            SchemaId(PLUGINS, "calc"),
            (Property("state", PropertyType.STRING), Property("methods", PropertyType.MAP)),
            tuple(Method(name, "", arguments) for name in (params if state == "ready" else ())),
        )
        self.engine.add_schema(schema, 1)
        values: dict[str, Value] = {"state": state, "methods": methods if state == "ready" else {}}
        self.engine.add_object(ManagedObject("calc", schema, lambda: dict(values)), 1)

    def step(self) -> None:
        while (command := self.engine.next_command()) is not None:
            if isinstance(command, Invoke):
                self.called.append((command.method, command.arguments.get("args")))
                self.limits.append(None if command.options is None else command.options.timeout)
                self.on_call()
                if isinstance(self.say, Exception):
                    text = str(self.say)
                    self.engine.fail(command.call, text, data=Data({"kind": "raised", "error_text": text}))
                elif self.say is not None:
                    self.engine.complete(command.call, {"result": json.dumps(self.say)})
            elif isinstance(command, CancelCall):
                self.cancelled += 1
                self.engine.fail(command.call, "cancelled", data=Data({"kind": "cancelled"}))
            elif self._tell is not None and self.is_here:
                self._tell(command.packet)
        super().step()

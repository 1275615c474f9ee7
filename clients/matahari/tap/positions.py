"""Which positional arguments of plugins' methods are secrets, learned from the plugins' own descriptions. Pure.

A positional argument has no name on the bus. The object of a plugin tells the names, in the ``params`` text of each
method (``x-positional``), and consoles fetch that object before they call it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from matahari.qmf import Value, text
from matahari.tap.masking import stand_in
from matahari.tap.names import MAX_NAME, RecentMap
from matahari.tap.nodes import Node, entries, plain
from matahari.validation import is_secret_name

__all__ = ["SecretPositions"]

MAX_METHODS = 20_000  # that have a secret argument; a fleet has some dozens of plugins
MAX_TEXT = 1 << 18  # characters of one description; real ones have hundreds
_POSITIONAL = "x-positional"


class SecretPositions:
    """Positions by object name and method. What was once a secret stays one: agents may run different versions."""

    def __init__(self) -> None:
        self._positions: RecentMap[tuple[str, str], frozenset[int]] = RecentMap(MAX_METHODS)

    def learn(self, item: Value) -> None:
        """Take the description in a plugin's object, if it is one."""
        object_id, values = (item.get("_object_id"), item.get("_values")) if isinstance(item, dict) else (None, None)
        methods = values.get("methods") if isinstance(values, dict) else None
        name = text(object_id.get("_object_name")) if isinstance(object_id, dict) else None
        if not name or len(name) > MAX_NAME or not isinstance(methods, dict):
            return
        for method, description in methods.items():
            found = _secret_positions(description)
            if found and len(method) <= MAX_NAME:
                self._positions.set((name, method), found | (self._positions.get((name, method)) or frozenset()))

    def mask(self, body: Node) -> Node:
        """The body of a call without its secret positional arguments; the very same object when there are none."""
        call = plain(body)
        object_id = call.get("_object_id") if isinstance(call, dict) else None
        name = text(object_id.get("_object_name")) if isinstance(object_id, dict) else None
        method = text(call.get("_method_name")) if isinstance(call, dict) else None
        found = self._positions.get((name or "", method or ""))
        if not found:
            return body
        mask = stand_in(is_010=body.code is None)

        def masked_args(args: Node) -> Node:
            if args.type != "list":
                return args
            items = [
                mask if number in found and item.type not in ("null", "void") else item
                for number, item in enumerate(args.items)
            ]
            return replace(args, items=tuple(items))

        return _mapped(body, "_arguments", lambda arguments: _mapped(arguments, "args", masked_args))


def _secret_positions(description: Value) -> frozenset[int]:
    params = text(description.get("params")) if isinstance(description, dict) else None
    if params is None or len(params) > MAX_TEXT:
        return frozenset()
    try:
        names = json.loads(params).get(_POSITIONAL)
    except (ValueError, RecursionError, AttributeError):
        return frozenset()  # somebody else's text of the same name
    if not isinstance(names, list):
        return frozenset()
    return frozenset(number for number, name in enumerate(names) if isinstance(name, str) and is_secret_name(name))


def _mapped(node: Node, name: str, change: Callable[[Node], Node]) -> Node:
    """The map with every value under ``name`` changed, also where the key is given twice."""
    items: list[Node] = []
    for key, value in entries(node):
        items += (key, change(value) if plain(key) == name else value)
    return replace(node, items=tuple(items)) if items else node

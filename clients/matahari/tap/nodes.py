"""Values as they stood on the wire: type, constructor byte and contents, so that nothing is lost in a recording.

Both encodings of QMF bodies are read into this one form, AMQP 1.0's own by :mod:`matahari.tap.amqp10` and the AMQP
0-10 one by :mod:`matahari.tap.amqp010`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from matahari.qmf import Value

__all__ = ["MAX_NODES", "Node", "Scalar", "entries", "node_json", "plain"]

#: Most values of one message: as many as the product's own codec takes in one container. A message of 1 MiB could
#: hold a million one-byte values, each of which costs a hundred bytes here.
MAX_NODES = 200_000

Scalar: TypeAlias = "bool | int | float | str | bytes | UUID | None"

_MAPS = frozenset(("map",))
_SEQUENCES = frozenset(("list", "array", "described"))


@dataclass(frozen=True, slots=True)
class Node:
    """One value.

    Attributes:
        type: the name of its type in its encoding; ``key`` for a map key in AMQP 0-10.
        code: constructor byte; None where the encoding has none (0-10 keys and outermost containers).
        value: contents of anything but a container; bytes also for types without a meaning here.
        items: contents of a container; keys and values of a map in turn, descriptor and value of ``described``.
    """

    type: str
    code: int | None
    value: Scalar = None
    items: tuple[Node, ...] = ()


def entries(node: Node) -> list[tuple[Node, Node]]:
    """Keys and values of a map, in wire order; none of anything else."""
    return list(zip(node.items[::2], node.items[1::2], strict=True)) if node.type in _MAPS else []


def plain(node: Node) -> Value:
    """The value as Python has it; of a key given twice the later value, as readers do; described values bare."""
    if node.type in _MAPS:
        return {_key(key): plain(value) for key, value in entries(node)}
    if node.type == "described":
        return plain(node.items[1])
    if node.type in _SEQUENCES:
        return [plain(item) for item in node.items]
    return node.value


def node_json(node: Node) -> dict[str, object]:
    """The value as vector files have it: ``t``, ``v``, ``c``, and ``text`` of binary that is printable ASCII."""
    result: dict[str, object] = {} if node.code is None else {"c": f"{node.code:02x}"}
    result["t"] = node.type
    if node.type in _MAPS:
        result["v"] = [[node_json(key), node_json(value)] for key, value in entries(node)]
    elif node.type in _SEQUENCES:
        result["v"] = [node_json(item) for item in node.items]
    elif isinstance(node.value, bytes):
        result["v"] = node.value.hex()
        if all(0x20 <= byte < 0x7F for byte in node.value):
            result["text"] = node.value.decode("ascii")
    elif isinstance(node.value, UUID):
        result["v"] = str(node.value)
    else:
        result["v"] = node.value
    return result


def _key(node: Node) -> str:
    value = plain(node)
    if isinstance(value, str):
        return value
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)

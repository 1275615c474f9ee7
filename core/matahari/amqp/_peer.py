"""What the peer put into its open, attach and end frames, read from proton's data, and termini to answer with.

Proton checks a frame's outline and no more: text may be no UTF-8, a filter's key may be a list. These readers raise
whatever Python raises for that; the engine turns it into one closing event.
"""

from __future__ import annotations

from typing import cast

import proton
from proton import symbol, ulong

from matahari.amqp.events import Opened, Terminus

__all__ = ["read_condition", "read_opened", "read_terminus", "write_capabilities", "write_terminus"]


def read_opened(connection: proton.Connection) -> Opened:
    """The peer's open frame."""
    properties = connection.remote_properties or {}
    offered = connection.remote_offered_capabilities or []
    return Opened(
        connection.remote_container or "",
        connection.remote_hostname or "",
        {str(key): str(value) for key, value in properties.items()},
        tuple(str(one) for one in offered),
    )


def read_condition(condition: proton.Condition | None) -> tuple[str, str]:
    """Name and description of an error condition, both empty when there is none."""
    if condition is None or not condition.name:
        return "", ""
    return str(condition.name), str(condition.description or "")


def read_terminus(node: proton.Terminus) -> Terminus:
    """A source or target; a transaction coordinator counts as absent, because nobody here is one."""
    filters: dict[str, tuple[int | str, object]] = {}
    data = node.filter
    data.rewind()
    if data.next():
        found = data.get_object()
        if isinstance(found, dict):
            for key, value in found.items():
                if isinstance(key, symbol) and isinstance(value, proton.Described):
                    code = value.descriptor
                    content = str(value.value) if isinstance(value.value, str) else value.value
                    if isinstance(code, ulong):
                        filters[str(key)] = (int(code), content)
                    elif isinstance(code, symbol):
                        filters[str(key)] = (str(code), content)
    capabilities: tuple[str, ...] = ()
    data = node.capabilities
    data.rewind()
    if data.next():
        found = data.get_object()
        if isinstance(found, proton.Array):
            capabilities = tuple(str(one) for one in found.elements if isinstance(one, symbol))
        elif isinstance(found, symbol):
            capabilities = (str(found),)
    present = node.type in (proton.Terminus.SOURCE, proton.Terminus.TARGET)
    return Terminus(node.address, bool(node.dynamic), capabilities, filters, present)


def write_terminus(node: proton.Terminus, terminus: Terminus) -> None:
    """Set our end's source or target.

    From plain values alone: proton crashes when it has to encode a malformed filter or capability of a peer, so
    nothing of the peer's own data may be copied into an answer.
    """
    if terminus.address is not None:
        node.address = terminus.address
    node.dynamic = terminus.dynamic
    write_capabilities(node, terminus.capabilities)
    node.filter.clear()
    if terminus.filters:
        node.filter.put_dict(
            {
                symbol(key): proton.Described(symbol(code) if isinstance(code, str) else ulong(code), str(value))
                for key, (code, value) in terminus.filters.items()
            }
        )


def write_capabilities(node: proton.Terminus, names: tuple[str, ...]) -> None:
    """Set the capabilities of our end's source or target: one symbol, or an array of several."""
    node.capabilities.clear()
    if len(names) == 1:
        node.capabilities.put_symbol(symbol(names[0]))
    elif names:
        kind = cast("int", proton.Data.SYMBOL)
        node.capabilities.put_array(False, kind)
        node.capabilities.enter()
        for name in names:
            node.capabilities.put_symbol(symbol(name))
        node.capabilities.exit()

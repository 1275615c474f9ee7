"""How a console uses a broker."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BusOptions"]


class BusOptions(NamedTuple):
    """How to use a broker; see :func:`matahari.console.connect`."""

    insecure_anonymous: bool = False
    kind: str = "auto"
    virtual_host: str = ""

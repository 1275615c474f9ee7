"""How a console uses a broker."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BusOptions"]


@dataclass(frozen=True, slots=True)
class BusOptions:
    """How to use a broker; see :func:`matahari.console.connect`."""

    insecure_anonymous: bool = False
    kind: str = "auto"
    virtual_host: str = ""

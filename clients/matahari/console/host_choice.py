"""What hosts may be chosen by. A module of its own, as filters are loaded with it: most programs only annotate with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from matahari.console.names import Host
from matahari.filters import Filter

__all__ = ["HostChoice"]

HostChoice: TypeAlias = str | Filter | Iterable[Host | str]
"""Hosts: a filter or its text, or hosts and names, of which a selection is one."""

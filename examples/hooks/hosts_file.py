"""Discovery: the hosts of a plain list, one name a line, are expected to answer, whether they are up or not."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from matahari.hooks import DiscoveryQuery, hookimpl


@hookimpl
def discover(query: DiscoveryQuery) -> Collection[str] | None:
    path = Path(os.environ.get("MATAHARI_HOSTS", "/etc/matahari/hosts"))
    if query.filter or not path.exists():
        return None  # a list of names cannot tell who fits a filter
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {line for line in lines if line}

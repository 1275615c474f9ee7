"""Host inventory: labels and classes from /etc/matahari/inventory.toml (or $MATAHARI_INVENTORY).

classes = ["web", "frontend"]
[labels]
rack = "b12"
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from matahari.hooks import HostInventory, hookimpl


@hookimpl
def host_inventory() -> HostInventory | None:
    path = Path(os.environ.get("MATAHARI_INVENTORY", "/etc/matahari/inventory.toml"))
    if not path.exists():
        return None
    known = tomllib.loads(path.read_text(encoding="utf-8"))
    return HostInventory(known.get("labels", {}), frozenset(known.get("classes", [])))

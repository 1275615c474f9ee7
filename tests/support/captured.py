"""The captured QMF messages as the bytes of their deliveries."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["FILES", "captured"]

FOLDER = Path(__file__).parent.parent / "vectors" / "qmf2"
FILES = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def captured(file: str) -> list[tuple[str, bytes]]:
    """(name, all sections) of every message in one file; those whose body was left out for size are too."""
    messages = json.loads((FOLDER / f"{file}.json").read_text())["messages"]
    return [(message["name"], bytes.fromhex(message["raw"])) for message in messages if "raw" in message]

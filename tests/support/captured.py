"""The captured QMF messages as the bytes of their deliveries."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["FILES", "captured", "captured_in_order"]

FOLDER = Path(__file__).parent.parent / "vectors" / "qmf2"
FILES = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


def captured(file: str) -> list[tuple[str, bytes]]:
    """(name, all sections) of every message in one file; but those whose body was left out for size."""
    return [(name, data) for name, data in captured_in_order(file) if data is not None]


def captured_in_order(file: str) -> list[tuple[str, bytes | None]]:
    """The same with None for those left out, so that positions are those in the file."""
    messages = json.loads((FOLDER / f"{file}.json").read_text())["messages"]
    return [(message["name"], bytes.fromhex(message["raw"]) if "raw" in message else None) for message in messages]

"""What an agent remembers of itself across restarts: its instance and how often it was started."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from matahari.errors import ConfigError

__all__ = ["next_start"]

_EPOCHS = 0xFFF  # as the broker's own agent counts: 1 to 4095, then 1 again (qmf2.md 3.11)


def next_start(state: Path) -> tuple[str, int]:
    """Count one start and return (instance, epoch).

    The instance is made on the first start. A file that is damaged is replaced: the agent then appears as a new one.

    Args:
        state: a directory that belongs to this agent alone.

    Raises:
        ConfigError: the directory cannot be written.
    """
    file = state / "agent"
    instance, epoch = "", 0
    try:
        words = file.read_text("utf-8").split()
        if len(words) == 2:
            instance, epoch = str(uuid.UUID(words[0])), int(words[1])
    except (FileNotFoundError, ValueError):
        pass  # first start, or a damaged file: begin afresh
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}", key="state") from error
    instance = instance or str(uuid.uuid4())
    epoch = epoch % _EPOCHS + 1
    new = file.with_suffix(".new")
    try:
        with new.open("w", encoding="utf-8") as out:
            out.write(f"{instance} {epoch}\n")
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}", key="state") from error
    return instance, epoch

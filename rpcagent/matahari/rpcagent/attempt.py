"""One try to get a worker of a plugin ready. Record only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .languages import PYTHON
from .orders import Content
from .records import LoadFailure

__all__ = ["Attempt", "Purpose"]

Purpose: TypeAlias = Literal["new", "restart", "relief"]


@dataclass(slots=True)
class Attempt:
    """A worker that starts and loads.

    Attributes:
        worker: its number.
        content: what it is to load.
        generation: of the version that this makes.
        purpose: ``new`` version, ``restart`` after a death, ``relief`` of a worker in which a call hangs.
        deadline: until when it must be ready; infinite while it waits for its turn to start.
        is_superseded: the plugin was saved again since.
    """

    worker: int
    content: Content
    generation: int
    purpose: Purpose
    deadline: float = math.inf
    is_superseded: bool = False

    def supersede(self, content: Content | None, deadline: float) -> bool:
        """The plugin was saved again: the load has no more time than that. Whether it will load ``content`` itself."""
        if self.purpose == "new" and self.deadline == math.inf and content is not None:
            self.content = content  # it waits for its turn: it may as well load the newest
            return True
        if not self.is_superseded:
            self.is_superseded = True
            self.deadline = min(self.deadline, deadline)
        return False

    def overdue(self, limit: float) -> LoadFailure:
        """Why it is ended when it was not ready after ``limit`` seconds; a worker of ours prints where it is, then."""
        where = "; the log shows where it was" if self.content.language == PYTHON.name else ""
        return LoadFailure("LoadTimeout", f"loading took longer than {limit:g} s and was stopped{where}")

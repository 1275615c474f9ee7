"""What the author of a plugin may import. A plain plugin needs none of it.

Standard library only, so that a plugin can be run and tested anywhere.
"""

from __future__ import annotations

from .calls import Context, Reporter, context, running, settings
from .declare import Declared, declared, method
from .report import event, output, progress, report_to

__all__ = [
    "Context",
    "Declared",
    "Reporter",
    "context",
    "declared",
    "event",
    "method",
    "output",
    "progress",
    "report_to",
    "running",
    "settings",
]

"""The shell at a terminal: line editing, help in place, the names that completion offers.

Nothing is imported here: start-up is most of a short command's time.
"""

from __future__ import annotations

__all__: list[str] = []

"""Events of agents: commands that show them, and those that were heard.

Nothing is imported here: start-up is most of a short command's time.
"""

from __future__ import annotations

__all__: list[str] = []

"""``matahari plugin``: tools for those who write plugins.

Nothing is imported here: start-up is most of a short command's time.
"""

from __future__ import annotations

__all__: list[str] = []

"""From answers to what is seen: text, records, columns, groups, progress.

Nothing is imported here: start-up is most of a short command's time.
"""

from __future__ import annotations

__all__: list[str] = []

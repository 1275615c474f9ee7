"""From typed text to commands and values: lines, grammar, completion. Pure.

Nothing is imported here: start-up is most of a short command's time.
"""

from __future__ import annotations

__all__: list[str] = []

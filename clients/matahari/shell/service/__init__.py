"""What the ``matahari`` command runs: a node and its parts, and looking at an installation.

Nothing is imported here: start-up is most of a short command's time.
"""

from __future__ import annotations

__all__: list[str] = []

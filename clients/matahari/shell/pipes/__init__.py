"""What stands behind a ``|``: stages, formats, and running a command into them.

Nothing is imported here: start-up is most of a short command's time.
"""

from __future__ import annotations

__all__: list[str] = []

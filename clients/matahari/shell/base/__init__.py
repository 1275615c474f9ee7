"""What all of the shell shares: exit statuses, what it needs of the console, what is selected.

Nothing is imported here: start-up is most of a short command's time.
"""

from __future__ import annotations

__all__: list[str] = []

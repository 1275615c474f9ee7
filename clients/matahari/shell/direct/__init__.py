"""Direct commands of ``mhsh`` for scripts, its command line, and completion for other shells.

Nothing is imported here: start-up is most of a short command's time.
"""

from __future__ import annotations

__all__: list[str] = []

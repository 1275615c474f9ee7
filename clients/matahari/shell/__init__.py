"""The command line: ``mhsh``, the shell for people and scripts, and the ``matahari`` command.

Nothing is imported here: each command imports what it needs, because start-up is most of a short command's time.
"""

from __future__ import annotations

__all__: list[str] = []

"""What the author of a plugin may import. A plain plugin needs none of it.

Standard library only, so that a plugin can be run and tested anywhere.
"""

from __future__ import annotations

from .calls import Context, context, running

__all__ = ["Context", "context", "running"]

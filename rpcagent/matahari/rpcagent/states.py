"""The state of a plugin, from what is known of it. Pure.

=========== =================== ================================================================
state       in service          how it got there
=========== =================== ================================================================
loading     nothing             the first version is being loaded
ready       newest version      the last attempt was good
inactive    nothing             the same, but the plugin says that it is not for this host
degraded    an older version    the newest does not load; or: the worker died and is being replaced
failed      nothing             no version ever loaded
quarantined nothing             the worker died too often; a save or a reload lifts it
=========== =================== ================================================================
"""

from __future__ import annotations

from .orders import Version
from .records import LoadFailure, State

__all__ = ["state_of"]


def state_of(
    version: Version | None, *, is_served: bool, error: LoadFailure | None, is_quarantined: bool = False
) -> State:
    """Give the state.

    Args:
        version: the last one that was loaded, None when there never was one.
        is_served: whether calls have a worker to go to.
        error: what is wrong now.
        is_quarantined: whether the plugin died too often to be started again.
    """
    if is_quarantined:
        return "quarantined"
    if version is None:
        return "loading" if error is None else "failed"
    if not is_served or error is not None:
        return "degraded"
    return "ready" if version.is_active else "inactive"

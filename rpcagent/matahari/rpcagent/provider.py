"""What the bus needs of whoever has the plugins: the real service, or a simulation for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from matahari.agent import Afterlife

from .binding import Action
from .records import CallFailure, CallResult, PluginStatus, Reporter

__all__ = ["PluginProvider"]


class PluginProvider(Protocol):
    """See :class:`matahari.rpcagent.PluginService`, which is one."""

    @property
    def misnamed(self) -> tuple[Path, ...]:
        """Files that would be plugins if they had other names."""
        ...

    def statuses(self) -> list[PluginStatus]:
        """All plugins as they are now, by name in alphabetical order."""
        ...

    def status(self, name: str) -> PluginStatus | None:
        """One plugin as it is now, or None."""
        ...

    def no_plugin(self, name: str) -> str:
        """The sentence for a name that no plugin has."""
        ...

    def memory(self, name: str) -> int:
        """Resident memory of the plugin in bytes, 0 when it has none of its own."""
        ...

    async def reload(self, name: str) -> PluginStatus:
        """Load the plugin anew; PluginError when there is none."""
        ...

    async def reload_all(self) -> list[PluginStatus]:
        """Do so for all plugins."""
        ...

    def find(self, name: str, method: str) -> Action:
        """The action that a call is for now; CallFailure when there is none. It is yet to be checked."""
        ...

    def refuse(self, name: str, failure: CallFailure) -> CallFailure:
        """Count a call that somebody else refuses; gives ``failure`` back."""
        ...

    async def invoke(
        self,
        name: str,
        method: str,
        args: Sequence[str] = (),
        kwargs: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
        caller: str = "",
        request_id: str = "",
        on_progress: Reporter | None = None,
        checked: Action | None = None,
        afterlife: Afterlife | None = None,
    ) -> CallResult:
        """Run an action; CallFailure when there is no result."""
        ...

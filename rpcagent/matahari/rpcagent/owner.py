"""What a plugin at run time needs of the service that owns it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from matahari.hostproto import Json

from .limits import ProcessBounds
from .pending import Recheck
from .records import Notice, PluginStatus
from .workerlink import WorkerLink

if TYPE_CHECKING:
    from .runtime import PluginRuntime

__all__ = ["RuntimeOwner"]


class RuntimeOwner(Protocol):
    """What a plugin needs of the service."""

    @property
    def facts(self) -> Mapping[str, Json]:
        """What is known of this host now, for the next worker."""

    def spawn(self, runtime: PluginRuntime, link: WorkerLink, bounds: ProcessBounds, language: str) -> None:
        """Ask the warm parent of a language for the worker of this link, bound by ``bounds``."""

    def kill(self, worker: int, number: int) -> None:
        """Signal a worker's process group."""

    def parent_stuck(self, worker: int) -> None:
        """The worker's warm parent does not do its work."""

    def check_again(self, runtime: PluginRuntime, recheck: Recheck) -> None:
        """Check a call beside the event loop, and tell its plugin what was found."""

    def plugin_changed(self, status: PluginStatus) -> None:
        """Something but a counter changed."""

    def plugin_notice(self, notice: Notice) -> None:
        """Something happened that the status alone does not show."""

    def plugin_gone(self, runtime: PluginRuntime) -> None:
        """The plugin was removed and its last worker has ended."""

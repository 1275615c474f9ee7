"""What a worker is told first: which plugin to load, from what, and with which settings. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from matahari.hostproto import Json, Load

from .limits import Limits
from .orders import Content

__all__ = ["load_message"]


def load_message(name: str, generation: int, content: Content, limits: Limits, facts: Mapping[str, Json]) -> Load:
    """Give the message that has a worker load a plugin.

    Args:
        name: the plugin's name.
        generation: of the version that this makes.
        content: what is to be loaded.
        limits: bounds of the plugin, those of its ``NAME.toml`` in place.
        facts: what is known of this host.
    """
    return Load(
        content.path,
        name,
        content.digest,
        generation,
        limits.concurrency,
        limits.result_limit,
        content.files,
        content.options.settings,
        facts,
        settings_file=content.options.file,
    )

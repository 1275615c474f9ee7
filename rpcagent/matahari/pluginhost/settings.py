"""What a plugin wants to be configured with: its class ``Settings``.

A dataclass, ``TypedDict``, ``NamedTuple`` or pydantic model of that name is one when the plugin defines it and
``__all__`` does not list it; any other class of that name is the plugin's own business.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Final, cast

from matahari.hostproto import Json

__all__ = ["NAME", "Settings", "plugin_settings", "settings_class"]

NAME: Final = "Settings"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one generation.

    Attributes:
        value: what the plugin gets to see: the table as a read-only mapping, or an instance of the plugin's class,
            whatever that is.
        schema: of the table, None when the plugin declares none.
    """

    value: Mapping[str, object]
    schema: Mapping[str, Json] | None = None


def settings_class(module: ModuleType) -> type | None:
    """Give the class by which a plugin declares its settings, or None."""
    kind = vars(module).get(NAME)
    if not isinstance(kind, type) or not _has_fields(kind):
        return None
    home = getattr(kind, "__module__", "")
    if home != module.__name__ and not home.startswith(f"{module.__name__}."):
        return None
    listed = getattr(module, "__all__", ())
    return None if isinstance(listed, Iterable) and NAME in listed else kind


def plugin_settings(module: ModuleType, table: Mapping[str, Json], file: str) -> Settings:
    """Give the settings of a plugin that has just been imported.

    Args:
        module: the plugin.
        table: what the operator wrote below ``[settings]``.
        file: where, for errors.

    Raises:
        ConfigError: the table does not fit the class; names file, key, value and rule.
        TypeError: nothing can be made of the class.
    """
    kind = settings_class(module)
    if kind is None:
        return Settings(MappingProxyType(dict(table)))
    from .typedsettings import SettingsReader  # its library costs memory; most plugins need it never

    reader = SettingsReader(kind)
    return Settings(cast("Mapping[str, object]", reader.read(table, file)), reader.schema())


def _has_fields(kind: type) -> bool:
    is_named_tuple = issubclass(kind, tuple) and hasattr(kind, "_field_defaults")
    # Without importing the library of the last kind: only a plugin that uses it has one.
    return (
        dataclasses.is_dataclass(kind)
        or typing.is_typeddict(kind)
        or is_named_tuple
        or hasattr(kind, "__pydantic_validator__")
    )

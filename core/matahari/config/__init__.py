"""Settings of the whole suite: one declaration, one precedence, one set of options for every program."""

from matahari.config.declaration import PLUGIN_LIMITS, Program
from matahari.config.kinds import Place
from matahari.config.loader import load
from matahari.config.logs import configure_logging
from matahari.config.options import add_options, choices_of
from matahari.config.paths import StateLock, private_directory
from matahari.config.settings import Settings, describe

__all__ = [
    "PLUGIN_LIMITS",
    "Place",
    "Program",
    "Settings",
    "StateLock",
    "add_options",
    "choices_of",
    "configure_logging",
    "describe",
    "load",
    "private_directory",
]

"""Where log lines go and how they look.

Everything goes to stderr: a person sees it there, and systemd takes it from there. The journal gets
the level as ``<N>`` and adds time and process itself; a plain file or pipe gets the time from us.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import TextIO

from matahari.config.settings import Settings

__all__ = ["configure_logging"]

_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}
# Source: sd-daemon(3), the syslog priorities that the journal reads at the beginning of a line.
_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))


# Extensions from a directory log as part of us; their modules have names below the second one.
_OURS = ("matahari", "matahari_extension")


class _JournalFormatter(logging.Formatter):
    """Prefixes every line, also those of a traceback, with its priority."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for level, number in _PRIORITIES if record.levelno >= level)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


class _OurHandler(logging.StreamHandler[TextIO]):
    """Marks the handler as ours, so that configuring twice does not double every line."""


def configure_logging(
    settings: Settings, *, stream: TextIO | None = None, environ: Mapping[str, str] | None = None
) -> None:
    """Send our log lines of ``settings.log_level`` and above, and other libraries' warnings, to ``stream``.

    May be called again after a reload; it replaces what it set up before.

    Args:
        stream: stderr when None.
        environ: the process's when None; ``JOURNAL_STREAM`` in it tells whether the journal reads us.
    """
    target = sys.stderr if stream is None else stream
    handler = _OurHandler(target)
    handler.setFormatter(_formatter(target, os.environ if environ is None else environ))
    root = logging.getLogger()
    for old in [entry for entry in root.handlers if isinstance(entry, _OurHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(_LEVELS[settings.log_level])


def _formatter(stream: TextIO, environ: Mapping[str, str]) -> logging.Formatter:
    if stream.isatty():
        return logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
    if _is_journal(stream, environ):
        return _JournalFormatter("%(name)s: %(message)s")
    return logging.Formatter("%(asctime)s %(levelname)s %(name)s[%(process)d]: %(message)s", "%Y-%m-%dT%H:%M:%S%z")


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether ``stream`` is the very one that systemd connected to the journal.

    Source: systemd.exec(5), JOURNAL_STREAM: device and inode number, which must be compared,
    because children inherit the variable but may have another stderr.
    """
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM", "") == f"{found.st_dev}:{found.st_ino}"

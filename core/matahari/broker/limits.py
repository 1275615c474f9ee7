"""Room for thousands of connections: each is a file descriptor of the broker's process."""

from __future__ import annotations

import logging
import resource

__all__ = ["ENOUGH", "MOST", "raise_descriptor_limit"]

_log = logging.getLogger(__name__)

MOST = 65_536  # descriptors; more connections than the memory of a host has room for, at 70 KiB each
ENOUGH = 4_096  # descriptors: 2,000 connections, and as much again for all else


def raise_descriptor_limit() -> int:
    """Raise this process's soft limit of open files to the hard one, up to ``MOST``, and log it.

    For programs, at their start: the limit is the whole process's and is inherited by its children.

    Returns:
        The limit now in force.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        limit = MOST if soft == resource.RLIM_INFINITY else soft
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        limit = wanted
        _log.info("raised the limit of open files from %d to %d", soft, wanted)
    if limit < ENOUGH:
        _log.warning(
            "at most %d files may be open, and each connection is one; for thousands of agents raise the hard limit"
            " (LimitNOFILE= of the service, or ulimit -Hn)",
            limit,
        )
    return limit

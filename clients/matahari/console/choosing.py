"""Hosts as callers choose them: none for all, hosts and names, a selection, or a filter that the hosts answer."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from matahari.console.checking import require_timeout
from matahari.console.directory import Directory
from matahari.console.matches import HostMatches
from matahari.console.selection import Selection
from matahari.console.values import Host

if TYPE_CHECKING:
    from matahari.console.host_choice import HostChoice

__all__ = ["choose", "match", "select_matched"]

_log = logging.getLogger(__name__)


async def match(
    directory: Directory, where: HostChoice | None, facts: Mapping[str, object] | None, timeout: float
) -> HostMatches:
    """What becomes of a filter; see :meth:`matahari.console.Console.match_hosts`."""
    from matahari.console.matching import filter_of, match_hosts  # a program without filters does not pay for them
    from matahari.filters import Filter

    require_timeout(timeout)
    if where is not None and not isinstance(where, str | Filter):
        where = tuple(where)
        directory.on(where)  # a name that is given as one is that of a host
    meant = filter_of(where, facts)
    if meant is None:
        raise ValueError("a filter or facts are needed")
    return await match_hosts(directory, meant, timeout)


def select_matched(matches: HostMatches, timeout: float) -> Selection:
    """The hosts of which a filter is true; those that did not answer are logged.

    Raises:
        RequestTimeoutError: there are none, which is another matter where agents did not answer.
    """
    selection = matches.select(timeout)
    if matches.unanswered:
        _log.warning("no answer from %s: undecided, and left out", matches.silence)
    return selection


async def choose(
    directory: Directory, hosts: HostChoice | None, timeout: float, *, is_logged: bool = True
) -> tuple[Iterable[Host | str] | None, HostMatches | None]:
    """Hosts that are meant, None for all, and what became of the filter where they are chosen by one.

    Args:
        timeout: seconds for the hosts to answer a filter.
        is_logged: log those that did not; False where they are told in another way.

    Raises:
        FilterSyntaxError, RequestTimeoutError: as :meth:`matahari.console.Console.hosts`.
    """
    if hosts is None or isinstance(hosts, Selection):
        return hosts, None
    from matahari.filters import Filter

    if not isinstance(hosts, str | Filter):
        return tuple(hosts), None  # some look at them twice, and an iterator has nothing then
    matches = await match(directory, hosts, None, timeout)
    return select_matched(matches, timeout) if is_logged else matches.select(timeout), matches

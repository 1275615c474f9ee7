"""``--limit`` of direct calls: a sample of the hosts."""

from __future__ import annotations

from dataclasses import replace

from matahari.shell.display.rolling import Amount, sampled
from matahari.shell.display.rows import counted
from matahari.shell.session import Session

__all__ = ["sample"]


def sample(session: Session, limit: Amount, seed: str | None = None) -> None:
    """Restrict the selection to so many of the hosts that have the selected objects, taken at random.

    Raises:
        CommandError: the limit is no such thing.
    """
    objects = session.objects
    assert objects is not None  # the caller has selected some
    hosts = sampled(objects, limit, seed)
    total = len({one.host for one in objects})
    session.select(replace(session.selection, hosts=hosts))
    session.output.remark(f"{len(hosts)} of {counted(total, 'host')}, taken at random")

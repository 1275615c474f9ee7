"""What became of a filter on every host: plain values, the same for both faces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from matahari.console.selection import Selection
from matahari.console.values import AgentSummary, Host
from matahari.errors import RequestTimeoutError
from matahari.validation import close_names

if TYPE_CHECKING:
    from matahari.filters import Explanation, Filter, Subject, Truth

__all__ = ["HostMatch", "HostMatches"]


@dataclass(frozen=True, slots=True)
class HostMatch:
    """One host and what became of a filter there.

    Attributes:
        truth: whether the filter is true of it; None when that cannot be known.
        unanswered: agents that did not answer, where that leaves the filter undecided.
        subject: what was told, and looked at.
    """

    host: Host
    truth: Truth
    unanswered: tuple[AgentSummary, ...]
    filter: Filter
    subject: Subject

    @property
    def matched(self) -> bool:
        """The filter is known to be true of it."""
        return self.truth is True

    @property
    def explanation(self) -> Explanation:
        """What became of each part of the filter, and why."""
        return self.filter.explain(self.subject)


class HostMatches(Sequence[HostMatch]):
    """What became of a filter on every host, by the host's name.

    Attributes:
        filter: the filter.
        mute: agents that the broker says are there, and that have never said on which host: nothing is known of it. None
            where the filter cannot mean another host than those that are known, as one of names that were all found.
    """

    def __init__(self, filter: Filter, matches: Iterable[HostMatch], mute: Iterable[AgentSummary] = ()) -> None:
        self.filter = filter
        self.mute = tuple(mute)
        self._matches = tuple(matches)

    @overload
    def __getitem__(self, index: int) -> HostMatch: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[HostMatch]: ...

    def __getitem__(self, index: int | slice) -> HostMatch | Sequence[HostMatch]:
        return self._matches[index]

    def __len__(self) -> int:
        return len(self._matches)

    def __repr__(self) -> str:
        return f"<HostMatches: {len(self.hosts)} of {len(self)} host{'' if len(self) == 1 else 's'} for {self.filter}>"

    @property
    def hosts(self) -> list[Host]:
        """Those of which the filter is true."""
        return [one.host for one in self._matches if one.matched]

    @property
    def unanswered(self) -> list[AgentSummary]:
        """Agents that did not answer, where that leaves the filter undecided; those that are mute at the end."""
        return [*(agent for one in self._matches for agent in one.unanswered), *self.mute]

    @property
    def silence(self) -> str:
        """Who did not answer, for people."""
        return ", ".join(f"{one.name} on {one.host}" if one.host else one.name for one in self.unanswered)

    @property
    def known_names(self) -> list[str]:
        """Facts and labels of the hosts that were asked for theirs."""
        told = (some for one in self._matches for some in (one.subject.facts, one.subject.labels))
        return sorted({name for some in told for name in some or ()})

    @property
    def unknown_names(self) -> dict[str, tuple[str, ...]]:
        """Facts and labels that the filter compares and no host has, each with those that may have been meant.

        Empty when no host was asked for any.
        """
        from matahari.filters import Exists, Filter, Name  # who holds one of these has loaded it already

        told = [one.subject for one in self._matches if one.subject.facts is not None]
        if not told:
            return {}
        needs = self.filter.needs
        known = self.known_names
        return {
            name: close_names(name, known)
            for name in sorted(needs.facts | needs.labels)
            if not any(Filter(Exists(Name(name))).matches(one) for one in told)
        }

    def select(self, timeout: float) -> Selection:
        """The hosts as a selection; tells "none matches" from "who might match did not answer".

        Args:
            timeout: seconds that they had, for the text of the error.

        Raises:
            RequestTimeoutError: no host matches, and agents did not answer.
        """
        if not self.hosts and self.unanswered:
            text = f"no answer within {timeout:g} s from {self.silence}"
            raise RequestTimeoutError(text, timeout=timeout)
        return Selection(self.filter, {one.host: one.truth for one in self})

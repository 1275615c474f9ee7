"""Hosts that are meant, as a value: a filter, and what it came to on every host. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Self, TypeAlias, overload

from matahari.console.names import Host

if TYPE_CHECKING:
    from matahari.filters import Filter, Truth

__all__ = ["Operand", "Selection"]


class Selection(Sequence[Host]):
    """The hosts of which a filter was true, by name: an immutable sequence, with set algebra.

    ``&``, ``|``, ``-`` and ``~`` combine it with another selection, a host, several hosts or names, or a filter that
    looks at names only; nobody is asked again. A host of which the filter is not known to be true or false, as it did
    not answer, is in neither a selection nor its complement. As text it is the filter, which ``hosts`` takes again.

    Equal to another one with the same filter and the same hosts, and to a list of the same hosts.

    Args:
        filter: None for every host.
        truths: of the filter on each host; None where that is not known.
    """

    __slots__ = ("_filter", "_hosts", "_truths")

    def __init__(self, filter: Filter | None, truths: Mapping[Host, Truth]) -> None:
        self._filter = filter
        self._truths = dict(truths)
        self._hosts = tuple(sorted(host for host, truth in self._truths.items() if truth is True))

    @classmethod
    def of_all(cls, hosts: Iterable[Host]) -> Self:
        """Every one of these hosts."""
        return cls(None, dict.fromkeys(hosts, True))

    @property
    def filter(self) -> Filter:
        """What was meant, to be asked again."""
        if self._filter is not None:
            return self._filter
        from matahari.filters import Filter, Glob, NamedHost  # who only lists hosts does not pay for filters

        return Filter(NamedHost(Glob("*")))

    @property
    def undecided(self) -> list[Host]:
        """Hosts of which the filter is not known to be true or false."""
        return sorted(host for host, truth in self._truths.items() if truth is None)

    @overload
    def __getitem__(self, index: int) -> Host: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Host]: ...

    def __getitem__(self, index: int | slice) -> Host | Sequence[Host]:
        return self._hosts[index]

    def __len__(self) -> int:
        return len(self._hosts)

    def __contains__(self, host: object) -> bool:
        """Whether a host, or one of that name, is in it."""
        return any(host in (one, one.name) for one in self._hosts)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Selection):
            return (self.filter, self._truths) == (other.filter, other._truths)
        return list(self._hosts) == other if isinstance(other, list) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.filter, self._hosts))

    def __str__(self) -> str:
        return str(self.filter)

    def __repr__(self) -> str:
        return f"<Selection: {len(self)} of {len(self._truths)} host{'' if len(self._truths) == 1 else 's'} for {self.filter}>"

    def __and__(self, other: Operand) -> Selection:
        one = self._of(other)
        return self._joined(one, self.filter & one.filter, _both)

    def __or__(self, other: Operand) -> Selection:
        one = self._of(other)
        return self._joined(one, self.filter | one.filter, lambda a, b: _not(_both(_not(a), _not(b))))

    def __sub__(self, other: Operand) -> Selection:
        return self & ~self._of(other)

    def __invert__(self) -> Selection:
        return Selection(~self.filter, {host: _not(truth) for host, truth in self._truths.items()})

    def to_json(self) -> str:
        """The filter and what it came to, as a JSON text; :meth:`from_json` reads it."""
        hosts = [{"name": one.name, "uuid": one.uuid, "matches": truth} for one, truth in sorted(self._truths.items())]
        return json.dumps({"filter": str(self.filter), "hosts": hosts}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What :meth:`to_json` wrote: the hosts of then. To ask again, give its ``filter`` to ``hosts``.

        Raises:
            ValueError: it is something else.
            FilterSyntaxError: its filter is none.
        """
        from matahari.filters import Filter

        read = json.loads(text)
        try:
            hosts = {Host(_text(one["name"]), _text(one["uuid"])): _truth(one["matches"]) for one in read["hosts"]}
            return cls(Filter.parse(_text(read["filter"])), hosts)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no saved selection: {error!r}") from error

    # --- inside ---------------------------------------------------------------------------------------------

    def _of(self, other: Operand) -> Selection:
        """Another operand, over the same hosts.

        Raises:
            FilterSyntaxError: a text is no filter, or what is made of many names is too long for one.
            ValueError: the filter cannot be decided by the hosts' names.
        """
        from matahari.filters import Filter, NamedHost, Or, Subject, Text

        if isinstance(other, Selection):
            return other
        if isinstance(other, str | Filter):
            filter = Filter.parse(other) if isinstance(other, str) else other
            if not filter.needs.is_nothing:
                raise ValueError(f"{filter} is decided by the hosts themselves: ask them with hosts({str(filter)!r})")
            return Selection(filter, {host: filter.truth(Subject(host.name)) for host in self._truths})
        given = [other] if isinstance(other, Host) else list(other)
        wanted = set(given)
        names = list(dict.fromkeys(str(one) for one in given))
        named = [NamedHost(Text(name)) for name in names]
        filter = Filter(named[0] if len(named) == 1 else Or(tuple(named))) if named else ~Selection.of_all(()).filter
        truths: dict[Host, Truth] = {host: host in wanted or host.name in wanted for host in self._truths}
        return Selection(filter, truths | {host: True for host in given if isinstance(host, Host)})

    def _joined(self, other: Selection, filter: Filter, combine: Callable[[Truth, Truth], Truth]) -> Selection:
        hosts = self._truths.keys() | other._truths.keys()
        return Selection(filter, {host: combine(self._truths.get(host), other._truths.get(host)) for host in hosts})


Operand: TypeAlias = "Selection | Filter | str | Host | Iterable[Host | str]"
"""What a selection is combined with: a text is a filter, an iterable has hosts and names."""


def _both(one: Truth, other: Truth) -> Truth:
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _truth(value: object) -> Truth:
    if value is None or isinstance(value, bool):
        return value
    raise TypeError(f"{value!r} is neither true, false nor null")

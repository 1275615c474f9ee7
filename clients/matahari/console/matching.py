"""Which hosts a filter means: ask them for what it looks at, all at once, and nobody for what is decided without.

A host whose agents do not answer delays no other: what it would have told is not known, as filters have it, and it is
named where that leaves the filter undecided. Once a host matches, those that are still silent when the others have
answered are not waited for; while none does, one that is slow may be the one that is meant, and has all the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from matahari.console.arguments import PLUGIN_PACKAGE
from matahari.console.directory import DEFAULT_PACKAGE, Directory, host_of, may_have, query_for, summary
from matahari.console.host_choice import HostChoice
from matahari.console.inquiry import Inquiry
from matahari.console.matches import HostMatch, HostMatches
from matahari.console.values import ClassName, Host
from matahari.filters import And, Expression, Filter, Glob, NamedHost, Not, ObjectView, Or, PluginView, Subject, Text
from matahari.qmf import AgentInfo, Data

__all__ = ["filter_of", "match_host", "match_hosts"]

HOST_PRODUCT: Final = "host"  # of the agent that publishes the class Host
PLUGIN_PRODUCT: Final = "rpc"  # of the agent that publishes plugins
_HOST_CLASS: Final = (DEFAULT_PACKAGE, "Host")

_Answers: TypeAlias = list[tuple[AgentInfo, Data]] | None
"""Objects of one class on one host; None when an agent that may have some did not answer."""


def filter_of(where: HostChoice | None, facts: Mapping[str, object] | None) -> Filter | None:
    """The filter that is meant by a text, a filter, or hosts and names, by wanted facts, or by both; None for neither.

    Raises:
        FilterSyntaxError: the text is no filter, or the hosts are too many for one.
        ValueError: a fact has a value that cannot be compared.
    """
    if where is None or isinstance(where, Filter):
        given = where
    else:
        given = Filter.parse(where) if isinstance(where, str) else _filter_of_names(where)
    if not facts:
        return given
    wanted = Filter.of_facts(facts)
    return wanted if given is None else given & wanted


async def match_hosts(directory: Directory, filter: Filter, timeout: float) -> HostMatches:
    """Hold a filter against every host on the bus.

    Args:
        timeout: seconds for all of it.
    """
    by_host: dict[Host, list[AgentInfo]] = {}
    for info in directory.on(None):
        if (host := host_of(info)) is not None:
            by_host.setdefault(host, []).append(info)
    with Inquiry(timeout) as inquiry:
        looks = [_Look(directory, host, by_host[host], filter, inquiry) for host in sorted(by_host)]
        matches = await asyncio.gather(*(one.match() for one in looks))
    mute = directory.mute
    if mute and not _may_be(filter.expression, True, {host.name.lower() for host in by_host}):
        mute = []
    return HostMatches(filter, matches, mute)


async def match_host(directory: Directory, filter: Filter, host: Host, timeout: float) -> HostMatch:
    """Hold a filter against one host; one that has left matches nothing.

    Args:
        timeout: seconds for all of it.
    """
    agents = [info for info in directory.on(None) if host_of(info) == host]
    with Inquiry(timeout) as inquiry:
        return await _Look(directory, host, agents, filter, inquiry).match()


def _filter_of_names(hosts: Iterable[Host | str]) -> Filter:
    named = [NamedHost(Text(name)) for name in dict.fromkeys(map(str, hosts))]
    if not named:
        return ~Filter(NamedHost(Glob("*")))
    return Filter(named[0] if len(named) == 1 else Or(tuple(named)))


def _may_be(expression: Expression, truth: bool, known: Collection[str]) -> bool:
    """Whether the expression may be ``truth`` of a host of which nothing is known, but that it has none of these names.

    Args:
        known: names of the hosts that are known, in lower case.
    """
    match expression:
        case And(parts=parts) | Or(parts=parts):
            needs_all = truth is isinstance(expression, And)
            return (all if needs_all else any)(_may_be(part, truth, known) for part in parts)
        case Not(part=part):
            return _may_be(part, not truth, known)
        case NamedHost(pattern=Text(value=name)):
            return not truth or name.lower() not in known
        case NamedHost(pattern=Glob(pattern="*")):
            return truth
        case _:
            return True


class _Look:
    """A filter and one host."""

    def __init__(
        self, directory: Directory, host: Host, agents: Sequence[AgentInfo], filter: Filter, inquiry: Inquiry
    ) -> None:
        self._directory = directory
        self._host = host
        self._agents = agents
        self._filter = filter
        self._inquiry = inquiry
        self._silent: list[AgentInfo] = []

    async def match(self) -> HostMatch:
        """What becomes of the filter there; a match is enough for the others to be waited for only as long as usual."""
        found = await self._match()
        if found.matched:
            self._inquiry.suffice()
        return found

    async def _match(self) -> HostMatch:
        bare = Subject(self._host.name, agents=frozenset(info.name for info in self._agents))
        truth = self._filter.truth(bare)
        if truth is not None or not self._asks:
            return HostMatch(self._host, truth, (), self._filter, bare)
        subject = await self._ask(bare)
        truth = self._filter.truth(subject)
        silent = dict.fromkeys(info.name for info in self._silent) if truth is None else {}
        unanswered = tuple(summary(info) for info in self._agents if info.name in silent)
        return HostMatch(self._host, truth, unanswered, self._filter, subject)

    @property
    def _asks(self) -> bool:
        needs = self._filter.needs
        return bool(needs.facts or needs.labels or needs.classes or needs.plugins or needs.properties)

    async def _ask(self, bare: Subject) -> Subject:
        needs = self._filter.needs
        wanted = set(needs.object_classes)
        if needs.facts or needs.labels or needs.classes:
            wanted.add(_HOST_CLASS)
        names = sorted(wanted)
        found, classes, plugins = await asyncio.gather(
            asyncio.gather(*(self._objects_of(name) for name in names)),
            self._classes() if needs.classes else _nothing(),
            self._plugins() if needs.plugins else _nothing(),
        )
        answers = dict(zip(names, found, strict=True))
        views = await asyncio.gather(*(self._views(name, answers[name]) for name in sorted(needs.object_classes)))
        described = _described(answers.get(_HOST_CLASS))
        return Subject(
            bare.host,
            facts=_map(described, "facts"),
            labels=_map(described, "labels"),
            inventory=_texts(described, "classes"),
            classes=classes,
            plugins=plugins,
            agents=bare.agents,
            objects=dict(zip(sorted(needs.object_classes), views, strict=True)),
        )

    async def _objects_of(self, name: tuple[str, str]) -> _Answers:
        package, class_name = name
        asked = [info for info in self._agents if may_have(info, package)]
        if name == _HOST_CLASS:
            asked = [info for info in asked if info.product == HOST_PRODUCT]
            if not asked:
                return None
        return await self._query(ClassName(package, class_name), asked)

    async def _query(self, name: ClassName, asked: Sequence[AgentInfo]) -> _Answers:
        query, ask, timeout = query_for(name), self._inquiry.ask, self._inquiry.remaining
        answers = await asyncio.gather(*(ask(self._directory.query(info, query, timeout)) for info in asked))
        silent = [info for info, items in zip(asked, answers, strict=True) if items is None]
        self._silent += silent
        if silent:
            return None
        return [(info, data) for info, items in zip(asked, answers, strict=True) for data in items or ()]

    async def _views(self, name: tuple[str, str], answers: _Answers) -> Sequence[ObjectView] | None:
        if answers is None:
            return None
        fetched = self._directory.objects(answers, ClassName(*name), self._inquiry.remaining)
        objects, _ = await self._inquiry.ask(fetched) or ((), ())
        told = [info for info, data in answers if data.object_id and data.schema_id and data.schema_id.hash]
        if len(objects) < len(told):
            self._silent += (
                told  # without its schema an object tells nothing, which is not the same as having no values
            )
            return None
        return [
            ObjectView(one.values, {member.name: member.unit for member in one.schema.properties if member.unit})
            for one in objects
        ]

    async def _classes(self) -> frozenset[str] | None:
        ask, timeout = self._inquiry.ask, self._inquiry.remaining
        asked = [info for info in self._agents if may_have(info, DEFAULT_PACKAGE)]
        found = await asyncio.gather(*(ask(self._directory.classes_of(info, timeout)) for info in asked))
        self._silent += [info for info, ids in zip(asked, found, strict=True) if ids is None]
        if any(ids is None for ids in found):
            return None
        return frozenset(f"{one.package}:{one.name}" for ids in found for one in ids or () if one.kind == "_data")

    async def _plugins(self) -> Mapping[str, PluginView] | None:
        asked = [info for info in self._agents if info.product == PLUGIN_PRODUCT]
        patterns = self._filter.needs.plugins
        # One question for all plugins, when the filter does not name them: an empty class name asks for the package.
        names = {one.value for one in patterns if isinstance(one, Text)} if _are_names(patterns) else {""}
        found = await asyncio.gather(*(self._query(ClassName(PLUGIN_PACKAGE, name), asked) for name in sorted(names)))
        if any(one is None for one in found):
            return None
        views: dict[str, PluginView] = {}
        for one in found:
            for _, data in one or ():
                values = data.decoded()
                name = "" if data.schema_id is None else data.schema_id.name
                views[name] = PluginView(_text(values.get("version")), _text(values.get("state")))
        return views


async def _nothing() -> None:
    return None


def _are_names(patterns: Iterable[object]) -> bool:
    return all(isinstance(one, Text) and one.value for one in patterns)


def _described(answers: _Answers) -> Mapping[str, object]:
    """Values of the object ``Host``; empty when it is not known."""
    return answers[0][1].decoded() if answers else {}


def _map(values: Mapping[str, object], name: str) -> Mapping[str, object] | None:
    found = values.get(name)
    return {str(key): value for key, value in found.items()} if isinstance(found, Mapping) else None


def _texts(values: Mapping[str, object], name: str) -> frozenset[str] | None:
    found = values.get(name)
    return frozenset(one for one in found if isinstance(one, str)) if isinstance(found, list) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""

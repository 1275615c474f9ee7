"""What the console knows and asks of agents: which host they are on, which classes they have, and their objects.

Agents that tell no host name, such as the broker's own, are on no host: the host of their objects is the empty text,
and they are reached by selections that name no hosts.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from matahari.console.inquiry import LOOKUP_GRACE, Inquiry, ask_any
from matahari.console.names import PLUGIN_PACKAGE, AgentSummary, ClassName, Host
from matahari.console.outcomes import Items
from matahari.console.station import Station
from matahari.errors import MatahariError, NoAgentsError, RemoteError, RequestError, TransportError
from matahari.qmf import AgentInfo, Data, Query, QueryTarget, Schema, SchemaId, is_broker

if TYPE_CHECKING:
    from matahari.console.remote import RemoteObject

__all__ = ["CALL_TIMEOUT", "DEFAULT_PACKAGE", "Directory", "host_name", "host_of", "summary"]

_log = logging.getLogger(__name__)

DEFAULT_PACKAGE = "org.matahariproject"
VENDOR = "matahariproject.org"  # of our agents' names
CALL_TIMEOUT = 10.0  # seconds, the limit of a group call in 2012

# Nothing in a schema tells that it is of exceptions.
EXCEPTION_CLASSES = frozenset({ClassName("org.matahariproject.rpc", "PluginException")})

Found = tuple[AgentInfo, Data]
"""Data and the agent that sent it."""


class Directory:
    """One event loop owns it, the station's."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._classes: dict[str, tuple[int, list[SchemaId]]] = {}

    def forget(self, agent: str) -> None:
        """Drop what was remembered of an agent."""
        self._classes.pop(agent, None)

    def on(self, hosts: Iterable[Host | str] | None) -> list[AgentInfo]:
        """Agents on these hosts, or all.

        Raises:
            NoAgentsError: a named host is not known.
            ConnectionLostError: there is no connection at the moment.
        """
        self._station.require_connection()
        infos = list(self._station.agents.values())
        if hosts is None:
            return infos
        by_name: dict[str, list[AgentInfo]] = {}
        for info in infos:
            by_name.setdefault(host_name(info), []).append(info)
        chosen: dict[str, AgentInfo] = {}
        for host in hosts:
            some = by_name.get(str(host), []) if str(host) else []
            if isinstance(host, Host):
                some = [info for info in some if host_of(info) == host]
            if not some:
                raise NoAgentsError(_unknown("Host", str(host), {host_name(info) for info in infos}))
            chosen |= {info.name: info for info in some}
        return list(chosen.values())

    @property
    def mute(self) -> list[AgentSummary]:
        """Agents that are connected, as the broker says, and have never announced themselves: their host is not known."""
        return [AgentSummary(one, "", one.split(":")[1]) for one in sorted(self._station.mute)]

    async def query(self, info: AgentInfo, query: Query, timeout: float) -> list[Data] | None:
        """Objects that an agent answers with; None when it does not answer."""
        try:
            items: Items = await self._station.query(info.name, query, timeout)
        except RequestError as error:
            _log.info("%s: %s", info.name, error)
            return None
        except RemoteError as error:
            _log.warning("%s: %s", info.name, error)
            return []
        return [one for one in items if isinstance(one, Data)]

    async def objects(
        self, found: list[Found], name: ClassName, timeout: float
    ) -> tuple[list[RemoteObject], list[AgentSummary]]:
        """Objects with their schemas, fetched where they are not known; and agents of whose objects they are not known.

        A schema is asked of any agent that has it. Once one was told, others are waited for as long as usual. An agent
        that says it has none is not silent: its objects are left out.
        """
        wanted: dict[SchemaId, dict[str, AgentInfo]] = {}
        for info, data in found:
            if data.schema_id is not None and data.schema_id.hash is not None:
                wanted.setdefault(data.schema_id, {})[info.name] = info
        refusing: set[str] = set()
        with Inquiry(timeout, LOOKUP_GRACE) as inquiry:

            async def one(schema_id: SchemaId, infos: Iterable[AgentInfo]) -> Schema | None:
                asks = [functools.partial(self._ask_schema, info, schema_id, refusing) for info in infos]
                schema = await inquiry.ask(ask_any(asks, timeout))
                if schema is not None:
                    inquiry.suffice()
                return schema

            schemas = await asyncio.gather(*(one(schema_id, infos.values()) for schema_id, infos in wanted.items()))
        by_id = dict(zip(wanted, schemas, strict=True))
        objects = []
        untold: dict[str, AgentSummary] = {}
        for info, data in found:
            schema = None if data.schema_id is None else by_id.get(data.schema_id)
            if schema is not None and data.object_id is not None:
                objects.append(remote_object(info, data, schema))
                continue
            _log.warning("%s sent an object of %s without a usable schema or id", info.name, name)
            if data.object_id is not None and data.schema_id in wanted and info.name not in refusing:
                untold[info.name] = summary(info)
        return objects, list(untold.values())

    async def refetch(
        self, items: Iterable[RemoteObject], name: ClassName, timeout: float
    ) -> tuple[list[RemoteObject], list[AgentSummary]]:
        """The same objects with their values of now, without those that have gone; and the agents that are silent."""
        silent: dict[str, AgentSummary] = {}
        deadline = asyncio.get_running_loop().time() + timeout

        async def one(item: RemoteObject, inquiry: Inquiry) -> list[Found]:
            info = self._station.agents.get(item.agent)
            if info is None:
                return []
            query = Query(QueryTarget.OBJECT, object_id=item.object_id)
            answer = await inquiry.ask(self.query(info, query, timeout))
            if answer is None:
                silent[info.name] = summary(info)
                return []
            inquiry.suffice()
            return [(info, data) for data in answer]

        with Inquiry(timeout, LOOKUP_GRACE) as inquiry:
            answers = await asyncio.gather(*(one(item, inquiry) for item in items))
        found = [one for some in answers for one in some]
        objects, untold = await self.objects(found, name, schema_time(deadline, timeout))
        return objects, [*silent.values(), *(one for one in untold if one.name not in silent)]

    async def schema(self, info: AgentInfo, wanted: SchemaId, timeout: float) -> Schema | None:
        """The schema, or None when the agent does not tell it."""
        return None if wanted.hash is None else await self._ask_schema(info, wanted, set(), timeout)

    async def _ask_schema(self, info: AgentInfo, wanted: SchemaId, refusing: set[str], timeout: float) -> Schema | None:
        """The same; an agent that answers, but with no schema, is added to ``refusing``."""
        try:
            return await self._station.fetch_schema(info.name, wanted, timeout)
        except MatahariError as error:
            if not isinstance(error, RequestError | TransportError):
                refusing.add(info.name)
            _log.warning("%s does not tell the schema of %s: %s", info.name, wanted.name, error)
            return None

    async def classes_of(self, info: AgentInfo, timeout: float = CALL_TIMEOUT) -> list[SchemaId] | None:
        """Classes of an agent, as of its latest announcement; None when it does not tell them."""
        known = self._classes.get(info.name)
        if known is not None and known[0] == info.schema_updated and info.schema_updated:
            return known[1]
        try:
            ids = await self._station.list_classes(info.name, timeout)
        except (RequestError, RemoteError) as error:
            _log.warning("%s does not tell its classes: %s", info.name, error)
            return None
        if info.name in self._station.agents:
            self._classes[info.name] = (info.schema_updated, ids)
        return ids

    async def classes(self, hosts: Iterable[Host | str] | None = None) -> set[ClassName]:
        """Classes of objects, of the agents on these hosts or of all.

        Events, and classes of exceptions, are left out: they have no objects.
        """
        return await self._published("_data", self.on(hosts), CALL_TIMEOUT) - EXCEPTION_CLASSES

    async def event_classes(self, timeout: float = CALL_TIMEOUT) -> set[ClassName]:
        """Classes of events, of all agents that tell them in time."""
        return await self._published("_event", self.on(None), timeout)

    async def _published(self, kind: str, agents: Iterable[AgentInfo], timeout: float) -> set[ClassName]:
        async def one(info: AgentInfo, inquiry: Inquiry) -> list[SchemaId]:
            ids = await inquiry.ask(self.classes_of(info, timeout))
            if ids is not None:
                inquiry.suffice()
            elif inquiry.is_over:
                _log.warning("%s does not tell its classes: it is silent, while others answer", info.name)
            return ids or []

        with Inquiry(timeout) as inquiry:
            found = await asyncio.gather(*(one(info, inquiry) for info in agents))
        return {ClassName(one.package, one.name) for some in found for one in some if one.kind == kind}

    async def require_class(self, name: ClassName) -> None:
        """Tell a class that nobody has from one that has no objects.

        Raises:
            NoAgentsError: nobody has it; the message names close matches.
        """
        known = await self.classes()
        if name in known:
            return
        if not self._station.agents:
            raise NoAgentsError("no agent is on the bus; start one with `matahari up` or `matahari agent`")
        if not any(one.package == name.package for one in known):
            raise NoAgentsError(_unknown("Package", name.package, {one.package for one in known}))
        import difflib  # only wanted after a mistake

        own = {one.name for one in known if one.package == name.package}
        if name.package == PLUGIN_PACKAGE:
            raise NoAgentsError(_unknown("Plugin", name.name, own))
        # Names alone are compared: those of long packages would all seem close.
        close = difflib.get_close_matches(name.name, sorted(own), n=3, cutoff=0.5)
        hints = [f"{name.package}:{one}" for one in close]
        hints += sorted(str(one) for one in known if one.name == name.name)
        raise NoAgentsError(_not_found("Class", str(name), hints))


def schema_time(deadline: float, timeout: float) -> float:
    """Seconds for schemas of objects that were asked for until ``deadline``: what is left, but enough for who is well."""
    return max(deadline - asyncio.get_running_loop().time(), min(timeout, LOOKUP_GRACE))


def may_have(info: AgentInfo, package: str) -> bool:
    """Whether it makes sense to ask an agent for classes of a package.

    The broker's own agent has none of ours; and where its access rules forbid the question, it takes our link to all
    agents away instead of an answer (qmf2.md, quirk 11).
    """
    if package == PLUGIN_PACKAGE and info.vendor == VENDOR and info.product == "host":
        return False  # publishes the host alone; half of all agents need not be asked for a plugin
    return not (is_broker(info.name) and f"{package}.".startswith(f"{DEFAULT_PACKAGE}."))


def query_for(name: ClassName) -> Query:
    """All objects of a class."""
    return Query(QueryTarget.OBJECT, schema_id=SchemaId(name.package, name.name))


def remote_object(info: AgentInfo, data: Data, schema: Schema) -> RemoteObject:
    """An object as it is handed out; ``data`` has an object id."""
    from matahari.console.reading import values_of  # who only looks around has no objects
    from matahari.console.remote import RemoteObject

    object_id = data.at(info.name).object_id
    assert object_id is not None
    name = ClassName(schema.id.package, schema.id.name)
    return RemoteObject(
        host_name(info), info.name, object_id.object_name, name, values_of(data, schema), object_id, schema
    )


def host_name(info: AgentInfo) -> str:
    """The agent's host, empty when it tells none."""
    name = info.attributes.get("hostname")
    return name if isinstance(name, str) else ""


def host_of(info: AgentInfo) -> Host | None:
    """The agent's host; None for agents that tell none, such as a broker's own."""
    name, identity = host_name(info), info.attributes.get("uuid")
    return Host(name, identity if isinstance(identity, str) else "") if name else None


def summary(info: AgentInfo) -> AgentSummary:
    return AgentSummary(info.name, host_name(info), info.product)


def _unknown(kind: str, name: str, known: set[str]) -> str:
    import difflib  # only wanted after a mistake

    return _not_found(kind, name, difflib.get_close_matches(name, sorted(known - {""}), n=3, cutoff=0.5))


def _not_found(kind: str, name: str, close: list[str]) -> str:
    return f'{kind} "{name}" not found' + (f"; did you mean {', '.join(close)}?" if close else "")

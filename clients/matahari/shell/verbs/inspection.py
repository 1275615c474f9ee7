"""``show …``: what is there, of the selection's hosts and of the selected class, one row each.

Every command asks anew; ``show methods`` does so of a plugin, whose methods change when it is saved.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, Protocol

from matahari.errors import NoAgentsError
from matahari.shell.base.outcome import ExitStatus, first_failure
from matahari.shell.base.ports import PLUGIN_PACKAGE, AgentLike, ConsoleLike, HostLike, ObjectLike, ObjectsLike
from matahari.shell.base.selection import Directory, Selection
from matahari.shell.display.attendance import Attendance, attendance_of, tell_absent, tell_others
from matahari.shell.display.method_text import method_text
from matahari.shell.display.output import Output
from matahari.shell.display.plugin_rows import plugin_rows
from matahari.shell.display.render import INDENT, object_record, printable
from matahari.shell.display.rows import aligned, counted
from matahari.shell.display.tally import unanswered_lines
from matahari.shell.syntax.commands import Command
from matahari.shell.syntax.grammar import Group, Keyword, Value
from matahari.shell.syntax.values import Choice, not_found
from matahari.shell.verbs.hostfilters import MAX_FACT_NAMES

__all__ = ["NO_CLASS", "Inspection"]

NO_CLASS: Final = "No class is selected; select one with: select class (package PACKAGE) CLASS"


class Shell(Protocol):
    """What the commands work on: the session."""

    console: ConsoleLike
    output: Output
    selection: Selection
    objects: ObjectsLike | None
    fact_names: frozenset[str]

    @property
    def timeout(self) -> float:
        """Seconds to wait for answers."""

    def renew(self) -> None:
        """Fetch the objects of a selected plugin anew, where that is possible."""


class Inspection:
    """The commands, working on one shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def commands(self, directory: Directory) -> Iterator[Command]:
        """The same in every mode."""
        facts = Choice("Fact", lambda bound: _offered(self._shell.fact_names, directory.facts()), is_checked=False)
        show = Keyword("show")
        yield Command((show, Keyword("selection")), self._show_selection)
        yield Command((show, Keyword("hosts")), self._show_hosts)
        yield Command((show, Keyword("agents")), self._show_agents)
        yield Command((show, Keyword("classes")), self._show_classes)
        yield Command((show, Keyword("methods")), self._show_methods)
        yield Command((show, Keyword("plugins")), self._show_plugins)
        yield Command((show, Keyword("facts"), Group((Value("NAME", facts),))), self._show_facts)

    def _show_selection(self, values: tuple[object, ...]) -> ExitStatus:
        """Show the selected objects, one a line, as package:Class[agent:object] host; without a class, the hosts."""
        objects, output = self._shell.objects, self._shell.output
        if objects is None:
            record: dict[str, object] = {"agent": "", "class": "", "object": ""}
            for name in self._shell.selection.hosts:
                output.row([printable(name)], {"host": name, **record})
            if not self._shell.selection.hosts:
                output.row(["all hosts"], {"host": None, **record})
            return ExitStatus.OK
        for found in objects:
            record = object_record(objects, found)
            output.row([printable(f"{record['class']}[{found.agent}:{found.name}] {found.host}")], record)
        return ExitStatus.OK if len(objects) else ExitStatus.NOTHING_MATCHED

    def _show_hosts(self, values: tuple[object, ...]) -> ExitStatus:
        """Show the selected hosts, or all: name, UUID and number of agents."""
        there = attendance_of(self._shell.console, self._shell.selection)
        hosts: list[HostLike] = [
            one for one in self._shell.console.hosts() if there.hosts is None or one.name in there.hosts
        ]
        agents = Counter(one.host for one in self._shell.console.agents())
        rows = [(one.name, str(one.uuid), counted(agents[one.name], "agent")) for one in hosts]
        for line, one in zip(aligned(rows), hosts, strict=True):
            self._shell.output.row([line], {"host": one.name, "uuid": str(one.uuid), "agents": agents[one.name]})
        return self._status(there, hosts)

    def _show_agents(self, values: tuple[object, ...]) -> ExitStatus:
        """Show the agents on the selected hosts: host, product and name."""
        there = attendance_of(self._shell.console, self._shell.selection)
        agents = sorted(self._shell.console.agents(there.hosts), key=lambda one: (one.host, one.product, one.name))
        rows = aligned([(one.host or "-", one.product, one.name) for one in agents])
        for line, one in zip(rows, agents, strict=True):
            self._shell.output.row([line], {"host": one.host, "agent": one.name, "product": one.product})
        return self._status(there, agents)

    def _show_classes(self, values: tuple[object, ...]) -> ExitStatus:
        """Show the classes that the agents on the selected hosts publish: package and name."""
        there = attendance_of(self._shell.console, self._shell.selection)
        classes = self._shell.console.classes(hosts=there.hosts)
        for line, one in zip(aligned([(one.package, one.name) for one in classes]), classes, strict=True):
            self._shell.output.row([line], {"package": one.package, "class": one.name})
        return first_failure([tell_absent(self._shell.output, there.absent), _matched(classes)])

    def _show_methods(self, values: tuple[object, ...]) -> ExitStatus:
        """Show the methods of the selected class: signature, and the first line of the description."""
        self._shell.renew()
        objects = self._shell.objects
        if objects is None:
            raise NoAgentsError(NO_CLASS)
        if not len(objects):
            raise NoAgentsError("No objects selected")
        texts = [method_text(objects, one) for one in objects.methods]
        rows = aligned([(one.signature, one.summary) for one in texts])
        for line, one in zip(rows, texts, strict=True):
            record = {"class": _class_text(objects), "method": one.name, "signature": one.signature}
            self._shell.output.row([line], {**record, "description": one.summary})
        return ExitStatus.OK if texts else ExitStatus.NOTHING_MATCHED

    def _show_plugins(self, values: tuple[object, ...]) -> ExitStatus:
        """Show the plugins of the selected hosts: name, state, generation, number of methods, hosts; and what is wrong.

        Hosts with the same of all these share a row.
        """
        there = attendance_of(self._shell.console, self._shell.selection)
        agents = self._shell.console.agents(there.hosts)
        try:
            # Without a name: the objects of all classes of the package, in one question to each agent.
            objects = self._shell.console.select(
                "", package=PLUGIN_PACKAGE, hosts=there.hosts, timeout=self._shell.timeout
            )
        except NoAgentsError:
            raise NoAgentsError("There are no plugins" if agents else "No agent is on the bus") from None
        rows = plugin_rows(objects)
        for line, one in zip(aligned([one.cells for one in rows]), rows, strict=True):
            why = [f"{INDENT}{text}" for text in printable(one.why).split("\n") if text]
            self._shell.output.row([line, *why], one.record, failed=one.is_faulty)
        absent = tell_absent(self._shell.output, there.absent)
        return first_failure([absent, self._complain(objects.unanswered), _matched(rows)])

    def _show_facts(self, values: tuple[object, ...]) -> ExitStatus:
        """Show facts of the selected hosts, all or those called NAME, e.g. os.version or os.*: host, name and value.

        Labels of an inventory are facts with the name label.NAME; the bare NAME means them, too.
        """
        group = values[2]
        assert isinstance(group, tuple)  # what a Group matches
        pattern = None if group[0] is None else str(group[0])
        there = attendance_of(self._shell.console, self._shell.selection)
        objects = self._shell.console.select("Host", hosts=there.hosts, timeout=self._shell.timeout)
        told = [(found.host, name, value) for found in objects for name, value in sorted(_facts(found).items())]
        names = {name for _, name, _ in told}
        self._shell.fact_names = frozenset(sorted(self._shell.fact_names | names)[:MAX_FACT_NAMES])
        wanted = names if pattern is None else _matching(pattern, names)
        shown = [one for one in told if one[1] in wanted]
        lines = aligned([(host, name, _value_text(value)) for host, name, value in shown])
        for line, (host, name, value) in zip(lines, shown, strict=True):
            self._shell.output.row([line], {"host": host, "fact": name, "value": value})
        status = first_failure([tell_absent(self._shell.output, there.absent), self._complain(objects.unanswered)])
        if pattern is not None and not wanted and status is ExitStatus.OK:
            raise not_found("Fact", pattern, sorted(names))
        return first_failure([status, _matched(shown)])

    def _status(self, there: Attendance, rows: Sequence[object]) -> ExitStatus:
        """Tell who is missing in a list of hosts or agents."""
        console, output = self._shell.console, self._shell.output
        status = first_failure([tell_absent(output, there.absent), tell_others(console, output, there)])
        return first_failure([status, _matched(rows)])

    def _complain(self, unanswered: Sequence[AgentLike]) -> ExitStatus:
        if not unanswered:
            return ExitStatus.OK
        self._shell.output.complain(unanswered_lines(unanswered))
        return ExitStatus.SOME_FAILED


def _facts(found: ObjectLike) -> dict[str, object]:
    told = dict(_flat("", found.values.get("facts")))
    return {**told, **{f"label.{name}": value for name, value in _flat("", found.values.get("labels"))}}


def _flat(prefix: str, values: object) -> Iterator[tuple[str, object]]:
    """Facts by dotted name; ours are flat already."""
    if not isinstance(values, Mapping):
        return
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value


def _matching(pattern: str, names: set[str]) -> set[str]:
    import fnmatch  # wanted by this command only

    meant = {pattern, f"label.{pattern}"} & names  # a filter finds both by the bare name
    return meant or {name for name in names if fnmatch.fnmatchcase(name, pattern)}


def _offered(met: Collection[str], told: Collection[str]) -> list[str]:
    """Names for completion; a fact of which the name is quoted in filters is left out."""
    return sorted({*met, *(name.removeprefix("fact.") for name in told if not name.startswith('"'))})


def _value_text(value: object) -> str:
    if isinstance(value, str) and "\n" not in value:
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _matched(rows: Sequence[object]) -> ExitStatus:
    return ExitStatus.OK if rows else ExitStatus.NOTHING_MATCHED


def _class_text(objects: ObjectsLike) -> str:
    return f"{objects.class_name.package}:{objects.class_name.name}"

"""The commands that every mode has: lists, selecting, clearing, help, waiting, leaving.

The docstrings of the actions are the help texts.

Source: matahari-2012.md 15.4
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from matahari.shell.base.outcome import ExitStatus, first_failure
from matahari.shell.base.ports import DEFAULT_PACKAGE, PLUGIN_PACKAGE, ObjectsLike
from matahari.shell.base.selection import MEMBER_WORDS, Directory, LiveDirectory, Selection, Snapshot
from matahari.shell.display.attendance import attendance_of, tell_absent, tell_others, tell_unannounced
from matahari.shell.display.render import one_line, printable
from matahari.shell.syntax.commands import Command, Source
from matahari.shell.syntax.grammar import Group, Keyword, Repeat, Value
from matahari.shell.syntax.values import Bound, Choice, Real, not_found
from matahari.shell.verbs.help import HELP_ON_HELP, command_help, overview
from matahari.shell.verbs.topics import Second, Topic

if TYPE_CHECKING:
    from matahari.shell.verbs.shell import Shell

__all__ = ["GeneralCommands"]

MAX_SLEEP = 7 * 86400.0  # a week; more is a typing error


class GeneralCommands:
    """The commands of every mode, working on one shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def sources(self, directory: Directory) -> Iterator[Source]:
        """The commands of the shell's current mode, members of the selected class included."""
        yield Source(("list", "select"), lambda: self._lists_and_selections(directory))
        yield Source(("select",), lambda: _host_filters(self._shell, directory))
        yield Source(("show",), lambda: _inspection(self._shell, directory))
        yield Source(("describe",), lambda: _describe(self._shell, directory))
        yield Source(("reload",), lambda: _reloading(self._shell, directory))
        yield Source(("no",), lambda: _undo(self._shell, directory))
        yield Source(("show", "clear"), lambda: _history(self._shell, directory))
        yield Source(("events", "show"), lambda: _events(self._shell, directory))
        yield Source(("time", "watch"), lambda: _wrapping(self._shell, directory))
        yield Source(("roll",), lambda: _rolling(self._shell, directory))
        yield Source(("timeout",), lambda: _time_limit(self._shell))
        yield Source(("clear",), self._clears)
        if (objects := self._shell.objects) is not None:
            yield Source(("get", "set", "call", "select", "summary"), lambda: _members(objects, self._shell))
        yield Source(("sleep", "help", "quit", "exit", "EOF"), lambda: self._others(directory))

    def _lists_and_selections(self, directory: Directory) -> Iterator[Command]:
        package = Group(
            (
                Keyword("package"),
                Value("PACKAGE", Choice("Package", lambda bound: directory.packages(), is_checked=False)),
            )
        )
        hosts = Repeat(Value("HOST", Choice("Host", lambda bound: directory.hosts(), final_blank=False)))
        yield Command((Keyword("list"), Keyword("hosts")), self._list_hosts)
        yield Command((Keyword("list"), Keyword("agents")), self._list_agents)
        yield Command((Keyword("list"), Keyword("packages")), self._list_packages)
        yield Command((Keyword("list"), Keyword("classes"), package), self._list_classes)
        yield Command((Keyword("list"), Keyword("commands")), self._list_commands)
        yield Command((Keyword("select"), Keyword("host"), hosts), self._select_host)
        class_value = Value("CLASS", _class_choice(directory))
        yield Command((Keyword("select"), Keyword("class"), package, class_value), self._select_class)
        plugin = Value("PLUGIN", Choice("Plugin", lambda bound: directory.plugins(), is_checked=False))
        yield Command((Keyword("select"), Keyword("plugin"), plugin), self._select_plugin)

    def _clears(self) -> Iterator[Command]:
        yield Command((Keyword("clear"), Keyword("all")), self._clear_all)
        if self._shell.selection.hosts:
            yield Command((Keyword("clear"), Keyword("host")), self._clear_host)
            yield Command((Keyword("clear"), Keyword("hosts", whole=True)), self._clear_host, is_hidden=True)
        if self._shell.selection.has_class:
            yield Command((Keyword("clear"), Keyword("class")), self._clear_class)
            yield Command((Keyword("clear"), Keyword("properties")), self._clear_properties)

    def _others(self, directory: Directory) -> Iterator[Command]:
        yield Command((Keyword("sleep"), Value("FLOAT", Real(0.0, MAX_SLEEP))), self._sleep)
        topic = Value("COMMAND", self._topics(directory))
        yield Command((Keyword("help"), Group((topic,))), self._help)
        yield Command((Keyword("help"), topic, Value("WORD", Second(self._seconds))), self._help_on)
        yield Command((Keyword("help"), topic, Repeat(Value("WORD"))), self._help_on, is_hidden=True)
        for word in ("quit", "exit"):
            yield Command((Keyword(word),), self._quit)
        yield Command((Keyword("EOF"),), self._end_of_file, is_hidden=True)

    def _topics(self, directory: Directory) -> Topic:
        def words() -> list[str]:
            from matahari.shell.pipes.running import STAGE_NAMES  # only help wants them
            from matahari.shell.verbs.topics_text import TOPICS

            return [*self._shell.commands(directory).first_words(), *STAGE_NAMES, *TOPICS]

        return Topic(words)

    def _seconds(self, topic: str) -> list[str]:
        """The keywords behind a first word; as of the last select, so that completion asks nobody."""
        return [command.second for command in self._shell.commands(Snapshot()).visible(topic) if command.second]

    def _list_hosts(self, values: tuple[object, ...]) -> ExitStatus:
        """List the names of all hosts on the bus, one a line."""
        for host in self._shell.console.hosts():
            self._shell.output.row([one_line(host.name)], {"host": host.name, "uuid": str(host.uuid)})
        return tell_unannounced(self._shell.console, self._shell.output)

    def _list_agents(self, values: tuple[object, ...]) -> ExitStatus:
        """List the names of the agents on the selected hosts, one a line."""
        console, output = self._shell.console, self._shell.output
        there = attendance_of(console, self._shell.selection)
        for agent in console.agents(there.hosts):
            record = {"host": agent.host, "agent": agent.name, "product": agent.product}
            output.row([one_line(agent.name)], record)
        return first_failure([tell_absent(output, there.absent), tell_others(console, output, there)])

    def _list_packages(self, values: tuple[object, ...]) -> ExitStatus:
        """List the packages that the agents publish, one a line."""
        for package in self._shell.console.packages():
            self._shell.output.row([one_line(package)], {"package": package})
        return ExitStatus.OK

    def _list_classes(self, values: tuple[object, ...]) -> ExitStatus:
        """List the classes of all packages, or of one, as package:Class, one a line."""
        package = _package(values[2])
        classes = self._shell.console.classes(package)
        if package is not None and not classes:
            raise not_found("Package", package, self._shell.console.packages())
        for found in classes:
            text = one_line(f"{found.package}:{found.name}")
            self._shell.output.row([text], {"package": found.package, "class": found.name})
        return ExitStatus.OK

    def _list_commands(self, values: tuple[object, ...]) -> ExitStatus:
        """List the syntax of every command of the current mode."""
        for text in self._shell.commands(LiveDirectory(self._shell.console)).syntaxes():
            self._shell.output.row([printable(text)], {"command": text})
        return ExitStatus.OK

    def _select_host(self, values: tuple[object, ...]) -> ExitStatus:
        """Restrict the selection to these hosts. An earlier choice of hosts is replaced."""
        status = self._shell.select(self._shell.selection.with_hosts(_texts(values[2])))
        if self._shell.output.is_piped:
            from matahari.shell.verbs.hostfilters import show_selected  # most selections go nowhere

            show_selected(self._shell.output, self._shell.selection.hosts)
        return status

    def _select_class(self, values: tuple[object, ...]) -> ExitStatus:
        """Select a class, of the package org.matahariproject unless another is named. Property filters are dropped."""
        return self._shell.select(
            self._shell.selection.with_class(_package(values[2]) or DEFAULT_PACKAGE, str(values[3]))
        )

    def _select_plugin(self, values: tuple[object, ...]) -> ExitStatus:
        """Select a plugin: the class of that name in the package org.matahariproject.rpc.plugin."""
        return self._shell.select(self._shell.selection.with_class(PLUGIN_PACKAGE, str(values[2])))

    def _clear_all(self, values: tuple[object, ...]) -> ExitStatus:
        """Forget hosts, class and property filters."""
        return self._shell.select(Selection())

    def _clear_host(self, values: tuple[object, ...]) -> ExitStatus:
        """Forget the selected hosts: all hosts are meant again."""
        return self._shell.select(self._shell.selection.with_hosts(()))

    def _clear_class(self, values: tuple[object, ...]) -> ExitStatus:
        """Forget the selected class and the property filters."""
        return self._shell.select(self._shell.selection.with_class("", ""))

    def _clear_properties(self, values: tuple[object, ...]) -> ExitStatus:
        """Forget the property filters."""
        return self._shell.select(self._shell.selection.without_filters())

    def _sleep(self, values: tuple[object, ...]) -> ExitStatus:
        """Wait that many seconds."""
        seconds = values[1]
        assert isinstance(seconds, float)  # what Real converts to
        self._shell.sleep(seconds)
        return ExitStatus.OK

    def _help(self, values: tuple[object, ...]) -> ExitStatus:
        """List the commands, or explain one."""
        topic = _member(values[1], 0)
        if topic in MEMBER_WORDS:
            self._shell.renew()
        commands = self._shell.commands(LiveDirectory(self._shell.console))
        if topic is None:
            lines = overview(commands, width=self._shell.output.width or 80, has_class=self._shell.selection.has_class)
        elif topic == "help":
            lines = [HELP_ON_HELP]
        else:
            lines = command_help(commands, topic, width=self._shell.output.width)
        self._shell.output.text("\n".join(lines))
        return ExitStatus.OK

    def _help_on(self, values: tuple[object, ...]) -> ExitStatus:
        """Explain the commands that begin with these words."""
        if values[1] in MEMBER_WORDS:
            self._shell.renew()
        commands = self._shell.commands(LiveDirectory(self._shell.console))
        more = _texts(values[2]) if isinstance(values[2], list) else [str(values[2])]
        lines = command_help(commands, str(values[1]), more, width=self._shell.output.width)
        self._shell.output.text("\n".join(lines))
        return ExitStatus.OK

    def _quit(self, values: tuple[object, ...]) -> ExitStatus:
        """Leave the shell; in a script, end the script."""
        self._shell.finished = True
        return ExitStatus.OK

    def _end_of_file(self, values: tuple[object, ...]) -> ExitStatus:
        self._shell.output.remark("")
        return self._quit(values)


def _class_choice(directory: Directory) -> Choice:
    def names(bound: Bound) -> list[str]:
        package = bound.get("PACKAGE") or DEFAULT_PACKAGE
        return [name for owner, name in directory.classes() if owner == package]

    return Choice("Class", names, is_checked=False)


def _member(group: object, index: int) -> str | None:
    assert isinstance(group, tuple)  # what a Group matches
    member = group[index]
    return None if member is None else str(member)


def _package(group: object) -> str | None:
    return _member(group, 1)


def _texts(values: object) -> list[str]:
    assert isinstance(values, list)  # what a Repeat matches
    return [str(value) for value in values]


# A line needs one of these modules at most; each is loaded when a line, or completion, asks for its commands.


def _host_filters(shell: Shell, directory: Directory) -> Iterator[Command]:
    from matahari.shell.verbs.hostfilters import HostFilters

    return HostFilters(shell).commands(directory)


def _inspection(shell: Shell, directory: Directory) -> Iterator[Command]:
    from matahari.shell.verbs.inspection import Inspection

    return Inspection(shell).commands(directory)


def _describe(shell: Shell, directory: Directory) -> Iterator[Command]:
    from matahari.shell.verbs.describe import Describe

    return Describe(shell).commands(directory)


def _reloading(shell: Shell, directory: Directory) -> Iterator[Command]:
    from matahari.shell.verbs.reloading import Reloading

    return Reloading(shell).commands(directory)


def _undo(shell: Shell, directory: Directory) -> Iterator[Command]:
    from matahari.shell.verbs.undo import Undo

    return Undo(shell).commands(directory)


def _history(shell: Shell, directory: Directory) -> Iterator[Command]:
    from matahari.shell.verbs.history import HistoryCommands

    return HistoryCommands(shell).commands(directory)


def _events(shell: Shell, directory: Directory) -> Iterator[Command]:
    from matahari.shell.events.commands import EventCommands

    return EventCommands(shell).commands(directory)


def _wrapping(shell: Shell, directory: Directory) -> Iterator[Command]:
    from matahari.shell.verbs.wrapping import WrappingCommands

    return WrappingCommands(shell).commands(directory)


def _rolling(shell: Shell, directory: Directory) -> Iterator[Command]:
    from matahari.shell.verbs.rolling import RollingCommand

    return RollingCommand(shell).commands(directory)


def _time_limit(shell: Shell) -> Iterator[Command]:
    from matahari.shell.verbs.timelimit import TimeLimit

    return TimeLimit(shell).commands()


def _members(objects: ObjectsLike, shell: Shell) -> Iterator[Command]:
    from matahari.shell.verbs.members import member_commands

    return member_commands(objects, shell)

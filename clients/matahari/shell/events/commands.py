"""``events`` and ``show events``: what agents raise, as it comes and as it came; and agents that come and go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from matahari.shell.base.outcome import CommandError, ExitStatus
from matahari.shell.base.ports import ConsoleLike
from matahari.shell.base.selection import Directory, Selection
from matahari.shell.display.attendance import attendance_of, tell_absent
from matahari.shell.display.output import Output
from matahari.shell.display.rows import counted
from matahari.shell.syntax.commands import Command
from matahari.shell.syntax.flags import Flag, complete_flags, read_flags
from matahari.shell.syntax.grammar import Keyword, Rest
from matahari.shell.syntax.lines import Word
from matahari.shell.syntax.values import Integer

if TYPE_CHECKING:
    from matahari.shell.events.log import EventLog

__all__ = ["MAX_COUNT", "EventCommands"]

MAX_COUNT = 1_000_000_000  # of events to wait for; more is a typing error

_FLAGS = (Flag("-n", "COUNT", Integer(1, MAX_COUNT)),)


class Shell(Protocol):
    """What the commands work on: the session."""

    output: Output
    selection: Selection
    event_log: EventLog | None

    @property
    def timeout(self) -> float:
        """Seconds to wait for answers."""

    @property
    def console(self) -> ConsoleLike:
        """The bus."""


class EventCommands:
    """The commands, working on one shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def commands(self, directory: Directory) -> Iterator[Command]:
        """Both."""
        events = Keyword("events")

        def complete(words: Sequence[Word], fragment: str) -> list[str]:
            return self._complete(directory, words, fragment)

        wish = Rest("(-n COUNT) (PACKAGE:CLASS)", complete=complete, may_end=_is_wish)
        yield Command((events, wish), self._follow)
        yield Command((Keyword("show"), events, wish), self._show)

    def _follow(self, values: tuple[object, ...]) -> ExitStatus:
        """Show events of the selected hosts as they come, until Ctrl-C or until there were COUNT.

        Without a class also agents that come and go, and no heartbeats of hosts: those are events heartbeat. A class
        without package is that of any package.
        """
        from matahari.shell.events.follow import follow  # only this command needs it
        from matahari.shell.events.meaning import asked_for, wanted

        name, count = _wish(values[-1])
        shell = self._shell
        there = attendance_of(shell.console, shell.selection)
        status = tell_absent(shell.output, there.absent)
        self._log().begin(shell.console)
        with shell.console.events(asked_for(name), hosts=there.hosts, timeout=shell.timeout) as stream:
            if shell.output.err.isatty():
                shell.output.remark(f"listening to {_hosts(shell.selection)}{_left_out(name)}; Ctrl-C ends")
            self._warn(name)
            follow(stream, shell.output, meant=wanted(name), count=count)
        return status

    def _show(self, values: tuple[object, ...]) -> ExitStatus:
        """Show the last events of the selected hosts that this shell has heard, of at most 1000.

        A shell at a terminal listens from its start, a script from its first "events" or "show events". Heartbeats of
        hosts are shown where their class is named.
        """
        from matahari.shell.events.meaning import is_heartbeat, wanted
        from matahari.shell.events.rows import clock_text, show_event  # only this command needs it

        name, count = _wish(values[-1])
        shell = self._shell
        log = self._log()
        log.begin(shell.console)
        kept = log.recent()
        is_meant, hosts = wanted(name), shell.selection.hosts
        meant = [heard for heard in kept if is_meant(heard.event) and (not hosts or heard.event.host in hosts)]
        shown = meant if count is None else meant[-count:]
        for heard in shown:
            show_event(shell.output, heard)
        lost = log.forgotten(heartbeats=any(is_heartbeat(heard.event) for heard in meant))
        forgotten = f"; the first {lost} of all are forgotten" if lost else ""
        since = clock_text(log.since_ns or 0)
        events = counted(len(shown), "event")
        where = f"{_hosts(shell.selection)}{_left_out(name)}"
        shell.output.remark(f"{events} of {where}; listening since {since}{forgotten}")
        if not meant:
            self._warn(name)
        return ExitStatus.OK

    def _warn(self, name: str | None) -> None:
        """Tell that there is no such class, as far as that is known."""
        if name is None:
            return
        from matahari.shell.events.meaning import unknown_class

        heard = ((one.event.package, one.event.name) for one in self._log().recent() if one.event.kind == "event")
        if text := unknown_class(name, self._shell.console, heard):
            self._shell.output.remark(text)

    def _log(self) -> EventLog:
        if self._shell.event_log is None:
            from matahari.shell.events.log import EventLog  # most scripts never hear an event

            self._shell.event_log = EventLog()
        return self._shell.event_log

    def _complete(self, directory: Directory, words: Sequence[Word], fragment: str) -> list[str]:
        flags, left = complete_flags(words, fragment, _FLAGS, anywhere=True)
        if left is None or left:
            return flags
        heard = [] if self._shell.event_log is None else self._shell.event_log.recent()
        known = {(one.event.package, one.event.name) for one in heard if one.event.kind == "event"}
        known.update(directory.events())
        names = {f"{package}:{name}" for package, name in known}
        if fragment:
            names |= {name for _, name in known}  # of any package
        return [*flags, *(f"{name} " for name in sorted(names) if name.startswith(fragment))]


def _left_out(name: str | None) -> str:
    return ", heartbeats left out" if name is None else ""


def _hosts(selection: Selection) -> str:
    return counted(len(selection.hosts), "host") if selection.hosts else "all hosts"


def _is_wish(words: Sequence[Word]) -> bool:
    try:
        _wish(tuple(words))
    except CommandError:
        return False
    return True


def _wish(words: object) -> tuple[str | None, int | None]:
    """The class and the number of events that are wanted, None for any.

    Raises:
        CommandError: the words are not what a command about events takes.
    """
    assert isinstance(words, tuple)  # what a Rest matches
    given, names = read_flags(words, _FLAGS, anywhere=True)
    if len(names) > 1:
        raise CommandError(f"Excess arguments: '{' '.join(word.text for word in names[1:])}'", position=names[1].start)
    count = given.get("-n")
    assert count is None or isinstance(count, int)  # what Integer converts to
    return names[0].text if names else None, count

"""``reload PLUGIN``: load a plugin anew on the selected hosts, and tell what came of it on each.

A version that does not load is a failure of that host; what was in service there stays in service. A host without such
a plugin is none that failed, as long as another has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from matahari.errors import NoAgentsError, RemoteError, UnexpectedError
from matahari.shell.base.outcome import ExitStatus, first_failure
from matahari.shell.base.ports import PLUGIN_PACKAGE, ConsoleLike, ObjectsLike
from matahari.shell.base.selection import Directory, Selection
from matahari.shell.display.attendance import attendance_of, tell_absent
from matahari.shell.display.output import Output
from matahari.shell.display.plugin_rows import FAULTY_STATES, load_error_text
from matahari.shell.display.render import printable
from matahari.shell.display.rows import counted
from matahari.shell.syntax.commands import Command
from matahari.shell.syntax.grammar import Group, Keyword, Value
from matahari.shell.syntax.values import Choice, not_found

if TYPE_CHECKING:
    from matahari.console import Result
    from matahari.shell.display.calls import ShownCall
    from matahari.shell.display.progress import ProgressBar

__all__ = ["Reloaded", "Reloading"]

RPC_PACKAGE: Final = "org.matahariproject.rpc"
PLUGINS: Final = "Plugins"  # the class, of one object on each host
_WITHOUT_SERVICE: Final = ("failed", "quarantined")  # states in which no version runs
NOT_LOADED: Final = "not_loaded"  # kind of the failure of a plugin that is not there, or does not load


class Shell(Protocol):
    """What the commands work on: the session."""

    console: ConsoleLike
    output: Output
    selection: Selection
    absent: Sequence[str]
    limit: float | None
    answers: dict[str, object]

    @property
    def timeout(self) -> float:
        """Seconds to wait for answers."""

    @property
    def clock(self) -> Callable[[], float]:
        """Monotonic seconds."""

    def select(self, selection: Selection) -> ExitStatus:
        """Make this the selection; agents that did not answer make the status."""


class Reloading:
    """The commands, working on one shell."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def commands(self, directory: Directory) -> Iterator[Command]:
        """The same in every mode; the name may be left out where a plugin is selected."""

        def names(bound: Mapping[str, object]) -> Sequence[str]:
            return [name for package, name in directory.classes() if package == PLUGIN_PACKAGE]

        keyword, plugin = Keyword("reload"), Value("PLUGIN", Choice("Plugin", names, is_checked=False))
        yield Command((keyword, Keyword("all", whole=True)), self._reload_all)
        is_optional = self._shell.selection.package == PLUGIN_PACKAGE
        yield Command((keyword, Group((plugin,)) if is_optional else plugin), self._reload)

    def _reload(self, values: tuple[object, ...]) -> ExitStatus:
        """Load a plugin anew on the selected hosts, as it is on disk there; of the selected class without PLUGIN."""
        given = values[1]
        [name] = given if isinstance(given, tuple) else [given]
        return _Reload(self._shell, str(name or self._shell.selection.class_name)).run()

    def _reload_all(self, values: tuple[object, ...]) -> ExitStatus:
        """Load every plugin of the selected hosts anew."""
        return _Reload(self._shell, None).run()


class _Reload:
    """One call of ``reload``, or without a name of ``reload_all``."""

    def __init__(self, shell: Shell, name: str | None) -> None:
        self._shell = shell
        self._name = name
        self._is_plain = not (shell.output.as_json or shell.output.is_piped)
        self._has_news = False
        self._has_faults = False

    def run(self) -> ExitStatus:
        """Call it and show what comes.

        Raises:
            NoAgentsError: no selected host has plugins, or a plugin of that name.
        """
        from matahari.shell.display.results import ResultsView  # uses the console, which a script may never need

        shell = self._shell
        there = attendance_of(shell.console, shell.selection)
        everywhere = self._fetch(there.hosts)
        left_out = first_failure([tell_absent(shell.output, there.absent), self._complain(everywhere)])
        hosts = _hosts_with(everywhere, self._name)
        objects = everywhere if len(hosts) in (0, len(everywhere)) else self._fetch(hosts)
        view = ResultsView(shell, objects, name=self._method, unanswered=everywhere.unanswered, absent=there.absent)
        call = self._call(objects, view.bar)
        if self._name is not None and not hosts:
            # Nobody knows it, but a file may have come just now: agents look when they are asked.
            status = view.show(self._told(_required(call, self._name, everywhere)), end=call.close)
        else:
            status = view.show(self._told(call), end=call.close)
        if len(objects) < len(everywhere):
            left = len(everywhere) - len(objects)
            shell.output.remark(f"{counted(left, 'host')} without {printable(str(self._name))}")
        statuses = [status, left_out, ExitStatus.SOME_FAILED if self._has_faults else ExitStatus.OK]
        if self._has_news and shell.selection.package == PLUGIN_PACKAGE:
            statuses.append(shell.select(shell.selection))  # the class may have other methods now
        return first_failure(statuses)

    @property
    def _method(self) -> str:
        return "reload_all" if self._name is None else "reload"

    def _fetch(self, hosts: Sequence[str] | None) -> ObjectsLike:
        found = self._shell.console.select(PLUGINS, package=RPC_PACKAGE, hosts=hosts, timeout=self._shell.timeout)
        if not len(found):
            raise NoAgentsError("No selected host runs plugins")
        return found

    def _complain(self, objects: ObjectsLike) -> ExitStatus:
        if not objects.unanswered:
            return ExitStatus.OK
        from matahari.shell.display.tally import unanswered_lines  # hosts usually answer

        self._shell.output.complain(unanswered_lines(objects.unanswered, "not asked"))
        return ExitStatus.SOME_FAILED

    def _call(self, objects: ObjectsLike, bar: ProgressBar | None) -> ShownCall:
        from matahari.shell.display.calls import ShownCall  # as above

        args = () if self._name is None else (self._name,)
        call = objects.stream_with(self._method, args, {}, timeout=self._shell.timeout)
        return ShownCall(call, objects, self._shell.output, name=self._method, bar=bar)

    def _told(self, results: Iterable[Result]) -> Iterator[Result]:
        """The results as they are shown: a version that does not load is a failure."""
        for result in results:
            value = result.value
            if not result.ok or not isinstance(value, Mapping):
                yield result
            elif self._name is None:
                yield self._told_all(result, value)
            else:
                yield self._told_one(result, value)

    def _told_one(self, result: Result, value: Mapping[str, object]) -> Result:
        reloaded = Reloaded.of(value)
        self._has_news |= reloaded.is_news
        if reloaded.fault:
            error = UnexpectedError(
                reloaded.text, action=self._method, remote_type=reloaded.fault_type, kind=NOT_LOADED
            )
            return replace(result, value=None, error=error)
        return replace(result, value=reloaded.text) if self._is_plain else result

    def _told_all(self, result: Result, value: Mapping[str, object]) -> Result:
        plugins = {name: Reloaded.of(one) for name, one in sorted(value.items()) if isinstance(one, Mapping)}
        self._has_news |= any(one.is_news for one in plugins.values())
        self._has_faults |= any(one.fault for one in plugins.values())
        if not self._is_plain:
            return result
        lines = [f"{name}: {'% ' if one.fault else ''}{one.text}" for name, one in plugins.items()]
        return replace(result, value="\n".join(lines) or "no plugins")


def _hosts_with(objects: ObjectsLike, name: str | None) -> list[str]:
    """Hosts that know the plugin; without a name all."""
    hosts: list[str] = []
    for found in objects:
        states = found.values.get("states")
        if name is None or (isinstance(states, Mapping) and name in states):
            hosts.append(found.host)
    return hosts


def _required(results: Iterable[Result], name: str, objects: ObjectsLike) -> Iterator[Result]:
    """The results, unless nobody has such a plugin."""
    told = list(results)
    if told and all(isinstance(one.error, RemoteError) and one.error.kind == NOT_LOADED for one in told):
        states = (found.values.get("states") for found in objects)
        known = {str(plugin) for one in states if isinstance(one, Mapping) for plugin in one}
        raise not_found("Plugin", name, sorted(known))
    yield from told


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What an agent says that a reload did.

    Attributes:
        old, new: generations, 0 for none.
        state: of the plugin now.
        fault: why the newest version is not in service, empty when it is.
        fault_type: class of the exception, empty for none.
        changes: methods that are ``added``, ``removed`` or ``changed``.
    """

    old: int
    new: int
    state: str
    fault: str
    fault_type: str
    changes: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, value: Mapping[str, object]) -> Reloaded:
        """Read the values of the answer; what is missing or of another type counts as nothing."""
        old, new = (
            number if isinstance(number := value.get(name), int) else 0 for name in ("old_generation", "generation")
        )
        state, error = value.get("state"), value.get("last_error")
        shown = state if isinstance(state, str) else ""
        fault = load_error_text(error) if isinstance(error, Mapping) and error else ""
        kind = error.get("type") if isinstance(error, Mapping) else ""
        lists = [(verb, value.get(verb)) for verb in ("added", "removed", "changed")]
        changes = tuple((verb, tuple(map(str, names))) for verb, names in lists if isinstance(names, list) and names)
        return cls(
            old, new, shown, fault or (shown if shown in FAULTY_STATES else ""), str(kind) if kind else "", changes
        )

    @property
    def is_news(self) -> bool:
        """Another version is in service than before."""
        return self.old != self.new

    @property
    def text(self) -> str:
        """``generation 1 -> 2; added mul``, or why it was not loaded, in one line."""
        if self.fault:
            is_served = self.new and self.state not in _WITHOUT_SERVICE
            return f"generation {self.new} stays in service: {self.fault}" if is_served else f"not loaded: {self.fault}"
        came = f"generation {self.old} -> {self.new}" if self.old else f"generation {self.new}, new"
        state = "" if self.state in ("", "ready") else f", {self.state}"
        return "; ".join([came + state, *(f"{verb} {', '.join(names)}" for verb, names in self.changes)])

"""The shell's state and what its commands do, without any terminal.

A session holds the selection and its objects, turns lines into commands of the current mode, runs them on the blocking
console and hands the answers to the output. One thread uses it; completion may ask for :meth:`Session.commands` from
the same thread only.

Source: matahari-2012.md 15.3, 15.4 and 15.7
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from matahari.errors import (
    FilterSyntaxError,
    InvalidArgumentError,
    MatahariError,
    MissingArgumentError,
    NoAgentsError,
    SchemaError,
)
from matahari.shell.base.limits import DEFAULT_TIMEOUT
from matahari.shell.base.outcome import CommandError, ExitStatus, first_failure, status_of
from matahari.shell.base.ports import PLUGIN_PACKAGE, ConsoleLike, MethodLike, ObjectsLike
from matahari.shell.base.selection import MEMBER_WORDS, Directory, LiveDirectory, Selection
from matahari.shell.display.approval import Approval, never
from matahari.shell.display.attendance import Attendance, attendance_of, tell_absent
from matahari.shell.display.output import Output
from matahari.shell.display.render import printable, value_lines
from matahari.shell.syntax.commands import CommandSet, UnknownCommandError
from matahari.shell.syntax.leading import is_select, with_help_word
from matahari.shell.syntax.lines import Line, Word, scan, split
from matahari.shell.syntax.values import close_matches
from matahari.shell.verbs.general import GeneralCommands
from matahari.shell.verbs.help import UnknownTopicError, needs_class

if TYPE_CHECKING:
    from matahari.shell.display.rolling import Steps
    from matahari.shell.events.log import EventLog
    from matahari.shell.verbs.line_history import LineHistory
    from matahari.shell.verbs.sensitive import SensitiveMethods

__all__ = ["DEFAULT_TIMEOUT", "Session"]

RENEWAL_TIMEOUT = 2.0  # seconds; a host that does not answer must not make help wait, and what is known will do

_WRONG = (ExitStatus.USAGE, ExitStatus.NOTHING_MATCHED)  # of a command that could not be read


@dataclass(slots=True)
class Session:
    """One user's shell.

    Attributes:
        console: the bus.
        output: where answers go.
        limit: seconds that a command waits for answers, as somebody said; None for what is usual.
        sleep: how ``sleep`` waits; seconds.
        clock: monotonic seconds, for how long things took.
        approval: decides about calls that are declared destructive; by default none is made.
        selection: what is selected now.
        objects: the selected objects as of the last fetch, None while no class is selected.
        absent: the selected hosts that had left the bus by then.
        finished: ``quit`` was given.
        echo: show each command, with its prompt, before it runs.
        fact_names: facts and labels that filters have met, for completion.
        answers: values of the last call or get, by host (with the object where a host has several).
        history: the lines that were typed; None where nobody types.
        sensitive: which methods take secrets; None until somebody wants to know.
        is_lost: the last line had a ``select`` that failed, or that could not be read, so what was to follow it would
            meet other objects.
        is_wrong: the last line had a command that cannot be run as it was typed, which no repetition makes better.
        event_log: events that were heard, None while nobody listens.
        steps: how calls go over their hosts; None for all at once.
    """

    console: ConsoleLike
    output: Output
    limit: float | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    approval: Approval = never
    selection: Selection = field(default_factory=Selection)
    objects: ObjectsLike | None = None
    absent: Sequence[str] = ()
    finished: bool = False
    echo: bool = False
    fact_names: frozenset[str] = frozenset()
    answers: dict[str, object] = field(default_factory=dict)
    history: LineHistory | None = None
    sensitive: SensitiveMethods | None = None
    is_lost: bool = False
    is_wrong: bool = False
    event_log: EventLog | None = None
    steps: Steps | None = None

    @property
    def timeout(self) -> float:
        """Seconds that a command waits for answers; a call may wait longer while nobody has said how long."""
        return DEFAULT_TIMEOUT if self.limit is None else self.limit

    @property
    def prompt(self) -> str:
        """The prompt of the current mode."""
        return self.selection.prompt

    def execute(self, text: str, *, stop_on_error: bool = False) -> ExitStatus:
        """Run the commands of one line and print what they say.

        Args:
            text: one line; ``;`` separates commands.
            stop_on_error: leave the rest of the line alone after a failed command.

        The rest of the line is left alone after a failed ``select`` in any case: it was meant for other objects.

        Returns:
            The status of the first failed command, else OK. Our own errors are printed, not raised;
            ``KeyboardInterrupt`` passes.
        """
        statuses: list[ExitStatus] = []
        self.is_lost = self.is_wrong = False
        try:
            lines = split(text)
        except FilterSyntaxError as error:
            lines = scan(text)
            self.output.error(*self._masked(CommandError(str(error), position=error.position), lines[-1]))
            self.is_lost, self.is_wrong = any(map(is_select, lines)), True
            return ExitStatus.USAGE
        for line in lines:
            if self.echo:
                self.output.remark(f"{self.prompt}{self.shown_ahead(line.source.strip())}")
            statuses.append(self._execute_one(line))
            if self.finished or self.is_lost or (stop_on_error and statuses[-1] is not ExitStatus.OK):
                break
        return first_failure(statuses)

    def commands(self, directory: Directory) -> CommandSet:
        """The commands of the current mode; ``directory`` knows the names that lines may refer to."""
        return CommandSet(GeneralCommands(self).sources(directory), stages=_stages)

    def ask_with(self, approval: Approval) -> None:
        """Have another approval decide from now on."""
        self.approval = approval

    def _execute_one(self, line: Line) -> ExitStatus:
        if line.stages:
            from matahari.shell.pipes.running import run_piped  # most lines have no pipe

            return run_piped(self.output, line, self._run, self._explain)
        try:
            return self._run(line)
        except MatahariError as error:
            return self._explain(error, line)

    def _explain(self, error: MatahariError, line: Line) -> ExitStatus:
        """Tell about an error of a command that was not run, or not to its end."""
        self.is_wrong |= isinstance(error, CommandError) and error.status in _WRONG
        if isinstance(error, UnknownCommandError):
            self.is_lost = error.word not in MEMBER_WORDS and bool(close_matches(error.word.lower(), ["select"]))
            self._complain_unknown(error, self._masked(error, line)[1])
        elif isinstance(error, UnknownTopicError):
            self.output.complain([f"*** {printable(str(error))}", *(f"% {printable(hint)}" for hint in error.hints)])
        else:
            self.is_lost = is_select(line)
            self.output.error(*self._masked(self._pointed(error, line), line))
        return status_of(error)

    def _pointed(self, error: MatahariError, line: Line) -> MatahariError:
        is_without_column = isinstance(error, CommandError) and error.position is None
        if not is_without_column and not isinstance(error, NoAgentsError | MissingArgumentError):
            return error
        from matahari.shell.syntax.unknown_names import pointed_at  # only wanted after a mistake

        try:
            return pointed_at(error, line, self.commands(LiveDirectory(self.console)))
        except MatahariError:
            return error  # what nobody knows now is told without a column

    def shown_ahead(self, text: str) -> str:
        """The line without its secrets, to be shown before it is run."""
        from matahari.shell.verbs.masking import masked_ahead  # most lines are not shown again

        return masked_ahead(self, text)

    def _masked(self, error: MatahariError, line: Line) -> tuple[MatahariError, Line]:
        from matahari.shell.verbs.masking import masked_error

        return masked_error(self, error, line)

    def _run(self, line: Line) -> ExitStatus:
        line = with_help_word(line)
        try:
            command, values = self.commands(LiveDirectory(self.console)).find(line)
        except CommandError as error:
            # The class may have members by now that it did not have when it was selected: a plugin was saved.
            is_member = isinstance(error, UnknownCommandError) and error.word in MEMBER_WORDS
            if not self.selection.has_class or not (is_member or error.status is ExitStatus.NOTHING_MATCHED):
                raise
            self.select(self.selection)
            command, values = self.commands(LiveDirectory(self.console)).find(line)
        return command.action(values)

    def _complain_unknown(self, error: UnknownCommandError, line: Line) -> None:
        from matahari.shell.syntax.mismatches import pipe_hint  # only wanted after a mistake

        is_known = error.word in MEMBER_WORDS and not self.selection.has_class
        lines = [f"% {needs_class(error.word)}" if is_known else f"*** Unknown syntax: {printable(line.source)}"]
        if error.close and not is_known:
            lines.append(f"% Did you mean {', '.join(error.close)}?")
        lines += [f"% {hint}" for hint in pipe_hint(line.words[0])]
        self.output.complain(lines)

    # Commands of a class's members.

    def get_property(self, name: str) -> ExitStatus:
        """Print the property of every object, as of now."""
        from matahari.shell.display.results import show_property  # uses the console, which a script may never need

        status, self.objects = show_property(self, self._present(), name)
        return status

    def set_property(self, name: str, value: object) -> ExitStatus:
        """Write the property on every object; only failures are printed."""
        from matahari.shell.display.results import show_written

        return show_written(self, self._present(), name, value)

    def filter_property(self, name: str, value: object) -> ExitStatus:
        """Restrict the selection by a property."""
        return self.select(self.selection.with_filter(name, value))

    def call_method(
        self, method: str, arguments: Sequence[object], named: Mapping[str, object] = MappingProxyType({})
    ) -> ExitStatus:
        """Call on every object and print the results as they come."""
        objects = self._present()
        has_output = _has_output(objects.methods, method)
        self._approve(objects, method, arguments, named)
        return self._call(objects, method, arguments, dict(named), shows_ok=not has_output)

    def call_plugin(self, method: str, words: Sequence[Word]) -> ExitStatus:
        """Read the arguments with what the plugin publishes, call, and print the results as they come."""
        from matahari.shell.syntax.arguments import bind, has_unknown_name, parameters_of  # only plugins have these
        from matahari.shell.verbs.members import is_out_of_service

        objects = self._present()
        parameters = parameters_of(objects, method)
        if is_out_of_service(objects) or (parameters is not None and has_unknown_name(words, parameters)):
            self.select(self.selection)  # the plugin may have changed since it was selected
            objects = self._present()
            parameters = parameters_of(objects, method)
        given = bind(words, parameters, f"{objects.class_name.name}.{method}")
        try:
            self._approve(objects, method, given.args, given.kwargs)
            return self._call(objects, method, given.args, dict(given.kwargs))
        except (InvalidArgumentError, MissingArgumentError, SchemaError) as error:
            from matahari.shell.syntax.pointing import pointed  # only wanted after a mistake

            raise pointed(error, words, objects, method) from error

    def summarise(self, name: str) -> ExitStatus:
        """Print what an extension makes of the last answers."""
        if not self.answers:
            raise NoAgentsError("There are no answers to summarise: call a method or get a property first")
        value = self.console.summarise(name, self.answers)
        lines = [line for item in value for line in value_lines(name, item)] if isinstance(value, list) else None
        self.output.row(lines or value_lines(name, value), {"summary": name, "value": value})
        return ExitStatus.OK

    # The selection's objects.

    def select(self, selection: Selection) -> ExitStatus:
        """Make this the selection; when its objects cannot be had, nothing changes.

        Agents that did not answer are named, as are hosts that have left, and make the status: their objects are missing.
        """
        there = attendance_of(self.console, selection) if selection.has_class else Attendance()
        objects = self._fetch(selection, there, self.timeout)
        self.selection, self.objects, self.absent = selection, objects, there.absent
        if self.history is not None and objects is not None:
            self.history.meet(objects)
        status = tell_absent(self.output, there.absent)
        if objects is None or not objects.unanswered:
            return status
        from matahari.shell.display.tally import unanswered_lines  # hosts usually answer

        self.output.complain(unanswered_lines(objects.unanswered, "not selected"))
        return ExitStatus.SOME_FAILED

    def renew(self) -> None:
        """Fetch the objects of a selected plugin anew: it may have been saved. Where not all answer they stay as they are."""
        if self.selection.package != PLUGIN_PACKAGE:
            return
        try:
            there = attendance_of(self.console, self.selection)
            found = self._fetch(self.selection, there, min(self.timeout, RENEWAL_TIMEOUT))
        except MatahariError:
            return
        if found is not None and not found.unanswered:
            self.objects, self.absent = found, there.absent

    def _renewed(self) -> ObjectsLike:
        self.renew()
        return self._present()

    def _fetch(self, selection: Selection, there: Attendance, timeout: float) -> ObjectsLike | None:
        if not selection.has_class:
            return None
        return self.console.select(
            selection.class_name,
            package=selection.package,
            hosts=there.hosts,
            where=selection.filters or None,
            timeout=timeout,
        )

    def _present(self) -> ObjectsLike:
        if self.objects is None or not len(self.objects):
            raise NoAgentsError("No objects selected")
        return self.objects

    def _approve(self, objects: ObjectsLike, method: str, args: Sequence[object], kwargs: Mapping[str, object]) -> None:
        from matahari.shell.display.effects import risk_of  # only calls risk anything

        if (risk := risk_of(objects, method, args, kwargs)) is not None:
            from matahari.shell.display.refusals import require_takers  # before a question

            require_takers(objects, method, args, kwargs, self._renewed)
            self.approval(risk)

    def _call(
        self,
        objects: ObjectsLike,
        method: str,
        args: Sequence[object],
        kwargs: dict[str, object],
        *,
        shows_ok: bool = False,
    ) -> ExitStatus:
        if self.steps is not None:
            from matahari.shell.display.rolling import show_rolling_call

            return show_rolling_call(self, objects, method, args, kwargs, self.steps, shows_ok=shows_ok)
        from matahari.shell.display.results import show_call

        return show_call(self, objects, method, args, kwargs, shows_ok=shows_ok)


def _stages() -> CommandSet:
    from matahari.shell.pipes.running import stage_commands  # only what completes behind a pipe wants them

    return stage_commands()


def _has_output(methods: Sequence[MethodLike], name: str) -> bool:
    return any(argument.direction != "I" for method in methods if method.name == name for argument in method.arguments)

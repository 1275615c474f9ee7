"""The shell's state and what its commands do, without any terminal.

A session holds the selection and its objects, turns lines into commands of the current mode, runs them on the blocking
console and hands the answers to the output. One thread uses it; completion may ask for :meth:`Session.commands` from
the same thread only.

Source: matahari-2012.md 15.3, 15.4 and 15.7
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from matahari.errors import AgentGoneError, FilterSyntaxError, MatahariError, NoAgentsError
from matahari.shell.arguments import CallArguments, bind, has_unknown_name, parameters_of
from matahari.shell.commands import CommandSet, UnknownCommandError
from matahari.shell.effects import Approval, never, risk_of
from matahari.shell.general import GeneralCommands
from matahari.shell.help import UnknownTopicError
from matahari.shell.lines import Line, Word, scan, split
from matahari.shell.members import MEMBER_WORDS, is_out_of_service
from matahari.shell.outcome import CommandError, ExitStatus, first_failure, status_of
from matahari.shell.output import Output
from matahari.shell.ports import ConsoleLike, MethodLike, ObjectLike, ObjectsLike, ResultLike
from matahari.shell.render import (
    Tally,
    call_record,
    failure_lines,
    failure_record,
    labels,
    object_record,
    printable,
    value_lines,
    value_record,
)
from matahari.shell.selection import Directory, LiveDirectory, Selection

__all__ = ["DEFAULT_TIMEOUT", "Session"]

DEFAULT_TIMEOUT = 10.0  # 2012's limit of a group call, here a default


@dataclass(slots=True)
class Session:
    """One user's shell.

    Attributes:
        console: the bus.
        output: where answers go.
        timeout: seconds that a command waits for answers.
        sleep: how ``sleep`` waits; seconds.
        approval: decides about calls that are declared destructive; by default none is made.
        selection: what is selected now.
        objects: the selected objects as of the last fetch, None while no class is selected.
        finished: ``quit`` was given.
        echo: show each command, with its prompt, before it runs.
        fact_names: facts and labels that filters have met, for completion.
        answers: values of the last call or get, by host (with the object where a host has several).
        is_lost: the last line had a ``select`` that failed, so what was to follow it would meet other objects.
    """

    console: ConsoleLike
    output: Output
    timeout: float = DEFAULT_TIMEOUT
    sleep: Callable[[float], None] = time.sleep
    approval: Approval = never
    selection: Selection = field(default_factory=Selection)
    objects: ObjectsLike | None = None
    finished: bool = False
    echo: bool = False
    fact_names: frozenset[str] = frozenset()
    answers: dict[str, object] = field(default_factory=dict)
    is_lost: bool = False

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
        self.is_lost = False
        try:
            lines = split(text)
        except FilterSyntaxError as error:
            pointed = CommandError(str(error), position=error.position)
            self.output.error(pointed, scan(text)[-1])
            return ExitStatus.USAGE
        for line in lines:
            if self.echo:
                self.output.remark(f"{self.prompt}{line.source.strip()}")
            statuses.append(self._execute_one(line))
            if self.finished or self.is_lost or (stop_on_error and statuses[-1] is not ExitStatus.OK):
                break
        return first_failure(statuses)

    def commands(self, directory: Directory) -> CommandSet:
        """The commands of the current mode; ``directory`` knows the names that lines may refer to."""
        return CommandSet(GeneralCommands(self).commands(directory))

    def _execute_one(self, line: Line) -> ExitStatus:
        try:
            return self._run(_with_help_word(line))
        except UnknownCommandError as error:
            self._complain_unknown(error, line)
            return error.status
        except UnknownTopicError as error:
            self.output.complain([f"*** {printable(str(error))}"])
            return status_of(error)
        except MatahariError as error:
            self.is_lost = _is_select(line)
            self.output.error(error, line)
            return status_of(error)

    def _run(self, line: Line) -> ExitStatus:
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
        lines = [f"*** Unknown syntax: {printable(line.source)}"]
        if error.word in MEMBER_WORDS and not self.selection.has_class:
            lines.append(f'% "{error.word}" needs a class: select class (package PACKAGE) CLASS')
        self.output.complain(lines)

    # Commands of a class's members.

    def get_property(self, name: str) -> ExitStatus:
        """Print the property of every object, as of now."""
        known = self._present()
        fresh = known.refresh(timeout=self.timeout)
        values = dict(zip(map(_key, fresh), fresh.get(name) if len(fresh) else (), strict=True))
        if len(values) == len(known):
            self.objects = fresh
        tally = Tally.of(known)
        shown = labels(known)
        self.answers = {}
        for found in known:
            label, key = shown[_key(found)], _key(found)
            record = {**object_record(known, found), "name": name}
            if key in values:
                tally.answered += 1
                self.answers[label] = values[key]
                self.output.row(value_lines(label, values[key]), {**record, **value_record(values[key])})
            else:
                lines = failure_lines(label, None, debug=self.output.debug)
                self.output.row(lines, {**record, **failure_record(None, debug=False)}, failed=True)
        for host in known.missing:
            error = AgentGoneError("expected to answer, and not on the bus")
            record = {**object_record(known), "host": host, "name": name, **failure_record(error, debug=False)}
            self.output.row(failure_lines(printable(host), error, debug=False), record, failed=True)
        if tally.hosts > 1 and tally.silent:
            self.output.remark(str(tally))
        return tally.status

    def set_property(self, name: str, value: object) -> ExitStatus:
        """Write the property on every object; only failures are printed."""
        objects = self._present()
        results = iter(objects.set(name, value, timeout=self.timeout))
        return self._show(objects, results, name=name, prints_success=False)

    def filter_property(self, name: str, value: object) -> ExitStatus:
        """Restrict the selection by a property."""
        return self.select(self.selection.with_filter(name, value))

    def call_method(self, method: str, arguments: Sequence[object]) -> ExitStatus:
        """Call on every object and print the results as they come."""
        objects = self._present()
        has_output = _has_output(objects.methods, method)
        self._approve(objects, method)
        results = self._call(objects, method, arguments, {})
        return self._show(objects, results, name=method, shows_ok=not has_output)

    def call_plugin(self, method: str, words: Sequence[Word]) -> ExitStatus:
        """Read the arguments with what the plugin publishes, call, and print the results as they come."""
        objects = self._present()
        parameters = parameters_of(objects, method)
        if is_out_of_service(objects) or (parameters is not None and has_unknown_name(words, parameters)):
            self.select(self.selection)  # the plugin may have changed since it was selected
            objects = self._present()
            parameters = parameters_of(objects, method)
        given: CallArguments = bind(words, parameters, f"{objects.class_name.name}.{method}")
        self._approve(objects, method)
        results = self._call(objects, method, given.args, dict(given.kwargs))
        return self._show(objects, results, name=method)

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

        Agents that did not answer are named, and make the status: their objects are missing.
        """
        objects: ObjectsLike | None = None
        if selection.has_class:
            objects = self.console.select(
                selection.class_name,
                package=selection.package,
                hosts=selection.hosts or None,
                where=selection.filters or None,
                timeout=self.timeout,
            )
        self.selection = selection
        self.objects = objects
        if objects is None or not objects.unanswered:
            return ExitStatus.OK
        self.output.complain(
            [f"% {printable(one.host or 'a host')} did not answer: {printable(one.name)}" for one in objects.unanswered]
        )
        return ExitStatus.SOME_FAILED

    def _present(self) -> ObjectsLike:
        if self.objects is None or not len(self.objects):
            raise NoAgentsError("No objects selected")
        return self.objects

    def _approve(self, objects: ObjectsLike, method: str) -> None:
        if (risk := risk_of(objects, method)) is not None:
            self.approval(risk)

    def _call(
        self, objects: ObjectsLike, method: str, args: Sequence[object], kwargs: dict[str, object]
    ) -> Iterator[ResultLike]:
        from matahari.shell.calls import ShownCall  # its records are the console's, which a script may never need

        return ShownCall(
            objects.stream_with(method, args, kwargs, timeout=self.timeout), objects, self.output, name=method
        )

    def _show(
        self,
        objects: ObjectsLike,
        results: Iterator[ResultLike],
        *,
        name: str,
        prints_success: bool = True,
        shows_ok: bool = False,
    ) -> ExitStatus:
        """Print results as they come, then the closing count when more than one host was asked."""
        tally = Tally.of(objects)
        shown = labels(objects)
        output = self.output
        is_sent = True
        self.answers = {}
        try:
            for result in results:
                tally.add(result)
                label = shown.get(_key(result.object), printable(result.host))
                record = call_record(objects, result, name=name, debug=output.debug)
                if not result.ok:
                    output.row(failure_lines(label, result.error, debug=output.debug), record, failed=True)
                elif output.as_json or prints_success:
                    lines = [f"{label}: OK"] if shows_ok and result.value is None else value_lines(label, result.value)
                    output.row(lines, record)
                if result.ok:
                    self.answers[label] = result.value
                if result.mismatch and not output.as_json:
                    output.remark(f"{label}: warning: {printable(result.mismatch)}")
        except MatahariError:
            is_sent = False  # no host would have taken it
            raise
        finally:
            # Also after Ctrl-C: the call is cancelled, and what is in stays shown and counted.
            close = getattr(results, "close", None)
            if callable(close):
                close()
            if tally.hosts > 1 and is_sent:
                output.remark(str(tally))
        return tally.status


def _with_help_word(line: Line) -> Line:
    first = line.words[0]
    if first.text != "?" or first.is_quoted:
        return line
    return replace(line, words=(replace(first, text="help"), *line.words[1:]))


def _is_select(line: Line) -> bool:
    """Whether the line begins with ``select``, also in short."""
    first = line.words[0].text
    return len(first) > len("se") and "select".startswith(first)


def _key(found: ObjectLike) -> tuple[str, str]:
    return found.agent, found.name


def _has_output(methods: Sequence[MethodLike], name: str) -> bool:
    return any(argument.direction != "I" for method in methods if method.name == name for argument in method.arguments)

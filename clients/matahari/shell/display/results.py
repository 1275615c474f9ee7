"""How the results of a call, a read or a write are shown: as they come, or of many hosts as a summary at the end.

- Up to ``MAX_ROWS`` objects: a line for each answer when it comes, what they say in one column; failures at the end.
- More, as text: a bar on the terminal's bottom line, and at the end equal answers together, then equal failures.
- As JSON, and where a pipe takes the rows: each result is a row of its own when it comes, failures in their place.

Imported when something is called or read: the console, whose grouping this uses, is there by then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final, Protocol

from matahari.console import group_values
from matahari.errors import MatahariError
from matahari.shell.base.outcome import CutShortError, ExitStatus
from matahari.shell.base.ports import AgentLike, ObjectLike, ObjectsLike, ResultLike
from matahari.shell.base.selection import Selection
from matahari.shell.display.calls import ShownCall
from matahari.shell.display.grouped import Told, failure_entries, told_lines, value_entries
from matahari.shell.display.labels import Labels
from matahari.shell.display.output import Output
from matahari.shell.display.overtime import DIRECT_REMEDY, REMEDY, without_output
from matahari.shell.display.progress import ProgressBar
from matahari.shell.display.readings import is_complete, readings
from matahari.shell.display.render import call_record, failure_lines, printable, value_lines
from matahari.shell.display.tally import Tally, is_silent

__all__ = ["ResultsView", "Shell", "show_call", "show_property", "show_written"]

#: Objects of which each answer has a line of its own: what a person still reads.
MAX_ROWS: Final = 10


class Shell(Protocol):
    """What showing results needs of the session."""

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


class ResultsView:
    """Shows results and counts them.

    Args:
        shell: where to; its ``answers`` become the values that are in.
        objects: of which there will be one result each, and one for each missing host.
        name: the method or property, for records.
        prints_success: show values, and not failures alone.
        shows_ok: show a value of None as ``OK``.
        is_read: values of a property: records have no duration, and few objects that all answer no closing line.
        unanswered: agents that may have more of these objects, besides those that the objects and the selection tell.
        absent: hosts that have left the bus; None for those of the selected objects.

    Attributes:
        bar: how many are in; None for few objects, and with JSON that no pipe takes.
        has_shown: whether the output of a call on that object was shown, so that no failure need repeat it.
    """

    def __init__(
        self,
        shell: Shell,
        objects: ObjectsLike,
        *,
        name: str,
        prints_success: bool = True,
        shows_ok: bool = False,
        is_read: bool = False,
        unanswered: Sequence[AgentLike] = (),
        absent: Sequence[str] | None = None,
    ) -> None:
        self._objects = objects
        self._output = shell.output
        self._clock = shell.clock
        self._begun = shell.clock()
        self._answers: dict[str, object] = {}
        shell.answers = self._answers
        self._name = name
        self._prints_success = prints_success
        self._shows_ok = shows_ok
        self._is_read = is_read
        self._unit = next((one.unit for one in objects.properties if one.name == name), "") if is_read else ""
        self._labels = Labels(objects)
        silent = dict.fromkeys((*objects.unanswered, *shell.selection.undecided, *unanswered))
        self._tally = Tally.of(objects, silent, shell.absent if absent is None else absent)
        self._limit = shell.limit
        self.has_shown: Callable[[ObjectLike], bool] = lambda item: False
        is_plain = not (self._output.as_json or self._output.is_piped)
        self._is_grouped = is_plain and self._tally.expected > MAX_ROWS
        self._keeps_failures = is_plain
        # Kept to the end. Their number is that of the objects, which are kept too.
        self._values: list[tuple[int, str, object]] = []
        self._failures: list[tuple[bool, int, str, MatahariError | None]] = []
        self._warnings: list[tuple[int, str, str]] = []
        has_bar = self._tally.expected > MAX_ROWS and (self._output.is_piped or not self._output.as_json)
        self.bar = ProgressBar(self._output.status, self._tally.expected) if has_bar else None

    def show(self, results: Iterable[ResultLike], *, end: Callable[[], None] = lambda: None) -> ExitStatus:
        """Show them all, or at an exception those that are in.

        Args:
            end: is called when no more are wanted, before the summary.

        Raises:
            CutShortError: nobody reads them any more, and some are not in.
            MatahariError: from the results; where there were none, nothing is shown.
        """
        if self.bar is not None:
            self.bar.show()
        count = 0
        is_asked = True
        try:
            for result in results:
                count += 1
                self._add(result)
        except MatahariError:
            is_asked = count > 0  # else no host would have taken it
            raise
        except BrokenPipeError as error:
            is_asked = False  # nothing can be shown
            if count < self._tally.expected:
                raise CutShortError(f"ended with {count} of {self._tally.expected} answers in") from error
            raise
        finally:
            # Also after Ctrl-C: what is in stays shown and counted.
            try:
                end()
            finally:
                self._output.status.clear()
                if is_asked:
                    self._finish()
        return self._tally.status

    def leave_out(self, hosts: Collection[str]) -> None:
        """These were not asked: what they have is not silent."""
        self._tally.not_asked = sum((one.host or one.agent) in hosts for one in self._objects)

    def _add(self, result: ResultLike) -> None:
        self._tally.add(result)
        label, place = self._labels.of(result.object), self._labels.place_of(result.object)
        if result.ok:
            self._answers[label] = result.value
            self._add_value(result, label, place)
        else:
            self._add_failure(result, label, place)
        if result.mismatch:
            self._warn(result, label, place)
        if self.bar is not None:
            self.bar.add(is_ok=result.ok)

    def _add_value(self, result: ResultLike, label: str, place: int) -> None:
        value = "OK" if self._shows_ok and result.value is None else result.value
        if not self._prints_success and not self._output.as_json:
            return
        if self._is_grouped:
            self._values.append((place, label, value))
        else:
            self._output.row(value_lines(label, value, self._labels.width), self._record(result))

    def _add_failure(self, result: ResultLike, label: str, place: int) -> None:
        is_shown = self.has_shown(result.object)
        remedy = REMEDY if self._output.takes_commands else DIRECT_REMEDY
        error = without_output(
            result.error, result.object, self._name, limit=self._limit, is_shown=is_shown, remedy=remedy
        )
        if self._keeps_failures:
            self._failures.append((is_silent(error), place, label, error))
        else:
            lines = failure_lines(label, error, self._labels.width, debug=self._output.debug)
            self._output.row(lines, self._record(result), failed=True)

    def _warn(self, result: ResultLike, label: str, place: int) -> None:
        if self._is_grouped:
            self._warnings.append((place, label, result.mismatch))
        elif not self._output.as_json:
            self._output.remark(f"{label}: warning: {printable(result.mismatch)}")

    def _record(self, result: ResultLike) -> dict[str, object]:
        return call_record(self._objects, result, name=self._name, debug=self._output.debug, is_timed=not self._is_read)

    def _finish(self) -> None:
        self._tally.seconds = self._clock() - self._begun
        if self._unit and self._tally.answered and self._output.width is not None:
            self._output.remark(f"{self._name} in {printable(self._unit)}")
        if self._is_grouped:
            self._show_grouped()
        else:
            self.show_failures()
        if self._tally.all_hosts > 1 and (self._is_grouped or self._tally.silent or not self._is_read):
            self._output.remark(str(self._tally))

    def _show_grouped(self) -> None:
        noun = self._noun
        values = [(label, value) for _, label, value in sorted(self._values, key=lambda one: one[0])]
        self._show_entries([*value_entries(values, noun=noun), *self._failure_entries()])
        for group in group_values((label, text) for _, label, text in sorted(self._warnings)):
            who = group.hosts[0] if group.count == 1 else f"{group.count} {noun}"
            self._output.remark(f"{who}: warning: {printable(str(group.value))}")

    def show_failures(self) -> None:
        """Show the failures that are in and were not shown: they are of interest before the rest is in."""
        if self._is_grouped:
            self._show_entries(self._failure_entries())
        else:
            for _, _, label, error in sorted(self._failures, key=_order):
                # Kept failures are shown as text alone, which has no record.
                lines = failure_lines(label, error, self._labels.width, debug=self._output.debug)
                self._output.row(lines, {}, failed=True)
        self._failures.clear()

    def _failure_entries(self) -> list[Told]:
        entries: list[Told] = []
        for silence in (False, True):
            failures = [(one[2], one[3]) for one in sorted(self._failures, key=_order) if one[0] is silence]
            entries += failure_entries(failures, noun=self._noun, debug=self._output.debug)
        return entries

    def _show_entries(self, entries: Sequence[Told]) -> None:
        for lines, is_failure in told_lines(entries, debug=self._output.debug):
            self._output.row(lines, {}, failed=is_failure)

    @property
    def _noun(self) -> str:
        return "hosts" if self._tally.expected == self._tally.hosts else "objects"


def show_call(
    shell: Shell,
    objects: ObjectsLike,
    method: str,
    args: Sequence[object],
    kwargs: dict[str, object],
    *,
    shows_ok: bool = False,
) -> ExitStatus:
    """Call on every object, and show what it tells and gives; an interrupt ends the call."""
    view = ResultsView(shell, objects, name=method, shows_ok=shows_ok)
    call = objects.stream_with(method, args, kwargs, timeout=shell.limit)
    shown = ShownCall(call, objects, shell.output, name=method, bar=view.bar)
    view.has_shown = shown.has_shown
    return view.show(shown, end=shown.close)


def show_written(shell: Shell, objects: ObjectsLike, name: str, value: object) -> ExitStatus:
    """Write a property on every object, and show failures."""

    def written() -> Iterator[ResultLike]:
        yield from objects.set(name, value, timeout=shell.timeout)

    return ResultsView(shell, objects, name=name, prints_success=False).show(written())


def show_property(shell: Shell, objects: ObjectsLike, name: str) -> tuple[ExitStatus, ObjectsLike]:
    """Read a property of every object as of now, and show it; also gives the objects with their values of now.

    Where an object does not answer these are those that were given: they name what is missing.
    """
    current = objects

    def read() -> Iterator[ResultLike]:
        nonlocal current
        fresh = objects.refresh(timeout=shell.timeout)
        yield from readings(objects, fresh, name)
        if is_complete(objects, fresh):
            current = fresh

    status = ResultsView(shell, objects, name=name, is_read=True).show(read())
    return status, current


def _order(failure: tuple[bool, int, str, MatahariError | None]) -> tuple[bool, int]:
    """Silence behind failures, else as the objects."""
    is_silence, place, _, _ = failure
    return is_silence, place

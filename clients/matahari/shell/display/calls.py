"""A call at the shell: what it tells is shown as it comes, and Ctrl-C ends it on the hosts.

Imported when something is called: the console, whose records these are, is there by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matahari.console import Missed, Partial, Progress, Report, Result
from matahari.console import Output as OutputChunk
from matahari.shell.base.ports import CallLike, ObjectLike, ObjectsLike
from matahari.shell.display.columns import padded
from matahari.shell.display.interrupts import Interrupts
from matahari.shell.display.labels import Labels, key_of
from matahari.shell.display.output import Output
from matahari.shell.display.progress import ProgressBar
from matahari.shell.display.render import object_record, printable, value_lines
from matahari.shell.display.rows import counted

__all__ = ["ShownCall"]

MAX_LINE = 8192  # characters of a line that has no end yet; then it is shown as one


class ShownCall(Iterator[Result]):
    """Gives the results, and shows what comes before them.

    Showing is not interrupted: what has come is shown whole. At the first interrupt the call is ended where it still
    runs, and the results that this brings are given like all others; then, or at a second interrupt,
    ``KeyboardInterrupt`` is raised.

    Args:
        name: the method, for records.
        bar: is on the status line, in place of the progress of each object.
    """

    def __init__(
        self, call: CallLike, objects: ObjectsLike, output: Output, *, name: str, bar: ProgressBar | None = None
    ) -> None:
        self._call = call
        self._interrupts = Interrupts()
        self._is_interrupted = False
        self._teller = _Teller(objects, output, name, bar)
        self._output = output

    def __next__(self) -> Result:
        while True:
            try:
                self._interrupts.hold()
                with self._interrupts.waiting():
                    self._call.ready()
                told = next(self._call)
                if isinstance(told, Result):
                    self._teller.finish(told.object)
                    return told
                self._teller.tell(told)
            except StopIteration:
                if self._is_interrupted:
                    raise KeyboardInterrupt from None
                raise
            except KeyboardInterrupt:
                if self._is_interrupted:
                    raise
                self._is_interrupted = True
                # The terminal has shown ^C on whatever line the cursor was.
                self._output.remark("\n% cancelling; Ctrl-C again stops waiting for the hosts")
                self._call.cancel()

    def has_shown(self, item: ObjectLike) -> bool:
        """Whether the output of the call on this object was shown, without a gap."""
        return self._teller.has_shown(item)

    def close(self) -> None:
        """Have the call ended where it still runs; nothing more is shown."""
        try:
            self._interrupts.release()
        finally:
            self._output.status.clear()
            self._call.close()


class _Teller:
    """Shows reports: as text, each line behind its host, or as records."""

    def __init__(self, objects: ObjectsLike, output: Output, name: str, bar: ProgressBar | None) -> None:
        self._objects = objects
        self._labels = Labels(objects)
        self._output = output
        self._name = name
        self._bar = bar
        self._lines: dict[tuple[str, str], str] = {}  # the part of a line that each object has shown so far
        self._told: set[tuple[str, str]] = set()  # objects whose output was shown
        self._lossy: set[tuple[str, str]] = set()  # objects of which something was lost

    def tell(self, report: Report) -> None:
        """Show one report."""
        item = report.object
        match report:
            case Progress():
                members = {"done": report.done, "total": report.total, "text": report.text}
                self._record(item, "progress", members)
                if not self._output.as_json and self._bar is None:
                    self._output.status.show(f"{self._labels.of(item)}: {_progress(report)}")
            case OutputChunk():
                self._told.add(key_of(item))
                if not self._record(item, "output", {"chunk": report.chunk}):
                    self._show(item, report.chunk)
            case Partial():
                if not self._record(item, "partial", {"value": report.value}):
                    self._end_line(item)
                    self._output.text("\n".join(value_lines(self._labels.of(item), report.value, self._labels.width)))
            case Missed():
                self._lossy.add(key_of(item))
                if not self._record(item, "missed", {"count": report.count}):
                    self._end_line(item)
                    lost, verb = counted(report.count, "report"), "was" if report.count == 1 else "were"
                    self._output.remark(f"{self._labels.of(item)}: % {lost} of the call {verb} lost")
        self._restore_bar()

    def has_shown(self, item: ObjectLike) -> bool:
        """Whether the output of this object was shown, without a gap."""
        return key_of(item) in self._told - self._lossy

    def finish(self, item: ObjectLike) -> None:
        """The call has ended there."""
        if self._bar is None:
            self._output.status.clear()  # its progress
        self._end_line(item)

    def _restore_bar(self) -> None:
        if self._bar is not None:
            self._bar.show()

    def _record(self, item: ObjectLike, kind: str, members: Mapping[str, object]) -> bool:
        if self._output.as_json:
            self._output.row((), {**object_record(self._objects, item), "name": self._name, "report": kind, **members})
        return self._output.as_json

    def _show(self, item: ObjectLike, chunk: str) -> None:
        key = key_of(item)
        *lines, rest = (self._lines.pop(key, "") + chunk).split("\n")
        if len(rest) > MAX_LINE:
            lines.append(rest)
            rest = ""
        if rest:
            self._lines[key] = rest
        if lines:
            head = padded(f"{self._labels.of(item)}:", self._labels.width + 1)
            self._output.text("\n".join(f"{head} {printable(line.removesuffix(chr(13)))}".rstrip() for line in lines))

    def _end_line(self, item: ObjectLike) -> None:
        if self._lines.get(key_of(item)):
            self._show(item, "\n")


def _progress(report: Progress) -> str:
    """``3/10 (30 %) text`` on one line."""
    done = f"{report.done:g}"
    if report.total:
        done += f"/{report.total:g} ({100 * report.done / report.total:.0f} %)"
    return f"{done} {printable(' '.join(report.text.split()))}".rstrip()

"""Pipes: ``COMMAND | grep web | head 5``. The stages as commands of their own, and running a command into them.

A stage that cannot be is refused before the command is run. Rows go through the stages as they come.

Imported when something is piped, completed or explained behind a pipe.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from matahari.errors import MatahariError
from matahari.shell.base.outcome import CommandError, ExitStatus, first_failure
from matahari.shell.display.output import Outlet, Output, Row
from matahari.shell.pipes.stages import MAX_SUBJECT, Count, Grep, Head, Stage
from matahari.shell.syntax.commands import Command, CommandSet, UnknownCommandError
from matahari.shell.syntax.grammar import Group, Keyword, Rest, Value, missing_after
from matahari.shell.syntax.lines import Line, Word
from matahari.shell.syntax.values import Integer, close_matches

__all__ = ["STAGE_NAMES", "StageCommands", "run_piped", "stage_commands"]

DEFAULT_HEAD: Final = 10  # rows, as head(1)
MAX_HEAD: Final = 1_000_000_000  # more is a typing error

Make = Callable[[Outlet, Output], Stage]

STAGE_NAMES: Final = ("count", "csv", "file", "grep", "head", "json", "table", "yaml")

_FORMATS = ("json", "yaml", "table", "csv")


def run_piped(
    output: Output,
    line: Line,
    run: Callable[[Line], ExitStatus],
    explain: Callable[[MatahariError, Line], ExitStatus],
) -> ExitStatus:
    """Run a command into its stages.

    Args:
        line: a command with stages.
        run: runs the command.
        explain: tells about an error of the command, or of a stage, and gives its status.

    Returns:
        The command's status where that is a failure, else the first failure of a stage.

    Raises:
        KeyboardInterrupt: as it comes; the rows that are in have gone through.
    """
    stages: list[Stage] = []
    try:
        makes, wants_records = _read(line)
        outlet = output.outlet
        for make in reversed(makes):
            stages.insert(0, make(outlet, output))
            outlet = stages[0].take
    except MatahariError as error:
        with output.into(_nowhere, wants_records=False):
            return explain(error, line)
    entrance = _Entrance(outlet)
    with output.into(entrance.take, wants_records=wants_records):
        try:
            status = _run_into(entrance, stages, lambda: run(line), lambda error: explain(error, line))
        except BaseException:
            for stage in stages:
                stage.drop()  # one that has ended has nothing left
            raise
    return status


def _run_into(
    entrance: _Entrance,
    stages: Sequence[Stage],
    run: Callable[[], ExitStatus],
    explain: Callable[[MatahariError], ExitStatus],
) -> ExitStatus:
    is_refused = False
    try:
        status = run()
    except MatahariError as error:
        status = explain(error)
        is_refused = not entrance.is_used
    except KeyboardInterrupt:
        if entrance.is_used:
            for stage in stages:
                stage.end()
        raise
    if is_refused:
        for stage in stages:
            stage.drop()
        return status
    return first_failure([status, *[stage.end() for stage in stages]])


class _Entrance:
    """The beginning of a pipe; knows whether anything has come."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self.is_used = False

    def take(self, row: Row) -> None:
        self.is_used = True
        self._outlet(row)


def _nowhere(row: Row) -> None:
    """An error is no row."""


def _read(line: Line) -> tuple[list[Make], bool]:
    """What makes the stages of a line, and whether they want records of what comes before the answers.

    Raises:
        CommandError: one of them cannot be.
    """
    if not line.words:
        raise CommandError("A command is missing in front of the pipe", position=line.stages[0].pipe)
    reader = StageCommands()
    commands = CommandSet.of(reader.commands())
    for stage in line.stages:
        if reader.names[-1:] == ["file"]:
            raise CommandError("Nothing comes out of file: nothing can follow it", position=stage.pipe)
        if not stage.words:
            offered = ", ".join(commands.first_words())
            raise CommandError(f"A stage is missing behind the pipe; there are {offered}", position=stage.pipe + 2)
        try:
            command, values = commands.find(Line(line.text, stage.words, stage.words[0].start, line.end))
        except UnknownCommandError as error:
            raise _unknown(stage.words[0], commands.first_words()) from error
        command.action(values)
        reader.names.append(command.first)
    # What a running call reports is counted as it is shown, and written by formats as with --json.
    first = next((name for name in reader.names if name in (*_FORMATS, "count")), "")
    return reader.makes, first in _FORMATS


def _unknown(word: Word, names: Sequence[str]) -> CommandError:
    if close := close_matches(word.text, names):
        return CommandError(f'There is no stage "{word.text}"; did you mean {", ".join(close)}?', position=word.start)
    return CommandError(f'There is no stage "{word.text}"; there are {", ".join(names)}', position=word.start)


def stage_commands() -> CommandSet:
    """The stages, for completion and help."""
    return CommandSet.of(StageCommands().commands())


class StageCommands:
    """The stages, as commands whose actions note what makes them.

    Attributes:
        makes: of the stages that were run, in order.
        names: theirs; the caller notes them.
    """

    def __init__(self) -> None:
        self.makes: list[Make] = []
        self.names: list[str] = []

    def commands(self) -> Iterator[Command]:
        """All of them; their help is here and in the actions."""
        text = "(-i) (-v) PATTERN"
        ends = partial(_are_whole, _GREP_OPTIONS)
        pattern = Rest(text, is_required=True, complete=partial(_offered, _GREP_OPTIONS), may_end=ends)
        yield Command((Keyword("grep"), pattern), self._grep)
        yield Command((Keyword("count"),), self._count)
        rows = Value("ROWS", Integer(0, MAX_HEAD))
        yield Command((Keyword("head"), Group((rows,))), self._head)
        for name, about in _FORMAT_HELP.items():
            yield Command((Keyword(name),), partial(self._format, name), about)
        ends = partial(_are_whole, _FILE_OPTIONS)
        path = Rest("(-a) PATH", is_required=True, complete=_complete_path, may_end=ends)
        yield Command((Keyword("file"), path), self._file)

    def _grep(self, values: tuple[object, ...]) -> ExitStatus:
        """Behind a pipe: keep the lines in which the regular expression PATTERN is found.

        With -i in any case, with -v the lines in which it is not. A line of an answer with several stands behind its
        host. With --json, and behind a format, a line is a whole row. The status is 1 when nothing is left.
        """
        options, pattern = _arguments(values, _GREP_OPTIONS, "PATTERN")
        matches = _matcher(pattern, ignore_case="-i" in options)
        return self._note(partial(Grep, matches=matches, is_inverted="-v" in options))

    def _count(self, values: tuple[object, ...]) -> ExitStatus:
        """Behind a pipe: print how many rows came, instead of them."""
        return self._note(Count)

    def _head(self, values: tuple[object, ...]) -> ExitStatus:
        """Behind a pipe: keep the first rows, 10 unless another number is given. The command goes on to its end."""
        group = values[-1]
        assert isinstance(group, tuple)  # what a Group matches
        limit = DEFAULT_HEAD if group[0] is None else group[0]
        assert isinstance(limit, int)  # what Integer converts to
        return self._note(partial(Head, limit=limit))

    def _format(self, name: str, values: tuple[object, ...]) -> ExitStatus:
        from matahari.shell.pipes import formats  # not wanted for the other stages

        made = {"json": formats.Json, "yaml": formats.Yaml, "table": formats.Table, "csv": formats.Csv}
        return self._note(made[name])

    def _file(self, values: tuple[object, ...]) -> ExitStatus:
        """Behind a pipe, as the last: write the rows to the file PATH, with -a add them to it.

        The file is replaced when all rows are in; where the command fails before any it stays as it was. A new file can
        be read by its owner only. "~" at the beginning is the home directory.
        """
        from matahari.shell.pipes.filestage import File  # needs modules that nothing else does

        options, word = _arguments(values, _FILE_OPTIONS, "PATH")
        if not word.text:
            raise CommandError("A path has one character at least", position=word.start)
        path = os.path.expanduser(word.text) if word.quoted_at != 0 else word.text
        return self._note(partial(File, path=path, is_appended="-a" in options, position=word.start))

    def _note(self, make: Make) -> ExitStatus:
        self.makes.append(make)
        return ExitStatus.OK


_FORMAT_HELP = {
    "json": "Behind a pipe: write each row as one JSON object, as with --json.",
    "yaml": "Behind a pipe: write each row as a YAML document, with the keys of --json.",
    "table": """Behind a pipe: write rows as a table with a heading, when the command has ended.

Of answers it shows host, value and error. After 1000 rows it shows them as they come, in columns as wide as until then.
What a running call reports is left out.""",
    "csv": """Behind a pipe: write rows as CSV with a heading, when the command has ended; the columns are the keys of --json.

After 1000 rows it writes them as they come. What a running call reports is left out.""",
}


_GREP_OPTIONS = ("-i", "-v")
_FILE_OPTIONS = ("-a",)


def _offered(options: Sequence[str], words: Sequence[Word], fragment: str) -> list[str]:
    """Options that are not there yet, where only options are; what else is typed nobody knows."""
    if not fragment.startswith("-") or any(word.text not in options for word in words):
        return [f"{fragment} " if fragment else ""]
    taken = {word.text for word in words}
    return [f"{option} " for option in options if option not in taken and option.startswith(fragment)]


def _complete_path(words: Sequence[Word], fragment: str) -> list[str]:
    """``-a``, or files and directories."""
    from matahari.shell.pipes.paths import complete_path  # only completion needs it

    if fragment.startswith("-") or any(word.text not in _FILE_OPTIONS for word in words):
        return _offered(_FILE_OPTIONS, words, fragment)
    return complete_path(fragment)


def _are_whole(known: Sequence[str], words: Sequence[Word]) -> bool:
    try:
        _arguments(("", tuple(words)), known, "")
    except CommandError:
        return False
    return True


def _arguments(values: tuple[object, ...], known: Sequence[str], noun: str) -> tuple[set[str], Word]:
    """Options, which may be written together, and the one word behind them; a quoted word is no option."""
    name, words = values
    assert isinstance(words, tuple)  # what a Rest matches
    options: set[str] = set()
    at = 0
    while at < len(words) and not words[at].is_quoted and words[at].text.startswith("-") and len(words[at].text) > 1:
        given = {f"-{letter}" for letter in words[at].text[1:]}
        if not given <= {*known}:
            text = f"{name} knows {' and '.join(known)} only; a {noun} that begins with - needs quotes"
            raise CommandError(text, position=words[at].start)
        options |= given
        at += 1
    if at == len(words):
        raise missing_after((Value(noun),), words[-1].end + 1)
    if len(words) > at + 1:
        excess = " ".join(word.text for word in words[at + 1 :])
        text = f"Excess arguments: '{excess}'; a {noun} with blanks needs quotes"
        raise CommandError(text, position=words[at + 1].start)
    return options, words[at]


def _matcher(pattern: Word, *, ignore_case: bool) -> Callable[[str], bool]:
    from matahari.filters import MAX_PATTERN, regex_matcher  # filters take as long as the rest of a short command

    if len(pattern.text) > MAX_PATTERN:
        text = f"A regular expression has {MAX_PATTERN} characters at most"
        raise CommandError(text, position=pattern.start)
    try:
        # A row of a format may stand on several lines; "^" and "$" are those of each.
        return regex_matcher(f"(?m){pattern.text}", ignore_case=ignore_case, longest=MAX_SUBJECT)
    except ValueError as error:
        raise CommandError(f"Invalid regular expression: {error}", position=pattern.start) from error

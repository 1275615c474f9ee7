"""Random lines typed at the shell: read, written and read again; found among the commands; completed."""

from __future__ import annotations

from random import Random

from hypothesis import given

from matahari.errors import FilterSyntaxError, MatahariError
from matahari.shell.base.selection import take_snapshot
from matahari.shell.syntax.commands import CommandSet
from matahari.shell.syntax.lines import scan, split
from tests.support import random_lines as make
from tests.support.fuzzing import BATCH, TIME_LIMIT, batches, seeds
from tests.support.shell import CALC, TestShell

pytestmark = TIME_LIMIT

MODES = ("", "select host web1; select class Host", CALC)


def command_sets() -> list[CommandSet]:
    found = []
    for mode in MODES:
        shell = TestShell()
        shell.run(mode)
        found.append(shell.session.commands(take_snapshot(shell.console)))
    return found


COMMANDS = command_sets()


@batches(0.6)
@given(seeds)
def test_any_line_is_commands_that_are_written_and_read_as_the_same_or_one_kind_of_error(random: Random) -> None:
    for _ in range(BATCH):
        text = make.line(random)
        scanned = scan(text)
        try:
            lines = split(text)
        except FilterSyntaxError as error:
            assert 0 <= error.position < len(text), (text, error)
            assert scanned[-1].unfinished
            continue
        again = make.written(lines)
        assert make.plain(split(again)) == make.plain(lines), (text, again)
        assert make.written(split(again)) == again, (text, again)


@batches(0.3)
@given(seeds)
def test_any_line_is_a_command_of_the_mode_or_an_error_that_points_into_it(random: Random) -> None:
    for _ in range(BATCH):
        text = make.line(random)
        commands = random.choice(COMMANDS)
        for line in scan(text):
            if not line.words or line.unfinished:
                continue
            try:
                command, values = commands.find(line)
            except MatahariError as error:
                position = getattr(error, "position", None)
                assert position is None or 0 <= position <= len(text) + 1, (text, error)
                continue
            assert len(values) == len(command.syntax), text


@batches(0.1)
@given(seeds)
def test_any_line_is_completed_from_the_snapshot_with_what_can_be_typed(random: Random) -> None:
    for _ in range(BATCH):
        text = make.line(random)
        column, offered = random.choice(COMMANDS).complete(text)
        assert 0 <= column <= len(text), text
        assert len(offered) == len(set(offered)), (text, offered)

"""Whatever is typed at the prompt: completion, help in place and the history never fail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from matahari.shell.base.selection import Snapshot
from matahari.shell.syntax.commands import CommandSet
from matahari.shell.terminal.inline_help import help_lines, is_character
from matahari.shell.verbs.line_history import LineHistory
from tests.support.fake_classes import CORE, PLUGINS
from tests.support.shell import CALC, TestShell

NAMES = Snapshot(
    ("web1", "a b", "\x1b"), (CORE,), ((CORE, "Host"), (PLUGINS, "calc")), {"role": ("web", '"a b"'), "os.name": ()}
)
WORDS = "select,hosts,host,class,call,add,greet,show,role,in,and,|,grep,head,#,1"
PIECES = st.sampled_from([*(f"{word} " for word in WORDS.split(",")), *"=/()'\"\\[{]};?é\udcff\x1b", "x=", "=~ "])
LINES = st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join)


def commands() -> CommandSet:
    shell = TestShell()
    shell.run(CALC)
    return shell.session.commands(NAMES)


COMMANDS = commands()


@given(LINES)
def test_any_text_completes_and_is_explained(text: str) -> None:
    start, suggestions = COMMANDS.complete(text)
    assert 0 <= start <= len(text)
    assert len(set(suggestions)) == len(suggestions)
    is_character(COMMANDS, text)
    for line in help_lines(COMMANDS, text):
        assert "\n" not in line
        assert "\x1b" not in line


@given(st.lists(st.tuples(LINES, st.sampled_from(["-", "(host)", "[p:C]", "(host)[p:C]"])), max_size=20))
def test_every_line_is_offered_once_in_every_mode(lines: list[tuple[str, str]]) -> None:
    history = LineHistory()
    for text, context in lines:
        history.add(text, context)
    expected = {entry.text for entry in history.entries}
    for context in ("-", "[p:C]"):
        offered = list(history.offered(context))
        assert (len(offered), set(offered)) == (len(expected), expected)

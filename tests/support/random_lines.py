"""Random lines for the shell's parser, and a writer of what was parsed."""

from __future__ import annotations

from random import Random

from matahari.shell.syntax.lines import Line, Word

__all__ = ["line", "plain", "written"]

_WORDS = r"""
select sel host hosts class package property list show call get set clear help add greet pair identify set_uuid get_uuid
update_interval load hostname Host calc org.matahariproject explain describe reload watch time events no quit EOF ? web1
db1 nosuch 1 -1 1e999 true [1,2] {} [] x=1 x=[1] name={} and or not in has role=web /a|b/ web* 'a 'b' " "a" "\n" "\u00e9"
"\ud800" \ \; ; # | || a|b grep count head json table yaml csv file -v -i -a 10 [ ] { } [} {"a":
"""
_PIECES = (*_WORDS.split(), " ", "  ", "\t", "", "\u00a0", "\u2028", "\x1b", "\ud800", "\U0001f600")


def line(random: Random) -> str:
    """Words of the shell, signs and rubbish, with or without blanks between."""
    pieces = random.choices(_PIECES, k=random.randrange(9))
    text = random.choice((" ", " ", " ", "")).join(pieces)
    for _ in range(random.choice((0, 0, 0, 1, 2))):
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice((chr(random.randrange(0x250)), "", "|", "'", '"', ";")) + text[at + 1 :]
    return text.replace("\n", " ").replace("\r", " ")


def plain(lines: list[Line]) -> list[object]:
    """What was read, without the columns."""
    return [[_words(one.words), [_words(stage.words) for stage in one.stages]] for one in lines]


def _words(words: tuple[Word, ...]) -> list[tuple[str, int]]:
    return [(word.text, word.quoted_at) for word in words]


def written(lines: list[Line]) -> str:
    """The commands as a line in a form of its own: quotes where there were some, and one blank between words."""
    commands = []
    for one in lines:
        parts = [*map(_written, one.words)]
        for stage in one.stages:
            parts += ["|", *map(_written, stage.words)]
        commands.append(" ".join(parts))
    return " ; ".join(commands)


def _written(word: Word) -> str:
    if not word.is_quoted:
        return word.source
    quoted = word.text[word.quoted_at :].replace("\\", "\\\\").replace('"', '\\"')
    return f'{word.text[: word.quoted_at]}"{quoted}"'
